/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Inside of ringkeep-adapter-freeswitch (experimental: never run against the real one, see
 * docs/FREESWITCH.md): freeswitch_main.c (settings, loop), freeswitch_agent.c (what the agent wants),
 * freeswitch_answers.c (what FreeSWITCH says), freeswitch_health.c, freeswitch_push.c (towards FreeSWITCH),
 * freeswitch_sweep.c (what FreeSWITCH has) and freeswitch_trunks.c (its gateways).
 *
 * `known` is what the agent and we agree on, as in the Kamailio adapter. Standby: the agent says what it is,
 * and FreeSWITCH is made to have it. Active: FreeSWITCH says what it is, and differences are reported.
 * Restoring: FreeSWITCH may have lost what it had, so what it lacks is given back to it instead of being
 * reported as gone.
 */
#ifndef RK_FREESWITCH_PRIVATE_H
#define RK_FREESWITCH_PRIVATE_H

#include "adapter_applies.h"
#include "adapter_main.h"
#include "binding_keys.h"
#include "binding_store.h"
#include "freeswitch_link.h"
#include "freeswitch_list.h"
#include "freeswitch_text.h"
#include "pbx_monitor.h"

enum freeswitch_slot { SLOT_PROBE, SLOT_LINK };

enum freeswitch_command {
	CMD_EVENTS, /* subscribing to them */
	CMD_SWITCHNAME,
	CMD_CORE,    /* which run of FreeSWITCH this is */
	CMD_PROFILE, /* its presence hosts */
	CMD_STATUS,  /* profiles and gateways */
	CMD_CALLS,
	CMD_STANDBY,
	CMD_RECOVER,
	CMD_LIST,
	CMD_LOOKUP,
	CMD_PUT,
	CMD_REMOVE,
	CMD_TRUNK,
};

#define MARK_SEEN	    1 /* in this sweep */
#define FREESWITCH_NAME_MAX 128

struct freeswitch_trunk {
	const char *name, *gateway;
	bool listed; /* in this status */
	bool told;
	bool leaving; /* ordered off, and not yet off */
	enum trunk_state state;
	char word[32]; /* FreeSWITCH's own for the state */
	int status;    /* of the carrier's last answer, as its event said */
};

struct freeswitch {
	struct adapter_main *m;
	struct pbx_monitor mon;
	uint32_t mon_restarts; /* as last seen */
	const char *socket_text, *profile, *domain, *hostname_set;
	char address[64];
	bool recover, pause; /* settings */
	struct freeswitch_link link;
	struct list_reader *reader;
	int reading; /* the command whose answer it reads */

	char hostname[FREESWITCH_NAME_MAX], core[FREESWITCH_NAME_MAX];
	char presence_hosts[FREESWITCH_NAME_MAX];
	bool profile_running, profile_seen, status_known;
	bool answered;			  /* with its status, since this process serves */
	boot_t status_at, unusable_since; /* BOOT_NEVER: the socket answers */
	uint32_t unusable_s_max;
	uint32_t calls, unmovable;

	bool active;
	bool restoring;
	bool told_everything; /* the agent has sent a full list */
	struct binding_store *known;

	/* role */
	bool role_due;	/* FreeSWITCH is to be told */
	boot_t role_at; /* not before: a gateway takes its registration back */
	uint64_t activate_id;
	bool recover_due;

	/* push */
	struct binding_keys removals; /* accounts and Call-IDs */
	struct adapter_applies applies;
	uint64_t refused;
	char last_refusal[ADAPTER_WHY_MAX];

	/* sweep */
	struct binding_keys lookups; /* asked for by events */
	struct binding_keys later;   /* of what runs out, told before it is gone */
	boot_t later_at;
	bool sweep_again, sweep_running;
	boot_t sweep_started, sweep_at;
	uint64_t sweeps, differences, unreadable;
	bool list_failed;
	uint64_t dump_id; /* answered after the sweep; 0 = none */
	boot_t dump_until;
	struct {
		bool told; /* by an event */
		bool found;
		size_t count;
		char contact[BINDING_CONTACTS_MAX][BINDING_CONTACT_MAX + 1];
	} account; /* the one being looked up */

	struct freeswitch_trunk trunks[ADAPTER_TRUNKS_MAX];
	size_t trunks_count;

	boot_t expire_at;
	boot_t ticked_at;
	bool was_settled;
	boot_t settled_at;
};

#define FS_COMMAND_NS (8 * NS_PER_S) /* the agent waits for 10 */
#define FS_LIST_NS    (60 * NS_PER_S)

/* freeswitch_answers.c. fs_api(): "api TEXT". */
int fs_api(struct freeswitch *f, int kind, uint64_t tag, const char *aor, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A word in a command: FreeSWITCH splits at blanks and reads quotes, and a line break would end it. */
bool fs_is_word(const char *text);
void fs_command(struct freeswitch *f, int kind, const char *text);
/* Why the event socket is of no use. */
void fs_say_socket(const struct freeswitch *f, char why[ADAPTER_WHY_MAX]);
void answers_begin(struct freeswitch *f, const struct sockaddr_in *to, const char *password_file, boot_t now);
/* False: no memory. */
bool answers_reader(struct freeswitch *f);

/* freeswitch_agent.c: for struct adapter_main_ops */
void agent_activate(void *ctx, uint64_t id, boot_t now);
void agent_standby(void *ctx, uint64_t id, boot_t now);
void agent_dump(void *ctx, uint64_t id, boot_t now);
void agent_trunk(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now);
void agent_apply_full_begin(void *ctx);
void agent_apply_put(void *ctx, const struct binding *b, boot_t now);
void agent_apply_remove(void *ctx, const char *aor, const char *contact, boot_t now);
void agent_apply_full_end(void *ctx, boot_t now);
void agent_apply_end(void *ctx, uint64_t id, boot_t now);

/* freeswitch_health.c */
void fs_report(struct freeswitch *f, boot_t now);

/* freeswitch_push.c */
void push_binding(struct freeswitch *f, const struct binding *b);
/* Of the row with this contact and Call-ID. */
void push_removal(struct freeswitch *f, const char *aor, const char *contact, const char *call_id);
void push_everything(struct freeswitch *f);
void push_pump(struct freeswitch *f, boot_t now);
void push_apply_end(struct freeswitch *f, uint64_t id, boot_t now);
void push_answered(struct freeswitch *f, const struct link_command *c, bool ok, const char *text);
void push_lost(struct freeswitch *f);
bool push_settled(const struct freeswitch *f, const struct binding *b);
bool push_idle(const struct freeswitch *f);

/* freeswitch_sweep.c */
void sweep_request(struct freeswitch *f);
void sweep_event(struct freeswitch *f, const char *body, size_t len, const char *subclass, boot_t now);
void sweep_pump(struct freeswitch *f, boot_t now);
boot_t sweep_next(const struct freeswitch *f);
void sweep_begin(struct freeswitch *f, const struct link_command *c);
void sweep_item(struct freeswitch *f, const struct list_item *item, boot_t now);
void sweep_answered(struct freeswitch *f, const struct link_command *c, bool readable, boot_t now);
void sweep_lookup(struct freeswitch *f, const char *aor, bool told);
void sweep_restarted(struct freeswitch *f);
void sweep_lost(struct freeswitch *f, boot_t now);

/* freeswitch_trunks.c */
void trunks_init(struct freeswitch *f, const struct adapter_main_config *c);
void trunks_order(struct freeswitch *f, uint64_t id, size_t trunk, bool registered);
void trunks_ordered(struct freeswitch *f, const struct link_command *c, bool ok, const char *text);
void trunks_event(struct freeswitch *f, const char *body, size_t len);
void trunks_status_begin(struct freeswitch *f);
void trunks_status_item(struct freeswitch *f, const struct list_item *item);
void trunks_status_end(struct freeswitch *f);
/* One still has a registration that was ordered off. */
bool trunks_leaving(const struct freeswitch *f);

#endif
