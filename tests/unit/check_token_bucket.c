/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "token_bucket.h"
#include "unit.h"

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ NS_PER_S + ms * NS_PER_MS };
}

START_TEST(burst_at_once_then_the_rate)
{
	struct token_bucket b;

	token_bucket_init(&b, 5, 3, at_ms(0));
	for (int i = 0; i < 3; i++)
		ck_assert(token_bucket_take(&b, at_ms(0)));
	ck_assert(!token_bucket_take(&b, at_ms(0)) && !token_bucket_take(&b, at_ms(199)));
	ck_assert_int_eq(token_bucket_next(&b, at_ms(0)).ns, at_ms(200).ns);
	ck_assert(token_bucket_take(&b, at_ms(200)) && !token_bucket_take(&b, at_ms(399)));
	ck_assert(token_bucket_take(&b, at_ms(450)));
	ck_assert(token_bucket_take(&b, at_ms(600))); /* what was saved up by coming late */
	ck_assert(!token_bucket_take(&b, at_ms(600)));
	for (int i = 0; i < 3; i++)
		ck_assert(token_bucket_take(&b, at_ms(100000)));
	ck_assert(!token_bucket_take(&b, at_ms(100000))); /* a long pause saves no more than the burst */
}
END_TEST

/* Whatever is asked for and when: in no span of time more than the burst and its share of the rate. */
START_TEST(no_span_of_time_has_too_many)
{
	static const uint32_t rates[] = { 1, 3, 5, 7, 1000 }, bursts[] = { 1, 2, 10 };
	static int64_t taken[4000];
	int early = 0, too_many = 0; /* check(3) takes a system call for each assertion */

	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++)
		for (size_t u = 0; u < sizeof bursts / sizeof bursts[0]; u++) {
			struct token_bucket b;
			int64_t now = NS_PER_S;
			size_t n = 0;
			unsigned seed = (unsigned)(r * 31 + u);

			token_bucket_init(&b, rates[r], bursts[u], (boot_t){ now });
			for (int i = 0; i < 4000; i++) {
				seed = seed * 1103515245u + 12345u;
				now += (int64_t)(seed >> 8 & 0xffff) * (seed & 0x80 ? 40000 : 100);
				if (token_bucket_take(&b, (boot_t){ now }))
					taken[n++] = now;
				else
					early += !boot_before((boot_t){ now },
							      token_bucket_next(&b, (boot_t){ now }));
			}
			ck_assert_uint_gt(n, 10);
			for (size_t i = 0; i < n; i++)
				for (size_t k = i; k < n && k < i + 200; k++)
					too_many += (int64_t)(k - i + 1) >
						    bursts[u] + (taken[k] - taken[i]) * rates[r] / NS_PER_S;
		}
	ck_assert_int_eq(early, 0);
	ck_assert_int_eq(too_many, 0);
}
END_TEST

START_TEST(change_of_the_rate_gives_nothing_away)
{
	struct token_bucket b;

	token_bucket_init(&b, 1, 4, at_ms(0));
	ck_assert(token_bucket_take(&b, at_ms(0)) && token_bucket_take(&b, at_ms(0)));
	token_bucket_change(&b, 10, 4, at_ms(0));
	ck_assert(token_bucket_take(&b, at_ms(0)) && token_bucket_take(&b, at_ms(0)));
	ck_assert(!token_bucket_take(&b, at_ms(0)));
	ck_assert_int_eq(token_bucket_next(&b, at_ms(0)).ns, at_ms(100).ns);
	token_bucket_change(&b, 10, 1, at_ms(0));
	ck_assert_int_eq(token_bucket_next(&b, at_ms(0)).ns, at_ms(100).ns);
	token_bucket_change(&b, 10, 1, at_ms(5000));
	ck_assert(token_bucket_take(&b, at_ms(5000)));
}
END_TEST

UNIT_MAIN("token_bucket", burst_at_once_then_the_rate, no_span_of_time_has_too_many,
	  change_of_the_rate_gives_nothing_away)
