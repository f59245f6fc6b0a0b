/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the driver of the state machines does and in which order, written down as text. The sockets are
 * replaced: vrrp_sender_send() is the one below.
 */
#include "unit.h"
#include "vrrp_native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static char story[4096];
static int send_error[RK_GROUPS_MAX]; /* by device */
static struct vrrp_group groups[RK_GROUPS_MAX];
static struct vrrp_native native;
static struct ip_address addresses[2];

static boot_t at(int64_t ms)
{
	return (boot_t){ 100 * NS_PER_S + ms * NS_PER_MS };
}

static __attribute__((format(printf, 1, 2))) void tell(const char *format, ...)
{
	size_t used = strlen(story);
	va_list args;

	va_start(args, format);
	vsnprintf(story + used, sizeof story - used, format, args);
	va_end(args);
}

static void told(const char *expected)
{
	ck_assert_str_eq(story, expected);
	story[0] = '\0';
}

int vrrp_sender_send(const struct vrrp_sender *s, int ifindex, const struct ip_address *from,
		     const struct ip_address *to, const uint8_t *packet, size_t len)
{
	size_t message = s->family == AF_INET ? 20 : 40;

	tell("send%d on %d priority %u; ", s->family == AF_INET ? 4 : 6, ifindex, packet[message + 2]);
	return send_error[ifindex % 100];
}

static void on_gate(void *ctx, group_index_t group, boot_t until)
{
	if (until.ns)
		tell("gate %u open %lld; ", group, (until.ns - at(0).ns) / NS_PER_MS);
	else
		tell("gate %u shut; ", group);
}

static void on_state(void *ctx, group_index_t group, enum vrrp_state state, enum vrrp_cause cause)
{
	tell("%u %s (%s); ", group, vrrp_state_name(state), vrrp_cause_name(cause));
}

static void on_announce(void *ctx, group_index_t group)
{
	tell("announce %u; ", group);
}

static const struct vrrp_ops ops = { .gate = on_gate, .state = on_state, .announce = on_announce };

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

/* On device eth<group>, whose index is group + 1; 100 more is its virtual MAC's. */
static struct vrrp_group group_make(group_index_t group, uint8_t sync, size_t families)
{
	struct vrrp_group_config c = { .group = group,
				       .mode = VRRP_NATIVE,
				       .vrid = (uint8_t)(group + 10),
				       .version = 3,
				       .priority = 100,
				       .advert_ns = 100 * NS_PER_MS,
				       .preempt = true,
				       .sync = sync,
				       .addresses_count = families,
				       .addresses = addresses };
	struct vrrp_group g = { .used = true };

	addresses[0] = ip("10.84.0.100");
	addresses[1] = ip("fe80::100");
	snprintf(c.device, sizeof c.device, "eth%u", group);
	g.config = c;
	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		struct vrrp_router *r = &g.router[f];

		if (vrrp_router_configure(r, f == VRRP_ROUTER4 ? AF_INET : AF_INET6, &c) < 0) {
			r->family = 0;
			continue;
		}
		r->sender = (struct vrrp_sender){ .fd = 0, .family = r->family };
		r->place = (struct vrrp_place){
			.ifindex = group + 1,
			.carrier = true,
			.from = ip(f == VRRP_ROUTER4 ? "10.84.0.1" : "fe80::1"),
		};
	}
	return g;
}

static void reload(const struct vrrp_group *next, int64_t ms)
{
	vrrp_native_replace(&native, next, at(ms));
	memcpy(groups, next, sizeof groups);
	vrrp_native_settle(&native, at(ms));
}

static void begin(void)
{
	memset(groups, 0, sizeof groups);
	memset(send_error, 0, sizeof send_error);
	native = (struct vrrp_native){ .ops = &ops, .groups = groups };
	story[0] = '\0';
}

static void run(group_index_t group, bool able, int64_t ms)
{
	groups[group].asked = true;
	groups[group].able = able;
	vrrp_native_settle(&native, at(ms));
}

static void begin_with(struct vrrp_group a, struct vrrp_group b)
{
	static struct vrrp_group next[RK_GROUPS_MAX];

	begin();
	memset(next, 0, sizeof next);
	next[a.config.group] = a;
	if (b.used)
		next[b.config.group] = b;
	reload(next, 0);
}

static void begin_one(size_t families)
{
	begin_with(group_make(0, 0, families), (struct vrrp_group){ 0 });
}

/* Down timer 300 ms and a skew of 61 ms; the gate 300 ms. */
static void make_active(void)
{
	run(0, true, 0);
	vrrp_native_tick(&native, at(361));
	vrrp_native_tick(&native, at(374)); /* after the guard */
}

static void hear(group_index_t group, int family, uint8_t priority, int64_t ms)
{
	const struct vrrp_group *g = &groups[group];
	const struct vrrp_advert a = { .version = 3,
				       .priority = priority,
				       .interval_ns = 100 * NS_PER_MS,
				       .from = ip(family == AF_INET ? "10.84.0.2" : "fe80::2") };

	vrrp_native_heard(&native, g, &g->router[family == AF_INET ? VRRP_ROUTER4 : VRRP_ROUTER6], &a,
			  at(ms));
}

START_TEST(the_gate_opens_when_all_adverts_have_left_then_the_state_is_told)
{
	begin_one(2);
	run(0, true, 0);
	told("0 backup (startup); ");
	vrrp_native_tick(&native, at(361));
	told("send4 on 1 priority 100; send6 on 1 priority 100; ");
	vrrp_native_tick(&native, at(374));
	told("gate 0 open 661; 0 active (active-down-timer); announce 0; ");
	vrrp_native_tick(&native, at(461));
	told("send4 on 1 priority 100; send6 on 1 priority 100; gate 0 open 761; ");
}
END_TEST

START_TEST(what_has_not_left_opens_nothing)
{
	begin_one(2);
	send_error[1] = -ENOBUFS;
	make_active();
	told("0 backup (startup); send4 on 1 priority 100; send6 on 1 priority 100; ");
	ck_assert_uint_eq(groups[0].seen.counters.send_errors, 2);
	send_error[1] = 0;
	vrrp_native_tick(&native, at(461));
	told("send4 on 1 priority 100; send6 on 1 priority 100; ");
	vrrp_native_tick(&native, at(474));
	told("gate 0 open 761; 0 active (active-down-timer); announce 0; ");
}
END_TEST

/* Its timer and that of a better one fired together. */
START_TEST(who_gives_way_before_its_gate_is_open_was_never_active)
{
	begin_one(1);
	run(0, true, 0);
	vrrp_native_tick(&native, at(361));
	hear(0, AF_INET, 200, 365);
	vrrp_native_tick(&native, at(380));
	told("0 backup (startup); send4 on 1 priority 100; gate 0 shut; ");
}
END_TEST

START_TEST(the_gate_is_shut_before_priority_0_leaves)
{
	begin_one(1);
	make_active();
	story[0] = '\0';
	run(0, false, 400);
	told("gate 0 shut; send4 on 1 priority 0; 0 initialize (shutdown); ");
	run(0, true, 500);
	told("0 backup (startup); ");
	ck_assert_int_eq(vrrp_native_yield(&native, 0, at(500)), -EAGAIN);
}
END_TEST

START_TEST(yield_and_a_better_one)
{
	begin_one(1);
	make_active();
	story[0] = '\0';
	ck_assert_int_eq(vrrp_native_yield(&native, 0, at(400)), 0);
	told("gate 0 shut; send4 on 1 priority 0; 0 backup (yield); ");
	vrrp_native_tick(&native, vrrp_native_next(&native));
	vrrp_native_tick(&native, vrrp_native_next(&native)); /* the gate opens */
	story[0] = '\0';
	hear(0, AF_INET, 200, 1000);
	told("gate 0 shut; send4 on 1 priority 0; 0 backup (better-advert); ");
}
END_TEST

/* Before the gate is open, and when it is shut again, it holds back what comes from the virtual MAC. */
START_TEST(the_virtual_mac_speaks_only_through_the_open_gate)
{
	struct vrrp_group g = group_make(0, 0, 1);

	g.router[VRRP_ROUTER4].mac = VRRP_MAC_BRIDGE;
	g.router[VRRP_ROUTER4].place.mac_ifindex = 101;
	begin_with(g, (struct vrrp_group){ 0 });
	make_active();
	told("0 backup (startup); send4 on 1 priority 100; gate 0 open 661; 0 active (active-down-timer); "
	     "announce 0; ");
	vrrp_native_tick(&native, at(461));
	told("send4 on 101 priority 100; gate 0 open 761; ");
	run(0, false, 500);
	told("gate 0 shut; send4 on 1 priority 0; 0 initialize (shutdown); ");
}
END_TEST

START_TEST(a_device_that_goes_is_a_fault_and_one_without_a_source_is_not_ready)
{
	begin_one(1);
	make_active();
	story[0] = '\0';
	groups[0].router[VRRP_ROUTER4].place.carrier = false;
	vrrp_native_settle(&native, at(400));
	told("gate 0 shut; 0 initialize (shutdown); "); /* nothing can be sent */
	groups[0].router[VRRP_ROUTER4].place.carrier = true;
	groups[0].router[VRRP_ROUTER4].place.from.family = 0;
	vrrp_native_settle(&native, at(500));
	told("");
	groups[0].router[VRRP_ROUTER4].place.from.family = AF_INET;
	vrrp_native_settle(&native, at(600));
	told("0 backup (startup); ");
}
END_TEST

START_TEST(groups_in_sync_have_one_fate)
{
	begin_with(group_make(0, 5, 1), group_make(1, 5, 1));
	run(0, true, 0);
	told("");
	run(1, true, 10);
	told("0 backup (startup); 1 backup (startup); ");
	hear(0, AF_INET, 200, 300); /* one of the two is there */
	vrrp_native_tick(&native, at(372));
	told("");
	vrrp_native_tick(&native, at(662));
	told("send4 on 1 priority 100; send4 on 2 priority 100; ");
	vrrp_native_tick(&native, at(675));
	told("gate 0 open 962; gate 1 open 962; 0 active (active-down-timer); 1 active (active-down-timer); "
	     "announce 0; announce 1; ");
	groups[1].router[VRRP_ROUTER4].place.carrier = false;
	vrrp_native_settle(&native, at(700));
	told("gate 0 shut; gate 1 shut; send4 on 1 priority 0; 0 initialize (shutdown); 1 initialize "
	     "(shutdown); ");
}
END_TEST

START_TEST(of_penalties_in_sync_the_largest_counts)
{
	uint8_t member;

	begin_with(group_make(0, 5, 1), group_make(1, 5, 1));
	groups[0].penalty = 20;
	groups[1].penalty = 30;
	vrrp_native_settle(&native, at(0));
	ck_assert_uint_eq(vrrp_native_unit(&native, 1, &member)->fsm.priority, 70);
	groups[1].penalty = 254;
	vrrp_native_settle(&native, at(0));
	ck_assert_uint_eq(vrrp_native_unit(&native, 0, &member)->fsm.priority, 1);
	groups[0].penalty = groups[1].penalty = 0;
	vrrp_native_settle(&native, at(0));
	ck_assert_uint_eq(vrrp_native_unit(&native, 0, &member)->fsm.priority, 100);
}
END_TEST

START_TEST(an_open_gate_is_adopted)
{
	begin_one(1);
	groups[0].adopt = at(250);
	run(0, true, 100);
	told("gate 0 open 250; send4 on 1 priority 100; gate 0 open 400; 0 active (adopted); ");
}
END_TEST

START_TEST(an_open_gate_that_must_not_stay_is_shut)
{
	begin_one(1);
	groups[0].adopt = at(250);
	run(0, false, 100);
	told("gate 0 shut; ");
	run(0, true, 120);
	told("0 backup (startup); ");

	begin_with(group_make(0, 5, 1), group_make(1, 5, 1)); /* the other gate is shut */
	groups[0].adopt = at(250);
	run(0, true, 100);
	told("");
	run(1, true, 110);
	told("gate 0 shut; gate 1 shut; 0 backup (startup); 1 backup (startup); ");
}
END_TEST

static void reload_with(struct vrrp_group g, int64_t ms)
{
	static struct vrrp_group next[RK_GROUPS_MAX];

	memset(next, 0, sizeof next);
	next[0] = g;
	next[0].asked = next[0].able = true;
	reload(next, ms);
}

START_TEST(a_reload_leaves_alone_what_stays)
{
	struct vrrp_group g = group_make(0, 0, 1);

	begin_one(1);
	make_active();
	story[0] = '\0';
	g.config.priority = 120;
	reload_with(g, 400);
	told("send4 on 1 priority 120; gate 0 open 700; ");
}
END_TEST

START_TEST(a_reload_that_adds_a_family_hands_the_gate_on)
{
	begin_one(1);
	make_active();
	story[0] = '\0';
	reload_with(group_make(0, 0, 2), 400);
	told("gate 0 open 661; send4 on 1 priority 100; send6 on 1 priority 100; gate 0 open 700; 0 active "
	     "(adopted); ");
}
END_TEST

START_TEST(a_reload_that_takes_a_router_away_resigns_for_it)
{
	begin_one(2);
	make_active();
	story[0] = '\0';
	reload_with(group_make(0, 0, 1), 400);
	told("send6 on 1 priority 0; gate 0 open 661; send4 on 1 priority 100; gate 0 open 700; 0 active "
	     "(adopted); ");
	reload_with((struct vrrp_group){ 0 }, 500);
	told("gate 0 shut; send4 on 1 priority 0; 0 initialize (shutdown); ");
}
END_TEST

UNIT_MAIN("vrrp_native", the_gate_opens_when_all_adverts_have_left_then_the_state_is_told,
	  what_has_not_left_opens_nothing, who_gives_way_before_its_gate_is_open_was_never_active,
	  the_gate_is_shut_before_priority_0_leaves, yield_and_a_better_one,
	  the_virtual_mac_speaks_only_through_the_open_gate,
	  a_device_that_goes_is_a_fault_and_one_without_a_source_is_not_ready, groups_in_sync_have_one_fate,
	  of_penalties_in_sync_the_largest_counts, an_open_gate_is_adopted,
	  an_open_gate_that_must_not_stay_is_shut, a_reload_leaves_alone_what_stays,
	  a_reload_that_adds_a_family_hands_the_gate_on, a_reload_that_takes_a_router_away_resigns_for_it)
