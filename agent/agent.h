/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of ringkeepd, and who does what with it. The agent reads clocks, executes the core's plans and
 * turns what the modules report into events of the core; it decides nothing itself.
 *
 *   agent.c      start, stop, the frame around every callback of the loop
 *   executor.c   feeds the core, executes plans, collects messages for the next pulse
 *   network.c    gate, guard and addresses
 *   routers.c    VRRP; routers_status.c: what status says of it
 *   links.c      pulses
 *   cluster.c    corosync: heartbeats, commands, snapshots
 *   service.c    one PBX: adapter, bindings, their replication
 *   steps.c      takeover and let-go steps
 *   trunks.c     registrations at carriers
 *   petter.c     the hardware watchdog; petter_round.c: which rounds feed it
 *   fences.c     power fencing: calls of fence agents, its messages, what is shown of it
 *   facts.c      what this node knows of itself
 *   uplinks.c    ISPs: measured, chosen, switched (uplinks.h)
 *   pushing.c    one configuration for all nodes
 *   publishing.c names in DNS, and the hook that is told of switches
 *   alone.c      two nodes and nothing else: what the service network says
 *   commands.c   handlers of the control socket
 *   status.c     the status model as JSON
 *   records.c    history, with names
 *   alarms.c     what an administrator should know now
 */
#ifndef RK_AGENT_H
#define RK_AGENT_H

#include "adapter.h"
#include "alarms.h"
#include "binding_feed.h"
#include "binding_store.h"
#include "binding_wire.h"
#include "config.h"
#include "control.h"
#include "core.h"
#include "fence_runner.h"
#include "gate.h"
#include "guard.h"
#include "heartbeat_io.h"
#include "journal.h"
#include "loop.h"
#include "node_key.h"
#include "pulse_io.h"
#include "rate.h"
#include "recorder.h"
#include "refusal.h"
#include "sentence.h"
#include "service_digests.h"
#include "service_resend.h"
#include "service_reset.h"
#include "state_files.h"
#include "token_bucket.h"
#include "trunk.h"
#include "vip.h"
#include "vrrp.h"
#include "watchdog.h"

#define AGENT_QUEUE_MAX	       128 /* events that arise while a plan is executed */
#define AGENT_OUTBOX_MAX       64  /* lease messages to one node in one round of the loop */
#define AGENT_OPERATORS_MAX    16  /* control clients that wait for a command */
#define AGENT_GATE_MISSING_MAX 64
#define AGENT_ORIGINS_MAX      16
#define AGENT_WHY_MAX	       160
#define AGENT_CARRIERS_MAX     (RK_GROUPS_MAX * CONFIG_TRUNKS_MAX)
#define HEARTBEAT_PERIOD_NS    NS_PER_S

struct agent_paths {
	const char *config;
	const char *state_dir;
	const char *run_dir;
	bool witness;
};

struct agent_outbox {
	bool due; /* a pulse is due, with or without messages */
	size_t count;
	struct lease_msg msg[AGENT_OUTBOX_MAX];
};

/* The step in flight of one group. */
struct agent_step {
	enum core_step_kind kind; /* STEP_NONE: none */
	uint32_t seq;
	uint64_t request; /* id of the adapter's request, 0 = none */
	bool deferred;	  /* asked for before addresses and adapter were there */
};

/* The virtual router of a native group. */
struct agent_router {
	enum core_cause fault; /* why this node takes no part; CAUSE_NONE: it does */
};

struct agent_carrier {
	char name[RK_NAME_MAX];
	struct token_bucket bucket;
};

struct agent_trunk {
	struct trunk machine;
	uint32_t carrier; /* index */
	uint64_t request; /* id of the latest order in flight, 0 = none */
	bool moving;	  /* was registered, and registers again by another uplink */
	boot_t well_at;	  /* when there was nothing to complain of, last */
	bool pbx_retries; /* it failed, and the PBX tries again without an order */
	char why[ADAPTER_WHY_MAX];
};

struct agent_group {
	struct agent *agent;
	group_index_t index;
	struct agent_step step;
	uint64_t record_begun;	   /* number of the record of the sequence that goes on, 0 = none */
	struct epoch tenure_known; /* highest that a record tells of */
	struct adapter *adapter;   /* NULL: a group without a PBX */
	struct binding_store *store;
	struct binding_feed feed;
	struct adapter_health health;
	/* what is to be sent to the other nodes, collected over one message of the adapter */
	struct binding_batch_writer batch;
	uint8_t *batch_buf;
	bool batch_open;
	boot_t batch_due; /* {0}: nothing waits */
	struct service_resend resend;
	struct service_reset reset;
	bool feed_waits;     /* its PBX is left as it is until we know what it should have */
	bool full_report;    /* the adapter is reporting everything it has */
	bool full_begin_due; /* the first batch of a full list */
	struct service_digests digests;
	uint32_t apply_failures; /* in a row */
	struct rate registering; /* phones that registered at this holder since it took over */
	boot_t heal_at;		 /* holder: not before then is everything sent again */
	struct epoch held_epoch; /* of the lease under which the adapter last reported */
	boot_t let_go_at;
	bool address_missing;
	struct agent_router router;
	boot_t lan_since; /* asked about its service network since */
	boot_t lan_row;
	raw_t lan_quiet_since;			      /* when that row of questions was noticed */
	struct agent_trunk trunks[CONFIG_TRUNKS_MAX]; /* as in the configuration */
};

/* A control client that waits for the end of a command. */
struct agent_operator {
	bool used;
	bool delivered; /* it came back in CPG order */
	bool wait;	/* until the operation has ended; else until the command came back in order */
	uint64_t operation;
	struct core_command command;
	control_ticket_t ticket;
	boot_t until;
};

/* Who gave a command here. */
struct agent_command_origin {
	uint64_t operation;
	char who[CONTROL_USER_MAX];
	char why[AGENT_WHY_MAX];
};

/* The process that feeds the hardware watchdog. */
struct agent_petter {
	struct watchdog watchdog;
	struct watchdog_report said; /* as of this round */
	int start_error;
	bool replacing; /* one with other arguments was told to end */
	boot_t restart_at;
	boot_t grace_until;
};

/* What a peer speaks: heartbeat/wire_version.h. */
struct agent_wire {
	char release[HEARTBEAT_VERSION_MAX]; /* of ringkeepd; "" for a witness */
	bool known;			     /* something of it was understood */
	uint8_t minor;
	uint8_t refused; /* another major */
	boot_t refused_at;
};

struct agent {
	struct agent_paths paths;
	struct config *config;
	struct node_key key;
	struct heartbeat_proof proof; /* what pulses prove to heartbeats */
	node_id_t self;
	const char *node_names[NODE_ID_MAX + 1];
	const char *group_names[RK_GROUPS_MAX];

	struct core core;
	struct core_plan plan;
	bool busy; /* a plan is being executed */
	size_t queue_head, queue_count;
	struct core_event queue[AGENT_QUEUE_MAX];
	struct agent_outbox outbox[NODE_ID_MAX + 1];

	struct loop loop;
	struct instant now; /* of this round */
	boot_t seen_at;	    /* latest reading of the clock */
	int64_t suspended_ns;
	bool draining;	     /* what was queued while we stood still: only RELEASEs count */
	boot_t due;	     /* the deadline the loop was armed with */
	uint32_t lag_us_max; /* since the last heartbeat */
	uint32_t lag_us_published;
	uint64_t standstills;
	boot_t realtime_at; /* back to real-time priority then; {0}: nothing to go back from */

	struct state_run run;
	int state_fd;
	uint64_t boot;		     /* of this machine, for the heartbeats */
	struct fence_runner *fences; /* NULL: no device */
	struct recorder recorder;
	struct journal journal;
	char *journal_names;
	uint32_t journal_waited; /* seconds that it could not be written */
	struct agent_wire wire[NODE_ID_MAX + 1];
	uint64_t history_number;
	bool memory_lost; /* the machine was started again, as far as the run directory knows */
	struct control *control;
	struct alarms alarms;

	struct gate *gate;
	struct guard *guard;
	struct vip *vip;
	struct vrrp *vrrp;
	uint32_t gate_missing; /* interfaces that lost the gate and have not got it back */
	int gate_missing_on[AGENT_GATE_MISSING_MAX];
	struct refusal refusal;
	struct pulse_io *pulse;
	struct heartbeat_io *heartbeat;
	uint64_t snapshot;  /* request that is being answered; 0 = none */
	bool snapshot_told; /* all but its end */
	struct agent_petter petter;
	bool ticked; /* the timer was served in this round */
	bool quorate;
	bool joined;	       /* the snapshot is here */
	node_set_t nodes_lost; /* of those that have just left: corosync lost the node */
	char fence_who[RK_NAME_MAX];
	char fence_why[HEARTBEAT_WHY_MAX]; /* of the order that is being given by hand; "" = none is */
	boot_t next_heartbeat;
	boot_t next_housekeeping;
	struct agent_group group[RK_GROUPS_MAX];
	struct uplinks *uplinks; /* NULL: none */
	struct publishing *publishing; /* NULL: no uplinks */
	struct pushing *pushing;
	uint32_t carriers_count;
	struct agent_carrier carriers[AGENT_CARRIERS_MAX];
	struct agent_operator operators[AGENT_OPERATORS_MAX];
	uint32_t next_operation;
	struct agent_command_origin origins[AGENT_ORIGINS_MAX];
	uint32_t next_origin;

	int signal_fd;
	int recorder_watched; /* descriptor of the recorder that the loop watches, -1 = none */
	bool stopping;	      /* SIGTERM: hand over and go */
	bool leaving;	      /* SIGUSR1: go and leave everything as it is */
	boot_t stop_until;
};

/* ---- agent.c ---- */
/* First of all: what is sent while the agent starts waits until it runs. Children begin without. */
void agent_block_signals(void);
/* Reads everything, puts everything up. On failure everything is taken down again and reterr says why. */
int agent_start(struct agent *a, const struct agent_paths *paths, struct sentence *reterr);
void agent_run(struct agent *a);
/* Takes everything down that agent_start() put up (or leaves it, after SIGUSR1). */
void agent_stop(struct agent *a);

/* ---- reload.c ---- */
/* Reads the configuration again (SIGHUP). What is faulty, or needs a restart, changes nothing and is said: in the
 * log, an alarm and reterr. */
bool agent_reload(struct agent *a, struct sentence *reterr);
/* Would this text be taken, by reading it again or (after_restart) by an agent that starts? */
bool agent_reload_check(const struct agent *a, const char *text, size_t len, bool after_restart,
			struct sentence *reterr);

/* ---- executor.c ---- */
/* Gives the core an event, now or right after the plan that is being executed. ev->at is filled here. */
void agent_feed(struct agent *a, struct core_event *ev);
/* Sends what plans have queued, one pulse per node. */
void agent_flush(struct agent *a);

/* ---- network.c ---- */
/* The gate first: what it holds may be adopted at once. */
int network_open_gate(struct agent *a, struct sentence *reterr);
/* Guard and addresses. */
int network_open_addresses(struct agent *a, struct sentence *reterr);
void network_close(struct agent *a);
boot_t network_next(const struct agent *a);
void network_tick(struct agent *a);
/* Trunk peers of shut groups are refused to our own programs, those of open ones no longer. */
void network_refuse(struct agent *a);
/* While a planned hand-over waits for those who call, nobody begins a call at its addresses. */
void network_hold(struct agent *a);
size_t network_addresses(const struct config *c, node_id_t self, struct virtual_address *ret, size_t max);
/* The trunks' peers, for the gate and the guard. */
size_t network_peers(const struct config *c, struct gate_peer ret[GATE_PEERS_TOTAL_MAX],
		     struct ip_prefix ret_guard[GATE_PEERS_TOTAL_MAX]);

/* ---- routers.c ---- */
int routers_open(struct agent *a, struct sentence *reterr);
/* After the addresses are gone, before the gate goes. */
void routers_close(struct agent *a);
int routers_update(struct agent *a, const struct config *c);
boot_t routers_next(const struct agent *a);
void routers_tick(struct agent *a);
/* Tells native groups whether they may take part, as far as this node knows itself now. */
void routers_refresh(struct agent *a);
/* The device that carries the group's addresses of that family; virtual MACs are for candidates. */
void routers_device(const struct config *c, node_id_t self, uint32_t group, int family,
		    char ret[IF_NAMESIZE]);
/* The virtual MACs that the gate has to cover. */
size_t routers_macs(const struct config *c, struct gate_virtual_mac ret[GATE_VIRTUAL_MACS_MAX]);

/* ---- routers_status.c ---- */
/* null: the group has no VRRP here. */
json_t *routers_json(const struct agent *a, group_index_t group);
/* Of all groups together. */
json_t *routers_counters_json(const struct agent *a);
/* Who holds a native group: a node's name, a foreign router's address, or null. */
json_t *routers_holder_json(const struct agent *a, group_index_t group);

/* ---- links.c ---- */
int links_open(struct agent *a, struct sentence *reterr);
/* Who the nodes are and what the groups are called, for pulses and heartbeats. */
int links_peers(const struct agent *a, struct peers_config *ret, struct sentence *reterr);
void links_close(struct agent *a);
/* After a standstill: takes what the sockets hold, RELEASEs only. */
void links_drain(struct agent *a);
/* Takes what the sockets hold. */
void links_read(struct agent *a);
json_t *links_json(const struct agent *a);
json_t *links_counters_json(const struct agent *a);

/* ---- cluster.c ---- */
int cluster_open(struct agent *a, struct sentence *reterr);
void cluster_close(struct agent *a);
boot_t cluster_next(const struct agent *a);
void cluster_tick(struct agent *a);
void cluster_publish_facts(struct agent *a);
int cluster_send_command(struct agent *a, const struct core_command *cmd, const struct control_request *req,
			 const char *why);
/* One batch of bindings to all nodes, or (snapshot not 0) into the answer to that request. */
int cluster_send_bindings(struct agent *a, uint64_t snapshot, const void *data, size_t len);
/* Goes on with the snapshot that is being made. */
void cluster_snapshot_go(struct agent *a);
int cluster_send_history(struct agent *a, const char *line, size_t len);
int cluster_send_fence(struct agent *a, const struct heartbeat_fence *fence);
bool cluster_connected(const struct agent *a);
json_t *cluster_counters_json(const struct agent *a);

/* ---- service.c ---- */
int services_open(struct agent *a, struct sentence *reterr);
void services_close(struct agent *a);
boot_t services_next(const struct agent *a);
void services_tick(struct agent *a);
/* A batch of bindings from another node. */
void services_receive(struct agent *a, node_id_t from, const void *data, size_t len);
/* A heartbeat came from a node: if it is the holder's, its digest is of exactly what it has sent so far. */
void services_compare(struct agent *a, node_id_t from);
/* Its PBX is compared with what we know, if that was still to come. */
void service_feed_all(struct agent_group *g);
/* Once a second, at the holder: others that stay out of step get everything again. */
void services_heal(struct agent *a);
/* Sends what is collected. */
void services_flush(struct agent *a);
/* Once a second: a slice of the bindings that ran out. */
void services_expire(struct agent *a);

/* ---- steps.c ---- */
void steps_start(struct agent *a, group_index_t group, enum core_step_kind kind, uint32_t seq,
		 struct epoch epoch);
/* Starts what was asked for before there was anything to do it with. */
void steps_resume(struct agent *a);
/* The step of this kind, if it is the one in flight, has ended. */
void steps_ended(struct agent *a, group_index_t group, enum core_step_kind kind, int error);
void steps_adapter_answered(struct agent_group *g, uint64_t request, int error);

/* ---- trunks.c ---- */
/* Before the adapter is started. */
void trunks_open(struct agent_group *g);
/* The configuration was read again. */
void trunks_update(struct agent *a);
/* Voice is about to leave by another uplink: what is registered now is to be so again over that one, also if
 * the PBX begins with it by itself. */
void trunks_leave(struct agent *a);
/* Voice leaves by another uplink: what is registered here registers again, at its carrier's pace. */
void trunks_reregister(struct agent *a);
/* Those that were registered when they were told to are so again, by an order since then. */
bool trunks_settled_since(struct agent *a, boot_t since);
/* One of them was refused since then, or its PBX had no answer: it may be tried again. */
bool trunks_failed_since(const struct agent *a, boot_t since);
/* Orders what is due, by who holds what now. */
void trunks_refresh(struct agent *a);
boot_t trunks_next(const struct agent *a);
/* Once a second: alarms that a silence makes. */
void trunks_watch(struct agent *a);
/* A planned hand-over has to wait for a trunk that the carrier knows by this node's own address. */
bool trunks_release_wait(const struct agent *a, group_index_t group);
void trunks_ready(struct agent_group *g);
void trunks_report(struct agent_group *g, const struct adapter_trunk *said);
void trunks_answered(struct agent_group *g, uint64_t request, int error, const char *why);
/* Every order has been taken by its PBX, or refused. */
bool trunks_settled(const struct agent *a);
/* An operator's order. Refused (reterr) where it would do nothing. */
int trunks_order_by_hand(struct agent *a, group_index_t group, const char *name, bool on,
			 struct sentence *reterr);
json_t *trunks_json(const struct agent *a, group_index_t group);

/* ---- petter.c ---- */
/* Adopts the feeder of a former agent; a new one is started by the first tick, when all else is up. */
int petter_open(struct agent *a, struct sentence *reterr);
/* After the addresses are gone. */
void petter_close(struct agent *a);
void petter_tick(struct agent *a);
/* It is required and not armed. */
bool petter_missing(const struct agent *a);
/* null: none is configured. */
json_t *petter_json(const struct agent *a);

/* ---- petter_round.c ---- */
/* NULL: no watchdog is configured for this node. */
const struct config_watchdog *petter_config(const struct agent *a);
bool petter_quorum_lost(const struct agent *a);
/* At the end of a round in which the timer was served. */
void petter_count_round(struct agent *a);
/* The timeout that others may count on; 0: they may not. */
int64_t petter_counts_ns(const struct agent *a);

/* ---- fences.c ---- */
int fences_open(struct agent *a, struct sentence *reterr);
void fences_close(struct agent *a);
boot_t fences_next(const struct agent *a);
void fences_tick(struct agent *a);
void fences_call(struct agent *a, const struct plan_fence_call *call);
void fences_send(struct agent *a, const struct fence_msg *m);
void fences_attempt(struct agent *a, const struct plan_fence_attempt *attempt);
/* A target has changed its state. */
void fences_state(struct agent *a, const struct plan_fence_state *s);
/* What devices said, for the next agent of this boot. */
void fences_save(struct agent *a);
void fences_receive(struct agent *a, node_id_t from, const struct heartbeat_fence *fence);
/* An operator's order, checked. */
int fences_order(struct agent *a, node_id_t target, bool confirm, const char *who, const char *why,
		 struct sentence *reterr);
json_t *fences_json(const struct agent *a);

/* ---- alone.c ---- */
void alone_open(struct agent *a);
/* At the end of a round: tells the core what has changed on the service network. */
void alone_refresh(struct agent *a);
/* Before the core looks at the time: what has come in meanwhile counts first. */
void alone_look(struct agent *a);
void alone_overlap(struct agent *a, group_index_t group, node_id_t peer, int64_t overlap_ns);
/* null: the group does not depend on it. */
json_t *alone_json(const struct agent *a, group_index_t group);

/* ---- facts.c ---- */
/* Feeds CORE_LOCAL_FACTS if anything has changed. */
void facts_refresh(struct agent *a);
/* Somebody calls at this PBX, and would not be answered by another. */
bool facts_calling(const struct agent *a, group_index_t group);

/* ---- commands.c, status.c ---- */
extern const struct control_command agent_commands[];
extern const struct control_ops agent_control_ops;
json_t *status_json(struct agent *a);
json_t *status_gate_json(struct agent *a);
json_t *status_why_json(struct agent *a, group_index_t group);
json_t *status_candidates_json(const struct agent *a, const struct placement *p);
/* A command came back in CPG order: answers who waits for that. */
void commands_delivered(struct agent *a, const struct core_command *cmd);
/* Operations may have ended: answers who waits. */
void commands_tick(struct agent *a);
boot_t commands_next(const struct agent *a);

/* ---- records.c ---- */
void records_core(struct agent *a, const struct core_record *rec);
/* Something the agent saw; text is one sentence. */
void records_event(struct agent *a, const char *type, const char *group, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Who gave a command and why, for the records the core makes of it. */
void records_remember(struct agent *a, uint64_t operation, const char *who, const char *why);
/* What the history says before this agent's first record. */
int records_load(struct agent *a);
/* A record of another node. */
void records_receive(struct agent *a, const char *line, size_t len);

/* Names for people; "?" if unknown, "-" for none. */
/* It said something in another major version: an alarm, in history and status. what: "Pulses". */
void agent_wire_refused(struct agent *a, node_id_t node, const char *what, uint8_t version);
const char *agent_node_name(const struct agent *a, node_id_t node);
const char *agent_group_name(const struct agent *a, group_index_t group);

#endif
