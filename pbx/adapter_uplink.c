/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's side of an adapter that can be told of uplinks: what it supports, what it was told, and what it
 * says of live calls.
 */
#include "adapter_private.h"

#include <errno.h>
#include <string.h>

#define CALL_NAME_MAX 255

static const char *const support_names[] = {
	[ADAPTER_UPLINK_NONE] = "none",
	[ADAPTER_UPLINK_ONE] = "one",
	[ADAPTER_UPLINK_EACH] = "each",
};

const char *adapter_uplink_support_name(enum adapter_uplink_support support)
{
	return support <= ADAPTER_UPLINK_EACH ? support_names[support] : "?";
}

bool adapter_uplink_support_from_name(const char *name, enum adapter_uplink_support *ret)
{
	for (size_t i = 0; i < sizeof support_names / sizeof support_names[0]; i++)
		if (!strcmp(name, support_names[i])) {
			*ret = (enum adapter_uplink_support)i;
			return true;
		}
	return false;
}

enum adapter_uplink_support adapter_uplink_support(const struct adapter *a)
{
	return a->uplink_support;
}

bool adapter_can_reinvite(const struct adapter *a)
{
	return a->can_reinvite;
}

void adapter_read_support(struct adapter *a, const json_t *done)
{
	const char *name = json_string_value(json_object_get(done, "uplinks"));

	a->uplink_support = ADAPTER_UPLINK_NONE;
	if (name)
		(void)adapter_uplink_support_from_name(name, &a->uplink_support); /* unknown: none */
	a->can_reinvite = json_is_true(json_object_get(done, "reinvite"));
}

static int uplink_send(struct adapter *a, boot_t now, uint64_t *ret_id)
{
	return adapter_request(a, ADAPTER_UPLINK, json_copy(a->uplink), now, ret_id);
}

int adapter_uplink(struct adapter *a, const struct adapter_uplink *u, boot_t now, uint64_t *ret_id)
{
	json_t *o = json_pack("{ss ss ss? ss? sb ss?}", "type", "uplink", "name", u->name, "public4",
			      u->public4, "public6", u->public6, "drain", (int)u->drain, "from", u->from);

	if (!o)
		return -ENOMEM;
	json_decref(a->uplink);
	a->uplink = o;
	if (a->state != ADAPTER_READY)
		return -ENOTCONN;
	if (a->uplink_support == ADAPTER_UPLINK_NONE)
		return -EOPNOTSUPP;
	if (u->drain && a->uplink_support != ADAPTER_UPLINK_EACH)
		return -EINVAL;
	return uplink_send(a, now, ret_id);
}

void adapter_uplink_again(struct adapter *a, boot_t now)
{
	uint64_t id = 0;

	if (!a->uplink || a->uplink_support == ADAPTER_UPLINK_NONE || uplink_send(a, now, &id) < 0)
		return; /* a full buffer right after the start is an alarm already */
	for (size_t i = 0; i < ADAPTER_REQUESTS_MAX; i++)
		if (a->pending[i].id == id)
			a->pending[i].again = true;
}

int adapter_reinvite(struct adapter *a, boot_t now, uint64_t *ret_id)
{
	if (a->state == ADAPTER_READY && !a->can_reinvite)
		return -EOPNOTSUPP;
	return adapter_simple(a, ADAPTER_REINVITE, now, ret_id);
}

static uint32_t count_of(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

bool adapter_read_quality(struct adapter *a, const json_t *o)
{
	const char *peer = json_string_value(json_object_get(o, "peer"));
	const char *call = json_string_value(json_object_get(o, "call"));
	char name[CALL_NAME_MAX + 1], text[IP_TEXT_MAX];
	struct ip_address ip;
	struct adapter_quality q = {
		.peer = text,
		.call = name,
		.packets = count_of(o, "packets"),
		.lost = count_of(o, "lost"),
		.rtt_us = count_of(o, "rtt_us"),
		.jitter_us = count_of(o, "jitter_us"),
	};

	if (!peer || !call || !*call || ip_parse(peer, &ip) < 0)
		return false;
	(void)ip_format(&ip, text);
	adapter_sentence(name, sizeof name, call);
	if (q.lost > q.packets) /* RFC 3550: duplicates and late ones make it strange, not more than all */
		q.lost = q.packets;
	if (a->ops.quality)
		a->ops.quality(a->ctx, &q);
	return true;
}
