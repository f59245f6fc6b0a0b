/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An IPv4 or IPv6 address, a prefix, and a virtual address: an address with its group and its device. Text is
 * only accepted in the form that inet_pton(3) takes.
 */
#ifndef RK_IP_ADDRESS_H
#define RK_IP_ADDRESS_H

#include "ids.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTUAL_ADDRESSES_MAX 1024 /* of all groups of one node */
#define IP_TEXT_MAX	      46

struct ip_address {
	uint8_t family;	   /* AF_INET, AF_INET6; 0 = none */
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4, the rest is zero */
};

/* Bits beyond the length are zero. */
struct ip_prefix {
	struct ip_address ip;
	uint8_t length;
};

struct virtual_address {
	struct ip_address ip;
	group_index_t group;
	char device[IF_NAMESIZE];
};

struct mac_address {
	uint8_t bytes[6];
};

/* @retval -EINVAL not an address. */
int ip_parse(const char *text, struct ip_address *ret);
/* Fills ret and returns it. */
const char *ip_format(const struct ip_address *ip, char ret[IP_TEXT_MAX]);
bool ip_equal(const struct ip_address *a, const struct ip_address *b);
/* fe80::/10. */
bool ip_link_local(const struct ip_address *ip);
/* 4 or 16. */
size_t ip_length(const struct ip_address *ip);
struct ip_address ip_make(uint8_t family, const void *bytes);

#define IP_PREFIX_TEXT_MAX (IP_TEXT_MAX + 4)
/* "203.0.113.10" (its whole length) or "203.0.113.16/28".
 * @retval -EINVAL neither. @retval -ERANGE bits are set beyond the length. */
int ip_prefix_parse(const char *text, struct ip_prefix *ret);
/* A single address without its length. Fills ret and returns it. */
const char *ip_prefix_format(const struct ip_prefix *p, char ret[IP_PREFIX_TEXT_MAX]);
/* Is all of inner in outer, or the same? */
bool ip_prefix_contains(const struct ip_prefix *outer, const struct ip_prefix *inner);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip_address *ip);
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);

#define MAC_TEXT_MAX 18
const char *mac_format(const struct mac_address *mac, char ret[MAC_TEXT_MAX]);

#endif
