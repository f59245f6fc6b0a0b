/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"
#include "vrrp_announce.h"

#define INTERVAL (200 * NS_PER_MS)

static struct vrrp_speaker s;

static boot_t at(int64_t ms)
{
	return (boot_t){ NS_PER_S + ms * NS_PER_MS };
}

static void start(void)
{
	s = (struct vrrp_speaker){ 0 };
	vrrp_speaker_start(&s, at(0));
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(0)));
}

static struct vrrp_reaction hear(uint8_t priority, int64_t ms)
{
	struct vrrp_reaction r;

	vrrp_speaker_heard(&s, priority, at(ms), &r);
	return r;
}

START_TEST(speaks_at_once_and_on_schedule)
{
	s = (struct vrrp_speaker){ 0 };
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(0)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, BOOT_NEVER.ns);
	start();
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(199)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, at(200).ns);
	/* A late tick does not shift the schedule. */
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(203)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, at(400).ns);
}
END_TEST

START_TEST(a_stall_is_not_made_up_for)
{
	start();
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(1250)));
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(1250)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, at(1450).ns);
}
END_TEST

START_TEST(told_to_speak_twice_it_goes_on_and_told_to_stop_it_is_silent)
{
	start();
	vrrp_speaker_start(&s, at(100));
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(100)));
	vrrp_speaker_again(&s, at(100));
	vrrp_speaker_stop(&s);
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(5000)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, BOOT_NEVER.ns);
	vrrp_speaker_again(&s, at(5000));
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(5000)));
}
END_TEST

START_TEST(a_rogue_is_answered_at_once_and_reported)
{
	struct vrrp_reaction r;

	start();
	r = hear(254, 150);
	ck_assert(r.rogue && r.report && !r.suppressed);
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(150)));
	ck_assert_int_eq(vrrp_speaker_next(&s).ns, at(200).ns);
}
END_TEST

START_TEST(the_first_answers_are_10_ms_apart)
{
	unsigned answers = 0;

	start();
	for (int64_t ms = 110; ms < 200; ms++) {
		(void)hear(254, ms);
		answers += vrrp_speaker_due(&s, INTERVAL, at(ms));
	}
	ck_assert_uint_eq(answers, 9);
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(210))); /* the one that was owed */
	for (int64_t ms = 1210; ms < 5000; ms += 150) { /* and one at a time is always answered at once */
		(void)vrrp_speaker_due(&s, INTERVAL, at(ms));
		(void)hear(254, ms);
		ck_assert(vrrp_speaker_due(&s, INTERVAL, at(ms)));
	}
}
END_TEST

START_TEST(while_silent_nobody_is_a_rogue)
{
	struct vrrp_reaction r;

	s = (struct vrrp_speaker){ 0 };
	r = hear(254, 150);
	ck_assert(!r.rogue && !r.report);
	ck_assert(!vrrp_speaker_due(&s, INTERVAL, at(150)));
}
END_TEST

START_TEST(the_former_holder_and_who_resigns_are_answered_without_alarm)
{
	struct vrrp_reaction r;

	start();
	r = hear(100, 99);
	ck_assert(!r.rogue && !r.report);
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(99)));
	r = hear(0, 150);
	ck_assert(!r.rogue && !r.report);
	ck_assert(vrrp_speaker_due(&s, INTERVAL, at(150)));
	ck_assert(hear(100, 170).rogue);
}
END_TEST

/* One rogue every 0.1 ms for 3 s: ten answers and ten a second, a report each second, and the last word is
 * ours. */
START_TEST(a_flood_is_answered_and_reported_at_a_bounded_rate)
{
	unsigned answers = 0, reports = 0, rogues = 0, suppressed = 0;

	start();
	for (int64_t i = 0; i < 30000; i++) {
		boot_t now = boot_add(at(1000), i * NS_PER_MS / 10);
		struct vrrp_reaction r;

		vrrp_speaker_heard(&s, 254, now, &r);
		rogues += r.rogue;
		reports += r.report;
		suppressed += r.suppressed;
		answers += vrrp_speaker_due(&s, INTERVAL, now);
	}
	ck_assert_uint_eq(rogues, 30000);
	ck_assert_uint_eq(reports, 3);
	ck_assert_uint_eq(suppressed, 2 * 9999);
	ck_assert_uint_ge(answers, 35); /* one at the time of the schedule counts once */
	ck_assert_uint_le(answers, 10 + 30 + 3000 / 200 + 1);
	ck_assert(s.owed);
	ck_assert_int_le(vrrp_speaker_next(&s).ns, boot_add(at(4000), VRRP_ANSWER_LONG_NS).ns);
	(void)vrrp_speaker_due(&s, INTERVAL, at(4100));
	ck_assert(!s.owed);
}
END_TEST

UNIT_MAIN("vrrp_announce", speaks_at_once_and_on_schedule, a_stall_is_not_made_up_for,
	  told_to_speak_twice_it_goes_on_and_told_to_stop_it_is_silent,
	  a_rogue_is_answered_at_once_and_reported, the_first_answers_are_10_ms_apart,
	  while_silent_nobody_is_a_rogue, the_former_holder_and_who_resigns_are_answered_without_alarm,
	  a_flood_is_answered_and_reported_at_a_bounded_rate)
