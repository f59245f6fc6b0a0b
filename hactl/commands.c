/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command table: dispatch, help, completion and the manual page's list come from it.
 */
#include "hactl.h"

/* clang-format off */
const struct hactl_command hactl_commands[] = {
	{ "status", "", "", ROLE_VIEWER, hactl_run_remote, show_status,
	  "nodes, groups, links and alarms at a glance" },
	{ "why", "GROUP", "", ROLE_VIEWER, hactl_run_remote, show_why,
	  "why the holder holds, and why each other candidate does not" },
	{ "gate", "", "", ROLE_VIEWER, hactl_run_remote, show_gate,
	  "what the kernel lets through on this node: address, interface, open until" },
	{ "switchover", "GROUP", "to drain dry-run wait why", ROLE_OPERATOR, hactl_run_remote, show_move,
	  "hand the group over to another healthy node, without an outage worth the name" },
	{ "failover", "GROUP", "force to wait why", ROLE_ADMIN, hactl_run_remote, show_move,
	  "move the group even to a node whose PBX is not healthy, or while paused" },
	{ "cancel", "GROUP", "why", ROLE_OPERATOR, hactl_run_remote, show_intent,
	  "end the move of the group that is running; what has been handed over already is not taken back" },
	{ "standby", "NODE", "wait why", ROLE_OPERATOR, hactl_run_remote, show_intent,
	  "let the node hold nothing until unstandby; survives every restart" },
	{ "unstandby", "NODE", "wait why", ROLE_OPERATOR, hactl_run_remote, show_intent,
	  "let the node hold groups again" },
	{ "pause", "", "why", ROLE_OPERATOR, hactl_run_remote, show_intent,
	  "nothing automatic happens until resume; survives every restart" },
	{ "resume", "", "why", ROLE_OPERATOR, hactl_run_remote, show_intent,
	  "end the pause" },
	{ "fence", "NODE|confirm|history [NODE]", "reason count", ROLE_ADMIN, run_fence_command, show_fence,
	  "fence NODE: shoot it, whatever it does; fence confirm NODE --reason TEXT: say that a lost node is off, having looked at it; "
	  "fence history: what was shot, with which device, and what it answered" },
	{ "history", "", "count verify state-dir", ROLE_VIEWER, run_history, show_history,
	  "what changed, when and why; --verify checks the chain of the file" },
	{ "watch", "", "", ROLE_VIEWER, run_watch, NULL,
	  "history as it happens, until interrupted, also over a restart of the agent" },
	{ "top", "", "once", ROLE_VIEWER, run_top, NULL,
	  "groups, alarms, nodes, uplinks and history on the terminal, each second anew, until q" },
	{ "check", "[GROUP]", "warning critical", ROLE_VIEWER, run_check, NULL,
	  "this node and its groups for Nagios or Icinga: one line with performance data, then each finding; exit codes 0 OK, 1 WARNING, "
	  "2 CRITICAL, 3 UNKNOWN" },
	{ "registrations", "list|diff [GROUP]", "", ROLE_VIEWER, hactl_run_remote, show_registrations,
	  "the phones that are registered, or how the nodes' copies compare" },
	{ "trunk", "GROUP TRUNK register|unregister", "", ROLE_OPERATOR, hactl_run_remote, show_trunk,
	  "at the holder: have the PBX register the trunk at its carrier now, or take that back until register or a move" },
	{ "uplink", "list|use|auto|history [UPLINK]", "count verbose", ROLE_VIEWER, hactl_run_remote, show_uplinks,
	  "this node's ways to the outside: how good each is and which one voice takes; use UPLINK: that one, whatever is measured, until "
	  "auto; history: what became of them. use and auto need the role operator" },
	{ "voters", "show|apply", "", ROLE_VIEWER, hactl_run_remote, show_voters,
	  "who votes on leases; apply brings that to what the configuration says, safely, by way of both" },
	{ "config", "check|explain|show|diff|push|import [FILE]", "corosync node id config-id state-dir dry-run install without", ROLE_NONE, run_config, NULL,
	  "check a file and corosync's beside it, explain every option and inequality, print the canonical form, compare with the installed file, "
	  "give it to all nodes, which take it if each of them would (admin), or make a file of a keepalived.conf" },
	{ "key", "generate|show", "state-dir", ROLE_NONE, run_key, NULL,
	  "make this node's identity, or print the public half for the configuration" },
	{ "replay", "FILE", "quiet", ROLE_NONE, run_replay, NULL,
	  "feed a journal to the decider again and print its decisions" },
	{ "report", "[FILE]", "config corosync state-dir", ROLE_NONE, run_report, NULL,
	  "everything about this node for somebody who was not there, in one archive (FILE, a new tar.gz), with the agent or "
	  "without it; secrets are taken out" },
	{ "completion", "bash|zsh|words [WORD...]", "", ROLE_NONE, run_completion, NULL,
	  "print the completion for a shell; words: what may follow on a command line, which the shells ask for" },
	{ "help", "[COMMAND]", "", ROLE_NONE, run_help, NULL,
	  "this list, or one command in detail" },
};
const size_t hactl_commands_count = sizeof hactl_commands / sizeof hactl_commands[0];

const struct hactl_option hactl_options[] = {
	{ "to", 0, "NODE", "to", "the node that shall take over; default: the best candidate" },
	{ "drain", 0, "[TIME]", "drain_ms",
	  "first wait until no call is up, new ones go on meanwhile; nothing moves if calls are up after TIME, default 10m" },
	{ "dry-run", 0, NULL, "dry_run", "only say what would happen" },
	{ "wait", 0, NULL, "wait", "return when it has ended, and say how" },
	{ "force", 0, NULL, "force", "yes, in spite of what may be unhealthy" },
	{ "why", 0, "TEXT", "why", "the reason, for the history" },
	{ "reason", 0, "TEXT", "reason", "how you know, for the history" },
	{ "count", 'n', "NUMBER", "count", "so many of the latest; default 50" },
	{ "warning", 'w', "LIMITS", "warning", "check: NAME=RANGE,... of what the performance data has, such as mos=3.6:,loss=2,rtt=0.02" },
	{ "critical", 'c', "LIMITS", "critical", "check: the same" },
	{ "once", 0, NULL, "once", "print one picture, of the terminal's size or of COLUMNS and LINES, and end" },
	{ "verify", 0, NULL, "verify", "check the hash chain of the history file" },
	{ "state-dir", 0, "DIR", "state_dir", "default " HACTL_STATE_DIR },
	{ "config", 0, "FILE", "config", "ringkeep's configuration; default " HACTL_CONFIG },
	{ "corosync", 0, "FILE", "corosync", "corosync's configuration; default " HACTL_COROSYNC },
	{ "node", 0, "NAME", "node", "import: this node's name; default: router_id, else the host's name" },
	{ "id", 0, "NUMBER", "id", "import: this node's id; default 1" },
	{ "config-id", 0, "NAME", "config_id", "import: what lines that begin with @NAME are for; default: the host's name" },
	{ "install", 0, NULL, "install", "push: write it on every node; what needs a restart of the agents counts after that" },
	{ "without", 0, "NODE[,NODE]", "without", "push: not to these, which are down; push again when they are back" },
	{ "quiet", 'q', NULL, "quiet", "only the result" },
	{ "verbose", 'v', NULL, "verbose", "also what is asked over each line, and what it answers" },
};
const size_t hactl_options_count = sizeof hactl_options / sizeof hactl_options[0];
/* clang-format on */
