/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps the virtual addresses on their devices: puts them there, puts back what somebody removes, removes
 * what is tagged ours and not configured. What an administrator has put there without our tag is used and
 * left alone. Private to vip/.
 *
 * An address is /32 or /128 (deleting another address of its subnet cannot take it along), without duplicate
 * detection (the lease decides) and without a prefix route; it is tagged with IFA_PROTO, and never the source
 * of what the node sends on its own: IPv4 by its scope `host`, IPv6 as deprecated (preferred lifetime 0).
 */
#ifndef RK_ADDRESS_H
#define RK_ADDRESS_H

#include "clock.h"
#include "vip.h"
#include "vip_links.h"

/* IFA_PROTO: 1 to 3 are the kernel's, no other program is known to use this one. `ip -d address` shows it as
 * "proto 0xbb". */
#define ADDRESS_TAG 0xbb

enum address_state {
	ADDRESS_ABSENT,
	ADDRESS_OURS,
	ADDRESS_FOREIGN, /* there, without our tag */
};

struct address_entry {
	struct virtual_address va;
	enum address_state state;
	int ifindex; /* 0: the device is not there */
	bool missing_told;
	int error; /* of the latest attempt */
	bool seen; /* in the dump that is being read */
	boot_t repaired_at;
	unsigned repairs;    /* within the second that began at repaired_at */
	boot_t contended_at; /* latest report of a rival, kept here by vip.c */
	uint32_t contentions_suppressed;
};

struct address_table {
	const struct vip_ops *ops; /* borrowed */
	void *ctx;
	struct netlink request;
	const struct vip_links *links; /* borrowed */
	boot_t next_retry;
	uint64_t removed_by_others;
	uint64_t placements; /* grows whenever an address gets another device, or none */
	size_t count;
	struct address_entry entry[VIRTUAL_ADDRESSES_MAX];
};

/* Removes orphans, adopts what is there, adds the rest. @retval -EOPNOTSUPP no IFA_PROTO. */
int address_table_start(struct address_table *t, const struct vip_config *config, boot_t now,
			struct sentence *reterr);
/* The difference to a new configuration. */
int address_table_update(struct address_table *t, const struct vip_config *config, boot_t now);
/* Removes all that is tagged ours from all devices. */
int address_table_remove(struct address_table *t);
/* Events were lost: compares with what is there. */
int address_table_resync(struct address_table *t, boot_t now);

/* RTM_NEWADDR, RTM_DELADDR. */
void address_table_event(struct address_table *t, const struct nlmsghdr *h, boot_t now);
/* After vip_links was changed. */
void address_table_link_seen(struct address_table *t, const struct link_info *link, boot_t now);
void address_table_link_gone(struct address_table *t, int ifindex);

boot_t address_table_next(const struct address_table *t);
void address_table_tick(struct address_table *t, boot_t now);

const struct address_entry *address_table_find(const struct address_table *t, const struct ip_address *ip);
/* An address of the node's own on that device, to ask from: IPv4, or link-local IPv6; family 0 if none. */
int address_table_own(struct address_table *t, int ifindex, struct ip_address *ret_v4,
		      struct ip_address *ret_v6);

#endif
