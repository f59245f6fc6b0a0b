/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "token_bucket.h"

#include <assert.h>

void token_bucket_init_every(struct token_bucket *b, int64_t interval_ns, uint32_t burst, boot_t now)
{
	assert(interval_ns >= 1 && burst >= 1);
	*b = (struct token_bucket){ .interval_ns = interval_ns, .burst = burst, .full_at = now };
}

void token_bucket_init(struct token_bucket *b, uint32_t rate_per_s, uint32_t burst, boot_t now)
{
	assert(rate_per_s >= 1);
	/* Rounded up: never faster than asked for. */
	token_bucket_init_every(b, (NS_PER_S + rate_per_s - 1) / rate_per_s, burst, now);
}

/* How long until all tokens are there. */
static int64_t bucket_missing_ns(const struct token_bucket *b, boot_t now)
{
	int64_t ns = boot_diff_ns(now, b->full_at);

	return ns > 0 ? ns : 0;
}

void token_bucket_change(struct token_bucket *b, uint32_t rate_per_s, uint32_t burst, boot_t now)
{
	int64_t missing = (bucket_missing_ns(b, now) + b->interval_ns - 1) / b->interval_ns;

	token_bucket_init(b, rate_per_s, burst, now);
	if (missing > burst)
		missing = burst;
	b->full_at = boot_add(now, missing * b->interval_ns);
}

boot_t token_bucket_next(const struct token_bucket *b, boot_t now)
{
	int64_t early_ns = bucket_missing_ns(b, now) - (b->burst - 1) * b->interval_ns;

	return early_ns > 0 ? boot_add(now, early_ns) : now;
}

bool token_bucket_take(struct token_bucket *b, boot_t now)
{
	if (boot_before(now, token_bucket_next(b, now)))
		return false;
	b->full_at = boot_add(now, bucket_missing_ns(b, now) + b->interval_ns);
	return true;
}
