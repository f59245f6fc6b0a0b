/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How many alerts one receiver gets, what was held back, and the one alert that summarizes it. Critical ones
 * have an allowance of their own: a flood of others cannot hold them back. Pure: times come as arguments.
 */
#ifndef RK_LIMITER_H
#define RK_LIMITER_H

#include "alert.h"
#include "token_bucket.h"

#define LIMITER_WINDOW_NS (60 * NS_PER_S) /* a flood that goes on is summarized each time */
#define LIMITER_CALM_NS	  (5 * NS_PER_S)  /* one that is over, so long after its last one */

struct limiter {
	struct token_bucket critical, others;
	uint32_t held[ALERT_EVENTS_COUNT];
	uint32_t lost; /* of those that were in the queue: it was full, or the receiver refused them for good
			*/
	enum alert_severity worst;
	boot_t since, last; /* of what is held back; since 0 = nothing */
	int64_t since_wall_ns;
};

void limiter_init(struct limiter *l, uint32_t per_min, uint32_t burst, boot_t now);
/* False: it is held back, and counted. */
bool limiter_take(struct limiter *l, const struct alert *a, boot_t now, int64_t wall_ns);
/* One that was let through is not delivered all the same. */
void limiter_lose(struct limiter *l, const struct alert *a, boot_t now, int64_t wall_ns);
/* When a summary is due; BOOT_NEVER: nothing is held back. */
boot_t limiter_due(const struct limiter *l);
/* The summary (event, severity, text, time), and begins anew. False: it is not due. */
bool limiter_summary(struct limiter *l, boot_t now, int64_t wall_ns, struct alert *ret);

/* What is held back. New reference, NULL if nothing is. */
json_t *limiter_json(const struct limiter *l);
void limiter_load(struct limiter *l, const json_t *j, boot_t now);

#endif
