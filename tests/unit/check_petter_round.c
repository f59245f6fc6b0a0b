/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What feeds the watchdog is an agent that does its work, not one that runs.
 */
#include "agent.h"
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#define LEASE_NS (800 * NS_PER_MS)

static struct agent a;
static struct config config;
static boot_t gate[RK_GROUPS_MAX]; /* deadlines, as the kernel has them */
static char dir[] = "/tmp/ringkeep-petter-XXXXXX";
static int dir_fd;

boot_t gate_get(const struct gate *g, group_index_t group)
{
	(void)g;
	return gate[group];
}

static void begin(void)
{
	bool first = false;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	config = (struct config){ .watchdog_count = 1 };
	a = (struct agent){ .config = &config, .quorate = true, .now.boot.ns = 1000 * NS_PER_S };
	a.gate = (struct gate *)(void *)gate; /* there is one; it is never looked into */
	a.core.config.groups_count = 2;
	a.core.config.timing.lease_ns = LEASE_NS;
	watchdog_init(&a.petter.watchdog);
	ck_assert_int_eq(watchdog_open(&a.petter.watchdog, dir_fd, &first), 0);
	a.petter.said = (struct watchdog_report){ .state = WATCHDOG_ARMED, .timeout_ms = 8000 };
	memset(gate, 0, sizeof gate);
}

static void end(void)
{
	watchdog_close(&a.petter.watchdog);
	(void)unlinkat(dir_fd, WATCHDOG_FILE, 0);
	(void)close(dir_fd);
	(void)rmdir(dir);
}

static bool counts(void)
{
	uint64_t before = atomic_load(&a.petter.watchdog.shared->rounds);

	petter_count_round(&a);
	return atomic_load(&a.petter.watchdog.shared->rounds) == before + 1;
}

static void holds(group_index_t g, int64_t gate_shut_for_ns)
{
	a.core.group[g].lease.role = LEASE_HOLDING;
	gate[g].ns = a.now.boot.ns - gate_shut_for_ns;
}

START_TEST(who_holds_nothing_counts)
{
	ck_assert(counts());
}
END_TEST

START_TEST(who_holds_and_renews_counts)
{
	holds(1, -LEASE_NS / 2);
	ck_assert(counts());
	holds(1, LEASE_NS); /* the lapse may be noticed a little late */
	ck_assert(counts());
}
END_TEST

START_TEST(who_holds_and_does_not_renew_counts_no_more)
{
	holds(0, -LEASE_NS);
	holds(1, LEASE_NS + 1);
	ck_assert(!counts());
	a.core.group[1].lease.role = LEASE_IDLE;
	ck_assert(counts());
}
END_TEST

START_TEST(a_native_group_has_no_lease_to_renew)
{
	holds(0, 10 * LEASE_NS);
	a.core.config.groups[0].native = true;
	ck_assert(counts());
}
END_TEST

START_TEST(who_lost_the_quorum_counts_no_more_if_that_resets_it)
{
	ck_assert(counts()); /* quorate, and armed: seen */
	a.quorate = false;
	ck_assert(counts());
	config.watchdog[0].quorum = true;
	ck_assert(!counts());
	a.quorate = true;
	ck_assert(counts());
}
END_TEST

START_TEST(others_count_on_what_is_armed_and_no_timer_of_the_kernel)
{
	config.watchdog[0].quorum = true;
	config.nodes_count = 3;
	ck_assert_int_eq(petter_counts_ns(&a), 8 * NS_PER_S);
	a.petter.said.software = true;
	ck_assert_int_eq(petter_counts_ns(&a), 0);
	a.petter.said.software = false;
	a.stopping = true;
	ck_assert_int_eq(petter_counts_ns(&a), 0);
	a.stopping = false;
	a.petter.said.state = WATCHDOG_FAILING;
	ck_assert_int_eq(petter_counts_ns(&a), 0);
}
END_TEST

UNIT_MAIN_AROUND("petter_round", begin, end, who_holds_nothing_counts, who_holds_and_renews_counts,
		 who_holds_and_does_not_renew_counts_no_more, a_native_group_has_no_lease_to_renew,
		 who_lost_the_quorum_counts_no_more_if_that_resets_it,
		 others_count_on_what_is_armed_and_no_timer_of_the_kernel)
