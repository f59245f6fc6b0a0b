/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Totals of RTCP reports become differences: over the end of sequence numbers, over a stream that began anew,
 * and whatever a stranger writes into them.
 */
#include "asterisk_quality.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct adapter_quality said;

static bool report(struct asterisk_quality *q, const char *call, const char *ssrc, const char *highest,
		   const char *cycles, const char *lost, const char *jitter)
{
	const struct ami_message m = { { { "Uniqueid", call },
					 { "RTT", "0.0410" },
					 { "Report0SourceSSRC", ssrc },
					 { "Report0HighestSequence", highest },
					 { "Report0SequenceNumberCycles", cycles },
					 { "Report0CumulativeLost", lost },
					 { "Report0IAJitter", jitter } },
				       7 };

	return asterisk_quality_event(q, &m, &said);
}

START_TEST(differences_of_one_stream)
{
	struct asterisk_quality *q = calloc(1, sizeof *q);

	ck_assert_ptr_nonnull(q);
	ck_assert(!report(q, "c", "0x1", "65500", "0", "4", "80"));
	ck_assert(report(q, "c", "0x1", "64", "1", "6", "80"));
	ck_assert(said.packets == 100 && said.lost == 2 && said.jitter_us == 10000);
	ck_assert(said.rtt_us >= 40999 && said.rtt_us <= 41000);
	ck_assert_str_eq(said.call, "c");
	ck_assert(!report(q, "c", "0x1", "64", "1", "6", "80")); /* nothing new */
	ck_assert(report(q, "c", "0x1", "314", "1", "6", "80") && said.packets == 250 && said.lost == 0);
	/* Duplicates: the total goes down, also below nothing, which 24 bits show without a sign. */
	ck_assert(report(q, "c", "0x1", "414", "1", "16777215", "80") && said.lost == 0);
	ck_assert(report(q, "c", "0x1", "514", "1", "1", "80") && said.lost == 2);
	free(q);
}
END_TEST

START_TEST(a_stream_that_begins_anew_is_no_loss)
{
	struct asterisk_quality *q = calloc(1, sizeof *q);

	ck_assert_ptr_nonnull(q);
	ck_assert(!report(q, "c", "0x1", "5000", "3", "400", "0"));
	ck_assert(!report(q, "c", "0x1", "100", "0", "0", "0"));
	ck_assert(report(q, "c", "0x1", "300", "0", "1", "0") && said.packets == 200 && said.lost == 1);
	ck_assert(!report(q, "c", "0x2", "300", "0", "1", "0")); /* another SSRC */
	ck_assert(!report(q, "d", "0x1", "400", "0", "1", "0")); /* another call */
	free(q);
}
END_TEST

START_TEST(numbers_of_a_stranger_stay_in_bounds)
{
	struct asterisk_quality *q = calloc(1, sizeof *q);

	ck_assert_ptr_nonnull(q);
	ck_assert(!report(q, "c", "0x1", "x", "0", "0", "0"));
	ck_assert(!report(q, "c", "0x1", "1", "0", "0", "0"));
	ck_assert(report(q, "c", "0x1", "11", "0", "8388607", "4294967295"));
	ck_assert(said.packets == 10 && said.lost == 10 && said.jitter_us == 10000000);
	ck_assert(report(q, "c", "0x1", "21", "0", "0", "-5") && said.jitter_us == 0);
	free(q);
}
END_TEST

START_TEST(the_oldest_stream_makes_room)
{
	struct asterisk_quality *q = calloc(1, sizeof *q);
	char call[16];

	ck_assert_ptr_nonnull(q);
	for (int i = 0; i <= ASTERISK_STREAMS_MAX; i++) {
		(void)snprintf(call, sizeof call, "c%d", i);
		ck_assert(!report(q, call, "0x1", "1", "0", "0", "0"));
	}
	ck_assert(report(q, call, "0x1", "2", "0", "0", "0"));
	ck_assert(report(q, "c1", "0x1", "2", "0", "0", "0"));
	ck_assert(!report(q, "c0", "0x1", "2", "0", "0", "0")); /* it had gone */
	free(q);
}
END_TEST

START_TEST(addresses_with_a_port)
{
	struct ip_address ip;
	char text[IP_TEXT_MAX];

	ck_assert(asterisk_address("203.0.113.5:5001", &ip));
	ck_assert_str_eq(ip_format(&ip, text), "203.0.113.5");
	ck_assert(asterisk_address("[2001:db8::5]:5001", &ip));
	ck_assert_str_eq(ip_format(&ip, text), "2001:db8::5");
	ck_assert(!asterisk_address("", &ip) && !asterisk_address("[", &ip) && !asterisk_address("x:1", &ip));
}
END_TEST

UNIT_MAIN("asterisk_quality", differences_of_one_stream, a_stream_that_begins_anew_is_no_loss,
	  numbers_of_a_stranger_stay_in_bounds, the_oldest_stream_makes_room, addresses_with_a_port)
