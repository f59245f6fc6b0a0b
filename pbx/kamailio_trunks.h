/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registrations that Kamailio's module uac makes at carriers: orders by RPC, states from its list. Its timer
 * sends what is enabled; what a carrier answered is in the hash table "rktrunk" if the configuration keeps it
 * there (packaging/examples/kamailio). Decides nothing about when to try: that is the agent's.
 */
#ifndef RK_KAMAILIO_TRUNKS_H
#define RK_KAMAILIO_TRUNKS_H

#include "adapter_main.h"
#include "kamailio_rpc.h"

#define KAMAILIO_TRUNK_FROM_MAX 400

struct kamailio_trunk {
	const char *name; /* live as long as the process */
	const char *registration;
	char from[KAMAILIO_TRUNK_FROM_MAX]; /* URI in its From; "" = not in Kamailio's list */
	bool listed;			    /* in the answer that is being read */
	bool on;			    /* ordered to register, and Kamailio took it */
	bool reload;			    /* it unregistered for good: read its record again first */
	bool online;
	uint64_t order; /* to be answered, 0 = none */
	bool order_on;
	enum kamailio_call wanted; /* to be made when there is room, CALL_NONE = none */
	bool ask_status;	   /* likewise */
	bool told;		   /* what follows was reported */
	enum trunk_state state;
	int status;
	int64_t retry_after_ms;
	boot_t refreshing_since; /* registered, and being made anew; {0}: it is not */
};

struct kamailio_trunks {
	struct adapter_main *m;
	struct kamailio_rpc *rpc;
	size_t count;
	uint32_t in_flight; /* calls for single trunks */
	struct kamailio_trunk list[ADAPTER_TRUNKS_MAX];
	boot_t look_at;
	boot_t hurry_until;
};

void kamailio_trunks_init(struct kamailio_trunks *t, struct adapter_main *m, struct kamailio_rpc *rpc,
			  const struct adapter_main_config *c, boot_t now);
/* active: this node holds the group, so the carrier hears what is said. Answers id. */
void kamailio_trunks_order(struct kamailio_trunks *t, uint64_t id, size_t trunk, bool on, bool active,
			   boot_t now);
/* Kamailio was started again: all is as its configuration says. */
void kamailio_trunks_restarted(struct kamailio_trunks *t, boot_t now);
void kamailio_trunks_answered(struct kamailio_trunks *t, const struct kamailio_rpc_slot *slot,
			      const struct json_t *result, int code, const char *error, boot_t now);
boot_t kamailio_trunks_next(const struct kamailio_trunks *t);
void kamailio_trunks_tick(struct kamailio_trunks *t, boot_t now);

/* One record of uac.reg_dump. */
struct kamailio_trunk_record {
	const char *registration; /* l_uuid; as long as the JSON lives */
	int flags;
	int64_t expires_in_s;
	bool reload;			    /* it unregistered for good */
	char from[KAMAILIO_TRUNK_FROM_MAX]; /* "" = longer than any that could be asked for */
};
/* False: none. */
bool kamailio_trunk_record(const struct json_t *o, struct kamailio_trunk_record *ret);
/* What a record means. on: it was ordered to register. */
enum trunk_state kamailio_trunk_state(int flags, int64_t expires_in_s, bool on);
/* "503 30": the carrier's status and Retry-After, of the hash table. False: something else. */
bool kamailio_trunk_status(const char *text, int *ret_status, int64_t *ret_retry_after_ms);

#endif
