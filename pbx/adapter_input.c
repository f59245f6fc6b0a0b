/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the child says. Every line may be anything: a message that is not understood is counted, alarmed about
 * at a bounded rate, and dropped.
 */
#include "adapter_private.h"
#include "binding_json.h"

#include <stdlib.h>
#include <string.h>

static void input_garbage(struct adapter *a, boot_t now, const char *what)
{
	a->counters.garbage++;
	adapter_alarm(a, ADAPTER_GARBAGE, now, "not a message: %s", what);
}

static const char *get_string(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : otherwise;
}

static uint64_t get_id(const json_t *o)
{
	const json_t *v = json_object_get(o, "id");

	return json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
}

static uint32_t get_u32(const json_t *o, const char *key, uint32_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX)
		return otherwise;
	return (uint32_t)json_integer_value(v);
}

/* ---- one function per type ---- */

static void input_hello(struct adapter *a, const json_t *o, boot_t now)
{
	const json_t *version = json_object_get(o, "version");

	if (a->state != ADAPTER_STARTED) {
		input_garbage(a, now, "a second hello");
		return;
	}
	if (!json_is_integer(version) || json_integer_value(version) != ADAPTER_PROTOCOL) {
		adapter_alarm(a, ADAPTER_VERSION, now, "the adapter speaks protocol %lld, we speak %d",
			      (long long)json_integer_value(version), ADAPTER_PROTOCOL);
		adapter_kill(a);
		return;
	}
	a->state = ADAPTER_GREETED;
	a->pong_until = BOOT_NEVER;
	(void)adapter_send_ping(a, now);      /* an empty buffer takes both; if memory is out, the deadline */
	(void)adapter_send_configure(a, now); /* of the ping ends it */
}

static bool health_state(const char *name, enum pbx_health *ret)
{
	static const struct {
		const char *name;
		enum pbx_health state;
	} states[] = {
		{ "starting", PBX_STARTING },
		{ "healthy", PBX_HEALTHY },
		{ "sick", PBX_SICK },
		{ "dead", PBX_DEAD },
	};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (!strcmp(name, states[i].name)) {
			*ret = states[i].state;
			return true;
		}
	return false;
}

static void input_health(struct adapter *a, const json_t *o, boot_t now)
{
	const json_t *in_step = json_object_get(o, "in_step");
	struct adapter_health h = { .in_step = !json_is_false(in_step) };
	uint32_t pid = get_u32(o, "pid", 0);

	if (!health_state(get_string(o, "state", ""), &h.state)) {
		input_garbage(a, now, "health of an unknown state");
		return;
	}
	adapter_sentence(h.why, sizeof h.why, get_string(o, "why", ""));
	h.calls = get_u32(o, "calls", ADAPTER_CALLS_UNKNOWN);
	h.bindings = get_u32(o, "bindings", 0);
	h.unmovable = get_u32(o, "unmovable", 0);
	h.overloaded = json_is_true(json_object_get(o, "overloaded"));
	h.calling = json_is_true(json_object_get(o, "calling"));
	h.pid = pid <= INT32_MAX ? (pid_t)pid : 0;
	a->stale_at = BOOT_NEVER;
	adapter_watch_pbx(a, &h);
	adapter_set_health(a, &h);
}

static void input_refused(struct adapter *a, boot_t now, const json_t *item, int error)
{
	a->counters.refused_bindings++;
	adapter_alarm(a, ADAPTER_REFUSED, now, "a binding of %.64s was refused: %s",
		      get_string(item, "aor", "?"),
		      error == -E2BIG ? "a field is too long" : "a field is missing or not clean");
}

static void input_bindings(struct adapter *a, const json_t *o, boot_t now)
{
	const char *aor, *contact;
	struct binding b;
	json_t *item;
	size_t i;
	int r;

	if (json_is_true(json_object_get(o, "full_begin")) && a->ops.full_begin)
		a->ops.full_begin(a->ctx);
	json_array_foreach(json_object_get(o, "remove"), i, item)
	{
		r = binding_key_from_json(item, &aor, &contact);
		if (r < 0)
			input_refused(a, now, item, r);
		else if (a->ops.remove)
			a->ops.remove(a->ctx, aor, contact);
	}
	json_array_foreach(json_object_get(o, "put"), i, item)
	{
		r = binding_from_json(item, now, &b);
		if (r < 0)
			input_refused(a, now, item, r);
		else if (a->ops.put)
			a->ops.put(a->ctx, &b);
	}
	if (json_is_true(json_object_get(o, "full_end")) && a->ops.full_end)
		a->ops.full_end(a->ctx);
	if (a->ops.bindings_end)
		a->ops.bindings_end(a->ctx);
}

static void input_trunks(struct adapter *a, const json_t *o, boot_t now)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(o, "trunks"), i, item)
	{
		char why[ADAPTER_WHY_MAX];
		struct adapter_trunk t = { .name = get_string(item, "name", ""),
					   .why = why,
					   .status = (int)get_u32(item, "status", 0) % 1000 };
		uint32_t after_ms = get_u32(item, "retry_after_ms", UINT32_MAX);

		adapter_sentence(why, sizeof why, get_string(item, "why", ""));
		t.retry_after_ms = after_ms == UINT32_MAX ? -1 : (int64_t)after_ms;
		t.retries = json_is_true(json_object_get(item, "retries"));
		if (!*t.name || !trunk_state_from_name(get_string(item, "state", ""), &t.state))
			input_garbage(a, now, "a trunk without a name or of an unknown state");
		else if (a->ops.trunk)
			a->ops.trunk(a->ctx, &t);
	}
}

static void input_answer(struct adapter *a, const json_t *o, boot_t now, int error)
{
	bool was_ready = a->state == ADAPTER_READY;
	char why[ADAPTER_WHY_MAX];

	adapter_sentence(why, sizeof why, get_string(o, "why", ""));
	if (!adapter_answer(a, get_id(o), error, why, now))
		a->counters.late++;
	if (was_ready || a->state != ADAPTER_READY)
		return;
	adapter_read_support(a, o);
	adapter_uplink_again(a, now);
	if (a->ops.ready)
		a->ops.ready(a->ctx);
}

static void input_done(struct adapter *a, const json_t *o, boot_t now)
{
	input_answer(a, o, now, 0);
}

static void input_failed(struct adapter *a, const json_t *o, boot_t now)
{
	input_answer(a, o, now, EREMOTEIO);
}

static void input_pong(struct adapter *a, const json_t *o, boot_t now)
{
	a->pong_until = BOOT_NEVER;
	a->ping_at = boot_add(now, a->ping_interval_ms * NS_PER_MS);
}

static void input_quality(struct adapter *a, const json_t *o, boot_t now)
{
	if (!adapter_read_quality(a, o))
		input_garbage(a, now, "quality without a call, or of a peer that is no address");
}

static void input_log(struct adapter *a, const json_t *o, boot_t now)
{
	adapter_log(a, get_string(o, "text", ""), now);
}

static const struct {
	const char *type;
	bool before_hello;
	void (*handle)(struct adapter *a, const json_t *o, boot_t now);
} input_types[] = {
	{ "hello", true, input_hello },	       { "health", false, input_health },
	{ "bindings", false, input_bindings }, { "trunks", false, input_trunks },
	{ "done", false, input_done },	       { "failed", false, input_failed },
	{ "pong", false, input_pong },	       { "log", true, input_log },
	{ "quality", false, input_quality },
};

static void input_dispatch(struct adapter *a, const json_t *o, boot_t now)
{
	const char *type = get_string(o, "type", "");

	for (size_t i = 0; i < sizeof input_types / sizeof input_types[0]; i++) {
		if (strcmp(type, input_types[i].type))
			continue;
		if (a->state == ADAPTER_STARTED && !input_types[i].before_hello)
			input_garbage(a, now, "something before hello");
		else
			input_types[i].handle(a, o, now);
		return;
	}
	input_garbage(a, now, *type ? "an unknown type" : "no type");
}

void adapter_handle_line(struct adapter *a, const char *line, boot_t now)
{
	json_error_t error;
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	a->counters.lines++;
	if (!json_is_object(o))
		input_garbage(a, now, o ? "no JSON object" : error.text);
	else
		input_dispatch(a, o, now);
	json_decref(o);
}
