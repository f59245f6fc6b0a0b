/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How often something may be done (registrations at a carrier, switches of an uplink): in any span of time at
 * most `burst`, and `rate` more for each second of it. Pure: times come as arguments.
 */
#ifndef RK_TOKEN_BUCKET_H
#define RK_TOKEN_BUCKET_H

#include "clock.h"

#include <stdbool.h>

struct token_bucket {
	int64_t interval_ns; /* between two tokens */
	uint32_t burst;
	boot_t full_at; /* when all tokens are there again */
};

/* Full. rate_per_s and burst are at least 1. */
void token_bucket_init(struct token_bucket *b, uint32_t rate_per_s, uint32_t burst, boot_t now);
/* Less than one a second: one each interval_ns. */
void token_bucket_init_every(struct token_bucket *b, int64_t interval_ns, uint32_t burst, boot_t now);
/* What was taken stays taken. */
void token_bucket_change(struct token_bucket *b, uint32_t rate_per_s, uint32_t burst, boot_t now);
/* False: none is there, try at token_bucket_next(). */
bool token_bucket_take(struct token_bucket *b, boot_t now);
/* When there is one: now or later. */
boot_t token_bucket_next(const struct token_bucket *b, boot_t now);

#endif
