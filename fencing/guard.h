/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The static guard behind the gate: nftables tables `inet ringkeep` and `arp ringkeep` that drop what is to
 * or from a virtual address on every interface that does not carry the gate. Nothing in it has to be renewed,
 * so it holds without an agent: a second NIC on the LAN, a new device, a renamed or re-created one. It does
 * not see AF_PACKET senders; only the gate does.
 *
 * Rules are loaded by a child, `nft -f -`, with a deadline.
 */
#ifndef RK_GUARD_H
#define RK_GUARD_H

#include "clock.h"
#include "ip_address.h"
#include "sentence.h"

struct guard;

struct guard_config {
	const char *nft; /* path; NULL = found in the usual places */
	size_t address_count;
	const struct virtual_address *addresses; /* borrowed during the call */
};

struct guard_loss {
	bool flushed; /* the whole table went; else something in it was changed */
	uint32_t pid; /* who did it, as the kernel tells; 0 = not known */
	char process[16];
};

struct guard_ops {
	/* Somebody removed or changed the guard; the repair has begun. */
	void (*lost)(void *ctx, const struct guard_loss *loss);
	/* After `lost`, or after a change that failed: it is there again (0), or the child failed and will be
	 * tried again. */
	void (*repaired)(void *ctx, int error, const char *text, int64_t took_ns);
};

/* Puts the guard up, with no interface let through, and waits for it. Copies ops.
 * @retval -EOPNOTSUPP no nft program, or the kernel refuses the rules; reterr has nft's words. */
int guard_open(const struct guard_config *config, const struct guard_ops *ops, void *ctx, boot_t now,
	       struct guard **ret, struct sentence *reterr);
/* Leaves the guard in the kernel. */
void guard_free(struct guard *g);
/* Removes both tables and waits. Call it after the addresses and the gate are gone. */
int guard_remove(struct guard *g);

/* The new addresses, from the next child on; interfaces stay. */
int guard_update(struct guard *g, const struct guard_config *config, boot_t now);
/* Lets an interface through, by index and name, or no longer. Feed these from gate_ops. Until guard_settle()
 * was called changes are only collected. */
void guard_allow(struct guard *g, int ifindex, const char *device, boot_t now);
void guard_deny(struct guard *g, int ifindex, boot_t now);
/* Waits until the kernel has what was asked for; for start. */
int guard_settle(struct guard *g, struct sentence *reterr);

int guard_fd(const struct guard *g);
int guard_readable(struct guard *g, boot_t now);
boot_t guard_next(const struct guard *g);
void guard_tick(struct guard *g, boot_t now);

struct guard_status {
	bool up;	 /* as far as we know */
	uint64_t losses; /* removed or changed by somebody else */
	uint64_t loads;	 /* children that succeeded */
	uint64_t failures;
	size_t allowed; /* interfaces */
};

void guard_status(const struct guard *g, struct guard_status *ret);

#endif
