/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One thing of ours in the kernel's routing: a nexthop object, a default route or a rule; as a struct, as a
 * request and out of a dump. Everything of ours carries PATH_PROTOCOL, and what carries it is ours. Only what
 * ringkeep makes can be told apart: an object with more to it than these fields is marked `strange`.
 */
#ifndef RK_PATH_OBJECT_H
#define RK_PATH_OBJECT_H

#include "ip_address.h"
#include "netlink.h"

/* 'R'. Not among the numbers of <linux/rtnetlink.h>, whose owners sweep what carries theirs when they start.
 */
#define PATH_PROTOCOL 82

enum path_kind { PATH_NEXTHOP, PATH_ROUTE, PATH_RULE };

struct path_object {
	enum path_kind kind;
	uint8_t family;
	uint8_t protocol;
	bool strange;
	/* nexthop, route */
	int ifindex;
	struct ip_address gateway; /* none: the device itself */
	uint32_t nexthop;	   /* its id; of a route: the one that it takes, 0 = none */
	/* route; always a default route */
	bool unreachable;
	uint32_t metric;
	/* route, rule */
	uint32_t table;
	/* rule; 0, "" and family 0: any */
	uint32_t priority;
	uint32_t mark, mask;
	char oif[IF_NAMESIZE];
	struct ip_prefix from, to;
	bool suppress_default; /* suppress_prefixlength 0 */
};

/* @retval -ENOENT something that ringkeep never makes (other types, routes to a part of the world).
 * @retval -EBADMSG malformed. */
int path_object_parse(const struct nlmsghdr *h, struct path_object *ret);

/* The request that puts it there. replace: the kernel has one with the same key, and it is ours.
 * NULL without memory. */
struct nl_msg *path_object_put(const struct path_object *o, bool replace);
struct nl_msg *path_object_delete(const struct path_object *o);

/* The same place: of two such objects the kernel can hold one. Rules have no place. */
bool path_object_key_equal(const struct path_object *a, const struct path_object *b);
bool path_object_equal(const struct path_object *a, const struct path_object *b);

#define PATH_OBJECT_TEXT_MAX 160
/* "default via 10.1.0.1 in table 101", for messages. Fills ret and returns it. */
const char *path_object_format(const struct path_object *o, char ret[PATH_OBJECT_TEXT_MAX]);

#endif
