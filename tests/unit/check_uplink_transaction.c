/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A switch in every order of what may happen to it: the PBX, the trunks and a target answer early, late or
 * never, the new line is lost, any step fails.
 */
#include "uplink_transaction.h"

#include <string.h>

#include "unit.h"

#define NEVER_MS (-1)
#define LIMIT_MS 25000

struct play {
	enum uplink_switch_kind kind;
	bool may_undo, reinvite, old_fit;
	int pbx_ms, trunks_ms, answer_ms, lost_ms; /* after the step, or the route; NEVER_MS */
	bool pbx_failed, trunks_failed;
	enum uplink_task fails; /* UPLINK_TASK_WAIT: none */
};

struct played {
	struct uplink_transaction t;
	int at_ms[UPLINK_TASKS]; /* NEVER_MS: not given */
	int order[UPLINK_TASKS];
	int count;
	int end_ms;
};

static boot_t at(int ms)
{
	return (boot_t){ 1000 * NS_PER_S + ms * NS_PER_MS };
}

static bool since(const struct played *r, enum uplink_task task, int after_ms, int now_ms)
{
	int from = task == UPLINK_TASK_WAIT ? 0 : r->at_ms[task];

	return after_ms != NEVER_MS && from != NEVER_MS && now_ms >= from + after_ms;
}

static void facts(const struct play *p, const struct played *r, int now_ms,
		  struct uplink_transaction_facts *ret)
{
	bool back = r->at_ms[UPLINK_TASK_PBX_BACK] != NEVER_MS;

	*ret = (struct uplink_transaction_facts){
		.pbx_ended = since(r, back ? UPLINK_TASK_PBX_BACK : UPLINK_TASK_PBX, p->pbx_ms, now_ms),
		.trunks_ended = since(r, UPLINK_TASK_TRUNKS, p->trunks_ms, now_ms),
		.new_lost = since(r, UPLINK_TASK_WAIT, p->lost_ms, now_ms),
		.old_fit = p->old_fit,
	};
	ret->pbx_failed = ret->pbx_ended && p->pbx_failed;
	ret->trunks_failed = ret->trunks_ended && p->trunks_failed;
	ret->trunks_ended &= !p->trunks_failed;
	if (since(r, UPLINK_TASK_WAIT, p->answer_ms, now_ms))
		ret->answered_at = at(p->answer_ms);
}

static void take(const struct play *p, struct played *r, enum uplink_task task, int now_ms)
{
	if (task >= UPLINK_TASKS || r->at_ms[task] != NEVER_MS)
		ck_abort_msg("task %d twice", task);
	r->at_ms[task] = now_ms;
	r->order[task] = r->count++;
	if (task != UPLINK_TASK_END)
		uplink_transaction_did(&r->t, task, task != p->fails, at(now_ms));
}

static void run(const struct play *p, struct played *r)
{
	struct uplink_transaction_facts f;
	enum uplink_task task;

	*r = (struct played){ .end_ms = NEVER_MS };
	for (int i = 0; i < UPLINK_TASKS; i++)
		r->at_ms[i] = NEVER_MS;
	uplink_transaction_begin(&r->t, p->kind, p->may_undo, p->reinvite, at(0));
	for (int ms = 0; ms <= LIMIT_MS && r->end_ms == NEVER_MS; ms += 100) {
		do {
			facts(p, r, ms, &f);
			task = uplink_transaction_next(&r->t, &f, at(ms));
			if (task != UPLINK_TASK_WAIT)
				take(p, r, task, ms);
		} while (task != UPLINK_TASK_WAIT && task != UPLINK_TASK_END);
		if (task == UPLINK_TASK_END)
			r->end_ms = ms;
		else if (uplink_transaction_due(&r->t).ns <= at(ms).ns)
			ck_abort_msg("a caller that waits would spin");
	}
	ck_assert_int_ne(r->end_ms, NEVER_MS);
	ck_assert_int_eq(uplink_transaction_due(&r->t).ns, BOOT_NEVER.ns);
	facts(p, r, LIMIT_MS, &f);
	ck_assert_int_eq(uplink_transaction_next(&r->t, &f, at(LIMIT_MS)), UPLINK_TASK_WAIT);
}

static void before(const struct played *r, enum uplink_task first, enum uplink_task second)
{
	if (r->at_ms[second] == NEVER_MS)
		return;
	if (r->at_ms[first] == NEVER_MS || r->order[first] > r->order[second])
		ck_abort_msg("task %d before %d", second, first);
}

static void check_order(const struct play *p, const struct played *r)
{
	if (p->kind != UPLINK_KIND_FINISH)
		for (int i = UPLINK_TASK_FLUSH; i < UPLINK_TASK_END; i++)
			before(r, UPLINK_TASK_ROUTE, (enum uplink_task)i);
	if (p->kind == UPLINK_KIND_SWITCH)
		before(r, UPLINK_TASK_FLUSH, UPLINK_TASK_PBX);
	before(r, UPLINK_TASK_PBX, UPLINK_TASK_TRUNKS);
	before(r, UPLINK_TASK_TRUNKS, UPLINK_TASK_REINVITE);
	before(r, UPLINK_TASK_FLUSH, UPLINK_TASK_FLUSH_AGAIN);
	before(r, UPLINK_TASK_FLUSH_AGAIN, UPLINK_TASK_COUNT);
	before(r, UPLINK_TASK_ROUTE_BACK, UPLINK_TASK_FLUSH_BACK);
	before(r, UPLINK_TASK_FLUSH_BACK, UPLINK_TASK_PBX_BACK);
	before(r, UPLINK_TASK_PBX_BACK, UPLINK_TASK_TRUNKS_BACK);
	before(r, UPLINK_TASK_TRUNKS_BACK, UPLINK_TASK_REINVITE_BACK);
	before(r, UPLINK_TASK_REINVITE, UPLINK_TASK_REINVITE_BACK);
	if (r->at_ms[UPLINK_TASK_FLUSH_AGAIN] != NEVER_MS)
		ck_assert_int_ge(r->at_ms[UPLINK_TASK_FLUSH_AGAIN], 1000);
}

static void check_end(const struct play *p, const struct played *r)
{
	bool undone = r->t.outcome == UPLINK_UNDONE;
	bool all_well = p->pbx_ms != NEVER_MS && p->pbx_ms < 5000 && !p->pbx_failed && !p->trunks_failed &&
			p->trunks_ms != NEVER_MS && p->trunks_ms < 10000 && p->answer_ms != NEVER_MS &&
			p->answer_ms < 3000 && p->lost_ms == NEVER_MS && p->fails == UPLINK_TASK_WAIT;

	ck_assert_int_ne(r->t.outcome, UPLINK_UNDER_WAY);
	if (p->fails == UPLINK_TASK_ROUTE && p->kind != UPLINK_KIND_FINISH) {
		ck_assert_int_eq(r->t.outcome, UPLINK_REFUSED);
		ck_assert_int_eq(r->count, 2); /* nothing but the route and the end */
		return;
	}
	if (all_well)
		ck_assert_int_eq(r->t.outcome, UPLINK_DONE);
	if (undone)
		ck_assert(p->may_undo && p->old_fit && p->kind != UPLINK_KIND_FINISH);
	ck_assert_int_eq(undone, r->at_ms[UPLINK_TASK_TRUNKS_BACK] != NEVER_MS);
	ck_assert_int_eq(undone && r->at_ms[UPLINK_TASK_REINVITE] != NEVER_MS,
			 r->at_ms[UPLINK_TASK_REINVITE_BACK] != NEVER_MS);
	if (undone) /* with the old address again */
		ck_assert_int_ge(r->at_ms[UPLINK_TASK_TRUNKS_BACK] - r->at_ms[UPLINK_TASK_PBX_BACK],
				 p->pbx_ms == NEVER_MS || p->pbx_ms > 5000 ? 5000 : p->pbx_ms);
	if (p->kind == UPLINK_KIND_DRAIN && !undone)
		ck_assert(r->at_ms[UPLINK_TASK_FLUSH] == NEVER_MS &&
			  r->at_ms[UPLINK_TASK_FLUSH_AGAIN] == NEVER_MS);
	if (p->kind != UPLINK_KIND_DRAIN)
		ck_assert_int_ne(r->at_ms[UPLINK_TASK_FLUSH], NEVER_MS);
	if (r->t.outcome != UPLINK_DONE)
		ck_assert_str_ne(r->t.why, "");
	if (r->t.outcome == UPLINK_DONE && p->kind != UPLINK_KIND_FINISH)
		ck_assert(p->answer_ms != NEVER_MS && p->pbx_ms != NEVER_MS && p->trunks_ms != NEVER_MS);
	if (r->t.outcome == UPLINK_DONE && p->kind == UPLINK_KIND_SWITCH)
		ck_assert_int_eq(r->at_ms[UPLINK_TASK_REINVITE] != NEVER_MS, p->reinvite);
	ck_assert_int_le(r->end_ms, 15000 + (undone ? 5000 : 0) + 100);
}

static void play_times(struct play p)
{
	static const int pbx[] = { 0, 800, 6000, NEVER_MS }, trunks[] = { 0, 4000, 11000, NEVER_MS };
	static const int answers[] = { 200, 2800, 4000, NEVER_MS }, lost[] = { NEVER_MS, 0, 700, 4500 };
	struct played r;

	for (int i = 0; i < 4 * 4 * 4 * 4 * 2 * 2; i++) {
		p.pbx_ms = pbx[i & 3];
		p.trunks_ms = trunks[i >> 2 & 3];
		p.answer_ms = answers[i >> 4 & 3];
		p.lost_ms = lost[i >> 6 & 3];
		p.pbx_failed = i >> 8 & 1;
		p.trunks_failed = i >> 9 & 1;
		run(&p, &r);
		check_order(&p, &r);
		check_end(&p, &r);
	}
}

START_TEST(every_order)
{
	for (int kind = UPLINK_KIND_SWITCH; kind <= UPLINK_KIND_FINISH; kind++)
		for (int bits = 0; bits < 8; bits++)
			for (int fails = UPLINK_TASK_WAIT; fails < UPLINK_TASK_END; fails++)
				play_times((struct play){ .kind = (enum uplink_switch_kind)kind,
							  .may_undo = bits & 1,
							  .reinvite = bits & 2,
							  .old_fit = bits & 4,
							  .fails = (enum uplink_task)fails });
}
END_TEST

static const struct play well = {
	.may_undo = true, .old_fit = true, .pbx_ms = 100, .trunks_ms = 900, .answer_ms = 200, .lost_ms = -1
};

START_TEST(planned_goes_back)
{
	struct play p = well;
	struct played r;

	p.trunks_ms = NEVER_MS;
	run(&p, &r);
	ck_assert_int_eq(r.t.outcome, UPLINK_UNDONE);
	ck_assert_str_eq(r.t.why, "trunks do not register there");
	p = well;
	p.trunks_failed = true;
	run(&p, &r);
	ck_assert_int_eq(r.t.outcome, UPLINK_UNDONE);
	ck_assert_str_eq(r.t.why, "trunks do not register there");
	ck_assert_int_eq(r.end_ms, p.pbx_ms + p.trunks_ms + p.pbx_ms);
	p = well;
	p.answer_ms = NEVER_MS;
	run(&p, &r);
	ck_assert_int_eq(r.t.outcome, UPLINK_UNDONE);
	ck_assert_int_eq(r.end_ms, 3000 + p.pbx_ms);
	p = well;
	p.lost_ms = 500;
	run(&p, &r);
	ck_assert_int_eq(r.t.outcome, UPLINK_UNDONE);
	ck_assert_int_eq(r.end_ms, 500 + p.pbx_ms);
}
END_TEST

/* The old line dies while the PBX is told to go back to it: the next decision waits for nobody. */
START_TEST(lost_way_back_holds_up_nothing)
{
	struct uplink_transaction_facts f = { .pbx_ended = true, .new_lost = true, .old_fit = true };
	struct uplink_transaction t;
	enum uplink_task task;

	uplink_transaction_begin(&t, UPLINK_KIND_SWITCH, true, false, at(0));
	while ((task = uplink_transaction_next(&t, &f, at(0))) != UPLINK_TASK_PBX_BACK) {
		ck_assert_int_ne(task, UPLINK_TASK_WAIT);
		uplink_transaction_did(&t, task, true, at(0));
	}
	uplink_transaction_did(&t, task, true, at(0));
	f.pbx_ended = false;
	ck_assert_int_eq(uplink_transaction_next(&t, &f, at(100)), UPLINK_TASK_WAIT);
	f.old_fit = false;
	ck_assert_int_eq(uplink_transaction_next(&t, &f, at(200)), UPLINK_TASK_TRUNKS_BACK);
	ck_assert_int_eq(uplink_transaction_next(&t, &f, at(200)), UPLINK_TASK_END);
	ck_assert_int_eq(t.outcome, UPLINK_UNDONE);
}
END_TEST

START_TEST(dead_line_is_left_whatever_fails)
{
	struct play p = well;
	struct played r;

	p.may_undo = p.old_fit = false;
	p.pbx_ms = p.trunks_ms = p.answer_ms = NEVER_MS;
	run(&p, &r);
	ck_assert_int_eq(r.t.outcome, UPLINK_UNPROVEN);
	ck_assert(uplink_transaction_late(&r.t, UPLINK_TASK_PBX));
	ck_assert(uplink_transaction_late(&r.t, UPLINK_TASK_TRUNKS));
	ck_assert_int_eq(r.at_ms[UPLINK_TASK_ROUTE], 0);
	ck_assert_int_eq(r.at_ms[UPLINK_TASK_FLUSH], 0);
	ck_assert_int_eq(r.at_ms[UPLINK_TASK_FLUSH_AGAIN], 1000);
}
END_TEST

START_TEST(says_what_it_waits_for)
{
	struct uplink_transaction t;
	struct uplink_pending p;
	struct uplink_transaction_facts f = { .old_fit = true };
	enum uplink_task task;

	uplink_transaction_begin(&t, UPLINK_KIND_SWITCH, true, false, at(0));
	uplink_transaction_pending(&t, &p);
	ck_assert(p.pbx && p.trunks && p.flows && p.answer);
	while ((task = uplink_transaction_next(&t, &f, at(1))) != UPLINK_TASK_WAIT)
		uplink_transaction_did(&t, task, true, at(1));
	uplink_transaction_pending(&t, &p);
	ck_assert(p.pbx && p.trunks && p.flows && p.answer);
	ck_assert_int_eq(p.soonest.ns, at(2001).ns);
	ck_assert_int_eq(p.ended_by.ns, at(15001).ns);
	f.pbx_ended = f.trunks_ended = true;
	f.answered_at = at(20);
	while ((task = uplink_transaction_next(&t, &f, at(30))) != UPLINK_TASK_WAIT)
		uplink_transaction_did(&t, task, true, at(30));
	uplink_transaction_pending(&t, &p);
	ck_assert(!p.pbx && !p.answer && p.flows);
	ck_assert_int_eq(p.soonest.ns, at(2001).ns);
	ck_assert(!boot_before(p.ended_by, at(2001)));
	f.new_lost = true; /* back it goes */
	f.pbx_ended = false;
	while ((task = uplink_transaction_next(&t, &f, at(100))) != UPLINK_TASK_WAIT)
		uplink_transaction_did(&t, task, true, at(100));
	ck_assert(t.undoing && t.outcome == UPLINK_UNDER_WAY);
	uplink_transaction_pending(&t, &p);
	ck_assert(p.pbx && !p.flows && !p.answer);
	ck_assert_int_eq(p.soonest.ns, BOOT_NEVER.ns);
	ck_assert_int_eq(p.ended_by.ns, at(5100).ns);
}
END_TEST

UNIT_MAIN("uplink_transaction", says_what_it_waits_for, every_order, planned_goes_back,
	  lost_way_back_holds_up_nothing, dead_line_is_left_whatever_fails)
