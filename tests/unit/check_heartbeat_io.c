/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes, and a stand-in for corosync that takes nothing for as long as a test wants.
 */
#include "clock_read.h"
#include "cpg_io.h"
#include "heartbeat_io.h"
#include "heartbeat_sample.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>

#define SECTION_BYTES (50 * 1024)
#define MESSAGES_MAX  256

struct message {
	node_id_t from;
	size_t len;
	uint8_t *data;
};

struct member {
	node_id_t id;
	struct heartbeat_proof proof;
	struct heartbeat_io *io;
	struct cpg_io *cpg;
	unsigned sections;
	uint64_t request; /* to be answered */
};

static struct member one = { .id = 1 }, two = { .id = 2 };
static struct message order[MESSAGES_MAX];
static size_t order_count;
static bool full; /* corosync takes nothing */
static uint8_t section[SECTION_BYTES];

/* ---- corosync ---- */

int cpg_io_init(struct cpg_io *c, const char *cluster, const struct cpg_io_ops *ops, void *ctx, boot_t now)
{
	(void)cluster, (void)now;
	*c = (struct cpg_io){ .ops = ops, .ctx = ctx, .fd = -1 };
	*(one.cpg ? &two.cpg : &one.cpg) = c;
	return 0;
}

void cpg_io_close(struct cpg_io *c)
{
	(void)c;
}

void cpg_io_readable(struct cpg_io *c, boot_t now)
{
	(void)c, (void)now;
}

boot_t cpg_io_next(const struct cpg_io *c)
{
	(void)c;
	return BOOT_NEVER;
}

void cpg_io_tick(struct cpg_io *c, boot_t now)
{
	(void)c, (void)now;
}

int cpg_io_send(struct cpg_io *c, const void *data, size_t len)
{
	struct message *m = &order[order_count];

	if (full)
		return -EAGAIN;
	ck_assert_uint_lt(order_count, MESSAGES_MAX);
	*m = (struct message){ .from = c == one.cpg ? 1 : 2, .len = len, .data = malloc(len) };
	ck_assert_ptr_nonnull(m->data);
	memcpy(m->data, data, len);
	order_count++;
	return 0;
}

/* To both, in one order. */
static void deliver(void)
{
	for (size_t i = 0; i < order_count; i++) {
		one.cpg->ops->deliver(one.cpg->ctx, order[i].from, order[i].data, order[i].len);
		two.cpg->ops->deliver(two.cpg->ctx, order[i].from, order[i].data, order[i].len);
		free(order[i].data);
	}
	order_count = 0;
}

/* ---- the agents ---- */

static void on_flag(void *ctx, bool flag)
{
	(void)ctx, (void)flag;
}

static void on_members(void *ctx, node_set_t members, node_set_t left)
{
	(void)ctx, (void)members, (void)left;
}

static void on_intent(void *ctx, node_id_t from, const struct core_intent *intent, struct instant at)
{
	(void)ctx, (void)from, (void)intent, (void)at;
}

static void on_section(void *ctx, node_id_t from, uint8_t number, const uint8_t *data, size_t len,
		       struct instant at)
{
	(void)from, (void)at;
	ck_assert_uint_eq(number, 7);
	ck_assert_uint_eq(len, SECTION_BYTES);
	ck_assert(!memcmp(data, section, SECTION_BYTES));
	((struct member *)ctx)->sections++;
}

static void on_wanted(void *ctx, uint64_t request)
{
	((struct member *)ctx)->request = request;
}

static void on_intent_get(void *ctx, struct core_intent *ret)
{
	(void)ctx;
	memset(ret, 0, sizeof *ret);
}

static void on_alarm(void *ctx, const struct heartbeat_alarm *alarm)
{
	(void)ctx;
	ck_abort_msg("%s", heartbeat_outcome_name(alarm->outcome));
}

static const struct heartbeat_io_ops ops = {
	.connection = on_flag,
	.quorum = on_flag,
	.members = on_members,
	.intent = on_intent,
	.section = on_section,
	.joining = on_flag,
	.snapshot_wanted = on_wanted,
	.intent_get = on_intent_get,
	.alarm = on_alarm,
};

static void start(struct member *m)
{
	const struct node_key key = sample_key(m->id);
	struct heartbeat_io_config config;

	sample_peers(&config.peers, m->id);
	config.peers.incarnation = 0x10U + m->id;
	m->proof.node[3 - m->id].incarnation = 0x10U + 3 - m->id; /* as its pulses say */
	ck_assert_int_eq(heartbeat_io_new(&config, &key, &m->proof, &ops, m, clock_now(), &m->io), 0);
}

static void view(struct member *m, node_set_t members, node_set_t joined)
{
	m->cpg->up = true;
	m->cpg->ops->view(m->cpg->ctx, members, 0, 0, joined);
}

static void tick(struct member *m, int64_t ahead_ns)
{
	struct instant now = clock_now();

	now.boot = boot_add(now.boot, ahead_ns);
	heartbeat_io_tick(m->io, now);
}

/* One has the state, two has come and asks for it. */
static void set_up(void)
{
	const node_set_t both = node_bit(1) | node_bit(2);

	memset(section, 's', sizeof section);
	start(&one);
	start(&two);
	view(&one, node_bit(1), node_bit(1));
	tick(&one, 60 * NS_PER_S);
	ck_assert(!heartbeat_io_joining(one.io));
	view(&one, both, node_bit(2));
	view(&two, both, both);
	deliver();
	ck_assert_uint_ne(one.request, 0);
	deliver();
}

static void tear_down(void)
{
	heartbeat_io_free(one.io);
	heartbeat_io_free(two.io);
}

static int send_section(void)
{
	return heartbeat_io_send_section(one.io, one.request, 7, section, sizeof section);
}

static void drain(void)
{
	full = false;
	for (int i = 0; i < 100; i++) {
		tick(&one, 0);
		deliver();
		if (heartbeat_io_next(one.io).ns == BOOT_NEVER.ns)
			return;
		ck_assert(boot_before(clock_now().boot, boot_add(heartbeat_io_next(one.io), 60 * NS_PER_S)));
		while (boot_before(clock_now().boot, heartbeat_io_next(one.io)))
			(void)poll(NULL, 0, 1);
	}
}

START_TEST(a_snapshot_is_taken)
{
	ck_assert_int_eq(send_section(), 0);
	ck_assert_int_eq(heartbeat_io_send_snapshot_end(one.io, one.request), 0);
	drain();
	ck_assert_uint_eq(two.sections, 1);
	ck_assert(!heartbeat_io_joining(two.io));
}
END_TEST

/* What did not fit in the queue is sent again: in its place, or nobody would take what comes behind it. */
START_TEST(a_snapshot_that_has_to_wait_has_no_gap)
{
	unsigned sent = 0;
	int r;

	full = true;
	while ((r = send_section()) == 0)
		sent++;
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_int_eq(send_section(), -ENOBUFS);
	ck_assert_uint_gt(sent, 10);
	drain();
	ck_assert_uint_eq(two.sections, sent);
	ck_assert_int_eq(send_section(), 0);
	ck_assert_int_eq(heartbeat_io_send_snapshot_end(one.io, one.request), 0);
	drain();
	ck_assert_uint_eq(two.sections, sent + 1);
	ck_assert(!heartbeat_io_joining(two.io));
}
END_TEST

UNIT_MAIN_AROUND("heartbeat_io", set_up, tear_down, a_snapshot_is_taken,
		 a_snapshot_that_has_to_wait_has_no_gap)
