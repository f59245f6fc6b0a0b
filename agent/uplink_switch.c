/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"
#include "clock_read.h"
#include "log.h"
#include "publishing.h"
#include "uplinks_private.h"

#include <errno.h>
#include <string.h>

static struct uplink_switching *switching(struct uplinks *u, enum path_family f)
{
	return &u->switching[f];
}

static int64_t spent_us(const struct uplink_switching *s)
{
	return boot_diff_ns(s->begun, clock_now().boot) / NS_PER_US;
}

/* ---- steps ---- */

/* Whatever of the old uplink's flows there is: what its NAT remembers is of no use on the new one. */
static void switch_flush(struct uplinks *u, struct uplink_switching *s)
{
	const struct path_uplink *old = s->from >= 0 ? &u->paths.uplink[s->from] : NULL;
	uint32_t n = 0;

	if (!old || !u->can_flush)
		return;
	if (path_flush_conntrack_count(&u->flush, old->mark, u->paths.mark_mask, &n) == 0)
		s->flows += n;
	if (n && path_flush_conntrack(&u->flush, old->mark, u->paths.mark_mask) < 0)
		log_warning("flows of uplink %s cannot be deleted", uplinks_name(u, s->from));
	for (uint8_t i = 0; i < old->address_count; i++) {
		n = 0;
		if (path_flush_sockets(&u->flush, &old->address[i], u->paths.voice_to, u->paths.voice_count,
				       &n) == 0)
			s->sockets += n;
	}
}

static void switch_end(struct uplinks *u, enum path_family f, bool ok, const char *how)
{
	struct uplink_switching *s = switching(u, f);

	s->running = false;
	s->ok = ok;
	s->ended = u->agent->now.boot;
	log_notice("voice: %s -> %s %s: R%u %s (route %lld us, flows %u, sockets %u)",
		   uplinks_name(u, s->from), uplinks_name(u, s->to), how, s->rule, s->why,
		   (long long)s->route_us, s->flows, s->sockets);
	records_event(u->agent, "uplink-switch", NULL, "voice: %s -> %s %s, R%u: %s",
		      uplinks_name(u, s->from), uplinks_name(u, s->to), how, s->rule, s->why);
	uplinks_switched(u, f, ok);
	publishing_switched(u->agent->publishing, f, s, ok);
}

static bool switch_begin(struct uplinks *u, enum path_family f, const struct uplink_decision *d)
{
	struct uplink_switching *s = switching(u, f);
	int from = uplinks_index(u, f, d->from);

	if (d->action == UPLINK_FINISH)
		from = uplinks_index(u, f, u->family[f].choice.draining);
	*s = (struct uplink_switching){
		.running = true,
		.action = d->action,
		.from = from,
		.to = uplinks_index(u, f, d->action == UPLINK_FINISH ? u->family[f].choice.active : d->to),
		.rule = d->rule,
		.why = d->why,
		.begun = clock_now().boot,
		.route_us = -1,
		.flush_us = -1,
		.verified_us = -1
	};
	s->planned = from >= 0 && uplink_grade_usable(u->line[from].state.grade);
	return s->to >= 0;
}

int uplink_switch_start(struct uplinks *u, enum path_family f, const struct uplink_decision *d)
{
	struct uplink_switching *s = switching(u, f);
	struct sentence why = { "" };
	int r = 0;

	if (!switch_begin(u, f, d))
		r = -ENETUNREACH;
	else if (d->action != UPLINK_FINISH)
		r = path_use(&u->path, &u->paths, (int8_t)s->to, &u->report, &why);
	if (r < 0) {
		log_error("voice cannot go over %s: %s", uplinks_name(u, s->to),
			  why.text[0] ? why.text : strerror(-r));
		switch_end(u, f, false, "failed: no route");
		return r;
	}
	s->route_us = spent_us(s);
	if (d->action != UPLINK_DRAIN)
		switch_flush(u, s);
	s->flush_us = spent_us(s);
	uplinks_moved(u, f);
	return 0;
}

/* ---- later ---- */

/* Voice goes where it should, and somebody answered there since, or nobody is asked. */
static bool switch_verified(const struct uplinks *u, const struct uplink_switching *s)
{
	const struct uplink_line *l = &u->line[s->to];

	return !boot_before(l->answered_at, s->begun) && uplink_grade_usable(l->state.grade);
}

static void switch_undo(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = switching(u, f);
	struct sentence why = { "" };
	int from = s->from;

	if (path_use(&u->path, &u->paths, (int8_t)from, &u->report, &why) < 0)
		log_error("voice cannot go back to %s: %s", uplinks_name(u, from), why.text);
	s->from = s->to;
	switch_flush(u, s);
	s->from = from;
	switch_end(u, f, false, "undone: nobody answers there");
	uplinks_moved(u, f);
}

void uplink_switch_tick(struct uplinks *u, enum path_family f)
{
	struct uplink_switching *s = switching(u, f);
	boot_t now = u->agent->now.boot;

	if (!s->running)
		return;
	if (!s->flushed_again && !boot_before(now, boot_add(s->begun, UPLINK_SWITCH_AGAIN_NS))) {
		s->flushed_again = true;
		if (s->action != UPLINK_DRAIN)
			switch_flush(u, s);
	}
	if (s->verified_us < 0 && switch_verified(u, s))
		s->verified_us = spent_us(s);
	if (s->flushed_again && s->verified_us >= 0)
		switch_end(u, f, true, "done");
	else if (boot_before(now, boot_add(s->begun, UPLINK_SWITCH_VERIFY_NS)))
		return;
	else if (s->planned && s->from >= 0 && uplink_grade_usable(u->line[s->from].state.grade))
		switch_undo(u, f);
	else
		switch_end(u, f, true, "done, not verified"); /* what it left was worse */
}

boot_t uplink_switch_next(const struct uplinks *u, enum path_family f)
{
	const struct uplink_switching *s = &u->switching[f];

	if (!s->running)
		return BOOT_NEVER;
	return boot_add(s->begun, s->flushed_again ? UPLINK_SWITCH_VERIFY_NS : UPLINK_SWITCH_AGAIN_NS);
}
