/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "refusal.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define PEERS_MAX 12
#define GROUPS	  4

static struct gate_peer peer(const char *text, group_index_t group)
{
	struct gate_peer p = { .group = group };

	ck_assert_int_eq(ip_prefix_parse(text, &p.prefix), 0);
	return p;
}

static bool touches(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_contains(a, b) || ip_prefix_contains(b, a);
}

START_TEST(a_peer_is_refused_while_no_group_that_names_it_is_open)
{
	static struct refusal r;
	static struct ip_prefix refused[GATE_PEERS_TOTAL_MAX];
	const struct gate_peer peers[] = { peer("203.0.113.10", 0), peer("203.0.113.10", 1),
					   peer("198.51.100.0/24", 1), peer("198.51.100.7", 2),
					   peer("2001:db8::/64", 0) };

	refusal_learn(&r, peers, 5);
	ck_assert_uint_eq(refusal_list(&r, peers, 0, refused), 3); /* each once, the widest */
	ck_assert(ip_prefix_equal(&refused[0], &peers[0].prefix));
	ck_assert(ip_prefix_equal(&refused[1], &peers[2].prefix));
	ck_assert(ip_prefix_equal(&refused[2], &peers[4].prefix));
	ck_assert_uint_eq(refusal_list(&r, peers, 1, refused), 1);
	ck_assert(ip_prefix_equal(&refused[0], &peers[2].prefix));
	ck_assert_uint_eq(refusal_list(&r, peers, 4, refused), 2); /* not what is around 198.51.100.7 */
	ck_assert_uint_eq(refusal_list(&r, peers, 7, refused), 0);
}
END_TEST

static size_t made(struct gate_peer peers[PEERS_MAX])
{
	size_t count = (size_t)(rand() % PEERS_MAX) + 1;
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		unsigned length = 29 + (unsigned)rand() % 4;
		unsigned host = ((unsigned)rand() % 16) & (0xFFU << (32 - length)) & 0xF;

		(void)snprintf(text, sizeof text, "192.0.2.%u/%u", host, length);
		peers[i] = peer(text, (group_index_t)(rand() % GROUPS));
	}
	return count;
}

static void check_list(const struct gate_peer *peers, size_t count, uint32_t open,
		       const struct ip_prefix *refused, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert(!touches(&refused[i], &refused[k]));
	for (size_t p = 0; p < count; p++) {
		bool free_of_open = true, covered = false;

		for (size_t k = 0; k < count; k++)
			if (open & 1U << peers[k].group && touches(&peers[k].prefix, &peers[p].prefix))
				free_of_open = false;
		for (size_t i = 0; i < n; i++) {
			covered = covered || ip_prefix_contains(&refused[i], &peers[p].prefix);
			ck_assert(!(open & 1U << peers[p].group) || !touches(&refused[i], &peers[p].prefix));
		}
		ck_assert_int_eq(covered, free_of_open);
	}
}

START_TEST(nested_peers_of_many_groups)
{
	static struct refusal r;
	static struct ip_prefix refused[GATE_PEERS_TOTAL_MAX];
	struct gate_peer peers[PEERS_MAX];

	srand(1);
	for (int round = 0; round < 3000; round++) {
		size_t count = made(peers);

		refusal_learn(&r, peers, count);
		for (uint32_t open = 0; open < 1U << GROUPS; open++) {
			size_t n = refusal_list(&r, peers, open, refused);

			check_list(peers, count, open, refused, n);
		}
	}
}
END_TEST

UNIT_MAIN("refusal", a_peer_is_refused_while_no_group_that_names_it_is_open, nested_peers_of_many_groups)
