/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "receiver.h"

#include "backoff.h"
#include "crypto.h"
#include "log.h"

#include <errno.h>
#include <string.h>

int receiver_open(struct receiver *ret, const struct config_alert *config, CURLM *multi, int dir_fd,
		  boot_t now)
{
	int r;

	memset(ret, 0, sizeof *ret);
	ret->config = config;
	limiter_init(&ret->limiter, config->rate_per_min, config->burst, now);
	r = spool_open(&ret->spool, dir_fd, config->name, config->queue_max);
	if (r < 0)
		return r;
	delivery_init(&ret->delivery, multi);
	ret->repeat_at = now;
	if (ret->spool.damaged)
		log_error("alert %s: %llu files of its queue cannot be read -> removed", config->name,
			  (unsigned long long)ret->spool.damaged);
	if (ret->spool.count)
		log_notice("alert %s: %zu alerts wait", config->name, ret->spool.count);
	return 0;
}

void receiver_close(struct receiver *r)
{
	delivery_close(&r->delivery);
	spool_close(&r->spool);
}

/* ---- what it gets ---- */

bool receiver_wants(const struct config_alert *config, const struct alert *a)
{
	char own[ALERT_ID_MAX];

	if (a->event >= ALERT_CHOOSABLE)
		return true;
	(void)snprintf(own, sizeof own, "state/receiver/%s@", config->name);
	if (a->severity < (enum alert_severity)config->severity ||
	    (a->state == ALERT_RESOLVED && !config->resolved) || !strncmp(a->key, own, strlen(own)))
		return false;
	for (uint32_t i = 0; i < config->events_count; i++)
		if (!strcmp(config->events[i], alert_event_name(a->event)))
			return true;
	return config->events_count == 0;
}

/* The oldest one that is not under way. */
static void lose_oldest(struct receiver *r, boot_t now, int64_t wall_ns)
{
	bool busy = r->delivery.under_way && !r->repeats;
	struct alert gone = { .event = ALERT_OTHER, .severity = ALERT_INFO };

	if (!busy)
		(void)spool_first(&r->spool, &gone); /* only for the summary: what it was about */
	(void)spool_remove(&r->spool, busy ? 1 : 0);
	limiter_lose(&r->limiter, &gone, now, wall_ns);
}

/* True: the limiter has changed. */
static bool put(struct receiver *r, const struct alert *a, boot_t now, int64_t wall_ns)
{
	bool full = false;
	int e = spool_put(&r->spool, a);

	if (e == -ENOBUFS) {
		full = true;
		lose_oldest(r, now, wall_ns);
		e = spool_put(&r->spool, a);
	}
	if (e >= 0)
		return full;
	log_error("alert %s: its queue cannot be written: %s -> %s is only counted", r->config->name,
		  strerror(-e), a->id);
	limiter_lose(&r->limiter, a, now, wall_ns);
	return true;
}

bool receiver_take(struct receiver *r, const struct alert *a, boot_t now, int64_t wall_ns)
{
	if (!receiver_wants(r->config, a))
		return false;
	if (!limiter_take(&r->limiter, a, now, wall_ns))
		return true;
	return put(r, a, now, wall_ns);
}

static bool summarize(struct receiver *r, const struct cluster_view *v, boot_t now, int64_t wall_ns)
{
	struct alert a;

	if (!limiter_summary(&r->limiter, now, wall_ns, &a))
		return false;
	(void)snprintf(a.key, sizeof a.key, "held-back/%.30s@%.40s", r->config->name, v->self);
	(void)snprintf(a.id, sizeof a.id, "%.100s/%lld", a.key, (long long)(wall_ns / NS_PER_MS));
	alert_set(a.cluster, sizeof a.cluster, v->cluster);
	alert_set(a.node, sizeof a.node, v->self);
	alert_set(a.teller, sizeof a.teller, v->self);
	(void)put(r, &a, now, wall_ns);
	return true;
}

/* ---- deliveries ---- */

static void went_well(struct receiver *r)
{
	if (r->failing_since.ns)
		log_notice("alert %s: takes alerts again, %zu wait", r->config->name, r->spool.count);
	r->failures = 0;
	r->failing_since = r->retry_at = (boot_t){ 0 };
}

static void went_wrong(struct receiver *r, boot_t now)
{
	uint32_t dice = 0;
	int64_t wait_ns;

	(void)crypto_random(&dice, sizeof dice); /* without it they come back together, which is no harm */
	r->failures++;
	wait_ns = backoff_ns(r->failures, r->config->retry_ms_max, dice);
	r->retry_at = boot_add(now, wait_ns);
	(void)snprintf(r->said, sizeof r->said, "%s", r->delivery.answer);
	if (!r->failing_since.ns)
		r->failing_since = now;
	log_warning("alert %s: not delivered, try %u: %.160s -> again in %lld ms, %zu wait", r->config->name,
		    r->failures, r->said, (long long)(wait_ns / NS_PER_MS), r->spool.count);
}

/* True: the limiter has changed. */
static bool delivered(struct receiver *r, enum delivery_result result, boot_t now, int64_t wall_ns)
{
	bool lost = false;

	if (result == DELIVERY_DONE)
		went_well(r);
	else
		went_wrong(r, now);
	if (r->repeats)
		return false;
	if (result == DELIVERY_REFUSED && ++r->refusals >= RECEIVER_REFUSALS_MAX) {
		log_error("alert %s: %s is refused for good: %.160s -> dropped", r->config->name,
			  r->current.id, r->said);
		limiter_lose(&r->limiter, &r->current, now, wall_ns);
		lost = true;
	}
	if (result != DELIVERY_DONE && !lost)
		return false;
	r->refusals = 0;
	r->delivered += result == DELIVERY_DONE;
	(void)spool_remove(&r->spool, 0); /* what stays on a disk that fails is told once more */
	return lost;
}

/* What goes on and was told, for a receiver that forgets it. */
static json_t *going_on(const struct receiver *r, const struct conditions *known,
			const struct cluster_view *view, int64_t wall_ns)
{
	json_t *list = json_array();
	struct alert a;

	for (size_t i = 0; i < known->count; i++) {
		if (!known->at[i].told || known->at[i].once)
			continue;
		conditions_alert(&known->at[i], view, ALERT_FIRING, wall_ns, &a);
		if (receiver_wants(r->config, &a))
			(void)json_array_append_new(list,
						    message_alertmanager(&a, wall_ns, r->config->repeat_ms));
	}
	return list;
}

static void repeat(struct receiver *r, const struct conditions *known, const struct cluster_view *view,
		   boot_t now, int64_t wall_ns)
{
	json_t *list;

	if (r->config->type != CONFIG_ALERT_ALERTMANAGER || boot_before(now, r->repeat_at))
		return;
	r->repeat_at = boot_add(now, r->config->repeat_ms * NS_PER_MS);
	list = going_on(r, known, view, wall_ns);
	if (json_array_size(list) == 0) {
		json_decref(list);
		return;
	}
	r->repeats = true;
	delivery_start_list(&r->delivery, r->config, list);
}

static void start(struct receiver *r, const struct conditions *known, const struct cluster_view *view,
		  boot_t now, int64_t wall_ns)
{
	if (r->delivery.under_way || boot_before(now, r->retry_at))
		return;
	if (r->spool.count > 0 && spool_first(&r->spool, &r->current) == 0) {
		r->repeats = false;
		delivery_start(&r->delivery, r->config, &r->current, now, wall_ns);
		return;
	}
	repeat(r, known, view, now, wall_ns);
}

bool receiver_work(struct receiver *r, const struct conditions *known, const struct cluster_view *view,
		   boot_t now, int64_t wall_ns)
{
	bool changed = summarize(r, view, now, wall_ns);
	enum delivery_result result;

	if (delivery_work(&r->delivery, now, &result))
		changed |= delivered(r, result, now, wall_ns);
	start(r, known, view, now, wall_ns);
	return changed;
}

boot_t receiver_next(const struct receiver *r)
{
	boot_t next = boot_min(limiter_due(&r->limiter), delivery_next(&r->delivery));

	if (r->delivery.under_way)
		return next;
	if (r->spool.count > 0)
		return boot_min(next, r->retry_at);
	if (r->config->type == CONFIG_ALERT_ALERTMANAGER)
		next = boot_min(next, boot_max(r->repeat_at, r->retry_at));
	return next;
}
