/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "journal.h"

#include "clock_read.h"
#include "journal_codec.h"

#include <string.h>

void journal_init(struct journal *j, struct recorder *recorder, uint32_t journal_kib, const char *names)
{
	j->recorder = recorder;
	j->file_bytes_max = journal_kib * 1024ULL;
	if (j->file_bytes_max < 2 * sizeof(struct core))
		j->file_bytes_max = 2 * sizeof(struct core); /* else nothing but snapshots */
	j->file_bytes = 0;
	j->broken = true; /* nothing begun yet */
	j->names = names ? names : "{}";
	j->used = 0;
	j->next_start = (boot_t){ 0 };
}

static void journal_hand_over(struct journal *j, bool fresh)
{
	if (recorder_journal(j->recorder, j->buffer, j->used, fresh) < 0)
		j->broken = true;
	j->used = 0;
}

void journal_flush(struct journal *j)
{
	if (j->used > 0 && !j->broken)
		journal_hand_over(j, false);
}

static void journal_put(struct journal *j, const void *data, size_t len, bool *fresh)
{
	const uint8_t *p = data;

	while (len > 0 && !j->broken) {
		size_t room = sizeof j->buffer - j->used, n = len < room ? len : room;

		memcpy(j->buffer + j->used, p, n);
		j->used += n;
		j->file_bytes += n;
		p += n;
		len -= n;
		if (j->used == sizeof j->buffer) {
			journal_hand_over(j, *fresh);
			*fresh = false;
		}
	}
}

/* A file of its own: head, names, the core as it is now. Not more than once a second when it does not work.
 */
static void journal_start(struct journal *j, const struct core *c, struct instant now)
{
	struct journal_head head = { .magic = JOURNAL_MAGIC,
				     .core_bytes = sizeof *c,
				     .event_bytes = sizeof(struct core_event),
				     .version = RINGKEEP_VERSION,
				     .wall_ns = clock_wall_ns(),
				     .boot_ns = now.boot.ns,
				     .names_bytes = (uint32_t)strlen(j->names) };
	bool fresh = true;

	if (boot_before(now.boot, j->next_start))
		return;
	j->next_start = boot_add(now.boot, NS_PER_S);
	j->broken = false;
	j->used = 0;
	j->file_bytes = 0;
	journal_put(j, &head, sizeof head, &fresh);
	journal_put(j, j->names, head.names_bytes, &fresh);
	journal_put(j, c, sizeof *c, &fresh);
	if (j->used > 0 && !j->broken)
		journal_hand_over(j, fresh);
}

/* Worth a system call of its own: what one wants to see after a crash. */
static bool journal_urgent(const struct core_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->actions[i].type == PLAN_RECORD || plan->actions[i].type == PLAN_STEP ||
		    plan->actions[i].type == PLAN_EXPLAIN)
			return true;
	return false;
}

void journal_event(struct journal *j, const struct core *c, const struct core_event *ev,
		   const struct core_plan *plan)
{
	struct journal_record head = { .event_bytes = (uint32_t)journal_event_bytes(ev),
				       .actions = plan->count,
				       .digest = journal_plan_digest(plan) };
	bool fresh = false;

	if (j->broken || j->file_bytes + sizeof head + head.event_bytes > j->file_bytes_max) {
		journal_flush(j);
		journal_start(j, c, ev->at);
		return; /* the snapshot has this event in it */
	}
	journal_put(j, &head, sizeof head, &fresh);
	journal_put(j, ev, head.event_bytes, &fresh);
	if (journal_urgent(plan))
		journal_flush(j);
}
