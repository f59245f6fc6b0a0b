/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The uplink and its public addresses in a hash table of Kamailio, where its routes read them for what goes
 * to carriers (packaging/examples/kamailio). A Kamailio that was started again gets them again.
 */
#ifndef RK_KAMAILIO_UPLINK_H
#define RK_KAMAILIO_UPLINK_H

#include "adapter_main.h"
#include "kamailio_rpc.h"

#define KAMAILIO_UPLINK_KEYS	  3 /* name, public4, public6 */
#define KAMAILIO_UPLINK_VALUE_MAX 127
#define KAMAILIO_UPLINK_TABLE_MAX 60

enum kamailio_uplink_state {
	KAMAILIO_UPLINK_UNTOLD,
	KAMAILIO_UPLINK_SETS,
	KAMAILIO_UPLINK_SET,
	KAMAILIO_UPLINK_REFUSED
};

struct kamailio_uplink {
	struct adapter_main *m;
	struct kamailio_rpc *rpc;
	const char *rpc_text; /* for sentences */
	const char *table;    /* NULL: the routes ask for nothing */
	enum kamailio_uplink_state state;
	char value[KAMAILIO_UPLINK_KEYS][KAMAILIO_UPLINK_VALUE_MAX + 1];
	size_t next; /* the key that is being set */
	bool in_flight;
	bool outdated;	/* what is in flight is of an order before */
	uint64_t order; /* to be answered, 0 = none */
	boot_t again_at, give_up_at;
};

/* The setting uplink-table, NULL if there is none. False: it is no name of a table. */
bool kamailio_uplink_init(struct kamailio_uplink *u, struct adapter_main *m, struct kamailio_rpc *rpc,
			  const char *rpc_text, const char *table);
/* Answers id. */
void kamailio_uplink_order(struct kamailio_uplink *u, uint64_t id, const struct adapter_uplink *told,
			   boot_t now);
void kamailio_uplink_answered(struct kamailio_uplink *u, bool ok, int code, const char *error, boot_t now);
void kamailio_uplink_restarted(struct kamailio_uplink *u, boot_t now);
boot_t kamailio_uplink_next(const struct kamailio_uplink *u);
void kamailio_uplink_tick(struct kamailio_uplink *u, boot_t now);

#endif
