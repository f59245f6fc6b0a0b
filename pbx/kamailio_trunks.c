/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_trunks.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Flags of a record, as uac.reg_dump prints them. */
#define UAC_DISABLED 1
#define UAC_ONGOING  2
#define UAC_ONLINE   4

/* Its timer sends what is due within its interval and 3 s; what waits longer waits after a failure. */
#define DUE_SOON_S 5

#define LOOK_EVERY_NS	 NS_PER_S
#define LOOK_HURRY_NS	 (100 * NS_PER_MS)
#define HURRY_NS	 (5 * NS_PER_S)
#define REFRESH_GRACE_NS (5 * NS_PER_S)
#define STATUS_TABLE	 "rktrunk"
/* Kamailio's socket takes ten requests at a time (net.unix.max_dgram_qlen), and there are other callers. */
#define IN_FLIGHT_MAX	   4
#define RETRY_AFTER_MS_MAX (86400 * 1000)

/* ---- what it means ---- */

enum trunk_state kamailio_trunk_state(int flags, int64_t expires_in_s, bool on)
{
	/* Its last word is on the way; without reg_retry_interval a failure disables it. */
	if (flags & UAC_DISABLED && flags & UAC_ONGOING)
		return TRUNK_REGISTERING;
	if (flags & UAC_DISABLED)
		return on && !(flags & UAC_ONLINE) ? TRUNK_FAILED : TRUNK_UNREGISTERED;
	if (flags & UAC_ONLINE && expires_in_s > 0)
		return TRUNK_REGISTERED;
	if (flags & UAC_ONGOING || expires_in_s <= DUE_SOON_S)
		return TRUNK_REGISTERING;
	return TRUNK_FAILED;
}

static bool record_number(const json_t *o, const char *key, int64_t low, int64_t high, int64_t *ret)
{
	const json_t *n = json_object_get(o, key);

	*ret = json_integer_value(n); /* absent: 0 */
	return (!n || json_is_integer(n)) && *ret >= low && *ret <= high;
}

bool kamailio_trunk_record(const json_t *o, struct kamailio_trunk_record *ret)
{
	const char *user = json_string_value(json_object_get(o, "r_username"));
	const char *domain = json_string_value(json_object_get(o, "r_domain"));
	int64_t flags, expires;
	int len;

	ret->registration = json_string_value(json_object_get(o, "l_uuid"));
	if (!ret->registration || !record_number(o, "flags", 0, INT_MAX, &flags) ||
	    !record_number(o, "diff_expires", INT_MIN, INT_MAX, &ret->expires_in_s) ||
	    !record_number(o, "expires", INT64_MIN, INT64_MAX, &expires))
		return false;
	ret->flags = (int)flags;
	ret->reload = expires == 0;
	len = snprintf(ret->from, sizeof ret->from, "sip:%s@%s", user ? user : "", domain ? domain : "");
	if (len < 0 || len >= (int)sizeof ret->from)
		ret->from[0] = 0;
	return true;
}

bool kamailio_trunk_status(const char *text, int *ret_status, int64_t *ret_retry_after_ms)
{
	char *end;
	long status = strtol(text, &end, 10), seconds;

	if (end == text || status < 100 || status > 699 || (*end && *end != ' '))
		return false;
	*ret_status = (int)status;
	*ret_retry_after_ms = -1;
	/* Retry-After may have a comment or parameters behind the seconds (RFC 3261 section 20.33). */
	if (*end == ' ' && end[1] >= '0' && end[1] <= '9') {
		seconds = strtol(end + 1, NULL, 10);
		*ret_retry_after_ms =
			seconds > RETRY_AFTER_MS_MAX / 1000 ? RETRY_AFTER_MS_MAX : seconds * 1000;
	}
	return true;
}

static bool status_rejects(int status)
{
	return status == 401 || status == 403 || status == 404 || status == 407;
}

/* ---- reports ---- */

static void trunk_tell(struct kamailio_trunks *t, struct kamailio_trunk *k, enum trunk_state state,
		       int status, int64_t retry_after_ms, const char *why)
{
	const struct adapter_trunk said = { k->name, state, why, status, retry_after_ms };

	if (k->told && k->state == state && k->status == status && k->retry_after_ms == retry_after_ms)
		return;
	k->told = true;
	k->state = state;
	k->status = status;
	k->retry_after_ms = retry_after_ms;
	adapter_main_trunk(t->m, &said);
}

static void trunk_tell_failure(struct kamailio_trunks *t, struct kamailio_trunk *k, int status,
			       int64_t retry_after_ms)
{
	char why[ADAPTER_WHY_MAX];

	if (status == 0)
		(void)snprintf(why, sizeof why,
			       "Kamailio could not register it, and its configuration does not keep the "
			       "carrier's answer");
	else if (status < 300)
		(void)snprintf(why, sizeof why, "the carrier does not answer");
	else if (retry_after_ms >= 0)
		(void)snprintf(why, sizeof why, "the carrier answered %d, with Retry-After %lld s", status,
			       (long long)(retry_after_ms / 1000));
	else
		(void)snprintf(why, sizeof why, "the carrier answered %d", status);
	if (status > 0 && status < 300)
		status = 408;
	trunk_tell(t, k, status_rejects(status) ? TRUNK_REJECTED : TRUNK_FAILED, status, retry_after_ms, why);
}

/* ---- Kamailio's list ---- */

static struct kamailio_trunk *trunk_named(struct kamailio_trunks *t, const char *registration)
{
	for (size_t i = 0; registration && i < t->count; i++)
		if (!strcmp(t->list[i].registration, registration))
			return &t->list[i];
	return NULL;
}

/* A registration is made anew long before it ends, and stands meanwhile. */
static bool trunk_is_refreshed(struct kamailio_trunk *k, enum trunk_state state, boot_t now)
{
	if (state != TRUNK_REGISTERING || !k->told || k->state != TRUNK_REGISTERED) {
		k->refreshing_since = (boot_t){ 0 };
		return false;
	}
	if (k->refreshing_since.ns == 0)
		k->refreshing_since = now;
	return boot_diff_ns(k->refreshing_since, now) < REFRESH_GRACE_NS;
}

static void trunk_read(struct kamailio_trunks *t, struct kamailio_trunk *k,
		       const struct kamailio_trunk_record *r, boot_t now)
{
	enum trunk_state state = kamailio_trunk_state(r->flags, r->expires_in_s, k->on);

	memcpy(k->from, r->from, sizeof k->from);
	k->listed = true;
	k->online = r->flags & UAC_ONLINE;
	k->reload = r->reload;
	if (trunk_is_refreshed(k, state, now))
		return;
	switch (state) {
	case TRUNK_FAILED:
		k->ask_status = true;
		break;
	case TRUNK_REGISTERED:
		trunk_tell(t, k, state, 200, -1, "");
		break;
	case TRUNK_UNKNOWN:
	case TRUNK_UNREGISTERED:
	case TRUNK_REGISTERING:
	case TRUNK_REJECTED:
	case TRUNK_STATES:
		trunk_tell(t, k, state, 0, -1, "");
		break;
	}
}

static void trunks_read(struct kamailio_trunks *t, const json_t *result, int code, boot_t now)
{
	char why[ADAPTER_WHY_MAX];
	const json_t *record;
	size_t i;

	if (!result && code == 0)
		return; /* Kamailio does not answer: its health says so */
	for (i = 0; i < t->count; i++)
		t->list[i].listed = false;
	json_array_foreach(result, i, record)
	{
		struct kamailio_trunk_record r;
		struct kamailio_trunk *k =
			kamailio_trunk_record(record, &r) ? trunk_named(t, r.registration) : NULL;

		if (k)
			trunk_read(t, k, &r, now);
	}
	for (i = 0; i < t->count; i++) {
		struct kamailio_trunk *k = &t->list[i];

		if (k->listed)
			continue;
		k->from[0] = 0;
		(void)snprintf(why, sizeof why, "Kamailio's module uac knows no registration %.80s",
			       k->registration);
		trunk_tell(t, k, TRUNK_UNKNOWN, 0, -1, why);
	}
}

static void trunk_read_status(struct kamailio_trunks *t, struct kamailio_trunk *k, const json_t *result,
			      int code)
{
	const json_t *item = json_object_get(result, "item");
	const char *text = json_string_value(json_object_get(item, "value"));
	int64_t retry_after_ms = -1;
	int status = 0;

	if (!result && code == 0)
		return;
	/* The table is there, and has nothing of this carrier: it never answered. */
	if (text && !kamailio_trunk_status(text, &status, &retry_after_ms))
		status = 0;
	trunk_tell_failure(t, k, status, retry_after_ms);
}

/* ---- orders ---- */

static void trunk_finish(struct kamailio_trunks *t, struct kamailio_trunk *k, const char *why)
{
	if (k->order)
		adapter_main_answer(t->m, k->order, why);
	k->order = 0;
}

static json_t *trunk_params(const struct kamailio_trunk *k, enum kamailio_call call)
{
	if (call == CALL_TRUNK_RELOAD)
		return json_pack("[s]", k->registration);
	if (call == CALL_TRUNK_STATUS || call == CALL_TRUNK_FORGET)
		return json_pack("[ss]", STATUS_TABLE, k->from);
	return json_pack("[ss]", "l_uuid", k->registration);
}

static bool trunk_call(struct kamailio_trunks *t, const struct kamailio_trunk *k, enum kamailio_call call,
		       boot_t now)
{
	if (t->in_flight >= IN_FLIGHT_MAX ||
	    kamailio_rpc_call(t->rpc, call, trunk_params(k, call), k->registration, NULL, now) < 0)
		return false;
	t->in_flight++;
	return true;
}

/* What the carrier said before is no answer to a new order. */
static enum kamailio_call trunk_first_call(const struct kamailio_trunk *k)
{
	return k->from[0] ? CALL_TRUNK_FORGET : k->reload ? CALL_TRUNK_RELOAD : CALL_TRUNK_ENABLE;
}

/* Orders first; what finds no room waits for an answer, or for the next look. */
static void trunks_pump(struct kamailio_trunks *t, boot_t now)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].wanted != CALL_NONE && trunk_call(t, &t->list[i], t->list[i].wanted, now))
			t->list[i].wanted = CALL_NONE;
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].ask_status && trunk_call(t, &t->list[i], CALL_TRUNK_STATUS, now))
			t->list[i].ask_status = false;
}

void kamailio_trunks_order(struct kamailio_trunks *t, uint64_t id, size_t trunk, bool on, bool active,
			   boot_t now)
{
	struct kamailio_trunk *k = &t->list[trunk];

	trunk_finish(t, k, "another order came");
	k->order = id;
	k->order_on = on;
	k->on = false;
	k->told = false; /* what comes now is news, even if it is the same */
	k->ask_status = false;
	t->hurry_until = boot_add(now, HURRY_NS);
	if (on)
		k->wanted = trunk_first_call(k);
	else /* a standby's last word would be sent again and again into its shut gate, and once more after */
		k->wanted = active && k->online ? CALL_TRUNK_UNREGISTER : CALL_TRUNK_DISABLE;
	trunks_pump(t, now);
}

static void trunk_order_answered(struct kamailio_trunks *t, struct kamailio_trunk *k, enum kamailio_call call,
				 const json_t *result, const char *error, boot_t now)
{
	char why[ADAPTER_WHY_MAX];

	bool of_on = call == CALL_TRUNK_ENABLE || call == CALL_TRUNK_RELOAD || call == CALL_TRUNK_FORGET;

	/* Of an order that was followed by another one. */
	if (!k->order || k->order_on != of_on)
		return;
	/* Forgetting fails where there is no table, which is no fault. */
	if (call == CALL_TRUNK_FORGET) {
		k->wanted = k->reload ? CALL_TRUNK_RELOAD : CALL_TRUNK_ENABLE;
		return;
	}
	if (!result && call == CALL_TRUNK_RELOAD)
		(void)snprintf(why, sizeof why,
			       "Kamailio cannot read the record of %.60s again (reg_db_url): %.60s",
			       k->registration, error);
	else if (!result)
		(void)snprintf(why, sizeof why, "Kamailio does not take the order for %.60s: %.60s",
			       k->registration, error);
	if (result && call == CALL_TRUNK_RELOAD) {
		k->reload = false;
		k->wanted = CALL_TRUNK_ENABLE;
		return;
	}
	k->on = result && call == CALL_TRUNK_ENABLE;
	trunk_finish(t, k, result ? NULL : why);
	t->look_at = boot_add(now, LOOK_HURRY_NS);
}

/* ---- life ---- */

void kamailio_trunks_init(struct kamailio_trunks *t, struct adapter_main *m, struct kamailio_rpc *rpc,
			  const struct adapter_main_config *c, boot_t now)
{
	*t = (struct kamailio_trunks){ .m = m, .rpc = rpc, .count = c->trunks_count, .look_at = now };
	for (size_t i = 0; i < t->count; i++)
		t->list[i] = (struct kamailio_trunk){ .name = c->trunks[i].name,
						      .registration = c->trunks[i].registration };
}

void kamailio_trunks_restarted(struct kamailio_trunks *t, boot_t now)
{
	for (size_t i = 0; i < t->count; i++)
		t->list[i].on = t->list[i].told = false;
	t->look_at = now;
}

void kamailio_trunks_answered(struct kamailio_trunks *t, const struct kamailio_rpc_slot *slot,
			      const json_t *result, int code, const char *error, boot_t now)
{
	struct kamailio_trunk *k = trunk_named(t, slot->aor);

	if (slot->call != CALL_TRUNKS)
		t->in_flight--;
	if (slot->call == CALL_TRUNKS)
		trunks_read(t, result, code, now);
	else if (k && slot->call == CALL_TRUNK_STATUS)
		trunk_read_status(t, k, result, code);
	else if (k)
		trunk_order_answered(t, k, slot->call, result, error, now);
	trunks_pump(t, now);
}

boot_t kamailio_trunks_next(const struct kamailio_trunks *t)
{
	return t->count ? t->look_at : BOOT_NEVER;
}

void kamailio_trunks_tick(struct kamailio_trunks *t, boot_t now)
{
	if (!t->count || boot_before(now, t->look_at))
		return;
	t->look_at = boot_add(now, boot_before(now, t->hurry_until) ? LOOK_HURRY_NS : LOOK_EVERY_NS);
	trunks_pump(t, now);
	/* A window that is full, or a Kamailio that is gone: again then. */
	if (!kamailio_rpc_in_flight(t->rpc, CALL_TRUNKS))
		(void)kamailio_rpc_call(t->rpc, CALL_TRUNKS, NULL, NULL, NULL, now);
}
