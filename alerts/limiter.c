/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "limiter.h"

#include <stdio.h>
#include <string.h>

void limiter_init(struct limiter *l, uint32_t per_min, uint32_t burst, boot_t now)
{
	memset(l, 0, sizeof *l);
	token_bucket_init_every(&l->critical, 60 * NS_PER_S / per_min, burst, now);
	token_bucket_init_every(&l->others, 60 * NS_PER_S / per_min, burst, now);
}

static void count(struct limiter *l, const struct alert *a, boot_t now, int64_t wall_ns)
{
	if (!l->since.ns) {
		l->since = now;
		l->since_wall_ns = wall_ns;
		l->worst = a->severity;
	}
	l->last = now;
	if (a->severity > l->worst)
		l->worst = a->severity;
	l->held[a->event]++;
}

bool limiter_take(struct limiter *l, const struct alert *a, boot_t now, int64_t wall_ns)
{
	struct token_bucket *b = a->severity == ALERT_CRITICAL ? &l->critical : &l->others;

	if (token_bucket_take(b, now))
		return true;
	count(l, a, now, wall_ns);
	return false;
}

void limiter_lose(struct limiter *l, const struct alert *a, boot_t now, int64_t wall_ns)
{
	count(l, a, now, wall_ns);
	l->lost++;
}

boot_t limiter_due(const struct limiter *l)
{
	if (!l->since.ns)
		return BOOT_NEVER;
	return boot_min(boot_add(l->since, LIMITER_WINDOW_NS), boot_add(l->last, LIMITER_CALM_NS));
}

/* "12 alerts since 2026-... were held back (8 uplink, 4 trunk); see hactl history" */
static void summary_text(const struct limiter *l, const char *since, char *ret, size_t size)
{
	uint32_t total = 0;
	int n;

	for (int e = 0; e < ALERT_EVENTS_COUNT; e++)
		total += l->held[e];
	n = snprintf(ret, size, "%u alert%s since %s %s not told one by one:", total, total == 1 ? "" : "s",
		     since, total == 1 ? "was" : "were");
	for (int e = 0; e < ALERT_EVENTS_COUNT && n > 0 && (size_t)n < size; e++)
		if (l->held[e])
			n += snprintf(ret + n, size - (size_t)n, " %u %s", l->held[e],
				      alert_event_name((enum alert_event)e));
	if (l->lost && n > 0 && (size_t)n < size)
		n += snprintf(ret + n, size - (size_t)n, "; %u of them waited in vain for this receiver",
			      l->lost);
	if (n > 0 && (size_t)n < size)
		(void)snprintf(ret + n, size - (size_t)n, "; see hactl history and hactl status");
}

bool limiter_summary(struct limiter *l, boot_t now, int64_t wall_ns, struct alert *ret)
{
	char since[ALERT_TIME_MAX], text[2 * ALERT_SAID_MAX];

	if (boot_before(now, limiter_due(l)))
		return false;
	memset(ret, 0, sizeof *ret);
	ret->event = ALERT_HELD_BACK;
	ret->severity = l->worst;
	alert_time(wall_ns, ret->time);
	alert_time(l->since_wall_ns, since);
	summary_text(l, since, text, sizeof text);
	alert_set(ret->text, sizeof ret->text, text);
	memset(l->held, 0, sizeof l->held);
	l->lost = 0;
	l->since = l->last = (boot_t){ 0 };
	return true;
}

json_t *limiter_json(const struct limiter *l)
{
	json_t *held;

	if (!l->since.ns)
		return NULL;
	held = json_object();
	for (int e = 0; e < ALERT_EVENTS_COUNT; e++)
		if (l->held[e])
			(void)json_object_set_new(held, alert_event_name((enum alert_event)e),
						  json_integer((json_int_t)l->held[e]));
	return json_pack("{s:o, s:i, s:i, s:I}", "held", held, "lost", (int)l->lost, "worst", (int)l->worst,
			 "since_wall_ns", (json_int_t)l->since_wall_ns);
}

void limiter_load(struct limiter *l, const json_t *j, boot_t now)
{
	json_int_t worst = json_integer_value(json_object_get(j, "worst"));
	json_int_t lost = json_integer_value(json_object_get(j, "lost"));

	if (!json_is_object(j))
		return;
	for (int e = 0; e < ALERT_EVENTS_COUNT; e++) {
		json_int_t n = json_integer_value(
			json_object_get(json_object_get(j, "held"), alert_event_name((enum alert_event)e)));

		l->held[e] = n > 0 && n < UINT32_MAX ? (uint32_t)n : 0;
	}
	l->lost = lost > 0 && lost < UINT32_MAX ? (uint32_t)lost : 0;
	l->worst = worst >= 0 && worst < ALERT_SEVERITIES_COUNT ? (enum alert_severity)worst : ALERT_INFO;
	l->since_wall_ns = json_integer_value(json_object_get(j, "since_wall_ns"));
	l->since = l->last = now;
}
