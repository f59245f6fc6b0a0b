/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trunk.h"
#include "unit.h"

#define NO_RETRY_AFTER (-1)

struct bench {
	struct trunk t;
	struct token_bucket b;
	boot_t now;
};

static void bench_init(struct bench *x, enum trunk_role role)
{
	x->now = (boot_t){ 100 * NS_PER_S };
	token_bucket_init(&x->b, 5, 10, x->now);
	trunk_init(&x->t, role, x->now);
}

static void pass(struct bench *x, int64_t ms)
{
	x->now = boot_add(x->now, ms * NS_PER_MS);
}

static enum trunk_order decide(struct bench *x)
{
	return trunk_decide(&x->t, &x->b, x->now);
}

static void report(struct bench *x, enum trunk_state state, int status, int64_t retry_after_s)
{
	(void)trunk_report(&x->t, state, status,
			   retry_after_s < 0 ? NO_RETRY_AFTER : retry_after_s * NS_PER_S, x->now);
}

static int64_t wait_ms(const struct bench *x)
{
	boot_t next = trunk_next(&x->t, &x->b, x->now);

	return next.ns == BOOT_NEVER.ns ? -1 : boot_diff_ns(x->now, next) / NS_PER_MS;
}

/* How many orders within that time, taken as soon as they are due, and nobody says a word. */
static int orders_within(struct bench *x, int64_t ms)
{
	boot_t end = boot_add(x->now, ms * NS_PER_MS);
	int n = 0;

	for (;;) {
		n += decide(x) != TRUNK_ORDER_NONE;
		boot_t next = trunk_next(&x->t, &x->b, x->now);

		if (boot_before(end, next) || next.ns == BOOT_NEVER.ns)
			break;
		x->now = next;
	}
	x->now = end;
	return n;
}

/* A holder whose trunk is registered. */
static void bench_registered(struct bench *x)
{
	bench_init(x, TRUNK_STANDBY);
	(void)decide(x);
	report(x, TRUNK_UNREGISTERED, 0, -1);
	trunk_set_role(&x->t, TRUNK_HOLDER, x->now);
	ck_assert_int_eq(decide(x), TRUNK_ORDER_REGISTER);
	report(x, TRUNK_REGISTERING, 0, -1);
	report(x, TRUNK_REGISTERED, 200, -1);
	ck_assert_int_eq(wait_ms(x), -1);
}

START_TEST(new_holder_registers_at_once_whatever_its_pbx_believed)
{
	for (int s = TRUNK_UNKNOWN; s < TRUNK_STATES; s++) {
		struct bench x;

		bench_init(&x, TRUNK_STANDBY);
		(void)decide(&x);
		report(&x, s, 0, -1);
		trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
		ck_assert_int_eq(wait_ms(&x), 0);
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_NONE);
	}
}
END_TEST

START_TEST(adopted_holder_looks_before_it_registers)
{
	struct bench x;

	bench_init(&x, TRUNK_HOLDER);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_NONE);
	report(&x, TRUNK_REGISTERED, 200, -1);
	ck_assert_int_eq(orders_within(&x, 3600000), 0);
	bench_init(&x, TRUNK_HOLDER);
	report(&x, TRUNK_UNREGISTERED, 0, -1);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	bench_init(&x, TRUNK_HOLDER); /* a PBX that says nothing */
	ck_assert_int_eq(wait_ms(&x), TRUNK_UNKNOWN_NS / NS_PER_MS);
	pass(&x, wait_ms(&x));
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	bench_registered(&x); /* the same for a new adapter of a holder */
	trunk_adapter_ready(&x.t, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_NONE);
	report(&x, TRUNK_REGISTERED, 200, -1);
	ck_assert_int_eq(orders_within(&x, 3600000), 0);
}
END_TEST

START_TEST(standby_is_ordered_off_once_and_whenever_its_pbx_tries)
{
	struct bench x;

	bench_init(&x, TRUNK_STANDBY);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
	ck_assert_int_eq(orders_within(&x, 3600000), 0); /* accepted, and nothing else is said */
	report(&x, TRUNK_UNREGISTERED, 0, -1);
	ck_assert_int_eq(orders_within(&x, 3600000), 0);
	for (int s = TRUNK_REGISTERING; s < TRUNK_STATES; s++) {
		report(&x, s, 0, -1);
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_NONE);
		ck_assert_int_ge(orders_within(&x, 600000), 5); /* it does not obey */
		report(&x, TRUNK_UNREGISTERED, 0, -1);
		ck_assert_int_eq(orders_within(&x, 600000), 0);
	}
	trunk_adapter_ready(&x.t, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
	trunk_order_failed(&x.t, x.now);
	pass(&x, wait_ms(&x));
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
}
END_TEST

START_TEST(failures_are_tried_again_later_and_later)
{
	static const int64_t waits_s[] = { 4, 8, 16, 32, 64, 120, 120, 120 };
	struct bench x;

	bench_init(&x, TRUNK_STANDBY);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
		report(&x, TRUNK_REGISTERING, 0, -1);
		pass(&x, 100);
		report(&x, TRUNK_FAILED, 503, -1);
		ck_assert_int_eq(wait_ms(&x), waits_s[i] * 1000);
		ck_assert_int_eq(decide(&x), TRUNK_ORDER_NONE);
		pass(&x, wait_ms(&x));
	}
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	report(&x, TRUNK_REGISTERING, 0, -1);
	report(&x, TRUNK_REGISTERED, 200, -1);
	pass(&x, 50000);
	report(&x, TRUNK_FAILED, 503, -1); /* it was well: from the beginning */
	ck_assert_int_eq(wait_ms(&x), 4000);
}
END_TEST

START_TEST(pbx_that_only_tells_changes_is_asked_no_more_often)
{
	struct bench x;

	bench_init(&x, TRUNK_STANDBY);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	(void)decide(&x);
	report(&x, TRUNK_FAILED, 408, -1); /* and so it stays, without a word */
	ck_assert_int_le(orders_within(&x, 3600000), 35);
	ck_assert_int_ge(orders_within(&x, 3600000), 25);
}
END_TEST

START_TEST(retry_after_is_kept)
{
	struct bench x;

	bench_registered(&x);
	report(&x, TRUNK_FAILED, 503, 30);
	ck_assert_int_eq(wait_ms(&x), 30000);
	ck_assert_int_eq(orders_within(&x, 29999), 0);
	pass(&x, 1);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	report(&x, TRUNK_FAILED, 503, 40); /* the same state and status, and a new wish */
	ck_assert_int_eq(wait_ms(&x), 40000);
	report(&x, TRUNK_FAILED, 500, 1); /* the longer of the two waits */
	ck_assert_int_eq(wait_ms(&x), 4000);
	report(&x, TRUNK_FAILED, 503, 100000000);
	ck_assert_int_eq(wait_ms(&x), TRUNK_RETRY_AFTER_NS_MAX / NS_PER_MS);
	report(&x, TRUNK_REGISTERED, 200, -1);
	ck_assert_int_eq(orders_within(&x, 3600000), 0);
	report(&x, TRUNK_FAILED, 503, 3600); /* another carrier's holder knows nothing of it */
	trunk_set_role(&x.t, TRUNK_STANDBY, x.now);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
}
END_TEST

START_TEST(rejected_trunk_is_nearly_left_alone)
{
	struct bench x;

	bench_registered(&x);
	report(&x, TRUNK_REJECTED, 403, -1);
	ck_assert_int_eq(wait_ms(&x), TRUNK_REJECTED_NS / NS_PER_MS);
	ck_assert_int_le(orders_within(&x, 3600000), 13);
	trunk_kick(&x.t, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	report(&x, TRUNK_REGISTERING, 0, -1);
	report(&x, TRUNK_REJECTED, 403, -1);
	ck_assert_int_eq(wait_ms(&x), TRUNK_REJECTED_NS / NS_PER_MS);
}
END_TEST

START_TEST(pbx_that_goes_on_trying_is_left_to_it_for_a_while)
{
	struct bench x;

	bench_init(&x, TRUNK_STANDBY);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	(void)decide(&x);
	pass(&x, 500);
	report(&x, TRUNK_REGISTERING, 0, -1);
	ck_assert_int_eq(wait_ms(&x), TRUNK_TRYING_NS / NS_PER_MS);
	pass(&x, 20000);
	report(&x, TRUNK_REGISTERING, 0, -1); /* no news */
	ck_assert_int_eq(wait_ms(&x), TRUNK_TRYING_NS / NS_PER_MS - 20000);
	pass(&x, wait_ms(&x));
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
}
END_TEST

START_TEST(lost_registration_is_made_again_but_not_in_a_circle)
{
	struct bench x;
	int orders = 0;

	bench_registered(&x);
	pass(&x, 60000);
	report(&x, TRUNK_UNREGISTERED, 0, -1); /* somebody at the PBX's console */
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	for (int i = 0; i < 100; i++) { /* ten seconds of it */
		report(&x, TRUNK_REGISTERED, 200, -1);
		report(&x, TRUNK_UNREGISTERED, 0, -1);
		orders += decide(&x) == TRUNK_ORDER_REGISTER;
		pass(&x, 100);
	}
	ck_assert_int_le(orders, 5);
	ck_assert_int_ge(orders, 4);
}
END_TEST

START_TEST(leaving_unregisters_and_a_cancelled_move_registers_again)
{
	struct bench x;

	bench_registered(&x);
	ck_assert(trunk_may_be_registered(&x.t));
	trunk_set_role(&x.t, TRUNK_LEAVING, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
	ck_assert(trunk_may_be_registered(&x.t));
	report(&x, TRUNK_UNREGISTERED, 0, -1);
	ck_assert(!trunk_may_be_registered(&x.t));
	ck_assert_int_eq(wait_ms(&x), -1);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	trunk_set_role(&x.t, TRUNK_LEAVING, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
	trunk_set_role(&x.t, TRUNK_STANDBY, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
}
END_TEST

START_TEST(operator_takes_a_registration_back_until_he_or_a_takeover_says_otherwise)
{
	struct bench x;

	bench_registered(&x);
	trunk_withdraw(&x.t, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
	report(&x, TRUNK_UNREGISTERED, 0, -1);
	ck_assert_int_eq(orders_within(&x, 3600000), 0);
	trunk_kick(&x.t, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	trunk_withdraw(&x.t, x.now);
	trunk_set_role(&x.t, TRUNK_STANDBY, x.now);
	trunk_set_role(&x.t, TRUNK_HOLDER, x.now);
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_REGISTER);
	bench_init(&x, TRUNK_STANDBY);
	trunk_kick(&x.t, x.now); /* a standby is never made to register */
	ck_assert_int_eq(decide(&x), TRUNK_ORDER_UNREGISTER);
}
END_TEST

START_TEST(what_happened_is_counted_and_repetitions_are_not)
{
	struct bench x;

	bench_registered(&x);
	ck_assert_uint_eq(x.t.registrations, 1);
	ck_assert_uint_eq(x.t.orders, 2); /* off as standby, on as holder */
	ck_assert_int_eq(x.t.registered_at.ns, x.now.ns);
	pass(&x, 5000);
	report(&x, TRUNK_REGISTERED, 200, -1);
	ck_assert_uint_eq(x.t.registrations, 1);
	ck_assert_int_eq(boot_diff_ns(x.t.registered_at, x.now), 5 * NS_PER_S);
	report(&x, TRUNK_FAILED, 503, -1);
	report(&x, TRUNK_FAILED, 503, -1);
	ck_assert_uint_eq(x.t.failures, 1);
	report(&x, TRUNK_FAILED, 500, -1);
	report(&x, TRUNK_REGISTERING, 0, -1);
	report(&x, TRUNK_REJECTED, 403, -1);
	ck_assert_uint_eq(x.t.failures, 3);
	trunk_adapter_ready(&x.t, x.now);
	report(&x, TRUNK_REGISTERED, 200, -1);
	ck_assert_uint_eq(x.t.registrations, 2);
}
END_TEST

START_TEST(many_trunks_of_one_carrier_take_turns)
{
	struct trunk t[40];
	struct token_bucket b;
	boot_t start = { 100 * NS_PER_S };
	int done = 0, at_once = 0;

	token_bucket_init(&b, 5, 10, start);
	for (int i = 0; i < 40; i++) {
		trunk_init(&t[i], TRUNK_STANDBY, start);
		trunk_set_role(&t[i], TRUNK_HOLDER, start);
	}
	for (int ms = 0; ms < 10000; ms++) {
		boot_t now = boot_add(start, ms * NS_PER_MS);

		for (int i = 0; i < 40; i++)
			if (trunk_decide(&t[i], &b, now) == TRUNK_ORDER_REGISTER) {
				(void)trunk_report(&t[i], TRUNK_REGISTERED, 200, NO_RETRY_AFTER, now);
				done++;
			}
		if (ms == 0)
			at_once = done;
		ck_assert_int_le(done, 10 + ms * 5 / 1000);
	}
	ck_assert_int_eq(at_once, 10);
	ck_assert_int_eq(done, 40);
}
END_TEST

/* ---- every sequence of events ---- */

#define STEPS 5

enum {
	EVENT_STANDBY,
	EVENT_HOLDER,
	EVENT_LEAVING,
	EVENT_UNKNOWN,
	EVENT_UNREGISTERED,
	EVENT_REGISTERING,
	EVENT_REGISTERED,
	EVENT_FAILED,
	EVENT_FAILED_LATER,
	EVENT_REJECTED,
	EVENT_READY,
	EVENT_ORDER_FAILED,
	EVENT_KICK,
	EVENT_WITHDRAW,
	EVENT_MOMENT,
	EVENT_SECONDS,
	EVENT_MINUTES,
	EVENTS
};

struct seen {
	struct bench x;
	boot_t not_before; /* as the carrier asked for */
	uint32_t burst_left;
};

static void apply(struct seen *s, int event)
{
	struct bench *x = &s->x;

	switch (event) {
	case EVENT_STANDBY:
	case EVENT_HOLDER:
	case EVENT_LEAVING:
		if ((int)x->t.role != event - EVENT_STANDBY)
			s->not_before = (boot_t){ 0 };
		trunk_set_role(&x->t, TRUNK_STANDBY + (event - EVENT_STANDBY), x->now);
		break;
	case EVENT_FAILED_LATER:
		report(x, TRUNK_FAILED, 503, 600);
		if (x->t.role == TRUNK_HOLDER && !x->t.withdrawn && !x->t.once)
			s->not_before = boot_add(x->now, 600 * NS_PER_S);
		break;
	case EVENT_UNKNOWN:
	case EVENT_UNREGISTERED:
	case EVENT_REGISTERING:
	case EVENT_REGISTERED:
	case EVENT_FAILED:
	case EVENT_REJECTED:
		report(x, event == EVENT_REJECTED ? TRUNK_REJECTED : TRUNK_UNKNOWN + (event - EVENT_UNKNOWN),
		       event == EVENT_REJECTED ? 403 : 0, -1);
		s->not_before = (boot_t){ 0 }; /* newer news */
		break;
	case EVENT_READY:
		trunk_adapter_ready(&x->t, x->now);
		s->not_before = (boot_t){ 0 };
		break;
	case EVENT_ORDER_FAILED:
		trunk_order_failed(&x->t, x->now);
		break;
	case EVENT_KICK:
		trunk_kick(&x->t, x->now);
		s->not_before = (boot_t){ 0 };
		break;
	case EVENT_WITHDRAW:
		trunk_withdraw(&x->t, x->now);
		s->not_before = (boot_t){ 0 };
		break;
	case EVENT_MOMENT:
		pass(x, 50);
		break;
	case EVENT_SECONDS:
		pass(x, 5000);
		break;
	case EVENT_MINUTES:
		pass(x, 200000);
		break;
	}
}

/* check(3) takes a system call for each assertion that holds: too many here. */
#define must(condition)                                      \
	do {                                                 \
		if (!(condition))                            \
			ck_abort_msg("not: %s", #condition); \
	} while (0)

static void check_order(struct seen *s)
{
	struct bench *x = &s->x;
	struct token_bucket before = x->b;
	enum trunk_order order = decide(x);
	boot_t next = trunk_next(&x->t, &x->b, x->now);

	must(order != TRUNK_ORDER_REGISTER || (x->t.role == TRUNK_HOLDER && !x->t.withdrawn));
	must(order != TRUNK_ORDER_UNREGISTER || x->t.role != TRUNK_HOLDER || x->t.withdrawn);
	must(order != TRUNK_ORDER_REGISTER || !boot_before(x->now, s->not_before));
	/* What a carrier hears was paid for. */
	if (order != TRUNK_ORDER_NONE && x->t.role != TRUNK_STANDBY) {
		must(token_bucket_take(&before, x->now));
		must(before.full_at.ns == x->b.full_at.ns);
	} else {
		must(before.full_at.ns == x->b.full_at.ns);
	}
	must(boot_before(x->now, next)); /* nobody spins */
}

/* From anywhere: a holder's trunk that is not registered is ordered to be within the longest wait, and a
 * standby's that is not unregistered is ordered off. */
static void check_way_out(const struct seen *at, enum trunk_role role, enum trunk_state state)
{
	struct bench x = at->x;
	enum trunk_order order = TRUNK_ORDER_NONE;
	boot_t end;

	trunk_set_role(&x.t, role, x.now);
	if (role == TRUNK_HOLDER && x.t.withdrawn)
		return;
	(void)trunk_report(&x.t, state, 0, NO_RETRY_AFTER, x.now);
	end = boot_add(x.now, 700 * NS_PER_S);
	while (order == TRUNK_ORDER_NONE) {
		boot_t next = trunk_next(&x.t, &x.b, x.now);

		must(!boot_before(end, next));
		x.now = boot_before(x.now, next) ? next : x.now;
		order = decide(&x);
	}
	must(order == (role == TRUNK_HOLDER ? TRUNK_ORDER_REGISTER : TRUNK_ORDER_UNREGISTER));
}

static void explore(const struct seen *from, int depth, uint64_t *ret_count)
{
	for (int event = 0; event < EVENTS; event++) {
		struct seen s = *from;

		apply(&s, event);
		check_order(&s);
		++*ret_count;
		if (depth < STEPS) {
			explore(&s, depth + 1, ret_count);
			continue;
		}
		check_way_out(&s, TRUNK_HOLDER, TRUNK_FAILED);
		check_way_out(&s, TRUNK_HOLDER, TRUNK_UNREGISTERED);
		check_way_out(&s, TRUNK_STANDBY, TRUNK_REGISTERED);
		check_way_out(&s, TRUNK_STANDBY, TRUNK_REGISTERING);
	}
}

START_TEST(every_sequence_of_events_keeps_the_rules)
{
	uint64_t count = 0;

	for (int role = TRUNK_STANDBY; role <= TRUNK_HOLDER; role++) {
		struct seen s = { 0 };

		bench_init(&s.x, role);
		token_bucket_init(&s.x.b, 1, 1, s.x.now); /* so that it matters */
		explore(&s, 1, &count);
	}
	ck_assert_uint_gt(count, 1000000);
}
END_TEST

UNIT_MAIN("trunk", new_holder_registers_at_once_whatever_its_pbx_believed,
	  adopted_holder_looks_before_it_registers, standby_is_ordered_off_once_and_whenever_its_pbx_tries,
	  failures_are_tried_again_later_and_later, pbx_that_only_tells_changes_is_asked_no_more_often,
	  retry_after_is_kept, rejected_trunk_is_nearly_left_alone,
	  pbx_that_goes_on_trying_is_left_to_it_for_a_while,
	  lost_registration_is_made_again_but_not_in_a_circle,
	  leaving_unregisters_and_a_cancelled_move_registers_again,
	  operator_takes_a_registration_back_until_he_or_a_takeover_says_otherwise,
	  what_happened_is_counted_and_repetitions_are_not, many_trunks_of_one_carrier_take_turns,
	  every_sequence_of_events_keeps_the_rules)
