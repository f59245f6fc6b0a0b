/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard's rules as text for `nft -f -`. Pure, but for the memory of the text.
 */
#ifndef RK_GUARD_TEXT_H
#define RK_GUARD_TEXT_H

#include "ip_address.h"

#define GUARD_TABLE "ringkeep"

struct guard_link {
	int ifindex; /* 0 = unused */
	char name[IF_NAMESIZE];
};

/* Characters that mean nothing to nft's scanner: a name goes into the rules between quotes. */
bool guard_name_plain(const char *name);
struct guard_content {
	const struct ip_address *addresses;
	size_t address_count;
	const struct ip_prefix *peers; /* none in another */
	size_t peer_count;
	const struct ip_prefix *refused; /* none in another */
	size_t refused_count;
	const struct ip_address *held;
	size_t held_count;
	const struct guard_link *links;
	size_t link_count;
};

/* Replaces both tables as a whole. To be freed; NULL without memory. */
char *guard_text_all(const struct guard_content *c);
/* Replaces only what changes while they are there: interfaces that are let through, peers that are refused,
 * addresses at which no call begins. */
char *guard_text_changes(const struct guard_content *c);
char *guard_text_remove(void);

#endif
