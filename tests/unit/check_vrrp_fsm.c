/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Incidents of one router. Times are in ms; priorities 192, 128 and 64 have a Skew_Time of 250, 500 and 750
 * ms at the interval of 1 s that all have unless told otherwise.
 */
#include "unit.h"
#include "vrrp_fsm.h"
#include "vrrp_wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MS NS_PER_MS

struct story {
	struct vrrp_fsm f;
	int64_t now_ms;
	bool unsent; /* sending fails */
	char log[4096];
};

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static boot_t at_ms(int64_t ms)
{
	return (boot_t){ ms * MS };
}

__attribute__((format(printf, 2, 3))) static void tell(struct story *s, const char *format, ...)
{
	size_t used = strlen(s->log);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(s->log + used, sizeof s->log - used, format, args);
	va_end(args);
}

/* What has happened since the last look. */
static void expect(struct story *s, const char *text)
{
	ck_assert_str_eq(s->log, text);
	s->log[0] = '\0';
}

static void tell_plan(struct story *s, const struct vrrp_plan *p)
{
	if (p->gate_shut)
		tell(s, " shut;");
	if (p->gate_deadline.ns)
		tell(s, " open until %d;", (int)(p->gate_deadline.ns / MS));
	if (p->changed)
		tell(s, " %s -> %s (%s);", vrrp_state_name(p->from), vrrp_state_name(p->to),
		     vrrp_cause_name(p->cause));
	if (p->send)
		tell(s, " send %d;", p->send_priority);
	if (p->announce)
		tell(s, " announce;");
}

static bool plan_does(const struct vrrp_plan *p)
{
	return p->gate_shut || p->gate_deadline.ns || p->changed || p->send || p->announce;
}

/* One event, and the sending that comes of it. */
static void happen(struct story *s, struct vrrp_event ev)
{
	struct vrrp_plan p;

	ev.at = at_ms(s->now_ms);
	vrrp_fsm_step(&s->f, &ev, &p);
	if (!plan_does(&p))
		return;
	tell(s, "[%5d]", (int)s->now_ms);
	tell_plan(s, &p);
	if (p.send && s->f.state == VRRP_ACTIVE && !s->unsent) {
		vrrp_fsm_step(&s->f,
			      &(struct vrrp_event){ .type = VRRP_EVENT_SENT, .at = ev.at, .sent_at = ev.at },
			      &p);
		tell_plan(s, &p);
	}
	tell(s, "\n");
}

/* Timers run until then. */
static void until(struct story *s, int64_t ms)
{
	for (;;) {
		boot_t next = vrrp_fsm_next(&s->f);

		if (boot_before(at_ms(ms), next))
			break;
		s->now_ms = next.ns / MS > s->now_ms ? (next.ns + MS - 1) / MS : s->now_ms;
		happen(s, (struct vrrp_event){ .type = VRRP_EVENT_TICK });
	}
	s->now_ms = ms;
}

/* The process stands still until then. */
static void freeze(struct story *s, int64_t ms)
{
	s->now_ms = ms;
}

static void hear_on(struct story *s, uint8_t member, uint8_t priority, const char *from, int64_t interval_ms)
{
	happen(s, (struct vrrp_event){ .type = VRRP_EVENT_ADVERT,
				       .member = member,
				       .advert = { .priority = priority,
						   .interval_ns = interval_ms * MS,
						   .from = ip(from) } });
}

static void hear(struct story *s, uint8_t priority)
{
	hear_on(s, 0, priority, "10.0.0.9", 1000);
}

static void startup(struct story *s)
{
	happen(s, (struct vrrp_event){ .type = VRRP_EVENT_STARTUP });
}

static void shutdown_(struct story *s)
{
	happen(s, (struct vrrp_event){ .type = VRRP_EVENT_SHUTDOWN });
}

static void yield_(struct story *s)
{
	happen(s, (struct vrrp_event){ .type = VRRP_EVENT_YIELD });
}

static void reprioritise(struct story *s, uint8_t priority)
{
	happen(s, (struct vrrp_event){ .type = VRRP_EVENT_PRIORITY, .priority = priority });
}

static struct vrrp_fsm_config config_of(uint8_t priority)
{
	return (struct vrrp_fsm_config){ .version = 3,
					 .priority = priority,
					 .advert_ns = 1000 * MS,
					 .preempt = true,
					 .members_count = 1 };
}

static struct story begin_with(const struct vrrp_fsm_config *c)
{
	struct story s = { .now_ms = 10000 };
	struct ip_address own = ip("10.0.0.5");

	vrrp_fsm_init(&s.f, c);
	vrrp_fsm_own(&s.f, 0, &own);
	return s;
}

static struct story begin(uint8_t priority, bool preempt)
{
	struct vrrp_fsm_config c = config_of(priority);

	c.preempt = preempt;
	return begin_with(&c);
}

/* Started, and Backup of an Active with this priority. */
static struct story backup_of(uint8_t active, uint8_t priority, bool preempt)
{
	struct story s = begin(priority, preempt);

	startup(&s);
	if (active)
		hear(&s, active);
	s.log[0] = '\0';
	return s;
}

/* Active since 13 s and some Skew_Time. */
static struct story active(uint8_t priority, bool preempt)
{
	struct story s = backup_of(0, priority, preempt);

	until(&s, 13999);
	ck_assert_int_eq(s.f.state, VRRP_ACTIVE);
	s.log[0] = '\0';
	return s;
}

/* ---- starting ---- */

START_TEST(alone_on_the_lan_it_becomes_active_after_three_intervals_and_a_skew)
{
	struct story s = begin(192, true);

	startup(&s);
	until(&s, 15000);
	expect(&s, "[10000] initialize -> backup (startup);\n"
		   "[13250] backup -> active (active-down-timer); send 192;\n"
		   "[13270] open until 16250; announce;\n"
		   "[14250] send 192; open until 17250;\n");
	startup(&s); /* said twice, it changes nothing */
	expect(&s, "");
}
END_TEST

START_TEST(address_owner_is_active_at_once)
{
	struct story s = begin(VRRP_PRIORITY_OWNER, false);

	startup(&s);
	until(&s, 10020);
	expect(&s, "[10000] initialize -> active (owner); send 255;\n"
		   "[10020] open until 13000; announce;\n");
}
END_TEST

START_TEST(new_agent_goes_on_where_the_gate_is_still_open)
{
	struct story s = begin(192, true);

	happen(&s, (struct vrrp_event){ .type = VRRP_EVENT_STARTUP, .deadline = at_ms(10400) });
	until(&s, 11000);
	expect(&s, "[10000] open until 10400; initialize -> active (adopted); send 192; open until 13000;\n"
		   "[11000] send 192; open until 14000;\n");
}
END_TEST

START_TEST(adopted_gate_shuts_when_nothing_can_be_sent)
{
	struct story s = begin(192, true);

	s.unsent = true;
	happen(&s, (struct vrrp_event){ .type = VRRP_EVENT_STARTUP, .deadline = at_ms(10400) });
	until(&s, 10500);
	expect(&s, "[10000] open until 10400; initialize -> active (adopted); send 192;\n"
		   "[10400] shut; active -> backup (standstill);\n");
}
END_TEST

START_TEST(gate_that_has_shut_is_not_adopted)
{
	struct story s = begin(192, true);

	happen(&s, (struct vrrp_event){ .type = VRRP_EVENT_STARTUP, .deadline = at_ms(10000) });
	expect(&s, "[10000] initialize -> backup (startup);\n");
}
END_TEST

START_TEST(deadline_that_no_advert_gave_is_cut)
{
	struct story s = begin(192, true);

	s.unsent = true;
	happen(&s, (struct vrrp_event){ .type = VRRP_EVENT_STARTUP, .deadline = { INT64_MAX } });
	expect(&s, "[10000] open until 13000; initialize -> active (adopted); send 192;\n");
}
END_TEST

/* ---- the Active goes ---- */

START_TEST(active_dies_and_the_backup_follows_after_its_gate_has_shut)
{
	struct story s = backup_of(192, 128, true);

	until(&s, 10900);
	hear(&s, 192); /* its gate is open until 13900 at most */
	until(&s, 14420);
	expect(&s, "[14400] backup -> active (active-down-timer); send 128;\n"
		   "[14420] open until 17400; announce;\n");
}
END_TEST

START_TEST(active_resigns_and_the_backup_follows_after_a_skew)
{
	struct story s = backup_of(192, 128, true);

	until(&s, 10900);
	hear(&s, VRRP_PRIORITY_RELEASE);
	until(&s, 11420);
	expect(&s, "[11400] backup -> active (released); send 128;\n"
		   "[11420] open until 14400; announce;\n");
}
END_TEST

START_TEST(resigning_never_makes_a_backup_wait_longer)
{
	struct story s = backup_of(192, 128, true);

	until(&s, 13400); /* due at 13500 */
	hear(&s, VRRP_PRIORITY_RELEASE);
	until(&s, 13520);
	expect(&s, "[13500] backup -> active (released); send 128;\n"
		   "[13520] open until 16500; announce;\n");
}
END_TEST

START_TEST(better_backup_takes_over_before_this_one)
{
	struct story s = backup_of(255, 128, true);

	hear(&s, VRRP_PRIORITY_RELEASE);
	until(&s, 10260);
	hear(&s, 192);
	until(&s, 13759);
	expect(&s, "");
}
END_TEST

/* ---- Active, and another speaks ---- */

START_TEST(active_shuts_its_gate_when_a_better_one_speaks)
{
	struct story s = active(128, true);

	hear(&s, 192);
	until(&s, 17498);
	expect(&s, "[13999] shut; active -> backup (better-advert); send 0;\n");
	until(&s, 17519);
	expect(&s, "[17499] backup -> active (active-down-timer); send 128;\n"
		   "[17519] open until 20499; announce;\n");
}
END_TEST

START_TEST(active_asserts_itself_against_a_lower_one)
{
	struct story s = active(192, true);

	hear(&s, 128);
	until(&s, 15000);
	expect(&s, "[13999] send 192; announce; open until 16999;\n"
		   "[14999] send 192; open until 17999;\n");
}
END_TEST

START_TEST(flood_of_lower_adverts_is_not_mirrored)
{
	struct story s = active(192, true);
	int sent = 0;

	for (int i = 0; i < 1000; i++) { /* ten a ms, for 100 ms */
		if (i % 10 == 0)
			until(&s, s.now_ms + 1);
		hear(&s, 128);
	}
	for (const char *p = s.log; (p = strstr(p, "send")) != NULL; p++)
		sent++;
	ck_assert_int_ge(sent, 10);
	ck_assert_int_le(sent, 11);
	ck_assert_ptr_null(strstr(strstr(s.log, "announce") + 1, "announce"));
}
END_TEST

START_TEST(active_answers_a_resigning_one_before_any_backup_can_believe_it)
{
	struct story s = active(192, true);

	hear(&s, VRRP_PRIORITY_RELEASE);
	hear(&s, VRRP_PRIORITY_RELEASE); /* a moment later */
	until(&s, 14500);
	expect(&s, "[13999] send 192; announce; open until 16999;\n"
		   "[14003] send 192; open until 17003;\n"); /* 2/256 s is the shortest Skew_Time */
}
END_TEST

START_TEST(equal_priorities_are_decided_by_address)
{
	static const struct {
		const char *own, *other;
		bool stays;
	} cases[] = {
		{ "10.0.0.5", "10.0.0.4", true },    { "10.0.0.5", "10.0.0.6", false },
		{ "128.0.0.1", "127.0.0.1", true }, /* unsigned */
		{ "127.0.0.1", "128.0.0.1", false }, { "fe80::80", "fe80::7f", true },
		{ "fe80::1:0", "fe80::2", true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct story s = active(128, true);
		struct ip_address own = ip(cases[i].own);

		vrrp_fsm_own(&s.f, 0, &own);
		hear_on(&s, 0, 128, cases[i].other, 1000);
		ck_assert_int_eq(s.f.state, cases[i].stays ? VRRP_ACTIVE : VRRP_BACKUP);
	}
}
END_TEST

START_TEST(who_does_not_know_its_address_loses_a_tie)
{
	struct story s = active(128, true);

	vrrp_fsm_own(&s.f, 0, &(struct ip_address){ 0 });
	hear_on(&s, 0, 128, "10.0.0.1", 1000);
	expect(&s, "[13999] shut; active -> backup (better-advert); send 0;\n");
}
END_TEST

/* Erratum 8298: owning the address is no reason to ignore another owner. */
START_TEST(two_owners_are_decided_by_address)
{
	struct story s = begin(VRRP_PRIORITY_OWNER, true);

	startup(&s);
	until(&s, 10500);
	s.log[0] = '\0';
	hear_on(&s, 0, 255, "10.0.0.4", 1000);
	expect(&s, "[10500] send 255; announce; open until 13500;\n");
	hear_on(&s, 0, 255, "10.0.0.6", 1000);
	expect(&s, "[10500] shut; active -> backup (better-advert); send 0;\n");
}
END_TEST

START_TEST(backup_does_not_care_for_addresses)
{
	struct story s = backup_of(128, 128, true);

	until(&s, 12000);
	hear_on(&s, 0, 128, "10.0.0.1", 1000); /* lower than ours: still the Active */
	until(&s, 15499);
	expect(&s, "");
}
END_TEST

/* ---- preemption ---- */

/* Its timer and the better one's have fired at the same time. */
START_TEST(who_has_to_give_way_never_opens)
{
	struct story s = backup_of(0, 128, true);

	until(&s, 13510);
	hear(&s, 192);
	until(&s, 15000);
	expect(&s, "[13500] backup -> active (active-down-timer); send 128;\n"
		   "[13510] shut; active -> backup (better-advert);\n");
}
END_TEST

START_TEST(guard_is_an_eighth_of_a_short_interval)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.advert_ns = 80 * MS;
	s = begin_with(&c);
	startup(&s);
	until(&s, 10300);
	expect(&s, "[10000] initialize -> backup (startup);\n"
		   "[10260] backup -> active (active-down-timer); send 192;\n"
		   "[10270] open until 10500; announce;\n");
}
END_TEST

START_TEST(better_backup_preempts_after_a_skew)
{
	struct story s = backup_of(128, 192, true);

	until(&s, 10270);
	expect(&s, "[10250] backup -> active (preempt); send 192;\n"
		   "[10270] open until 13250; announce;\n");
}
END_TEST

START_TEST(without_preemption_the_incumbent_stays)
{
	struct story s = backup_of(128, 192, false);

	for (int64_t t = 11000; t < 30000; t += 1000) {
		until(&s, t);
		hear(&s, 128);
	}
	expect(&s, "");
	until(&s, 33000);
	expect(&s, "[32250] backup -> active (active-down-timer); send 192;\n"
		   "[32270] open until 35250; announce;\n");
}
END_TEST

START_TEST(owner_preempts_in_any_case)
{
	struct story s = backup_of(192, 128, false);

	reprioritise(&s, 255);
	hear(&s, 192);
	until(&s, 10024);
	expect(&s, "[10004] backup -> active (preempt); send 255;\n"
		   "[10024] open until 13004; announce;\n");
}
END_TEST

START_TEST(preemption_waits_for_its_delay)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.preempt_delay_ns = 5000 * MS;
	s = begin_with(&c);
	startup(&s);
	for (int64_t t = 11000; t <= 16000; t += 1000) {
		until(&s, t);
		hear(&s, 128);
	}
	until(&s, 16300);
	expect(&s, "[10000] initialize -> backup (startup);\n"
		   "[16250] backup -> active (preempt); send 192;\n"
		   "[16270] open until 19250; announce;\n");
}
END_TEST

START_TEST(preempt_delay_begins_anew_after_a_better_active)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.preempt_delay_ns = 5000 * MS;
	s = begin_with(&c);
	startup(&s);
	for (int64_t t = 11000; t <= 19000; t += 1000) {
		until(&s, t);
		hear(&s, t == 14000 ? 200 : 128); /* over at 20000, not at 16000 */
	}
	until(&s, 20000);
	expect(&s, "[10000] initialize -> backup (startup);\n");
	hear(&s, 128);
	until(&s, 20300);
	expect(&s, "[20250] backup -> active (preempt); send 192;\n"
		   "[20270] open until 23250; announce;\n");
}
END_TEST

START_TEST(active_that_dies_during_the_delay_is_followed)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.preempt_delay_ns = 60000 * MS;
	s = begin_with(&c);
	startup(&s);
	hear(&s, 128);
	until(&s, 14000);
	expect(&s, "[10000] initialize -> backup (startup);\n"
		   "[13250] backup -> active (active-down-timer); send 192;\n"
		   "[13270] open until 16250; announce;\n");
}
END_TEST

/* ---- intervals ---- */

START_TEST(backup_learns_the_interval_of_the_active)
{
	struct story s = begin(128, true);

	startup(&s);
	s.log[0] = '\0';
	hear_on(&s, 0, 192, "10.0.0.9", 100);
	until(&s, 10400);
	expect(&s, "[10350] backup -> active (active-down-timer); send 128;\n"
		   "[10370] open until 13350; announce;\n");
}
END_TEST

START_TEST(learned_intervals_are_bounded)
{
	struct story s = begin(128, true);

	startup(&s);
	hear_on(&s, 0, 192, "10.0.0.9", 0);
	ck_assert_int_eq(vrrp_fsm_down_ns(&s.f, 0), 35 * MS);
	hear_on(&s, 0, 192, "10.0.0.9", 1000000);
	ck_assert_int_eq(vrrp_fsm_down_ns(&s.f, 0), 7 * 40950 * MS / 2);
}
END_TEST

START_TEST(vrrp2_has_a_skew_in_seconds_and_learns_nothing)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.version = 2;
	c.advert_ns = 5000 * MS;
	s = begin_with(&c);
	startup(&s);
	hear_on(&s, 0, 200, "10.0.0.9", 1000);
	ck_assert_int_eq(vrrp_fsm_skew_ns(&s.f, 0), 250 * MS);
	until(&s, 25300);
	expect(&s, "[10000] initialize -> backup (startup);\n"
		   "[25250] backup -> active (active-down-timer); send 192;\n"
		   "[25270] open until 40250; announce;\n");
}
END_TEST

START_TEST(gate_shuts_early_by_the_error_of_its_clock)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.clock_error_ppm = 1000;
	s = begin_with(&c);
	ck_assert_int_eq(vrrp_fsm_open_ns(&s.f) / MS, 2996);
}
END_TEST

/* What does not fit into the packet is not learned by the others. */
START_TEST(gate_counts_with_the_interval_that_the_others_read)
{
	struct vrrp_fsm_config c = config_of(192);
	struct story s;

	c.advert_ns = 1009 * MS;
	s = begin_with(&c);
	ck_assert_int_eq(vrrp_fsm_open_ns(&s.f), 3000 * MS);
	c.version = 2;
	c.advert_ns = 1999 * MS;
	s = begin_with(&c);
	ck_assert_int_eq(vrrp_fsm_open_ns(&s.f), 3000 * MS);
}
END_TEST

/* ---- standing still ---- */

START_TEST(active_that_stood_still_listens_for_a_skew)
{
	struct story s = active(192, true); /* open until 16250 */

	freeze(&s, 20000);
	until(&s, 20270);
	expect(&s, "[20000] shut; active -> backup (standstill);\n"
		   "[20250] backup -> active (active-down-timer); send 192;\n"
		   "[20270] open until 23250; announce;\n");
}
END_TEST

START_TEST(active_that_stood_still_finds_its_successor)
{
	struct story s = active(192, false);

	freeze(&s, 20000);
	hear(&s, 128); /* in the socket all the time */
	until(&s, 23249);
	expect(&s, "[20000] shut; active -> backup (standstill);\n");
}
END_TEST

START_TEST(without_preemption_a_standstill_costs_an_interval_to_hear_a_successor)
{
	struct story s = active(192, false);

	freeze(&s, 20000);
	until(&s, 21270);
	expect(&s, "[20000] shut; active -> backup (standstill);\n"
		   "[21250] backup -> active (active-down-timer); send 192;\n"
		   "[21270] open until 24250; announce;\n");
}
END_TEST

START_TEST(short_standstill_costs_nothing)
{
	struct story s = active(192, true);

	freeze(&s, 16249);
	until(&s, 16249);
	expect(&s, "[16249] send 192; open until 19249;\n");
}
END_TEST

/* Priority 0 would tell the Backups that the present Active has gone. */
START_TEST(stopping_after_a_standstill_says_nothing)
{
	struct story s = active(192, true);

	freeze(&s, 20000);
	shutdown_(&s);
	expect(&s, "[20000] shut; active -> initialize (shutdown);\n");
}
END_TEST

START_TEST(advert_that_took_too_long_to_leave_opens_nothing)
{
	struct story s = active(192, true);
	struct vrrp_plan p;

	vrrp_fsm_step(&s.f, &(struct vrrp_event){ .type = VRRP_EVENT_TICK, .at = at_ms(14250) }, &p);
	ck_assert(p.send);
	vrrp_fsm_step(
		&s.f,
		&(struct vrrp_event){ .type = VRRP_EVENT_SENT, .at = at_ms(17500), .sent_at = at_ms(14250) },
		&p);
	ck_assert(p.gate_shut && p.cause == VRRP_CAUSE_STANDSTILL && p.gate_deadline.ns == 0);
}
END_TEST

START_TEST(first_advert_that_took_too_long_opens_nothing)
{
	struct story s = backup_of(0, 192, true);
	struct vrrp_plan p;

	s.unsent = true;
	until(&s, 13250);
	vrrp_fsm_step(
		&s.f,
		&(struct vrrp_event){ .type = VRRP_EVENT_SENT, .at = at_ms(16250), .sent_at = at_ms(13250) },
		&p);
	ck_assert(p.gate_deadline.ns == 0 && !p.announce);
	ck_assert_int_eq(s.f.state, VRRP_BACKUP);
}
END_TEST

START_TEST(advert_of_a_former_tenure_opens_nothing)
{
	struct story s = active(192, true);
	struct vrrp_plan p;

	hear(&s, 200);
	until(&s, 17250);
	s.unsent = true;
	s.f.deadline = (boot_t){ 0 };
	vrrp_fsm_step(
		&s.f,
		&(struct vrrp_event){ .type = VRRP_EVENT_SENT, .at = at_ms(17250), .sent_at = at_ms(13250) },
		&p);
	ck_assert_int_eq(s.f.state, VRRP_ACTIVE);
	ck_assert(p.gate_deadline.ns == 0);
}
END_TEST

/* ---- adverts do not leave ---- */

START_TEST(active_that_cannot_send_resigns)
{
	struct story s = backup_of(0, 192, true);

	s.unsent = true;
	until(&s, 19000);
	expect(&s, "[13250] backup -> active (active-down-timer); send 192;\n"
		   "[14250] send 192;\n"
		   "[15250] send 192;\n"
		   "[16250] shut; active -> backup (unsent); send 0;\n");
	hear(&s, 64); /* another serves: leave it alone */
	until(&s, 22249);
	expect(&s, "");
}
END_TEST

START_TEST(active_that_could_not_send_at_first_opens_late)
{
	struct story s = backup_of(0, 192, true);

	s.unsent = true;
	until(&s, 14000);
	s.unsent = false;
	until(&s, 14270);
	expect(&s, "[13250] backup -> active (active-down-timer); send 192;\n"
		   "[14250] send 192;\n"
		   "[14270] open until 17250; announce;\n");
}
END_TEST

START_TEST(active_that_can_send_no_longer_is_silent_in_time)
{
	struct story s = active(192, true); /* open until 16250 */

	s.unsent = true;
	until(&s, 16500);
	expect(&s, "[14250] send 192;\n"
		   "[15250] send 192;\n"
		   "[16250] shut; active -> backup (standstill);\n"
		   "[16500] backup -> active (active-down-timer); send 192;\n");
}
END_TEST

/* ---- operators ---- */

START_TEST(yielding_shuts_first_and_leaves_the_other_alone)
{
	struct story s = active(192, true);

	yield_(&s);
	expect(&s, "[13999] shut; active -> backup (yield); send 0;\n");
	for (int64_t t = 15000; t < 30000; t += 1000) {
		until(&s, t);
		hear(&s, 64);
	}
	expect(&s, "");
	until(&s, 32270);
	expect(&s, "[32250] backup -> active (active-down-timer); send 192;\n"
		   "[32270] open until 35250; announce;\n");
}
END_TEST

START_TEST(yielding_to_nobody_ends_after_three_intervals_and_a_skew)
{
	struct story s = active(192, true);

	yield_(&s);
	until(&s, 17300);
	expect(&s, "[13999] shut; active -> backup (yield); send 0;\n"
		   "[17249] backup -> active (active-down-timer); send 192;\n"
		   "[17269] open until 20249; announce;\n");
	until(&s, 18000);
	hear(&s, 200);
	s.log[0] = '\0';
	hear(&s, 64); /* yielding was for that one time */
	until(&s, 18270);
	expect(&s, "[18250] backup -> active (preempt); send 192;\n"
		   "[18270] open until 21250; announce;\n");
}
END_TEST

START_TEST(only_an_active_yields)
{
	struct story s = backup_of(128, 192, false);

	yield_(&s);
	expect(&s, "");
	ck_assert(!s.f.yielded);
}
END_TEST

START_TEST(stopping_shuts_first_and_says_so)
{
	struct story s = active(192, true);

	shutdown_(&s);
	expect(&s, "[13999] shut; active -> initialize (shutdown); send 0;\n");
	hear(&s, 64);
	until(&s, 60000);
	expect(&s, "");
	ck_assert_int_eq(vrrp_fsm_next(&s.f).ns, BOOT_NEVER.ns);
}
END_TEST

START_TEST(backup_stops_without_a_word)
{
	struct story s = backup_of(192, 128, true);

	shutdown_(&s);
	expect(&s, "[10000] backup -> initialize (shutdown);\n");
	shutdown_(&s);
	expect(&s, "");
}
END_TEST

/* ---- tracking changes the priority ---- */

START_TEST(active_tells_its_new_priority_at_once)
{
	struct story s = active(192, true);

	reprioritise(&s, 64);
	expect(&s, "[13999] send 64; open until 16999;\n");
	hear(&s, 128);
	expect(&s, "[13999] shut; active -> backup (better-advert); send 0;\n");
}
END_TEST

START_TEST(backup_keeps_what_has_elapsed)
{
	struct story s = backup_of(200, 128, true);

	until(&s, 13000);
	reprioritise(&s, 192); /* skew 500 -> 250 */
	until(&s, 13270);
	expect(&s, "[13250] backup -> active (active-down-timer); send 192;\n"
		   "[13270] open until 16250; announce;\n");
}
END_TEST

START_TEST(backup_that_was_about_to_preempt_thinks_better_of_it)
{
	struct story s = backup_of(128, 192, true);

	until(&s, 10100);
	reprioritise(&s, 64);
	until(&s, 13749);
	expect(&s, "");
	until(&s, 13770);
	expect(&s, "[13750] backup -> active (active-down-timer); send 64;\n"
		   "[13770] open until 16750; announce;\n");
}
END_TEST

/* ---- several virtual routers with one fate ---- */

static struct story pair(uint8_t priority)
{
	struct vrrp_fsm_config c = config_of(priority);
	struct ip_address own = ip("fe80::5");
	struct story s;

	c.members_count = 2;
	s = begin_with(&c);
	vrrp_fsm_own(&s.f, 1, &own);
	startup(&s);
	s.log[0] = '\0';
	return s;
}

START_TEST(members_become_active_when_the_last_timer_fires)
{
	struct story s = pair(192);

	until(&s, 12000);
	hear_on(&s, 1, 200, "fe80::9", 1000);
	until(&s, 15300);
	expect(&s, "[15250] backup -> active (active-down-timer); send 192;\n"
		   "[15270] open until 18250; announce;\n");
}
END_TEST

START_TEST(better_active_of_one_member_takes_all)
{
	struct story s = pair(128);

	until(&s, 13600);
	s.log[0] = '\0';
	hear_on(&s, 1, 192, "fe80::9", 2000);
	until(&s, 20599);
	expect(&s, "[13600] shut; active -> backup (better-advert); send 0;\n");
	until(&s, 20620);
	expect(&s, "[20600] backup -> active (active-down-timer); send 128;\n"
		   "[20620] open until 23600; announce;\n");
}
END_TEST

/* Our IPv4 address is the greater, our IPv6 address the lower one: without one rule for both, each of the two
 * routers would give way to the other, again and again. */
START_TEST(first_member_decides_a_tie_for_all)
{
	struct story s = pair(128);

	until(&s, 13600);
	s.log[0] = '\0';
	hear_on(&s, 0, 128, "10.0.0.4", 1000);
	hear_on(&s, 1, 128, "fe80::9", 1000);
	ck_assert_int_eq(s.f.state, VRRP_ACTIVE);
	until(&s, 20000); /* a router that is there for the second alone */
	hear_on(&s, 1, 128, "fe80::9", 1000);
	ck_assert_int_eq(s.f.state, VRRP_BACKUP);
}
END_TEST

START_TEST(reload_adds_a_member)
{
	struct story s = backup_of(200, 128, true);
	struct vrrp_fsm_config c = s.f.config;

	until(&s, 12000);
	c.members_count = 2;
	vrrp_fsm_configure(&s.f, &c);
	until(&s, 13520);
	expect(&s, "[13500] backup -> active (active-down-timer); send 128;\n"
		   "[13520] open until 16500; announce;\n");
}
END_TEST

START_TEST(status_tells_who_was_heard)
{
	struct story s = backup_of(200, 128, true);
	struct ip_address from = ip("10.0.0.9");

	ck_assert_int_eq(s.f.member[0].heard_at.ns, 10000 * MS);
	ck_assert_uint_eq(s.f.member[0].heard_priority, 200);
	ck_assert(ip_equal(&s.f.member[0].heard_from, &from));
	for (int c = 0; c < VRRP_CAUSES_COUNT; c++)
		ck_assert_ptr_nonnull(vrrp_cause_name((enum vrrp_cause)c));
}
END_TEST

UNIT_MAIN("vrrp_fsm", alone_on_the_lan_it_becomes_active_after_three_intervals_and_a_skew,
	  address_owner_is_active_at_once, new_agent_goes_on_where_the_gate_is_still_open,
	  adopted_gate_shuts_when_nothing_can_be_sent, gate_that_has_shut_is_not_adopted,
	  deadline_that_no_advert_gave_is_cut, active_dies_and_the_backup_follows_after_its_gate_has_shut,
	  active_resigns_and_the_backup_follows_after_a_skew, resigning_never_makes_a_backup_wait_longer,
	  better_backup_takes_over_before_this_one, active_shuts_its_gate_when_a_better_one_speaks,
	  active_asserts_itself_against_a_lower_one, flood_of_lower_adverts_is_not_mirrored,
	  active_answers_a_resigning_one_before_any_backup_can_believe_it,
	  equal_priorities_are_decided_by_address, who_does_not_know_its_address_loses_a_tie,
	  two_owners_are_decided_by_address, backup_does_not_care_for_addresses,
	  who_has_to_give_way_never_opens, guard_is_an_eighth_of_a_short_interval,
	  better_backup_preempts_after_a_skew, without_preemption_the_incumbent_stays,
	  owner_preempts_in_any_case, preemption_waits_for_its_delay,
	  preempt_delay_begins_anew_after_a_better_active, active_that_dies_during_the_delay_is_followed,
	  backup_learns_the_interval_of_the_active, learned_intervals_are_bounded,
	  vrrp2_has_a_skew_in_seconds_and_learns_nothing, gate_shuts_early_by_the_error_of_its_clock,
	  gate_counts_with_the_interval_that_the_others_read, active_that_stood_still_listens_for_a_skew,
	  active_that_stood_still_finds_its_successor,
	  without_preemption_a_standstill_costs_an_interval_to_hear_a_successor,
	  short_standstill_costs_nothing, stopping_after_a_standstill_says_nothing,
	  advert_that_took_too_long_to_leave_opens_nothing, first_advert_that_took_too_long_opens_nothing,
	  advert_of_a_former_tenure_opens_nothing, active_that_cannot_send_resigns,
	  active_that_could_not_send_at_first_opens_late, active_that_can_send_no_longer_is_silent_in_time,
	  yielding_shuts_first_and_leaves_the_other_alone,
	  yielding_to_nobody_ends_after_three_intervals_and_a_skew, only_an_active_yields,
	  stopping_shuts_first_and_says_so, backup_stops_without_a_word,
	  active_tells_its_new_priority_at_once, backup_keeps_what_has_elapsed,
	  backup_that_was_about_to_preempt_thinks_better_of_it,
	  members_become_active_when_the_last_timer_fires, better_active_of_one_member_takes_all,
	  first_member_decides_a_tie_for_all, reload_adds_a_member, status_tells_who_was_heard)
