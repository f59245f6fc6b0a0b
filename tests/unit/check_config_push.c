/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Three nodes and a network that loses, doubles and reorders parcels; what was sealed is only copied here.
 */
#include "config_push.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODES	  3
#define FLYING	  512
#define TEXT_SIZE 40000
#define STEP_NS	  (5 * NS_PER_MS)

struct flying {
	node_id_t from, to;
	uint8_t data[CONFIG_PUSH_PARCEL_MAX];
	uint8_t len;
};

struct place {
	struct config_push push;
	bool refuses, no_disk, cannot_take, dead;
	char staged[TEXT_SIZE + 1], taken[TEXT_SIZE + 1];
	bool staging, taking;
	int took, dropped;
};

static struct world {
	struct place node[NODES + 1];
	struct flying flying[FLYING];
	int count;
	unsigned seed, loss_percent;
	boot_t now;
	int ended;
	bool taken;
	struct config_push_node told[NODES];
} w;

static char text[TEXT_SIZE + 1];

static struct place *place_of(void *ctx)
{
	return ctx;
}

static unsigned dice(unsigned sides)
{
	w.seed = w.seed * 1103515245u + 12345u;
	return (w.seed >> 16) % sides;
}

static void op_send(void *ctx, node_id_t to, const uint8_t *data, uint8_t len)
{
	int copies = 1 + (dice(10) == 0);

	while (copies-- > 0 && w.count < FLYING) {
		struct flying *f = &w.flying[w.count++];

		*f = (struct flying){ .from = place_of(ctx)->push.self, .to = to, .len = len };
		memcpy(f->data, data, len);
	}
}

static int op_seal(void *ctx, node_id_t to, const uint8_t *about, size_t about_len, const char *data,
		   size_t len, uint8_t *ret)
{
	(void)ctx;
	ck_assert_uint_eq(about[about_len - 1], to);
	memset(ret, 0, CRYPTO_SEAL_OVERHEAD);
	memcpy(ret + CRYPTO_SEAL_OVERHEAD, data, len);
	return 0;
}

static int op_open(void *ctx, node_id_t from, const uint8_t *about, size_t about_len, const uint8_t *sealed,
		   size_t len, char *ret)
{
	ck_assert_uint_eq(about[about_len - 1], place_of(ctx)->push.self);
	ck_assert_uint_eq(about[about_len - 2], from);
	memcpy(ret, sealed + CRYPTO_SEAL_OVERHEAD, len - CRYPTO_SEAL_OVERHEAD);
	return 0;
}

static bool op_check(void *ctx, const char *data, size_t len, enum config_push_mode mode,
		     char why[CONFIG_PUSH_WHY_MAX])
{
	(void)mode;
	ck_assert_uint_eq(len, TEXT_SIZE);
	ck_assert_mem_eq(data, text, TEXT_SIZE);
	if (place_of(ctx)->refuses)
		(void)snprintf(why, CONFIG_PUSH_WHY_MAX, "ringkeep.conf:7: nodes: no");
	return !place_of(ctx)->refuses;
}

static void op_stage(void *ctx, const char *data, size_t len)
{
	memcpy(place_of(ctx)->staged, data, len);
	place_of(ctx)->staging = true;
}

static void op_take(void *ctx, enum config_push_mode mode)
{
	ck_assert_int_ne(mode, CONFIG_PUSH_CHECK);
	ck_assert_str_eq(place_of(ctx)->staged, text);
	place_of(ctx)->taking = true;
}

static void op_drop(void *ctx)
{
	place_of(ctx)->staged[0] = 0;
	place_of(ctx)->dropped++;
}

static void op_ended(void *ctx, const struct config_push_host *host, bool taken)
{
	(void)ctx;
	w.ended++;
	w.taken = taken;
	memcpy(w.told, host->node, sizeof w.told);
}

static const struct config_push_ops ops = { op_send,  op_seal, op_open, op_check,
					    op_stage, op_take, op_drop, op_ended };

static void world_begin(unsigned seed, unsigned loss_percent)
{
	w = (struct world){ .seed = seed, .loss_percent = loss_percent, .now = { NS_PER_S } };
	for (int i = 0; i < TEXT_SIZE; i++)
		text[i] = (char)('a' + i % 26);
	for (node_id_t n = 1; n <= NODES; n++)
		config_push_init(&w.node[n].push, n, &ops, &w.node[n]);
}

static void world_end(void)
{
	for (node_id_t n = 1; n <= NODES; n++)
		config_push_close(&w.node[n].push);
}

static void disk(struct place *x)
{
	if (x->staging) {
		x->staging = false;
		config_push_staged(&x->push, !x->no_disk, "No space left on device", w.now);
	} else if (x->taking) {
		x->taking = false;
		x->took += !x->cannot_take;
		if (!x->cannot_take)
			memcpy(x->taken, x->staged, sizeof x->taken);
		config_push_took(&x->push, !x->cannot_take, "Input/output error", w.now);
	}
}

/* One of those on their way arrives, or is lost. */
static void deliver(void)
{
	int i = (int)dice((unsigned)w.count < 4 ? (unsigned)w.count : 4); /* near its place */
	struct flying f = w.flying[i];

	memmove(&w.flying[i], &w.flying[i + 1], (size_t)(--w.count - i) * sizeof f);
	if (dice(100) >= w.loss_percent && !w.node[f.to].dead && !w.node[f.from].dead)
		ck_assert(config_push_parcel(&w.node[f.to].push, f.from, f.data, f.len, w.now));
}

static void run(int64_t ns)
{
	for (boot_t until = boot_add(w.now, ns); boot_before(w.now, until) && !w.ended;
	     w.now = boot_add(w.now, STEP_NS)) {
		for (int i = w.count; i-- > 0;)
			deliver();
		for (node_id_t n = 1; n <= NODES; n++) {
			if (w.node[n].dead)
				continue;
			disk(&w.node[n]);
			if (!boot_before(w.now, config_push_next(&w.node[n].push)))
				config_push_tick(&w.node[n].push, w.now);
		}
	}
}

static int begin(enum config_push_mode mode)
{
	static const node_id_t others[] = { 2, 3 };
	char why[CONFIG_PUSH_WHY_MAX];

	return config_push_begin(&w.node[1].push, 77 + w.seed, mode, others, 2, text, TEXT_SIZE, w.now, why);
}

static void expect(enum config_push_state a, enum config_push_state b, enum config_push_state c)
{
	ck_assert_int_eq(w.ended, 1);
	ck_assert_str_eq(config_push_state_name(w.told[0].state), config_push_state_name(a));
	ck_assert_str_eq(config_push_state_name(w.told[1].state), config_push_state_name(b));
	ck_assert_str_eq(config_push_state_name(w.told[2].state), config_push_state_name(c));
}

START_TEST(all_take_it_over_any_network)
{
	for (unsigned seed = 0; seed < 60; seed++) {
		world_begin(seed, seed % 3 * 10);
		ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
		run(60 * NS_PER_S);
		expect(CONFIG_PUSH_TAKEN, CONFIG_PUSH_TAKEN, CONFIG_PUSH_TAKEN);
		ck_assert(w.taken);
		for (node_id_t n = 1; n <= NODES; n++) {
			ck_assert_int_eq(w.node[n].took, 1);
			ck_assert_str_eq(w.node[n].taken, text);
		}
		world_end();
	}
}
END_TEST

START_TEST(one_that_refuses_stops_all)
{
	for (int who = 1; who <= NODES; who++)
		for (int how = 0; how < 2; how++) {
			world_begin((unsigned)who, 10);
			w.node[who].refuses = how == 0;
			w.node[who].no_disk = how == 1;
			ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), who == 1 && how == 0 ? -EINVAL : 0);
			run(20 * NS_PER_S);
			if (who > 1 || how == 1) {
				ck_assert_int_eq(w.ended, 1);
				ck_assert(!w.taken);
				ck_assert_int_eq(w.told[who - 1].state, CONFIG_PUSH_REFUSED);
				ck_assert_str_ne(w.told[who - 1].why, "");
			}
			w.ended = 0;
			run(70 * NS_PER_S); /* who missed the end of it forgets it */
			for (node_id_t n = 1; n <= NODES; n++) {
				ck_assert_int_eq(w.node[n].took, 0);
				ck_assert(!w.node[n].staged[0] || n == who);
				ck_assert_int_eq(w.node[n].push.guest.state, CONFIG_PUSH_GUEST_NONE);
			}
			world_end();
		}
}
END_TEST

START_TEST(one_that_is_silent_stops_all)
{
	world_begin(5, 0);
	w.node[3].dead = true;
	ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
	run(60 * NS_PER_S);
	expect(CONFIG_PUSH_VALID, CONFIG_PUSH_VALID, CONFIG_PUSH_SILENT);
	ck_assert(!w.taken);
	ck_assert_int_eq(w.node[1].took + w.node[2].took, 0);
	world_end();
}
END_TEST

START_TEST(a_host_that_cannot_take_it_stops_all)
{
	world_begin(6, 0);
	w.node[1].cannot_take = true;
	ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
	run(60 * NS_PER_S);
	expect(CONFIG_PUSH_REFUSED, CONFIG_PUSH_VALID, CONFIG_PUSH_VALID);
	ck_assert_int_eq(w.node[2].took + w.node[3].took, 0);
	world_end();
}
END_TEST

START_TEST(who_said_yes_and_fails_is_named)
{
	world_begin(7, 0);
	w.node[2].cannot_take = true;
	ck_assert_int_eq(begin(CONFIG_PUSH_INSTALL), 0);
	run(60 * NS_PER_S);
	expect(CONFIG_PUSH_TAKEN, CONFIG_PUSH_FAILED, CONFIG_PUSH_TAKEN);
	ck_assert(w.taken);
	ck_assert_str_eq(w.told[1].why, "Input/output error");
	world_end();
}
END_TEST

START_TEST(an_agent_started_again_in_between_says_so)
{
	world_begin(8, 0);
	ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
	while (w.node[3].push.guest.state != CONFIG_PUSH_GUEST_SAID)
		run(STEP_NS);
	config_push_close(&w.node[3].push);
	config_push_init(&w.node[3].push, 3, &ops, &w.node[3]);
	run(60 * NS_PER_S);
	expect(CONFIG_PUSH_TAKEN, CONFIG_PUSH_TAKEN, CONFIG_PUSH_FAILED);
	ck_assert_ptr_nonnull(strstr(w.told[2].why, "started again"));
	world_end();
}
END_TEST

START_TEST(a_check_changes_nothing)
{
	world_begin(9, 20);
	ck_assert_int_eq(begin(CONFIG_PUSH_CHECK), 0);
	run(60 * NS_PER_S);
	expect(CONFIG_PUSH_VALID, CONFIG_PUSH_VALID, CONFIG_PUSH_VALID);
	ck_assert(!w.taken);
	for (node_id_t n = 1; n <= NODES; n++)
		ck_assert(!w.node[n].staged[0] && w.node[n].took == 0);
	world_end();
}
END_TEST

START_TEST(of_two_at_once_none_is_half_taken)
{
	static const node_id_t others[] = { 1, 3 };
	char why[CONFIG_PUSH_WHY_MAX];

	for (unsigned seed = 0; seed < 40; seed++) {
		world_begin(seed, 5);
		ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
		run((int64_t)(seed % 8) * STEP_NS);
		bool idle = config_push_next(&w.node[2].push).ns == BOOT_NEVER.ns;
		int r = config_push_begin(&w.node[2].push, 5, CONFIG_PUSH_APPLY, others, 2, text, TEXT_SIZE,
					  w.now, why);

		ck_assert_int_eq(r, idle ? 0 : -EBUSY);
		while (config_push_busy(&w.node[1].push) || config_push_busy(&w.node[2].push)) {
			w.ended = 0;
			run(NS_PER_S);
		}
		ck_assert(w.node[1].took == w.node[2].took && w.node[2].took == w.node[3].took);
		world_end();
	}
}
END_TEST

START_TEST(broken_parcels_are_refused)
{
	uint8_t data[CONFIG_PUSH_PARCEL_MAX];

	world_begin(10, 0);
	for (unsigned kind = 0; kind < 256; kind++)
		for (unsigned len = 0; len < 24; len++) {
			memset(data, 0xff, sizeof data);
			data[0] = (uint8_t)kind;
			if (config_push_parcel(&w.node[2].push, 1, data, len, w.now))
				ck_assert(kind >= 2 && kind <= 6);
		}
	ck_assert_int_eq(w.node[2].push.guest.state, CONFIG_PUSH_GUEST_NONE);
	world_end();
}
END_TEST

START_TEST(a_push_has_a_size)
{
	static char large[CONFIG_PUSH_TEXT_MAX + 1];
	char why[CONFIG_PUSH_WHY_MAX];

	world_begin(11, 0);
	ck_assert_int_eq(config_push_begin(&w.node[1].push, 1, CONFIG_PUSH_APPLY, NULL, 0, large,
					   sizeof large, w.now, why),
			 -E2BIG);
	ck_assert_int_eq(
		config_push_begin(&w.node[1].push, 1, CONFIG_PUSH_APPLY, NULL, 0, large, 0, w.now, why),
		-E2BIG);
	ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), 0);
	ck_assert_int_eq(begin(CONFIG_PUSH_APPLY), -EBUSY);
	world_end();
}
END_TEST

UNIT_MAIN("config_push", all_take_it_over_any_network, one_that_refuses_stops_all,
	  one_that_is_silent_stops_all, a_host_that_cannot_take_it_stops_all, who_said_yes_and_fails_is_named,
	  an_agent_started_again_in_between_says_so, a_check_changes_nothing,
	  of_two_at_once_none_is_half_taken, broken_parcels_are_refused, a_push_has_a_size)
