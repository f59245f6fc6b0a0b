/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trunk.h"

static bool trunk_wants_on(const struct trunk *t)
{
	return t->role == TRUNK_HOLDER && !t->withdrawn;
}

/* A standby's orders end at its shut gate. */
static bool trunk_is_heard(const struct trunk *t)
{
	return t->role != TRUNK_STANDBY;
}

static int64_t trunk_backoff_ns(const struct trunk *t)
{
	int64_t ns = TRUNK_BACKOFF_NS_MIN;

	for (uint32_t i = 1; i < t->tries && ns < TRUNK_BACKOFF_NS_MAX; i++)
		ns *= 2;
	return ns < TRUNK_BACKOFF_NS_MAX ? ns : TRUNK_BACKOFF_NS_MAX;
}

static boot_t boot_later(boot_t a, boot_t b)
{
	return boot_before(a, b) ? b : a;
}

static boot_t trunk_after_order(const struct trunk *t, boot_t at, int64_t ns)
{
	return t->ordered_at.ns ? boot_later(at, boot_add(t->ordered_at, ns)) : at;
}

/* ---- what is due, by what the PBX said ---- */

static boot_t trunk_due_on(const struct trunk *t, int64_t retry_after_ns, boot_t now)
{
	int64_t ns;

	switch (t->state) {
	case TRUNK_REGISTERED:
		return BOOT_NEVER;
	case TRUNK_REGISTERING:
		return boot_add(now, TRUNK_TRYING_NS);
	case TRUNK_REJECTED:
		return boot_add(now, retry_after_ns > TRUNK_REJECTED_NS ? retry_after_ns : TRUNK_REJECTED_NS);
	case TRUNK_FAILED:
		ns = trunk_backoff_ns(t);
		return boot_add(now, retry_after_ns > ns ? retry_after_ns : ns);
	case TRUNK_UNKNOWN:
	case TRUNK_UNREGISTERED:
	case TRUNK_STATES:
		break;
	}
	/* It may be of before the order, or the PBX gave up without a word. */
	if (t->tries)
		return trunk_after_order(t, now,
					 trunk_backoff_ns(t) > TRUNK_ANSWER_NS ? trunk_backoff_ns(t)
									       : TRUNK_ANSWER_NS);
	return trunk_after_order(t, now, TRUNK_REPEAT_NS);
}

static boot_t trunk_due_off(const struct trunk *t, boot_t now)
{
	if (t->state == TRUNK_UNREGISTERED || t->state == TRUNK_UNKNOWN)
		return BOOT_NEVER;
	return t->tries ? trunk_after_order(t, now, trunk_backoff_ns(t)) : now;
}

/* ---- events ---- */

/* The order of a new role is given whatever the PBX says, which may be of before. */
static void trunk_begin(struct trunk *t, boot_t due)
{
	t->once = true;
	t->tries = 0;
	t->ordered_at = (boot_t){ 0 };
	t->due = due;
}

void trunk_adapter_ready(struct trunk *t, boot_t now)
{
	t->state = TRUNK_UNKNOWN;
	t->status = 0;
	t->since = now;
	trunk_begin(t, trunk_wants_on(t) ? boot_add(now, TRUNK_UNKNOWN_NS) : now);
	t->once = !trunk_wants_on(t);
}

void trunk_init(struct trunk *t, enum trunk_role role, boot_t now)
{
	*t = (struct trunk){ .role = role };
	trunk_adapter_ready(t, now);
}

void trunk_set_role(struct trunk *t, enum trunk_role role, boot_t now)
{
	enum trunk_role was = t->role;

	if (role == was)
		return;
	t->role = role;
	if (role == TRUNK_STANDBY || was == TRUNK_STANDBY)
		t->withdrawn = false;
	trunk_begin(t, now);
}

/* A PBX that repeats itself has nothing new to count. */
static void trunk_count(struct trunk *t, enum trunk_state state, bool changed, bool news, boot_t now)
{
	if (state == TRUNK_REGISTERED && changed) {
		t->registrations++;
		t->registered_at = now;
	}
	if ((state == TRUNK_FAILED || state == TRUNK_REJECTED) && news)
		t->failures++;
}

bool trunk_report(struct trunk *t, enum trunk_state state, int status, int64_t retry_after_ns, boot_t now)
{
	bool changed = state != t->state, news = changed || status != t->status;

	if (retry_after_ns > TRUNK_RETRY_AFTER_NS_MAX)
		retry_after_ns = TRUNK_RETRY_AFTER_NS_MAX;
	trunk_count(t, state, changed, news, now);
	t->state = state;
	t->status = status;
	if (changed)
		t->since = now;
	if (t->once || (!news && retry_after_ns < 0 && trunk_wants_on(t)))
		return changed;
	t->unheard = false;
	t->due = trunk_wants_on(t) ? trunk_due_on(t, retry_after_ns, now) : trunk_due_off(t, now);
	if (t->due.ns == BOOT_NEVER.ns)
		t->tries = 0;
	return changed;
}

void trunk_order_failed(struct trunk *t, boot_t now)
{
	/* What the PBX said since counts more, and the order of a new role is still to come. */
	if (!t->once && t->unheard)
		t->due = boot_add(now, trunk_backoff_ns(t));
}

void trunk_kick(struct trunk *t, boot_t now)
{
	t->withdrawn = false;
	if (t->role == TRUNK_HOLDER)
		trunk_begin(t, now);
}

void trunk_withdraw(struct trunk *t, boot_t now)
{
	t->withdrawn = true;
	trunk_begin(t, now);
}

/* ---- orders ---- */

/* The PBX says that it has what it was ordered. */
static bool trunk_is_done(const struct trunk *t)
{
	return !t->once && t->state == (trunk_wants_on(t) ? TRUNK_REGISTERED : TRUNK_UNREGISTERED);
}

enum trunk_order trunk_decide(struct trunk *t, struct token_bucket *carrier, boot_t now)
{
	int64_t wait_ns;

	if (boot_before(now, t->due))
		return TRUNK_ORDER_NONE;
	if (trunk_is_done(t)) {
		t->due = BOOT_NEVER;
		return TRUNK_ORDER_NONE;
	}
	if (trunk_is_heard(t) && !token_bucket_take(carrier, now))
		return TRUNK_ORDER_NONE;
	t->once = false;
	t->unheard = true;
	t->ordered_at = now;
	t->tries++;
	t->orders++;
	if (trunk_wants_on(t)) {
		wait_ns = trunk_backoff_ns(t) > TRUNK_ANSWER_NS ? trunk_backoff_ns(t) : TRUNK_ANSWER_NS;
		t->due = boot_add(now, t->state == TRUNK_REJECTED ? TRUNK_REJECTED_NS : wait_ns);
		return TRUNK_ORDER_REGISTER;
	}
	t->due = trunk_due_off(t, now);
	return TRUNK_ORDER_UNREGISTER;
}

boot_t trunk_next(const struct trunk *t, const struct token_bucket *carrier, boot_t now)
{
	if (!boot_before(now, t->due) && trunk_is_heard(t))
		return token_bucket_next(carrier, now);
	return t->due;
}

bool trunk_may_be_registered(const struct trunk *t)
{
	return t->state == TRUNK_REGISTERED || t->state == TRUNK_REGISTERING;
}
