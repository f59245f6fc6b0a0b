/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_uplink.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define AGAIN_NS      (200 * NS_PER_MS) /* somebody waits for the answer */
#define AGAIN_LATE_NS NS_PER_S
#define GIVE_UP_NS    (4 * NS_PER_S) /* the agent's switch waits 5 s */

static const char *const keys[KAMAILIO_UPLINK_KEYS] = { "name", "public4", "public6" };

static bool table_is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return len > 0 && len <= KAMAILIO_UPLINK_TABLE_MAX && !text[len];
}

bool kamailio_uplink_init(struct kamailio_uplink *u, struct adapter_main *m, struct kamailio_rpc *rpc,
			  const char *rpc_text, const char *table)
{
	*u = (struct kamailio_uplink){ .m = m, .rpc = rpc, .rpc_text = rpc_text, .table = table };
	if (!table)
		return true;
	if (!table_is_name(table))
		return false;
	adapter_main_uplinks(m, ADAPTER_UPLINK_ONE, false); /* a proxy has no media to move */
	return true;
}

static void uplink_finish(struct kamailio_uplink *u, const char *why)
{
	if (u->order)
		adapter_main_answer(u->m, u->order, why);
	u->order = 0;
}

static void uplink_set(struct kamailio_uplink *u, boot_t now)
{
	json_t *params;

	if (u->state != KAMAILIO_UPLINK_SETS || u->in_flight || boot_before(now, u->again_at))
		return;
	params = json_pack("[sss]", u->table, keys[u->next], u->value[u->next]);
	u->in_flight = params && kamailio_rpc_call(u->rpc, CALL_UPLINK, params, NULL, NULL, now) == 0;
	if (!u->in_flight)
		u->again_at = boot_add(now, u->order ? AGAIN_NS : AGAIN_LATE_NS);
}

static void uplink_begin(struct kamailio_uplink *u, boot_t now)
{
	u->state = KAMAILIO_UPLINK_SETS;
	u->next = 0;
	u->outdated = u->in_flight;
	u->again_at = now;
	uplink_set(u, now);
}

/* As it stands in a URI; "" = none, the routes go on with Kamailio's own. Both fit: a name is ours, an
 * address has been parsed. */
static void uplink_values(const struct adapter_uplink *told,
			  char ret[KAMAILIO_UPLINK_KEYS][KAMAILIO_UPLINK_VALUE_MAX + 1])
{
	(void)snprintf(ret[0], KAMAILIO_UPLINK_VALUE_MAX + 1, "%s", told->name);
	(void)snprintf(ret[1], KAMAILIO_UPLINK_VALUE_MAX + 1, "%s", told->public4 ? told->public4 : "");
	(void)snprintf(ret[2], KAMAILIO_UPLINK_VALUE_MAX + 1, told->public6 ? "[%s]" : "%s",
		       told->public6 ? told->public6 : "");
}

void kamailio_uplink_order(struct kamailio_uplink *u, uint64_t id, const struct adapter_uplink *told,
			   boot_t now)
{
	char value[KAMAILIO_UPLINK_KEYS][KAMAILIO_UPLINK_VALUE_MAX + 1] = { "" };

	uplink_finish(u, "another uplink came");
	uplink_values(told, value);
	u->order = id;
	u->give_up_at = boot_add(now, GIVE_UP_NS);
	if (u->state == KAMAILIO_UPLINK_SET && !memcmp(u->value, value, sizeof value)) {
		uplink_finish(u, NULL);
		return;
	}
	memcpy(u->value, value, sizeof value);
	uplink_begin(u, now);
}

static void uplink_refused(struct kamailio_uplink *u, const char *error)
{
	char why[ADAPTER_WHY_MAX];

	u->state = KAMAILIO_UPLINK_REFUSED;
	(void)snprintf(why, sizeof why,
		       "Kamailio does not take %s into its hash table %s (uplink-table): %.80s",
		       keys[u->next], u->table, error); /* fits */
	if (!u->order)
		adapter_main_log(u->m, "%s", why);
	uplink_finish(u, why);
}

void kamailio_uplink_answered(struct kamailio_uplink *u, bool ok, int code, const char *error, boot_t now)
{
	u->in_flight = false;
	if (u->state != KAMAILIO_UPLINK_SETS)
		return;
	if (u->outdated) {
		u->outdated = false;
	} else if (!ok && code != 0) {
		uplink_refused(u, error);
		return;
	} else if (!ok) {
		u->again_at = boot_add(now, AGAIN_NS); /* it has waited for the answer */
	} else if (++u->next == KAMAILIO_UPLINK_KEYS) {
		u->state = KAMAILIO_UPLINK_SET;
		uplink_finish(u, NULL);
		return;
	}
	uplink_set(u, now);
}

void kamailio_uplink_restarted(struct kamailio_uplink *u, boot_t now)
{
	if (u->state != KAMAILIO_UPLINK_UNTOLD)
		uplink_begin(u, now);
}

boot_t kamailio_uplink_next(const struct kamailio_uplink *u)
{
	boot_t next = u->order ? u->give_up_at : BOOT_NEVER;

	return u->state == KAMAILIO_UPLINK_SETS && !u->in_flight ? boot_min(next, u->again_at) : next;
}

void kamailio_uplink_tick(struct kamailio_uplink *u, boot_t now)
{
	char why[ADAPTER_WHY_MAX];

	if (u->order && !boot_before(now, u->give_up_at)) {
		(void)snprintf(why, sizeof why, "Kamailio does not answer on %.120s", u->rpc_text); /* fits */
		uplink_finish(u, why); /* and we go on trying */
	}
	uplink_set(u, now);
}
