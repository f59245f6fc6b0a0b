/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The apply messages that an adapter has not answered yet. Its queue of bindings is first in, first out, so a
 * message is done when as many bindings have been finished as were taken or waiting when it came. One that
 * failed is told at once: what it asked for is kept, and may take as long as the PBX.
 */
#ifndef RK_ADAPTER_APPLIES_H
#define RK_ADAPTER_APPLIES_H

#include "adapter_main.h"

#define ADAPTER_APPLIES_MAX 64

struct adapter_applies {
	uint64_t started, completed; /* bindings taken from the queue, and finished */
	struct {
		uint64_t id;	/* 0 = free */
		uint64_t until; /* done when `completed` reaches it */
		bool failed;
	} entry[ADAPTER_APPLIES_MAX];
};

/* queued: bindings waiting, all of this message among them. False: too many in flight, answered so. */
bool adapter_applies_add(struct adapter_applies *a, struct adapter_main *m, uint64_t id, size_t queued);
/* Those that wait now are to be answered as failed. */
void adapter_applies_fail(struct adapter_applies *a);
/* Answers what is done or failed. idle: nothing is left to do at all; removed: no removal waits; why: of
 * those that failed. */
void adapter_applies_answer(struct adapter_applies *a, struct adapter_main *m, bool idle, bool removed,
			    const char *why);

#endif
