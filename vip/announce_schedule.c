/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "announce_schedule.h"

#include <stddef.h>

static const int64_t rounds_ns[] = { 0, 100 * NS_PER_MS, NS_PER_S, 5 * NS_PER_S };
#define ROUNDS (sizeof rounds_ns / sizeof rounds_ns[0])

void announce_schedule_start(struct announce_schedule *s, boot_t now)
{
	*s = (struct announce_schedule){ .active = true, .start = now, .last = s->last, .next = now };
}

void announce_schedule_stop(struct announce_schedule *s)
{
	s->active = false;
}

void announce_schedule_defend(struct announce_schedule *s, boot_t now)
{
	boot_t soonest = boot_max(now, boot_add(s->last, ANNOUNCE_DEFEND_NS));

	if (s->active)
		s->next = boot_min(s->next, soonest);
}

boot_t announce_schedule_next(const struct announce_schedule *s)
{
	return s->active ? s->next : BOOT_NEVER;
}

void announce_schedule_done(struct announce_schedule *s, boot_t now)
{
	s->last = now;
	s->round++;
	for (size_t i = 1; i < ROUNDS; i++) {
		s->next = boot_add(s->start, rounds_ns[i]);
		if (boot_before(now, s->next))
			return;
	}
	s->next = boot_add(now, ANNOUNCE_REFRESH_NS);
}
