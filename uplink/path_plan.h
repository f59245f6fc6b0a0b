/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PURE: from the configuration of a node's uplinks to the list of what must be in the kernel for them.
 *
 *   table of an uplink    default through it, and `unreachable` behind, so that nothing leaks when it is gone
 *   table of voice	   default through one nexthop object, and `unreachable` behind
 *   rules, by priority	   +0	main, without its default routes: the LAN and whatever has a route of its own
 *			   +100 from its device -> table of an uplink (sockets bound to the device: probes)
 *			   +200 mark -> table of an uplink (flows that stay where they are)
 *			   +300 from its addresses -> table of an uplink (answers, bound sockets)
 *			   +400 to the trunks' prefixes -> table of voice
 *
 * Each family has its own uplinks, rules and nexthop; the tables have the same numbers in both.
 */
#ifndef RK_PATH_PLAN_H
#define RK_PATH_PLAN_H

#include "path_object.h"
#include "sentence.h"

#define PATH_UPLINKS_MAX   8 /* IPv4 and IPv6 of one ISP are two */
#define PATH_ADDRESSES_MAX 4 /* of one uplink */
#define PATH_VOICE_MAX	   64
#define PATH_OBJECTS_MAX   256

#define PATH_METRIC		100
#define PATH_METRIC_UNREACHABLE UINT32_MAX

#define PATH_NONE  (-1) /* voice has no way out: unreachable */
#define PATH_ADOPT (-2) /* whatever the kernel has */

struct path_uplink {
	char device[IF_NAMESIZE];
	int ifindex; /* 0: not there */
	uint8_t family;
	bool routed;		   /* there is a way out: through the gateway, */
	struct ip_address gateway; /* or, if none, the device itself (PPP) */
	uint8_t address_count;
	struct ip_address address[PATH_ADDRESSES_MAX];
	uint32_t table;
	uint32_t mark; /* within mark_mask; no two have the same, since flows are flushed by it */
};

struct path_config {
	uint32_t mark_mask;
	uint32_t voice_table;
	uint32_t voice_nexthop; /* its id for IPv4; IPv6 has the next one */
	uint32_t rule_priority; /* of the first rule */
	uint8_t uplink_count;
	struct path_uplink uplink[PATH_UPLINKS_MAX];
	uint8_t voice_count;
	struct ip_prefix voice_to[PATH_VOICE_MAX]; /* length 0: everything that has no route of its own */
};

struct path_plan {
	size_t count;
	struct path_object object[PATH_OBJECTS_MAX]; /* in the order in which to write: nexthops, routes,
						      * rules */
};

enum path_family { PATH_IPV4, PATH_IPV6, PATH_FAMILIES };

static inline enum path_family path_family(uint8_t family)
{
	return family == AF_INET6 ? PATH_IPV6 : PATH_IPV4;
}

/* @retval -EINVAL with a sentence: numbers that are missing, taken twice or the kernel's own. A rule that
 * lacks what it selects by would take all the traffic of the machine. */
int path_plan_check(const struct path_config *c, struct sentence *reterr);
uint32_t path_voice_nexthop(const struct path_config *c, enum path_family f);
/* The voice's nexthop through an uplink. @retval -ENETUNREACH it has no way out now. */
int path_plan_nexthop(const struct path_config *c, int8_t uplink, struct path_object *ret);
/* active: the uplink of voice, by family; PATH_NONE. One without a way out counts as PATH_NONE. */
void path_plan_make(const struct path_config *c, const int8_t active[PATH_FAMILIES], struct path_plan *ret);

#endif
