/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Long because it is the table.
 */
#include "config_options.h"

#include "alert_events.h"
#include "config.h"
#include "emodel.h"
#include "probe_io.h"
#include "words.h"

#include <assert.h>
#include <string.h>
#include <syslog.h>

static const char *const profile_names[] = {
	[PROFILE_METAL] = "metal", [PROFILE_LAN] = "lan", [PROFILE_VM] = "vm", NULL
};
static const char *const failback_names[] = {
	[FAILBACK_MANUAL] = "manual", [FAILBACK_AUTO] = "auto", [FAILBACK_IDLE] = "idle", NULL
};
/* Numbers of syslog(3). */
static const char *const log_level_names[] = {
	[LOG_EMERG] = "emergency", [LOG_ALERT] = "alert",     [LOG_CRIT] = "critical",
	[LOG_ERR] = "error",	   [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",	   [LOG_DEBUG] = "debug",     NULL
};

static const char *const vrrp_mode_names[] = {
	[CONFIG_VRRP_ANNOUNCE] = "announce", [CONFIG_VRRP_NATIVE] = "native", NULL
};
static const char *const vrrp_checksum_names[] = {
	[CONFIG_CHECKSUM_RFC5798] = "rfc5798", [CONFIG_CHECKSUM_RFC9568] = "rfc9568", NULL
};
static const char *const virtual_mac_names[] = { [CONFIG_VIRTUAL_MAC_NO] = "no",
						 [CONFIG_VIRTUAL_MAC_BRIDGE] = "bridge",
						 [CONFIG_VIRTUAL_MAC_PRIVATE] = "private",
						 NULL };

static const char *const contact_names[] = {
	[CONFIG_CONTACT_ADDRESS] = "address", [CONFIG_CONTACT_NODE] = "node", NULL
};

static const char *const fence_kind_names[] = { [CONFIG_FENCE_POWER] = "power",
						[CONFIG_FENCE_FABRIC] = "fabric",
						[CONFIG_FENCE_WATCHDOG] = "watchdog",
						NULL };
static const char *const fence_action_names[] = {
	[FENCE_ACTION_OFF] = "off", [FENCE_ACTION_REBOOT] = "reboot", NULL
};
static const char *const fence_policy_names[] = {
	[FENCE_AFTER] = "after", [FENCE_REQUIRED] = "required", [FENCE_NEVER] = "never", NULL
};
static const char *const two_node_names[] = { [CONFIG_TWO_NODE_WITNESS] = "witness",
					      [CONFIG_TWO_NODE_FENCED] = "fenced",
					      [CONFIG_TWO_NODE_BEST_EFFORT] = "best-effort",
					      NULL };

static const char *const family_names[] = { [CONFIG_IPV4] = "ipv4", [CONFIG_IPV6] = "ipv6", NULL };
static const char *const probe_kind_names[] = {
	[PROBE_KIND_ICMP] = "icmp",	  [PROBE_KIND_TCP] = "tcp",   [PROBE_KIND_DNS] = "dns",
	[PROBE_KIND_HTTP] = "http",	  [PROBE_KIND_STUN] = "stun", [PROBE_KIND_SIP] = "sip",
	[PROBE_KIND_SIP_TCP] = "sip-tcp", [PROBE_KINDS_COUNT] = NULL
};
static const char *const codec_names[] = {
	[EMODEL_G711] = "g711",	    [EMODEL_G711_PLC] = "g711-plc", [EMODEL_G729A] = "g729a",
	[EMODEL_G723_1] = "g723.1", [EMODEL_GSM_EFR] = "gsm-efr",   [EMODEL_CODECS_COUNT] = NULL
};
static const char *const uplink_failback_names[] = { [CONFIG_UPLINK_MANUAL] = "manual",
						     [CONFIG_UPLINK_IDLE] = "idle",
						     [CONFIG_UPLINK_DELAY] = "delay",
						     [CONFIG_UPLINK_WINDOW] = "window",
						     NULL };
static const char *const live_calls_names[] = {
	[CONFIG_CALLS_REINVITE] = "reinvite", [CONFIG_CALLS_LEAVE] = "leave", NULL
};
static const char *const alert_type_names[] = { [CONFIG_ALERT_EXEC] = "exec",
						[CONFIG_ALERT_WEBHOOK] = "webhook",
						[CONFIG_ALERT_ALERTMANAGER] = "alertmanager",
						[CONFIG_ALERT_MAIL] = "mail",
						[CONFIG_ALERT_SYSLOG] = "syslog",
						NULL };

#define AT(type, member) .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define LIST(type, member)                                                                      \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member[0]), \
	.count_offset = offsetof(struct type, member##_count)

/* clang-format off */
const struct config_option config_options[] = {
	{ "", "cluster", OPTION_NAME, 1, 31, NULL, NULL, AT(config, cluster), 0, OPTION_REQUIRED,
	  "name of the cluster; pulses and heartbeats of another name are refused" },
	{ "", "profile", OPTION_ENUM, 0, 0, "lan", profile_names, AT(config, timing.profile), 0, 0,
	  "timing: metal (pulse 25ms, lease 200ms), lan (100ms, 800ms) or vm (250ms, 2500ms)" },
	{ "", "pulse-interval", OPTION_MSEC, 5, 10000, NULL, NULL, AT(config, timing.pulse_ms), 0, OPTION_COMPUTED,
	  "time between two pulses to the same node; default from the profile" },
	{ "", "lease", OPTION_MSEC, 30, 25000, NULL, NULL, AT(config, timing.lease_ms), 0, OPTION_COMPUTED,
	  "how long a holder may speak after its last confirmed request; default from the profile" },
	{ "", "lease-max", OPTION_MSEC, 30, 25000, NULL, NULL, AT(config, timing.lease_max_ms), 0, OPTION_COMPUTED,
	  "longest lease that a voter grants; a voter that lost its memory is mute for this and its guard. "
	  "Default 2500ms, or the lease if that is longer. Raise it on all nodes before the lease" },
	{ "", "guard", OPTION_MSEC, 1, 60000, NULL, NULL, AT(config, timing.guard_ms), 0, OPTION_COMPUTED,
	  "how much longer than the lease a voter keeps its promise; default: the least that the clock errors allow" },
	{ "", "round-trip", OPTION_MSEC, 1, 5000, NULL, NULL, AT(config, timing.rtt_ms), 0, OPTION_COMPUTED,
	  "bound of a round trip between two agents; default a fifth of the pulse interval. "
	  "Only retries depend on it, never safety" },
	{ "", "clock-error", OPTION_PPM, 0, 300000, "10%", NULL, AT(config, timing.clock_error_ppm), 0, 0,
	  "worst rate error of the clock that a holder's gate reads, slewing by NTP included (chrony may slew 8.3%)" },
	{ "", "voter-clock-error", OPTION_PPM, 0, 300000, "2%", NULL, AT(config, timing.voter_error_ppm), 0, 0,
	  "worst rate error of a voter's raw clock, which nothing slews" },
	{ "", "pulse-port", OPTION_NUMBER, 1, 65535, "5707", NULL, AT(config, pulse_port), 0, 0,
	  "UDP port of the pulses, on every link address" },
	{ "", "facts-timeout", OPTION_MSEC, 1000, 600000, "5s", NULL, AT(config, facts_timeout_ms), 0, 0,
	  "a node whose heartbeats are older than this is unreachable as a candidate" },
	{ "", "operation-timeout", OPTION_MSEC, 1000, 600000, "30s", NULL, AT(config, operation_timeout_ms), 0, 0,
	  "a switchover or failover that takes longer has failed" },
	{ "", "realtime-priority", OPTION_NUMBER, 0, 90, "20", NULL, AT(config, realtime_priority), 0, 0,
	  "SCHED_RR priority of the agent, where allowed; 0 for none" },
	{ "", "lock-memory", OPTION_BOOL, 0, 0, "yes", NULL, AT(config, lock_memory), 0, 0,
	  "keep the agent in memory, where allowed" },
	{ "", "log-level", OPTION_ENUM, 0, 0, "info", log_level_names, AT(config, log_level), 0, OPTION_RELOAD,
	  "least important lines to log" },
	{ "", "history-size", OPTION_NUMBER, 64, 1048576, "4096", NULL, AT(config, history_kib), 0, 0,
	  "size of the history file in KiB before it is rotated (one older file is kept)" },
	{ "", "journal-size", OPTION_NUMBER, 1024, 1048576, "16384", NULL, AT(config, journal_kib), 0, 0,
	  "size of each of the two journal files in KiB" },
	{ "", "two-node", OPTION_ENUM, 0, 0, "witness", two_node_names, AT(config, two_node), 0, 0,
	  "two nodes and no third voter: witness (nobody takes over when one dies: add a witness), fenced (the survivor may, "
	  "after it has proof that the other is off) or best-effort (the survivor may, if a gateway answers and nobody speaks for the "
	  "addresses: two holders are possible)" },
	{ "", "gateway-interval", OPTION_MSEC, 50, 10000, "250ms", NULL, AT(config, gateway_interval_ms), 0, 0,
	  "two-node = best-effort: time between two questions to each gateway, and for the addresses while the other node is silent" },
	{ "", "gateway-timeout", OPTION_MSEC, 100, 60000, "1500ms", NULL, AT(config, gateway_timeout_ms), 0, 0,
	  "two-node = best-effort: a gateway counts as reached for so long after a question that it answered" },
	{ "", "fence-timeout", OPTION_MSEC, 1000, 3600000, "3m", NULL, AT(config, fence_timeout_ms), 0, 0,
	  "a fencing of one node, all its levels and retries, that takes longer has failed" },

	{ "fence-device", "kind", OPTION_ENUM, 0, 0, "power", fence_kind_names, AT(config_fence_device, kind), 0, 0,
	  "power; fabric (cuts the node off from network or storage and leaves it running); or watchdog (no agent: the "
	  "target's own armed hardware watchdog)" },
	{ "fence-device", "agent", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_fence_device, agent), 0, 0,
	  "fence agent: a name such as fence_ipmilan, which is looked for in /usr/sbin, or a path" },
	{ "fence-device", "parameters", OPTION_STRINGS, 0, CONFIG_PARAMETERS_MAX, NULL, NULL,
	  LIST(config_fence_device, parameters), 0,
	  "what the agent is told, as \"name=value\"; its man page and `hactl config check` know the names. The action, the plug "
	  "and the password come from elsewhere" },
	{ "fence-device", "password-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL,
	  AT(config_fence_device, password_file), 0, 0,
	  "file whose only line is the password, its owner's alone (mode 0600); read at every call" },
	{ "fence-device", "password-parameter", OPTION_NAME, 0, 0, "password", NULL,
	  AT(config_fence_device, password_parameter), 0, 0,
	  "the agent's name for it; community for SNMP" },
	{ "fence-device", "off-timeout", OPTION_MSEC, 100, 600000, "30s", NULL, AT(config_fence_device, off_timeout_ms), 0, 0,
	  "an off, on or reboot that takes longer is killed, with all that it started; longer than the agent's own "
	  "power_timeout, or the agent never gets to say what was wrong" },
	{ "fence-device", "status-timeout", OPTION_MSEC, 100, 600000, "10s", NULL, AT(config_fence_device, status_timeout_ms), 0, 0,
	  "the same for a status" },
	{ "fence-device", "monitor-timeout", OPTION_MSEC, 100, 600000, "20s", NULL, AT(config_fence_device, monitor_timeout_ms), 0, 0,
	  "the same for a status that is only asked to see if the device works" },
	{ "fence-device", "monitor-interval", OPTION_MSEC, 5000, 3600000, "1m", NULL, AT(config_fence_device, monitor_interval_ms), 0, 0,
	  "time between two such questions for each node: a device that never said \"on\" of a node that lives is not believed when "
	  "it says \"off\"" },
	{ "fence-device", "retries", OPTION_NUMBER, 0, 10, "1", NULL, AT(config_fence_device, retries), 0, 0,
	  "how often a failed call is tried again, all within its timeout" },

	{ "target", "plug", OPTION_STRING, 1, CONFIG_PLUG_MAX - 1, NULL, NULL, AT(config_fence_target, plug), 0, 0,
	  "the device's name for this node: outlet, slot, virtual machine. None: the device "
	  "belongs to the node, as a BMC does" },

	{ "node", "id", OPTION_NUMBER, 1, NODE_ID_MAX, NULL, NULL, AT(config_node, id), 0, OPTION_REQUIRED,
	  "number of the node, never to be used for another one; on a corosync node its nodeid" },
	{ "node", "witness", OPTION_BOOL, 0, 0, "no", NULL, AT(config_node, witness), 0, 0,
	  "the node only votes: no corosync, no PBX, no addresses" },
	{ "node", "public-key", OPTION_STRING, 1, CONFIG_PUBLIC_KEY_MAX - 1, NULL, NULL,
	  AT(config_node, public_key), 0, OPTION_REQUIRED,
	  "what `hactl key show` prints on that node; a node finds itself by it" },
	{ "node", "fence-action", OPTION_ENUM, 0, 0, "off", fence_action_names, AT(config_node, fence_action), 0, 0,
	  "off (it stays off until somebody has looked at it) or reboot (off, proof of it, on)" },
	{ "node", "fence-delay", OPTION_MSEC, 0, 600000, "0ms", NULL, AT(config_node, fence_delay_ms), 0, 0,
	  "wait before this node is shot; 0ms: computed where two nodes could shoot each other" },

	{ "fence-level", "devices", OPTION_NAMES, 1, FENCE_LEVEL_DEVICES_MAX, NULL, NULL, LIST(config_fence_level, devices),
	  OPTION_REQUIRED, "fence devices that all have to say off, for example both supplies of a node with two" },

	{ "link", "address", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_link, address), 0, OPTION_REQUIRED,
	  "the node's own address on this link; the same link name on two nodes is one network" },

	{ "group", "addresses", OPTION_ADDRESSES, 1, CONFIG_ADDRESSES_MAX, NULL, NULL,
	  LIST(config_group, addresses), OPTION_REQUIRED | OPTION_RELOAD,
	  "virtual addresses, IPv4 and IPv6, without a prefix length" },
	{ "group", "device", OPTION_NAME, 1, 15, NULL, NULL, AT(config_group, device), 0, OPTION_REQUIRED | OPTION_RELOAD,
	  "network interface of the addresses, of the same name on all candidates" },
	{ "group", "candidates", OPTION_NAMES, 1, RK_NODES_MAX, NULL, NULL, LIST(config_group, candidates_names),
	  OPTION_REQUIRED | OPTION_RELOAD, "nodes that may hold the group, best first" },
	{ "group", "failback", OPTION_ENUM, 0, 0, "manual", failback_names, AT(config_group, failback), 0, OPTION_RELOAD,
	  "when a better candidate comes back: manual (stay), auto (move), idle (move when no call is up)" },
	{ "group", "failback-after", OPTION_MSEC, 0, 86400000, "5m", NULL, AT(config_group, failback_after_ms), 0,
	  OPTION_RELOAD, "how long the better candidate must have been healthy before that" },
	{ "group", "damping-penalty", OPTION_NUMBER, 0, 1000000, "1000", NULL, AT(config_group, damping_penalty), 0,
	  OPTION_RELOAD, "penalty of a candidate for each failure (flap damping, RFC 2439); 0 for no damping" },
	{ "group", "damping-suppress", OPTION_NUMBER, 1, 10000000, "3000", NULL, AT(config_group, damping_suppress), 0,
	  OPTION_RELOAD, "above this penalty a candidate is not chosen while there is another" },
	{ "group", "damping-reuse", OPTION_NUMBER, 1, 10000000, "1000", NULL, AT(config_group, damping_reuse), 0,
	  OPTION_RELOAD, "below this penalty it may be chosen again" },
	{ "group", "damping-max", OPTION_NUMBER, 1, 10000000, "6000", NULL, AT(config_group, damping_max), 0,
	  OPTION_RELOAD, "the penalty never grows above this" },
	{ "group", "damping-half-life", OPTION_MSEC, 1000, 86400000, "1m", NULL, AT(config_group, damping_half_life_ms),
	  0, OPTION_RELOAD, "time in which the penalty halves" },

	{ "group", "gateways", OPTION_ADDRESSES, 0, CONFIG_GATEWAYS_MAX, NULL, NULL, LIST(config_group, gateways), 0,
	  "two-node = best-effort: routers on the network of `device`, that answer ARP or neighbour solicitation as long as this "
	  "node can be reached by its phones; not the other node" },
	{ "group", "gateways-needed", OPTION_NUMBER, 1, CONFIG_GATEWAYS_MAX, "1", NULL, AT(config_group, gateways_needed), 0, 0,
	  "so many of them have to answer" },
	{ "group", "fence", OPTION_ENUM, 0, 0, "after", fence_policy_names, AT(config_group, fence), 0, 0,
	  "power fencing of a lost holder: after (the lease decides, the shot cleans up), required (no takeover without proof that "
	  "it is off, for shared storage) or never" },

	{ "pbx", "adapter", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_pbx, adapter), 0,
	  OPTION_REQUIRED, "asterisk, freeswitch (experimental), kamailio, sip (health by SIP OPTIONS only) or exec:/PATH of an "
	  "adapter of your own" },
	{ "pbx", "pid-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_pbx, pid_file), 0, 0,
	  "the PBX's PID file: its death is seen at once. None: by SIP OPTIONS only" },
	{ "pbx", "options-interval", OPTION_MSEC, 50, 60000, "500ms", NULL, AT(config_pbx, options_interval_ms), 0, 0,
	  "time between two SIP OPTIONS to the PBX at the virtual address, over loopback" },
	{ "pbx", "options-failures", OPTION_NUMBER, 1, 100, "3", NULL, AT(config_pbx, options_failures), 0, 0,
	  "unanswered SIP OPTIONS in a row that make the PBX sick" },
	{ "pbx", "unseen-calls", OPTION_MSEC, 0, 604800000, "30m", NULL, AT(config_pbx, unseen_calls_ms), 0, OPTION_RELOAD,
	  "calls that came with a move go on, but this node's PBX neither counts them nor sees their end: --drain and "
	  "failback = idle wait for so long; 0 for not at all. Not with asterisk and freeswitch, whose calls do not move, and sip, which counts none" },

	{ "setting", "value", OPTION_STRING, 0, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_setting, value), 0,
	  OPTION_REQUIRED, "value that is given to the adapter under the section's title" },

	{ "vrrp", "mode", OPTION_ENUM, 0, 0, "announce", vrrp_mode_names, AT(config_vrrp, mode), 0, 0,
	  "announce: the lease decides and VRRP tells the network; native: VRRP decides, without lease and corosync, "
	  "which means two holders when the network between the routers is split" },
	{ "vrrp", "vrid", OPTION_NUMBER, 1, 255, NULL, NULL, AT(config_vrrp, vrid), 0, OPTION_REQUIRED,
	  "virtual router identifier, not used by anybody else on the device's network" },
	{ "vrrp", "version", OPTION_NUMBER, 2, 3, "3", NULL, AT(config_vrrp, version), 0, 0,
	  "3 (RFC 9568), or 2 (RFC 3768: IPv4 only, whole seconds)" },
	{ "vrrp", "advert-interval", OPTION_MSEC, 10, 255000, "1s", NULL, AT(config_vrrp, advert_ms), 0, OPTION_RELOAD,
	  "time between two advertisements; the same on all routers" },
	{ "vrrp", "priorities", OPTION_PRIORITIES, 0, RK_NODES_MAX, NULL, NULL, LIST(config_vrrp, priorities),
	  OPTION_RELOAD, "one for each candidate, in their order; 255 is the owner of the address. "
	  "Default 200, 190, 180, ..." },
	{ "vrrp", "preempt", OPTION_BOOL, 0, 0, "yes", NULL, AT(config_vrrp, preempt), 0, OPTION_RELOAD,
	  "native: take over from a router with a lower priority" },
	{ "vrrp", "preempt-delay", OPTION_MSEC, 0, 86400000, "0ms", NULL, AT(config_vrrp, preempt_delay_ms), 0,
	  OPTION_RELOAD, "native: but not before it has been heard for so long" },
	{ "vrrp", "checksum", OPTION_ENUM, 0, 0, "rfc5798", vrrp_checksum_names, AT(config_vrrp, checksum), 0,
	  OPTION_RELOAD, "of version 3 over IPv4: rfc5798 covers a pseudo-header, as keepalived and FRR want it by default; "
	  "rfc9568 does not, as Cisco and Juniper do. Both are accepted" },
	{ "vrrp", "dscp", OPTION_NUMBER, 0, 63, "48", NULL, AT(config_vrrp, dscp), 0, OPTION_RELOAD,
	  "DSCP of advertisements; 48 is CS6, network control" },
	{ "vrrp", "virtual-mac", OPTION_ENUM, 0, 0, "no", virtual_mac_names, AT(config_vrrp, virtual_mac), 0, 0,
	  "put the addresses on a macvlan with the virtual router's MAC (00:00:5e:00:01:VRID), so that no phone has to "
	  "learn another one: in bridge or private mode" },
	{ "vrrp", "unicast-peers", OPTION_ADDRESSES, 0, CONFIG_VRRP_PEERS_MAX, NULL, NULL,
	  LIST(config_vrrp, unicast_peers), OPTION_RELOAD,
	  "addresses of all routers, where multicast does not pass; a node leaves its own out by itself" },
	{ "vrrp", "source-addresses", OPTION_ADDRESSES, 0, CONFIG_VRRP_PEERS_MAX, NULL, NULL,
	  LIST(config_vrrp, source_addresses), OPTION_RELOAD,
	  "addresses to advertise from, of all nodes: each uses the one that is on its device. Default: the device's first" },
	{ "vrrp", "sync-group", OPTION_NAME, 0, 0, NULL, NULL, AT(config_vrrp, sync_group), 0, 0,
	  "native: groups of the same name have one fate" },
	{ "vrrp", "track-interfaces", OPTION_NAMES, 0, CONFIG_TRACKED_MAX, NULL, NULL,
	  LIST(config_vrrp, track_interfaces), OPTION_RELOAD, "native: interfaces whose link matters, beside the device itself" },
	{ "vrrp", "interface-weight", OPTION_NUMBER, 0, 255, "255", NULL, AT(config_vrrp, interface_weight), 0,
	  OPTION_RELOAD, "native: taken off the priority for each of them that is down; 255: this node leaves the election" },
	{ "vrrp", "pbx-weight", OPTION_NUMBER, 0, 255, "255", NULL, AT(config_vrrp, pbx_weight), 0, OPTION_RELOAD,
	  "native: taken off the priority while the PBX is not healthy; 255: this node leaves the election; 0: ignored" },
	{ "vrrp", "uplink-weight", OPTION_NUMBER, 0, 255, "0", NULL, AT(config_vrrp, uplink_weight), 0, OPTION_RELOAD,
	  "native: taken off the priority while the uplinks are bad; 255: this node leaves the election; 0: ignored" },

	{ "trunk", "registration", OPTION_STRING, 1, CONFIG_REG_NAME_MAX - 1, NULL, NULL,
	  AT(config_trunk, registration), 0, 0,
	  "the PBX's own name of its registration at the carrier: chan_pjsip's type=registration section, the l_uuid of "
	  "Kamailio's uac, FreeSWITCH's gateway. None: the carrier knows the address (IP-authenticated)" },
	{ "trunk", "peers", OPTION_PREFIXES, 1, CONFIG_PEERS_MAX, NULL, NULL, LIST(config_trunk, peers),
	  OPTION_REQUIRED | OPTION_RELOAD,
	  "all addresses of the carrier, alone or as networks: UDP, TCP and SCTP to them leave a node only while a group that "
	  "names them is open on it" },
	{ "trunk", "contact", OPTION_ENUM, 0, 0, "address", contact_names, AT(config_trunk, contact), 0, OPTION_RELOAD,
	  "what the carrier knows: address, the group's, so that the new holder's registration replaces the old one; or node, "
	  "the node's own, so that it is unregistered before a planned hand-over" },
	{ "trunk", "carrier", OPTION_NAME, 0, 0, NULL, NULL, AT(config_trunk, carrier), 0, OPTION_RELOAD,
	  "trunks of the same carrier, in all groups, share its rate. Default: the trunk's own name" },
	{ "trunk", "rate", OPTION_NUMBER, 1, 1000, "5", NULL, AT(config_trunk, rate), 0, OPTION_RELOAD,
	  "registrations per second that are started at this carrier" },
	{ "trunk", "burst", OPTION_NUMBER, 1, 1000, "10", NULL, AT(config_trunk, burst), 0, OPTION_RELOAD,
	  "of them at once after a pause" },

	{ "watchdog", "device", OPTION_STRING, 1, CONFIG_WATCHDOG_MAX - 1, "/dev/watchdog", NULL,
	  AT(config_watchdog, device), 0, 0,
	  "the device, the same on every node; one program alone can have it" },
	{ "watchdog", "timeout", OPTION_MSEC, 2000, 300000, "10s", NULL, AT(config_watchdog, timeout_ms), 0, 0,
	  "the machine is reset so long after the agent's last round. A device that makes less than half or more than "
	  "one and a half of it is refused" },
	{ "watchdog", "required", OPTION_BOOL, 0, 0, "no", NULL, AT(config_watchdog, required), 0, 0,
	  "without an armed watchdog this node holds no group; otherwise that is only an alarm" },
	{ "watchdog", "quorum", OPTION_BOOL, 0, 0, "no", NULL, AT(config_watchdog, quorum), 0, 0,
	  "also reset a node that has lost corosync's quorum, or corosync, so that others may count on it (from three PBX "
	  "nodes on)" },

	{ "uplink", "isp", OPTION_NAME, 0, 0, NULL, NULL, AT(config_uplink, isp), 0, 0,
	  "whose line it is: uplinks of one ISP share its failures, on all nodes and in both families. Default: the uplink's own name" },
	{ "uplink", "family", OPTION_ENUM, 0, 0, "ipv4", family_names, AT(config_uplink, family), 0, 0,
	  "IPv4 and IPv6 of one ISP are two uplinks" },
	{ "uplink", "device", OPTION_NAME, 0, 0, NULL, NULL, AT(config_uplink, device), 0, 0,
	  "network interface towards the ISP; where nodes differ, their `line` says it" },
	{ "uplink", "gateway", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_uplink, gateway), 0, 0,
	  "the ISP's router. None: it is learned from the default route over the device (DHCP, PPP, router advertisements)" },
	{ "uplink", "public-address", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_uplink, public_address), 0, OPTION_RELOAD,
	  "the address by which the world sees it. None: a stun probe tells, else it is the device's own" },
	{ "uplink", "table", OPTION_NUMBER, 1, 4294967295, NULL, NULL, AT(config_uplink, table), 0, OPTION_COMPUTED,
	  "number of its routing table, used by nobody else. Default: from 101 on, in the order of the names" },
	{ "uplink", "mark", OPTION_BITS, 1, 4294967295, NULL, NULL, AT(config_uplink, mark), 0, OPTION_COMPUTED,
	  "mark of its packets and flows, within the voice section's mark-mask. Default: 1, 2, ... in the mask's lowest bits, in the order "
	  "of the names" },
	{ "uplink", "preference", OPTION_NUMBER, 0, 255, "100", NULL, AT(config_uplink, preference), 0, OPTION_RELOAD,
	  "among uplinks of the same class the one with the lowest is used" },
	{ "uplink", "cost", OPTION_NUMBER, 0, 1000000, "0", NULL, AT(config_uplink, cost), 0, OPTION_RELOAD,
	  "if preference and metered are the same: the lowest is used" },
	{ "uplink", "metered", OPTION_BOOL, 0, 0, "no", NULL, AT(config_uplink, metered), 0, 0,
	  "traffic costs money: probed slowly unless it is in use because the others are dead, and used after others of its preference" },

	{ "line", "device", OPTION_NAME, 0, 0, NULL, NULL, AT(config_line, device), 0, 0,
	  "network interface of the uplink on this node. Default: the uplink's" },
	{ "line", "gateway", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_line, gateway), 0, 0,
	  "the ISP's router for this node. Default: the uplink's" },
	{ "line", "public-address", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_line, public_address), 0, OPTION_RELOAD,
	  "the address by which the world sees this node over the uplink. Default: the uplink's" },

	{ "probe", "kind", OPTION_ENUM, 0, 0, "icmp", probe_kind_names, AT(config_probe, kind), 0, 0,
	  "what is asked: an echo, a TCP connection, a DNS query, an HTTP GET, a STUN binding (tells the public address, too), or SIP "
	  "OPTIONS over UDP or TCP" },
	{ "probe", "address", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_probe, address), 0, OPTION_REQUIRED,
	  "who is asked, over every uplink of the address's family: something far away that should always answer, and no name, since names "
	  "would be looked up over whatever uplink works" },
	{ "probe", "port", OPTION_NUMBER, 1, 65535, NULL, NULL, AT(config_probe, port), 0, OPTION_COMPUTED,
	  "its port. Default: dns 53, http 80, stun 3478, sip 5060; tcp has none" },
	{ "probe", "host", OPTION_STRING, 1, CONFIG_HOST_MAX - 1, NULL, NULL, AT(config_probe, host), 0, 0,
	  "dns: the name to ask for, A or AAAA by the address's family; http: the Host" },
	{ "probe", "path", OPTION_STRING, 1, CONFIG_PROBE_PATH_MAX - 1, NULL, NULL, AT(config_probe, path), 0, 0,
	  "http: what to get, default /" },
	{ "probe", "status", OPTION_NUMBER, 100, 599, NULL, NULL, AT(config_probe, status), 0, 0,
	  "http: the status that is expected, such as 204; default any 2xx. A portal that asks for a login answers with another" },
	{ "probe", "operator", OPTION_NAME, 0, 0, NULL, NULL, AT(config_probe, operator), 0, 0,
	  "who runs the target: two targets of one operator are one witness. Default: the probe's own name" },

	{ "voice", "to", OPTION_PREFIXES, 0, CONFIG_VOICE_TO_MAX, NULL, NULL, LIST(config_voice, to), 0,
	  "where voice goes: what leaves for these takes the chosen uplink. Default: the peers of all trunks. 0.0.0.0/0 and ::/0 are "
	  "everything without a route of its own" },
	{ "voice", "table", OPTION_NUMBER, 1, 4294967295, "100", NULL, AT(config_voice, table), 0, 0,
	  "number of the routing table of voice, used by nobody else" },
	{ "voice", "nexthop", OPTION_NUMBER, 1, 4294967294, "1000", NULL, AT(config_voice, nexthop), 0, 0,
	  "number of voice's nexthop for IPv4, used by nobody else; IPv6 has the next one" },
	{ "voice", "rule-priority", OPTION_NUMBER, 1, 32266, "1000", NULL, AT(config_voice, rule_priority), 0, 0,
	  "the routing rules have priorities from this to 499 more" },
	{ "voice", "mark-mask", OPTION_BITS, 1, 4294967295, "0xff00", NULL, AT(config_voice, mark_mask), 0, 0,
	  "bits of packet and connection marks that are ringkeep's" },
	{ "voice", "mark-flows", OPTION_BOOL, 0, 0, "yes", NULL, AT(config_voice, mark_flows), 0, 0,
	  "keep the nftables rules that mark a flow at its start with its uplink; no: your ruleset does, or nothing can be flushed" },
	{ "voice", "quorum", OPTION_NUMBER, 1, CONFIG_PROBES_MAX, NULL, NULL, AT(config_voice, quorum), 0,
	  OPTION_COMPUTED | OPTION_RELOAD,
	  "operators whose targets have to answer over an uplink. Default: 2 where each family has three, else 1" },
	{ "voice", "interval", OPTION_MSEC, 20, 60000, "200ms", NULL, AT(config_voice, interval_ms), 0, OPTION_RELOAD,
	  "time between two probes to a target over the uplink in use, 12% more or less" },
	{ "voice", "slow-interval", OPTION_MSEC, 20, 600000, "1s", NULL, AT(config_voice, slow_interval_ms), 0, OPTION_RELOAD,
	  "the same over the others, and over metered ones" },
	{ "voice", "timeout", OPTION_MSEC, 50, 2000, "300ms", NULL, AT(config_voice, timeout_ms), 0, OPTION_RELOAD,
	  "a probe is lost after this at the earliest; longer round trips raise it, up to 2s" },
	{ "voice", "fall", OPTION_NUMBER, 2, 100, "5", NULL, AT(config_voice, fall), 0, OPTION_RELOAD,
	  "probes lost in a row until a target is down; they span a second at least" },
	{ "voice", "rise", OPTION_NUMBER, 1, 200, "25", NULL, AT(config_voice, rise), 0, OPTION_RELOAD,
	  "answers in a row until it is up again" },
	{ "voice", "codec", OPTION_ENUM, 0, 0, "g711-plc", codec_names, AT(config_voice, codec), 0, OPTION_RELOAD,
	  "the codec whose quality is estimated (ITU-T G.107): g711 without or with packet loss concealment, and others" },
	{ "voice", "mos-good", OPTION_MILLI, 1000, 4500, "3.9", NULL, AT(config_voice, mos_good_milli), 0, OPTION_RELOAD,
	  "an uplink is good from this MOS on, until it is 0.2 below" },
	{ "voice", "mos-degraded", OPTION_MILLI, 1000, 4500, "3.3", NULL, AT(config_voice, mos_degraded_milli), 0, OPTION_RELOAD,
	  "and degraded from this one on; bad below" },
	{ "voice", "failback", OPTION_ENUM, 0, 0, "idle", uplink_failback_names, AT(config_voice, failback), 0, OPTION_RELOAD,
	  "back to the preferred uplink: manual (hactl uplink use), idle (when no call is up), delay (so, or after failback-wait with "
	  "calls) or window (so, within failback-window)" },
	{ "voice", "failback-after", OPTION_MSEC, 0, 86400000, "5m", NULL, AT(config_voice, failback_after_ms), 0, OPTION_RELOAD,
	  "so long it must have been fit before; twice as long each time that going back was a mistake" },
	{ "voice", "failback-wait", OPTION_MSEC, 0, 604800000, "4h", NULL, AT(config_voice, failback_wait_ms), 0, OPTION_RELOAD,
	  "delay and window: so long calls keep it from going back" },
	{ "voice", "failback-window", OPTION_STRING, 1, CONFIG_WINDOW_MAX - 1, NULL, NULL, AT(config_voice, failback_window), 0,
	  OPTION_RELOAD, "time of day, such as 02:00-05:00 or 22:00-04:30, by the node's local time" },
	{ "voice", "confirm", OPTION_MSEC, 0, 3600000, "10s", NULL, AT(config_voice, confirm_ms), 0, OPTION_RELOAD,
	  "so long an uplink is degraded before live calls are disturbed for it" },
	{ "voice", "hold", OPTION_MSEC, 1000, 3600000, "3s", NULL, AT(config_voice, hold_ms), 0, OPTION_RELOAD,
	  "least time between two switches" },
	{ "voice", "drain", OPTION_BOOL, 0, 0, "yes", NULL, AT(config_voice, drain), 0, OPTION_RELOAD,
	  "leave live calls on a degraded uplink until they end, where every PBX has a transport for each uplink" },
	{ "voice", "calls", OPTION_ENUM, 0, 0, "reinvite", live_calls_names, AT(config_voice, calls), 0, OPTION_RELOAD,
	  "live calls after a switch: reinvite (the PBX tells the other side its new address, where it can) or leave" },
	{ "voice", "hook", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_voice, hook), 0, OPTION_RELOAD,
	  "program that is run after each switch, as ringkeep.conf(5), Uplinks, says" },
	{ "voice", "hook-timeout", OPTION_MSEC, 100, 600000, "10s", NULL, AT(config_voice, hook_timeout_ms), 0, OPTION_RELOAD,
	  "it is killed after this, with all that it started" },
	{ "voice", "settle", OPTION_MSEC, 0, 600000, "3s", NULL, AT(config_voice, settle_ms), 0, OPTION_RELOAD,
	  "a group moves for the uplinks' sake no sooner than this after a change of their class" },
	{ "voice", "together", OPTION_MSEC, 0, 600000, "3s", NULL, AT(config_voice, together_ms), 0, OPTION_RELOAD,
	  "changes on two nodes within this are one cause, which moves nothing" },

	{ "publish", "host", OPTION_STRING, 1, CONFIG_HOST_MAX - 1, NULL, NULL, AT(config_publish, host), 0,
	  OPTION_REQUIRED | OPTION_RELOAD, "name in DNS whose A and AAAA are the public addresses of the holder's uplink" },
	{ "publish", "zone", OPTION_STRING, 1, CONFIG_HOST_MAX - 1, NULL, NULL, AT(config_publish, zone), 0, OPTION_RELOAD,
	  "the zone that it is in. None: the server is asked" },
	{ "publish", "server", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_publish, server), 0, OPTION_REQUIRED | OPTION_RELOAD,
	  "the zone's primary DNS server, which takes updates (RFC 2136)" },
	{ "publish", "port", OPTION_NUMBER, 1, 65535, "53", NULL, AT(config_publish, port), 0, OPTION_RELOAD, "its port" },
	{ "publish", "ttl", OPTION_MSEC, 1000, 86400000, "1m", NULL, AT(config_publish, ttl_ms), 0, OPTION_RELOAD,
	  "how long others may keep an answer, in whole seconds" },
	{ "publish", "key-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_publish, key_file), 0, OPTION_RELOAD,
	  "TSIG key as tsig-keygen writes it, its owner's alone (mode 0600). None: the server knows the nodes by their addresses" },

	{ "alert", "type", OPTION_ENUM, 0, 0, NULL, alert_type_names, AT(config_alert, type), 0, OPTION_REQUIRED | OPTION_RELOAD,
	  "exec (a program is run), webhook (JSON by HTTP POST), alertmanager (Prometheus' Alertmanager, API v2), mail or syslog" },
	{ "alert", "url", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, url), 0, OPTION_RELOAD,
	  "webhook and alertmanager: where to post, https:// or http://; alertmanager without /api/v2/alerts. mail: smtp://HOST:PORT, with "
	  "STARTTLS wherever the server is not this machine, or smtps://HOST; none: program" },
	{ "alert", "program", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, program), 0, OPTION_RELOAD,
	  "exec: what is run, with the alert in its environment and as JSON on its standard input. mail: what sends it, called as sendmail; "
	  "default /usr/sbin/sendmail if there is no url" },
	{ "alert", "events", OPTION_NAMES, 1, CONFIG_ALERT_EVENTS_MAX, NULL, NULL, LIST(config_alert, events), OPTION_RELOAD,
	  "what it is told of, the words of docs/ALERTS.md. Default: everything" },
	{ "alert", "severity", OPTION_ENUM, 0, 0, "warning", alert_severity_names, AT(config_alert, severity), 0, OPTION_RELOAD,
	  "least severity that it is told of" },
	{ "alert", "resolved", OPTION_BOOL, 0, 0, "yes", NULL, AT(config_alert, resolved), 0, OPTION_RELOAD,
	  "tell it also when something is over" },
	{ "alert", "from", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, from), 0, OPTION_RELOAD,
	  "mail: the sender's address" },
	{ "alert", "to", OPTION_STRINGS, 1, CONFIG_ALERT_TO_MAX, NULL, NULL, LIST(config_alert, to), OPTION_RELOAD,
	  "mail: who gets it" },
	{ "alert", "user", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, user), 0, OPTION_RELOAD,
	  "name to log in with at the HTTP or SMTP server" },
	{ "alert", "password-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, password_file), 0, OPTION_RELOAD,
	  "its password: a file of one line that only the user of ringkeep-alertd can read (mode 0600)" },
	{ "alert", "token-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, token_file), 0, OPTION_RELOAD,
	  "bearer token for the HTTP server, such a file, too" },
	{ "alert", "secret-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, secret_file), 0, OPTION_RELOAD,
	  "webhook: key that signs the body (HMAC-SHA256, header X-Ringkeep-Signature), such a file, too" },
	{ "alert", "ca-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_alert, ca_file), 0, OPTION_RELOAD,
	  "certificates of the authorities that may vouch for the server. Default: the system's. Servers are always verified" },
	{ "alert", "address", OPTION_ADDRESS, 0, 0, NULL, NULL, AT(config_alert, address), 0, OPTION_RELOAD,
	  "syslog: a server that gets RFC 5424 over UDP, which nobody acknowledges. Default: this machine's /dev/log" },
	{ "alert", "port", OPTION_NUMBER, 1, 65535, "514", NULL, AT(config_alert, port), 0, OPTION_RELOAD, "its port" },
	{ "alert", "timeout", OPTION_MSEC, 100, 300000, "10s", NULL, AT(config_alert, timeout_ms), 0, OPTION_RELOAD,
	  "a delivery that takes longer has failed; a program is killed with all that it started" },
	{ "alert", "retry-max", OPTION_MSEC, 1000, 3600000, "5m", NULL, AT(config_alert, retry_ms_max), 0, OPTION_RELOAD,
	  "longest wait between two tries; the first is a second, each is twice the one before" },
	{ "alert", "rate", OPTION_NUMBER, 1, 6000, "20", NULL, AT(config_alert, rate_per_min), 0, OPTION_RELOAD,
	  "alerts per minute in the long run; critical ones are counted apart from the others. What is above is held back and summarized" },
	{ "alert", "burst", OPTION_NUMBER, 1, 1000, "30", NULL, AT(config_alert, burst), 0, OPTION_RELOAD,
	  "alerts that may come at once" },
	{ "alert", "queue", OPTION_NUMBER, 10, 10000, "1000", NULL, AT(config_alert, queue_max), 0, OPTION_RELOAD,
	  "alerts that wait for a receiver that does not answer; the oldest go, and the summary tells how many" },
	{ "alert", "repeat", OPTION_MSEC, 1000, 3600000, "1m", NULL, AT(config_alert, repeat_ms), 0, OPTION_RELOAD,
	  "alertmanager: what is going on is told again each time, as it forgets what nobody repeats; it is over there after four times that" },

	{ "alerting", "interval", OPTION_MSEC, 200, 60000, "2s", NULL, AT(config_alerting, interval_ms), 0, OPTION_RELOAD,
	  "time between two looks at the agent's status and alarms; its history comes at once" },
	{ "alerting", "settle", OPTION_MSEC, 0, 600000, "5s", NULL, AT(config_alerting, settle_ms), 0, OPTION_RELOAD,
	  "a state must last so long before it is told, and be over so long before that is told (a group nobody holds, a node not heard, "
	  "no quorum, a sick PBX, differing configurations); the agent's own alarms are told at once" },
	{ "alerting", "stand-in", OPTION_MSEC, 1000, 600000, "15s", NULL, AT(config_alerting, stand_in_ms), 0, OPTION_RELOAD,
	  "what a node wrote into the history it tells itself; if it is not heard within this time after, another node tells it, too" },
	{ "alerting", "lag", OPTION_MSEC, 10, 60000, "200ms", NULL, AT(config_alerting, lag_ms), 0, OPTION_RELOAD,
	  "the agent's main loop was late by more than this" },

	{ "certificate", "file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_certificate, file), 0,
	  OPTION_REQUIRED | OPTION_RELOAD, "X.509 certificates (PEM) that the user of ringkeep-alertd can read; the one that ends first counts" },
	{ "certificate", "warning", OPTION_NUMBER, 1, 3650, "21", NULL, AT(config_certificate, warning_days), 0, OPTION_RELOAD,
	  "days before its end at which it is a warning" },
	{ "certificate", "critical", OPTION_NUMBER, 0, 3650, "7", NULL, AT(config_certificate, critical_days), 0, OPTION_RELOAD,
	  "days before its end at which it is critical" },

	{ "api", "listen", OPTION_STRINGS, 1, CONFIG_API_LISTEN_MAX, NULL, NULL, LIST(config_api, listen), OPTION_REQUIRED | OPTION_RELOAD,
	  "management addresses with port, such as 10.0.0.1:8443 or [fd00::1]:8443; one that this node does not have is tried again and said" },
	{ "api", "plain", OPTION_BOOL, 0, 0, "no", NULL, AT(config_api, plain), 0, OPTION_RELOAD,
	  "HTTP without TLS, for loopback addresses only: a proxy or an exporter on this machine" },
	{ "api", "certificate-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_api, certificate_file), 0, OPTION_RELOAD,
	  "the server's certificate and those between it and its authority (PEM)" },
	{ "api", "key-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_api, key_file), 0, OPTION_RELOAD,
	  "its key (PEM), which nobody but the owner and group of the file may read" },
	{ "api", "client-ca-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_api, client_ca_file), 0, OPTION_RELOAD,
	  "authorities of client certificates (PEM); what such a client may do says access-file. Default: only tokens" },
	{ "api", "access-file", OPTION_STRING, 1, CONFIG_PATH_MAX - 1, NULL, NULL, AT(config_api, access_file), 0, OPTION_RELOAD,
	  "who may do what: lines NAME ROLE token SHA256 or NAME ROLE certificate SHA256, see ringkeep-api(8). Default: nobody, and "
	  "only what needs no role is answered" },
	{ "api", "connections", OPTION_NUMBER, 8, 4096, "256", NULL, AT(config_api, connections_max), 0, OPTION_RELOAD,
	  "at the same time; more wait in the kernel" },
	{ "api", "connections-per-address", OPTION_NUMBER, 1, 4096, "64", NULL, AT(config_api, connections_per_address), 0, OPTION_RELOAD,
	  "of one client address" },
	{ "api", "rate", OPTION_NUMBER, 1, 100000, "2000", NULL, AT(config_api, rate_per_s), 0, OPTION_RELOAD,
	  "requests per second of one client address, twice as many at once; more are answered 429" },
	{ "api", "idle", OPTION_MSEC, 1000, 600000, "15s", NULL, AT(config_api, idle_ms), 0, OPTION_RELOAD,
	  "a connection on which nothing moves for so long is closed" },

	{ "role", "users", OPTION_NAMES, 1, CONFIG_ROLE_USERS_MAX, NULL, NULL, LIST(config_role_users, users),
	  OPTION_REQUIRED | OPTION_RELOAD, "user names or numeric user ids; root is always an admin" },
};
const size_t config_options_count = sizeof config_options / sizeof config_options[0];

const struct config_section config_sections[] = {
	{ "", NULL, false, 1, 1, 0, sizeof(struct config), 0, "the whole cluster", false },
	{ "node", "", true, 1, RK_NODES_MAX, LIST(config, nodes),
	  "one node or witness; the title is its name", false },
	{ "link", "node", true, 0, RK_LINKS_MAX, LIST(config_node, links),
	  "one network that carries pulses; the title is its name, the same on all nodes", false },
	{ "fence-level", "node", true, 0, FENCE_LEVELS_MAX, LIST(config_node, fence_levels),
	  "one way to fence the node; the title is its number, from 1: a level is tried when those before it failed", false },
	{ "fence-device", "", true, 0, FENCE_DEVICES_MAX, LIST(config, fence_devices),
	  "one device that can turn nodes off, through a fence agent; the title is its name", false },
	{ "target", "fence-device", true, 1, RK_NODES_MAX, LIST(config_fence_device, targets),
	  "one node that the device can fence; the title is the node's name", false },
	{ "group", "", true, 0, RK_GROUPS_MAX, LIST(config, groups),
	  "one PBX service with its addresses; the title is its name", false },
	{ "pbx", "group", false, 0, 1, LIST(config_group, pbx), "the group's PBX", false },
	{ "setting", "pbx", true, 0, CONFIG_SETTINGS_MAX, LIST(config_pbx, settings),
	  "one setting of the adapter (ringkeep.conf(5), Adapters); the title is its name", false },
	{ "vrrp", "group", false, 0, 1, LIST(config_group, vrrp),
	  "VRRP of the group's addresses (RFC 9568): one virtual router per address family", false },
	{ "trunk", "group", true, 0, CONFIG_TRUNKS_MAX, LIST(config_group, trunks),
	  "one connection of the PBX to a carrier; the title is its name", false },
	{ "watchdog", "", false, 0, 1, LIST(config, watchdog),
	  "the hardware watchdog of each PBX node: resets a machine whose kernel runs and whose agent does not", false },
	{ "uplink", "", true, 0, CONFIG_UPLINKS_MAX, LIST(config, uplinks),
	  "one way to the outside that each PBX node has (Uplinks); the title is its name", false },
	{ "line", "node", true, 0, CONFIG_UPLINKS_MAX, LIST(config_node, lines),
	  "what is different about an uplink on this node; the title is the uplink's name", false },
	{ "probe", "", true, 0, CONFIG_PROBES_ALL_MAX, LIST(config, probes),
	  "one target that is asked over every uplink; the title is its name", false },
	{ "voice", "", false, 0, 1, LIST(config, voice),
	  "which uplink the nodes' voice takes; with uplinks and without this section, its defaults", false },
	{ "publish", "group", true, 0, CONFIG_PUBLISH_MAX, LIST(config_group, publishes),
	  "one name in DNS that follows the group and its holder's uplink; the title is its name", true },
	{ "alert", "", true, 0, CONFIG_ALERTS_MAX, LIST(config, alerts),
	  "one receiver of alerts, for ringkeep-alertd(8); the title is its name", true },
	{ "alerting", "", false, 0, 1, LIST(config, alerting), "what ringkeep-alertd(8) looks at, and when", true },
	{ "certificate", "", true, 0, CONFIG_CERTIFICATES_MAX, LIST(config, certificates),
	  "certificates of whose end alerts tell in time; the title is a name", true },
	{ "api", "", false, 0, 1, LIST(config, api), "what ringkeep-api(8) serves, and to whom", true },
	{ "role", "", true, 0, CONFIG_ROLES_MAX, LIST(config, roles),
	  "who may do what with hactl; the title is viewer, operator or admin", true },
};
const size_t config_sections_count = sizeof config_sections / sizeof config_sections[0];
/* clang-format on */

const struct config_option *config_option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, section) && !strcmp(config_options[i].key, key))
			return &config_options[i];
	return NULL;
}

void config_section_defaults(const char *section, void *base)
{
	char why[80];

	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];

		if (strcmp(o->section, section) || !o->default_text)
			continue;
		int r = config_option_set(o, base, o->default_text, why, sizeof why);

		assert(r == 0); /* our table */
		(void)r;
	}
}

const struct config_section *config_section_find(const char *name)
{
	for (size_t i = 0; i < config_sections_count; i++)
		if (!strcmp(config_sections[i].name, name))
			return &config_sections[i];
	return NULL;
}

const char *config_option_suggest(const char *section, const char *key)
{
	struct words_nearest near = words_nearest(key);

	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, section))
			words_nearest_offer(&near, config_options[i].key);
	for (size_t i = 0; i < config_sections_count; i++)
		if (config_sections[i].parent && !strcmp(config_sections[i].parent, section))
			words_nearest_offer(&near, config_sections[i].name);
	return near.word;
}
