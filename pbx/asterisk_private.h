/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Inside of ringkeep-adapter-asterisk: asterisk_main.c (settings, loop), asterisk_agent.c (what the agent
 * asks for), asterisk_events.c (what AMI tells), asterisk_push.c (towards Asterisk, by ARI), asterisk_sweep.c
 * and asterisk_lookup.c (what Asterisk has), asterisk_verify.c, asterisk_qualify.c, asterisk_health.c,
 * asterisk_calls.c, asterisk_priority.c, asterisk_trunks.c, asterisk_together.c, asterisk_uplinks.c (the
 * public address), asterisk_reinvite.c.
 *
 * `known` is what the agent and we agree on. Active: Asterisk says what it is, and differences are reported.
 * Standby: the agent says what it is. Asterisk then gets those contacts that it does not qualify; it would
 * send OPTIONS to the others, which the gate stops, and mark them unavailable: they are given to it when it
 * becomes active. What this Asterisk was never seen to have is given to it; what it had, and has no more, is
 * gone: its phone has left. A restart of Asterisk is a new Asterisk (restoring: an older entry of its is what
 * the crash has left).
 */
#ifndef RK_ASTERISK_PRIVATE_H
#define RK_ASTERISK_PRIVATE_H

#include "adapter_applies.h"
#include "adapter_main.h"
#include "ami_client.h"
#include "ari_client.h"
#include "asterisk_channels.h"
#include "asterisk_contact.h"
#include "asterisk_names.h"
#include "asterisk_quality.h"
#include "binding_keys.h"
#include "binding_store.h"
#include "pbx_monitor.h"

enum asterisk_slot_fd { SLOT_PROBE, SLOT_AMI, SLOT_ARI, SLOT_OVERLOAD };

/* Marks of a binding in `known`. */
#define MARK_SEEN    1	 /* in this sweep */
#define MARK_PRESENT 2	 /* this Asterisk had it: if it has it no more, it is gone */
#define MARK_RESET   4	 /* to be deleted before it is put, so that its state starts anew */
#define MARK_LOOKUP  8	 /* waits to be looked up */
#define MARK_LACKS   16	 /* this Asterisk has no such AOR or endpoint */
#define MARK_REFUSED 32	 /* Asterisk refused it, or makes something else of it */
#define MARK_QUALIFY 64	 /* restored by Asterisk itself: its state is to be asked for */
#define MARK_UNHEARD 128 /* put, and Asterisk has not yet told of it */
#define MARK_PHONE   256 /* its phone has just registered or unregistered here */

enum ari_call { ARI_INFO, ARI_AOR, ARI_ENDPOINT, ARI_PUT, ARI_DELETE, ARI_LOOKUP, ARI_UPLINK };
enum ami_call {
	AMI_FILTER = 1,
	AMI_STATUS,
	AMI_TREE,
	AMI_QUALIFY,
	AMI_QUEUES,
	AMI_CHANNELS,
	AMI_TRUNKS,
	AMI_ORDER,
	AMI_FILE, /* registrations as the file has them */
	AMI_TOGETHER,
	AMI_HANGUP,
	AMI_RELOAD,
	AMI_REINVITE_LIST,
	AMI_REINVITE_PEER,
	AMI_REINVITE
};

#define ASTERISK_QUICK_NS (5 * NS_PER_S)
#define ASTERISK_LIST_NS  (30 * NS_PER_S)

/* What is waited for before a registration's state is believed. */
enum asterisk_trunk_wait {
	ASTERISK_WAITS_NOT,
	ASTERISK_WAITS_ORDER, /* an order's first outcome; until then the list shows what was before it */
	ASTERISK_WAITS_START, /* Asterisk registers by itself when it starts */
};

#define ASTERISK_URI_MAX 256

struct asterisk_trunk {
	const char *name, *registration;
	bool wanted;  /* registered, as last ordered */
	bool ordered; /* at all */
	bool was_off; /* before that order */
	bool was_on;  /* registered before that order: a list that still says so is no outcome of it */
	bool due;     /* ordered on, and not yet passed on */
	bool listed;  /* in this list */
	/* as the latest whole list has it */
	bool known, stateless, registered;
	char client_uri[ASTERISK_URI_MAX], server_uri[ASTERISK_URI_MAX];
	uint32_t fatal_retry_s, longest_retry_s, retries_max;
	bool settings_said;
	/* since the latest order */
	enum asterisk_trunk_wait waits;
	bool heard;	   /* anything of it */
	bool undone;	   /* an unregistration came behind the registration */
	bool repeated;	   /* because the first outcome was of something older */
	bool idle;	   /* its unregistration was answered, and nothing came behind it */
	int64_t again_ns;  /* after the latest one to Asterisk */
	uint32_t refusals; /* without a registration between them */
	boot_t ordered_at;
	boot_t sent_at;	    /* the last order to Asterisk */
	uint64_t answer_id; /* 0 = none waits */
	enum trunk_state state;
	char why[96];
	bool told; /* the agent knows this state */
};

#define ASTERISK_OBJECTS_MAX 48
#define ASTERISK_PATH_MAX    256
#define ASTERISK_INCLUDE_MAX 16384

enum asterisk_object_type { OBJECT_TRANSPORT, OBJECT_ENDPOINT, OBJECT_REGISTRATION };

/* What of pjsip.conf follows the uplink. */
struct asterisk_object {
	enum asterisk_object_type type;
	char name[64];
	uint8_t family;		   /* of a transport of all uplinks */
	char uplink[RK_NAME_MAX];  /* of a transport of one uplink; "" = of all */
	char address[IP_TEXT_MAX]; /* a transport's public one, "" = none */
};

enum asterisk_uplink_stage {
	UPLINK_IDLE,
	UPLINK_LOOK, /* at look_at: what is the next object like? */
	UPLINK_LOOKS,
	UPLINK_WRITE, /* all were there, not all are as they should be; at look_at */
	UPLINK_RELOADS,
};

struct asterisk_uplinks {
	char path[ASTERISK_PATH_MAX];
	struct asterisk_object objects[ASTERISK_OBJECTS_MAX]; /* transports first */
	size_t objects_count;
	bool each;
	const char *transport; /* of new calls: the name of an object; NULL = no uplink was told */
	bool told;
	uint64_t id; /* 0 = none waits */
	enum asterisk_uplink_stage stage;
	bool differs; /* in this round of looks */
	bool reloaded;
	size_t next; /* object to look at */
	boot_t look_at, give_up_at;
	char last[ADAPTER_WHY_MAX]; /* what is in the way */
};

#define ASTERISK_REINVITES_MAX 1024

struct asterisk_reinvites {
	uint64_t id; /* 0 = none under way */
	uint32_t order;
	char channel[ASTERISK_REINVITES_MAX][128];
	size_t count, next;
	uint32_t in_flight, sent;
	bool listed;
	boot_t give_up_at;
	char refused[ADAPTER_WHY_MAX];
};

struct asterisk {
	struct adapter_main *m;
	const struct adapter_main_config *config;
	struct pbx_monitor mon;
	uint32_t mon_restarts; /* as last seen */
	struct ami_client ami;
	struct ari_client ari;
	char ami_text[48]; /* for sentences */
	char systemname[80];
	char started[48]; /* CoreStartupDate and -Time, "" = not yet asked */
	bool booted;	  /* FullyBooted was heard on this connection */
	bool status_asked, start_known;
	boot_t status_at;
	uint32_t calls;
	struct asterisk_channels channels;
	boot_t channels_at, channels_asked_at;
	bool wait_for_answer;

	bool active;
	bool restoring;
	bool told_everything; /* the agent has sent a full list */
	struct binding_store *known;
	struct asterisk_names names;

	/* push */
	struct binding_keys removals;
	struct adapter_applies applies;
	uint32_t in_flight; /* PUT, DELETE and questions for names */
	boot_t push_at;	    /* not before: Asterisk did not answer */
	uint64_t refused;
	uint32_t unheard;	       /* with MARK_UNHEARD */
	boot_t heard_at;	       /* when that number went down */
	boot_t own_until;	       /* until then, what is told of known contacts is our own doing */
	char trouble[ADAPTER_WHY_MAX]; /* of ARI, "" = none */
	uint32_t qualify_pass;	       /* 0 = done; else priority + 1 */
	size_t qualify_left;	       /* entries of this pass */
	boot_t qualify_at;

	/* sweep and look-ups */
	bool sweeping;
	bool sweep_again;
	boot_t sweep_started, sweep_at;
	uint32_t restore_sweeps;
	uint64_t sweeps, sweep_rows, rows_bad;
	bool bad_said, tree_failed;
	struct binding_keys lookups;
	size_t lookups_due; /* of them, may be read now */
	boot_t lookups_at;
	uint32_t lookups_in_flight;
	boot_t active_at;  /* since when we are the holder */
	boot_t late_until; /* standby, and until then what phones sent to the holder is still told */
	uint64_t dump_id;  /* answered after the sweep; 0 = none */

	/* health */
	struct sip_probe overload_probe;
	bool overload_usable; /* a second probe over TCP, while SIP over UDP does not answer */
	bool overload_running;
	boot_t overload_since;	 /* 0 = is not */
	boot_t overload_seen_at; /* the last 503 while UDP was silent; 0 = never */
	int64_t overload_ns_max;
	bool shutting_down;
	boot_t settled_at;
	bool was_settled;
	boot_t count_at;
	uint32_t unmovable, lacking;

	/* priority */
	uint32_t queue_round;
	bool queues_missing;
	boot_t queues_at, priority_at;

	struct asterisk_trunk trunks[ADAPTER_TRUNKS_MAX];
	size_t trunks_count;
	boot_t trunks_at;
	boot_t trunks_due_at;			      /* BOOT_NEVER: no order waits to be passed on */
	bool trunks_listed;			      /* a whole list was seen on this connection */
	uint32_t trunks_foreign, trunks_foreign_seen; /* registrations that are no trunks of the group */
	bool hangup_on_standby;

	struct asterisk_uplinks uplinks;
	struct asterisk_reinvites reinvites;
	struct asterisk_quality quality;

	boot_t expire_at;
	boot_t ticked_at;
};

/* asterisk_agent.c */
void agent_activate(void *ctx, uint64_t id, boot_t now);
void agent_standby(void *ctx, uint64_t id, boot_t now);
void agent_dump(void *ctx, uint64_t id, boot_t now);
void agent_apply_full_begin(void *ctx);
void agent_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now);
void agent_apply_put(void *ctx, const struct binding *b, boot_t now);
void agent_apply_full_end(void *ctx, boot_t now);

/* asterisk_events.c */
extern const struct ami_ops asterisk_ami_ops;

/* asterisk_push.c */
bool push_wanted(const struct asterisk *k, const struct binding *b);
void push_binding(struct asterisk *k, const struct binding *b);
void push_removal(struct asterisk *k, const char *aor, const char *contact);
void push_by_priority(struct asterisk *k);
void push_pump(struct asterisk *k, boot_t now);
void push_apply_end(void *ctx, uint64_t id, boot_t now);
bool push_settled(const struct asterisk *k, const struct binding *b);
bool push_idle(const struct asterisk *k);
/* Asterisk told of a contact. */
void push_heard(struct asterisk *k, const struct binding *b, boot_t now);
boot_t push_next(const struct asterisk *k);
void push_answered(struct asterisk *k, int call, const char *aor, const char *contact, int status,
		   const char *body, boot_t now);
void push_pause(struct asterisk *k, const char *why, boot_t now);
void push_mark(struct asterisk *k, const struct binding *b, uint16_t set, uint16_t clear);
/* True: the answer is about the object that was asked for. */
bool push_judge(struct asterisk *k, int status, const char *body, boot_t now);
/* "asterisk/config/dynamic/res_pjsip/<type>/<id>" */
int push_path(char *path, size_t size, const char *type, const char *id);

/* asterisk_verify.c: does this Asterisk know the AOR and the endpoint? */
enum asterisk_presence verify_binding(struct asterisk *k, const struct binding *b, boot_t now);
void verify_answered(struct asterisk *k, int call, const char *aor, const char *name, int status,
		     const char *body, boot_t now);
/* Notes which AOR an endpoint's contacts belong to. */
void verify_learn(struct asterisk *k, const struct binding *b);

/* asterisk_sweep.c */
void sweep_request(struct asterisk *k);
void sweep_pump(struct asterisk *k, boot_t now);
boot_t sweep_next(const struct asterisk *k);
void sweep_row(struct asterisk *k, const struct ami_message *m, boot_t now);
void sweep_ended(struct asterisk *k, bool ok, boot_t now);
void sweep_restarted(struct asterisk *k, boot_t now);
/* Its registration ends at another time. */
bool sweep_moved(const struct binding *old, const struct binding *b);
void sweep_active(struct asterisk *k, const struct binding *b, boot_t now);

/* asterisk_lookup.c */
void lookup_request(struct asterisk *k, const char *aor, const char *contact, boot_t now);
void lookup_endpoint(struct asterisk *k, const char *endpoint, const char *call_id, boot_t now);
/* Are we the holder, or were we a moment ago? Then what phones have sent is read, and told. */
bool lookup_tells(const struct asterisk *k, boot_t now);
void lookup_pump(struct asterisk *k, boot_t now);
boot_t lookup_next(const struct asterisk *k);
void lookup_answered(struct asterisk *k, const char *aor, const char *contact, int status, const char *body,
		     boot_t now);

/* asterisk_qualify.c */
void qualify_start(struct asterisk *k);
/* A phone did not answer Asterisk's first question after a takeover. */
void qualify_again(struct asterisk *k, const char *endpoint, boot_t now);
void qualify_pump(struct asterisk *k, boot_t now);
boot_t qualify_next(const struct asterisk *k);

/* asterisk_health.c */
int health_configure(struct asterisk *k, const struct adapter_main_config *c, boot_t now, char *why);
void health_tick(struct asterisk *k, boot_t now);
boot_t health_next(const struct asterisk *k);
void health_ready(struct asterisk *k, boot_t now);
void health_status(struct asterisk *k, const struct ami_message *m, boot_t now);

/* asterisk_calls.c */
/* So many channels, says CoreStatus; ADAPTER_CALLS_UNKNOWN: nothing. */
void calls_channels(struct asterisk *k, uint32_t channels, boot_t now);
void calls_event(struct asterisk *k, const char *event, const struct ami_message *m, boot_t now);
void calls_answered(struct asterisk *k, enum ami_answer what, const struct ami_message *m, boot_t now);
void calls_tick(struct asterisk *k, boot_t now);
boot_t calls_next(const struct asterisk *k);

/* asterisk_priority.c */
void priority_member(struct asterisk *k, const struct ami_message *m);
void priority_queues_answered(struct asterisk *k, enum ami_answer what, const struct ami_message *m);
void priority_tick(struct asterisk *k, boot_t now);
boot_t priority_next(const struct asterisk *k);

/* asterisk_trunks.c */
void trunks_configure(struct asterisk *k, const struct adapter_main_config *c, boot_t now);
void trunks_order(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now);
void trunks_booted(struct asterisk *k, boot_t now);
/* AMI's Registry: what became of a REGISTER. */
void trunks_heard(struct asterisk *k, const struct ami_message *m, boot_t now);
void trunks_answered(struct asterisk *k, const struct ami_slot *slot, enum ami_answer what,
		     const struct ami_message *m, boot_t now);
void trunks_tick(struct asterisk *k, boot_t now);
boot_t trunks_next(const struct asterisk *k);
/* Orders that one registration; what fails shows in the list. */
int trunk_send(struct asterisk *k, size_t i, boot_t now);
void trunk_sent(struct asterisk_trunk *t, boot_t now);

/* asterisk_uplinks.c */
int uplinks_configure(struct asterisk *k, const struct adapter_main_config *c, char *why);
void uplinks_order(void *ctx, uint64_t id, const struct adapter_uplink *order, boot_t now);
void uplinks_looked(struct asterisk *k, int status, const char *body, boot_t now);
/* Asterisk has started: what it was told before is in the file, if it could be written. */
void uplinks_booted(struct asterisk *k, boot_t now);
void uplinks_reloaded(struct asterisk *k, enum ami_answer what, const struct ami_message *m, boot_t now);
void uplinks_tick(struct asterisk *k, boot_t now);
boot_t uplinks_next(const struct asterisk *k);

/* asterisk_reinvite.c */
void reinvite_order(void *ctx, uint64_t id, boot_t now);
void reinvite_answered(struct asterisk *k, const struct ami_slot *slot, enum ami_answer what,
		       const struct ami_message *m, boot_t now);
void reinvite_tick(struct asterisk *k, boot_t now);
boot_t reinvite_next(const struct asterisk *k);

/* asterisk_together.c: all registrations at once, without an unregistration before */
void together_order(struct asterisk *k, struct asterisk_trunk *t, boot_t now);
void together_tick(struct asterisk *k, boot_t now);
void together_answered(struct asterisk *k, int call, enum ami_answer what, const struct ami_message *m,
		       boot_t now);

#endif
