/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the LAN, after a takeover, whether anybody else still answers for the addresses of a group: two rounds
 * of questions, then silence is the good answer. The answers are seen by contention.h. Private to vip/.
 */
#ifndef RK_VERIFY_H
#define RK_VERIFY_H

#include "announce.h"

#define VERIFY_ROUNDS	2
#define VERIFY_ROUND_NS (75 * NS_PER_MS)

struct verify_group {
	bool active;
	unsigned rounds; /* asked so far */
	boot_t next;
};

struct verifier {
	const struct vip_ops *ops; /* borrowed */
	void *ctx;
	struct address_table *addresses;
	struct announcer *announcer; /* sends */
	struct verify_group group[RK_GROUPS_MAX];
};

void verifier_start(struct verifier *v, group_index_t group, boot_t now);
/* Somebody else has claimed an address. */
void verifier_claimed(struct verifier *v, const struct virtual_address *va, const struct mac_address *mac);
boot_t verifier_next(const struct verifier *v);
void verifier_tick(struct verifier *v, boot_t now);

#endif
