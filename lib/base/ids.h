/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The numbers that name things in every part of ringkeep: nodes, groups, epochs, request ids.
 */
#ifndef RK_IDS_H
#define RK_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RK_NODES_MAX  15 /* nodes and witnesses of one cluster; ids are 1..NODE_ID_MAX */
#define RK_GROUPS_MAX 16
#define RK_LINKS_MAX  4 /* pulse links between two nodes */
#define NODE_ID_MAX   63
#define RK_NAME_MAX   32 /* node, group and link names, with the final NUL */

typedef uint8_t node_id_t; /* 0 = none */
#define NODE_NONE 0

/* A set of nodes: bit n is node n. */
typedef uint64_t node_set_t;

static inline node_set_t node_bit(node_id_t n)
{
	return n ? 1ULL << n : 0;
}

static inline bool node_in(node_set_t set, node_id_t n)
{
	return n && (set >> n & 1);
}

static inline int node_count(node_set_t set)
{
	return __builtin_popcountll(set);
}

/* Groups are an index 0..RK_GROUPS_MAX-1 inside a process, and a hash of their name on the wire. */
typedef uint8_t group_index_t;
uint32_t group_wire_id(const char *name); /* FNV-1a, 32 bit; configuration refuses two groups with the same */

/* ordered by counter, then node. {0,0} = none. */
struct epoch {
	uint64_t counter;
	node_id_t node;
};

/* <0, 0, >0 */
int epoch_cmp(struct epoch a, struct epoch b);

static inline bool epoch_none(struct epoch e)
{
	return e.counter == 0 && e.node == 0;
}

/* 64-bit random per process, then a counter. */
struct request_id {
	uint64_t process;
	uint64_t counter;
};

static inline bool request_id_eq(struct request_id a, struct request_id b)
{
	return a.process == b.process && a.counter == b.counter;
}

#endif
