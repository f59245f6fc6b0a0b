/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every event that the core was fed and a digest of every plan it answered with, in a ring of two files of
 * bounded size (journal.0, journal.1), for `hactl replay`. Each file starts with a snapshot of the whole
 * core, so either can be replayed alone, by the same build of ringkeep. Writing is buffered here and done by
 * the recorder process; what cannot be handed over is dropped, the next file starts afresh.
 */
#ifndef RK_JOURNAL_H
#define RK_JOURNAL_H

#include "core.h"
#include "recorder.h"

#include <stdio.h>

struct journal {
	struct recorder *recorder; /* borrowed */
	uint64_t file_bytes_max;
	uint64_t file_bytes; /* of the present file */
	bool broken;	     /* nothing begun, or something was dropped: start afresh at the next event */
	const char *names;   /* JSON of node and group names, for the trace; borrowed */
	boot_t next_start;   /* not before, while it does not work */
	size_t used;
	uint8_t buffer[RECORDER_MESSAGE_MAX];
};

/* names: {"nodes":{"1":"n1"},"groups":["office"]}; borrowed. */
void journal_init(struct journal *j, struct recorder *recorder, uint32_t journal_kib, const char *names);
/* After core_step(c, ev, plan): what was fed and what came out. c is the core after the step. */
void journal_event(struct journal *j, const struct core *c, const struct core_event *ev,
		   const struct core_plan *plan);
/* Hands what is buffered to the recorder; call it when the loop is idle, at least every second. */
void journal_flush(struct journal *j);

/* Digest of the used part of every action, in order; the same on every machine. */
uint64_t journal_plan_digest(const struct core_plan *plan);

/* `hactl replay`: re-runs the core. 0 = every plan matched; 1 = a difference was printed; -errno. */
int journal_replay(const char *path, bool quiet, FILE *out, char *reterr, size_t size);

#endif
