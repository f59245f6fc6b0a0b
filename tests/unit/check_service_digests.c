/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Digests of the same registrations at different moments, and of different ones.
 */
#include "service_digests.h"
#include "unit.h"

START_TEST(a_standby_that_follows_never_differs)
{
	struct service_digests d = { 0 };

	for (uint64_t batch = 1; batch < 5000; batch++) {
		service_digests_sent(&d, batch);
		if (batch > 400)
			service_digests_peer_says(&d, 2, batch - 400, batch + 1);
		ck_assert(!service_digests_peer_differs(&d, 2));
	}
}
END_TEST

START_TEST(a_standby_that_lacks_something_differs_after_three_heartbeats)
{
	struct service_digests d = { 0 };

	for (uint64_t batch = 1; batch < 5000; batch++)
		service_digests_sent(&d, batch);
	service_digests_peer_says(&d, 2, 99999, 5000);
	service_digests_peer_says(&d, 2, 0, 5000); /* empty is not "never written" */
	ck_assert(!service_digests_peer_differs(&d, 2));
	service_digests_peer_says(&d, 2, 0, 5000);
	ck_assert(service_digests_peer_differs(&d, 2));
	ck_assert(!service_digests_peer_differs(&d, 3));
	service_digests_healed(&d);
	ck_assert(!service_digests_peer_differs(&d, 2));
	service_digests_peer_says(&d, 2, 5000, 5000);
	ck_assert(!service_digests_peer_differs(&d, 2));
}
END_TEST

START_TEST(both_empty_are_the_same)
{
	struct service_digests d = { 0 };

	for (int i = 0; i < 5; i++) {
		service_digests_peer_says(&d, 2, 0, 0);
		service_digests_holder_says(&d, 0, 0);
	}
	ck_assert(!service_digests_peer_differs(&d, 2) && !service_digests_differ(&d));
}
END_TEST

/* The holder's heartbeat says 100 while batch 98 is the last that came, again and again. */
START_TEST(a_heartbeat_that_overtakes_batches_is_waited_for)
{
	struct service_digests d = { 0 };

	for (uint64_t batch = 3; batch < 1000; batch++) {
		service_digests_reached(&d, batch - 2);
		service_digests_holder_says(&d, batch, batch - 2);
		ck_assert(!service_digests_differ(&d));
	}
}
END_TEST

START_TEST(what_does_not_come_differs_until_it_comes)
{
	struct service_digests d = { 0 };

	for (uint64_t batch = 1; batch <= SERVICE_DIGESTS_DIFFER; batch++) {
		ck_assert(!service_digests_differ(&d));
		service_digests_holder_says(&d, batch, 77);
		service_digests_reached(&d, 77);
	}
	ck_assert(service_digests_differ(&d));
	service_digests_holder_says(&d, 50, 78);
	service_digests_reached(&d, 1); /* was waited for before */
	ck_assert(service_digests_differ(&d));
	service_digests_reached(&d, 50);
	ck_assert(!service_digests_differ(&d));
}
END_TEST

UNIT_MAIN("service_digests", a_standby_that_follows_never_differs,
	  a_standby_that_lacks_something_differs_after_three_heartbeats, both_empty_are_the_same,
	  a_heartbeat_that_overtakes_batches_is_waited_for, what_does_not_come_differs_until_it_comes)
