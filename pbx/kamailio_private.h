/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Inside of ringkeep-adapter-kamailio: kamailio_main.c (settings, loop, health), kamailio_push.c (towards
 * Kamailio) and kamailio_sweep.c (what Kamailio has).
 *
 * `known` is what the agent and we agree on. Standby: the agent says what it is, and Kamailio is made to have
 * it. Active: Kamailio says what it is, and differences are reported. Restoring: Kamailio may have lost what
 * it had (it or we were restarted), so what it lacks is given back to it instead of being reported as gone.
 */
#ifndef RK_KAMAILIO_PRIVATE_H
#define RK_KAMAILIO_PRIVATE_H

#include "adapter_applies.h"
#include "adapter_main.h"
#include "binding_keys.h"
#include "binding_store.h"
#include "kamailio_evapi.h"
#include "kamailio_list.h"
#include "kamailio_rpc.h"
#include "kamailio_sync.h"
#include "kamailio_trunks.h"
#include "kamailio_uplink.h"
#include "pbx_monitor.h"

enum kamailio_slot { SLOT_PROBE, SLOT_RPC, SLOT_LIST, SLOT_EVAPI, SLOT_SYNC };

/* Marks of a binding in `known`. */
#define MARK_SEEN    1 /* in this sweep */
#define MARK_RESET   2 /* to be removed from Kamailio before it is put: Kamailio refused its CSeq */
#define MARK_REFUSED 4 /* refused after a reset, too */

enum sweep_phase { SWEEP_IDLE, SWEEP_UPTIME, SWEEP_LIST, SWEEP_NAMES, SWEEP_REST };

struct kamailio {
	struct adapter_main *m;
	struct pbx_monitor mon;
	uint32_t mon_restarts; /* as last seen */
	const char *table;
	const char *rpc_text; /* for sentences */
	struct kamailio_rpc rpc;
	struct kamailio_list list;
	struct kamailio_evapi evapi;
	struct kamailio_sync sync;
	struct kamailio_trunks trunks;
	struct kamailio_uplink uplink;
	bool use_list, use_evapi, use_sync;

	boot_t standby_at; /* when it ended to be active; {0}: never was */
	bool active;
	bool restoring;
	bool told_everything; /* the agent has sent a full list */
	struct binding_store *known;

	/* push */
	struct binding_keys removals;
	struct adapter_applies applies;
	boot_t push_at; /* not before: Kamailio did not answer */
	uint64_t refused;
	uint64_t removed; /* taken from the queue of removals */
	uint64_t mark, mark_removed;
	boot_t mark_at;	   /* {0}: nothing waits */
	boot_t settled_at; /* what waited then has been done */
	char last_refusal[ADAPTER_WHY_MAX];

	/* sweep */
	enum sweep_phase phase;
	struct binding_keys lookups; /* asked for by events */
	struct json_t *names_answer;
	struct json_t *names;
	size_t next;
	uint32_t lookups_in_flight;
	uint32_t unanswered; /* in a row */
	bool sweep_again;
	bool hurry;
	bool list_failed;
	boot_t sweep_started, sweep_at, pace_from;
	uint64_t pace_done;
	uint64_t differences; /* found by this sweep */
	uint64_t sweeps;
	uint64_t dump_id; /* answered after the sweep; 0 = none */

	boot_t uptime_at;
	boot_t pbx_started; /* by core.uptime */
	bool uptime_asked;
	bool dialogs_missing;
	uint64_t requests; /* Kamailio's count of them, 0 = unknown */
	uint32_t requests_per_s;
	boot_t requests_at;
	uint32_t calls;
	boot_t expire_at;
	boot_t ticked_at;
	boot_t known_at; /* what Kamailio has was known then */
};

/* kamailio_push.c */
void push_binding(struct kamailio *k, const struct binding *b, bool reset);
void push_removal(struct kamailio *k, const char *aor, const char *contact);
void push_everything(struct kamailio *k);
void push_pump(struct kamailio *k, boot_t now);
void push_apply_end(struct kamailio *k, uint64_t id, boot_t now);
bool push_settled(const struct kamailio *k, const struct binding *b);
bool push_idle(const struct kamailio *k);
void push_measure(struct kamailio *k, boot_t now);
void push_synced(void *ctx, const char *aor, const char *contact, int status, boot_t now);
void push_rpc_answered(struct kamailio *k, const struct kamailio_rpc_slot *slot, bool ok, int code,
		       const char *error, boot_t now);

/* kamailio_sweep.c */
void sweep_request(struct kamailio *k, bool hurry);
void sweep_pump(struct kamailio *k, boot_t now);
boot_t sweep_next(const struct kamailio *k);
void sweep_uptime(struct kamailio *k, const struct json_t *result, boot_t now);
void sweep_looked_up(struct kamailio *k, const struct kamailio_rpc_slot *slot, const struct json_t *result,
		     int code, boot_t now);
void sweep_list_answer(struct kamailio *k, const struct json_t *result, boot_t now);
void sweep_list_ready(struct kamailio *k, boot_t now);
/* told: Kamailio itself says that this account changed, so what it lacks is gone. */
void sweep_lookup(struct kamailio *k, const char *aor, bool told);
void sweep_restarted(struct kamailio *k, boot_t now);

#endif
