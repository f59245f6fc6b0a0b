/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The static guard behind the gate: nftables tables `inet ringkeep` and `arp ringkeep` that drop what is to
 * or from a virtual address, and UDP, TCP and SCTP to a trunk's peer, on every interface that does not carry
 * the gate. Nothing in it has to be renewed,
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
	const char *nft; /* path, copied; NULL = the usual places */
	size_t address_count;
	const struct virtual_address *addresses; /* borrowed during the call */
	size_t peer_count;
	const struct ip_prefix *peers; /* trunk peers, borrowed during the call; some may be in others */
};

#define GUARD_PEERS_MAX 1024

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

/* Gets ready: nothing in the kernel changes before guard_settle(), so that a guard that is already there,
 * over a gate that may be open, is replaced in one step. Copies ops.
 * @retval -EOPNOTSUPP no nft program, or a kernel without nftables; reterr says which. */
int guard_open(const struct guard_config *config, const struct guard_ops *ops, void *ctx, struct guard **ret,
	       struct sentence *reterr);
/* Leaves the guard in the kernel. */
void guard_free(struct guard *g);
/* Removes both tables and waits. Call it after the addresses and the gate are gone. */
int guard_remove(struct guard *g);

/* The new addresses and peers, from the next child on; interfaces stay. */
int guard_update(struct guard *g, const struct guard_config *config);
/* Lets an interface through, by index and name, or no longer. Feed these from gate_ops. An interface whose
 * name has characters beyond letters, digits and ._-@+ is never let through. */
void guard_allow(struct guard *g, int ifindex, const char *device);
void guard_deny(struct guard *g, int ifindex);
/* Peers that this node's programs may not speak to now, over any interface: the gate would swallow it, this
 * tells the sender (EPERM), so that a PBX gives up at once what it would repeat for 32 s, and is free for the
 * next order. A courtesy: it may be late, and the gate is what holds. Copies; none may be in another. */
void guard_refuse(struct guard *g, const struct ip_prefix *peers, size_t count);
/* Addresses at which no call begins now: an INVITE over UDP is dropped, and its sender says it again half a
 * second later. What calls are up or ring goes on, but for their re-INVITEs. Ends by itself after 3 s, should
 * the agent die. Copies. */
void guard_hold(struct guard *g, const struct ip_address *addresses, size_t count);
/* Something that was wanted is not in the kernel yet. False while it fails: that is told by ops->repaired. */
bool guard_busy(const struct guard *g);
/* Puts the guard up with all that was collected (gate_open() comes before) and waits until it is there; only
 * for start. From then on changes go to the kernel at once.
 * @retval -EOPNOTSUPP or another errno; reterr has nft's words. */
int guard_settle(struct guard *g, struct sentence *reterr);
/* The same without waiting, for an agent that adopted a gate and thereby a guard of before: every millisecond
 * is one of a running lease. A failure comes through ops->repaired. */
void guard_settle_later(struct guard *g);

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
