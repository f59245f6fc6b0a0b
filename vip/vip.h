/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Virtual addresses as one thing for the agent: they are on their devices all the time (address.h), they are
 * announced while held (announce.h), anybody else who claims them is noticed (contention.h), and TCP sockets
 * on them can be ended (sockets.h). It never decides who holds a group, and what it sends leaves only through
 * an open gate.
 */
#ifndef RK_VIP_H
#define RK_VIP_H

#include "clock.h"
#include "ids.h"
#include "ip_address.h"
#include "sentence.h"

struct vip;

struct vip_config {
	size_t address_count;
	const struct virtual_address *addresses; /* borrowed during the call */
};

#define VIP_GATEWAYS_MAX 8

/* What is to be found out about the service network of a group. */
struct vip_lan_config {
	group_index_t group;
	uint32_t gateways_count;
	struct ip_address gateways[VIP_GATEWAYS_MAX]; /* neighbours on the group's device */
	uint32_t needed;			      /* so many of them have to answer */
	int64_t interval_ns;			      /* between two rounds of questions */
	int64_t timeout_ns;			      /* an answer is good for so long after its question */
	bool first; /* of two nodes that ask for the addresses at one time, this one goes first */
};

struct vip_lan_word {
	boot_t gateway_until; /* enough gateways have answered; good until then */
	bool quiet;	      /* the addresses are asked for, and nobody answers ... */
	boot_t quiet_since;   /* ... since the first question of an unbroken row */
	boot_t quiet_until;   /* ... if the next one leaves before this */
	boot_t other_until;   /* somebody else spoke for an address; believed until then */
};

enum vip_address_event {
	VIP_ADDRESS_REMOVED, /* somebody removed it; it was put back (error 0) or could not be */
	VIP_ADDRESS_ADOPTED, /* it is there without our tag (an administrator's): left alone, used as it is */
	VIP_ADDRESS_ORPHAN,  /* tagged ours, not configured or on another device: removed */
	VIP_ADDRESS_ELSEWHERE, /* on another device without our tag: left alone */
	VIP_ADDRESS_NO_DEVICE, /* the device is not there; put on it as soon as it appears */
	VIP_ADDRESS_READY,     /* there again after NO_DEVICE or FAILED */
	VIP_ADDRESS_FAILED,    /* could not be added: error; tried again */
};

struct vip_contention {
	struct ip_address ip;
	group_index_t group;
	int ifindex;
	char device[IF_NAMESIZE];
	struct mac_address mac; /* who claims it */
	uint32_t suppressed;	/* claims since the last report of this address that were not reported */
};

struct vip_verdict {
	group_index_t group;
	int error; /* 0: nobody else answers; -EADDRINUSE: see the rest; -ENETDOWN, -ENODEV, ...: not asked */
	struct ip_address ip;
	struct mac_address mac;
};

/* May be called from inside any of the functions below. */
struct vip_ops {
	void (*address)(void *ctx, const struct virtual_address *address, enum vip_address_event event,
			int error);
	/* Somebody else speaks for an address of a group that we announce; we have announced again. */
	void (*contended)(void *ctx, const struct vip_contention *contention);
	/* The first round of announcements after vip_announce() has left (error 0), or not: -ENOBUFS =
	 * dropped on its way out, which is what a shut gate does; -ENETDOWN, -ENODEV. */
	void (*announced)(void *ctx, group_index_t group, int error);
	void (*verified)(void *ctx, const struct vip_verdict *verdict);
	/* The link under the group's addresses went up or down (see vip_link_up()). */
	void (*link)(void *ctx, group_index_t group, bool up);
};

/* Removes orphans, puts all addresses on their devices, waits for each. A device that is not there is no
 * error (VIP_ADDRESS_NO_DEVICE). The gate must be up already. Copies ops.
 * @retval -EOPNOTSUPP the kernel cannot tag addresses (IFA_PROTO, 5.18). */
int vip_open(const struct vip_config *config, const struct vip_ops *ops, void *ctx, boot_t now,
	     struct vip **ret, struct sentence *reterr);
/* Leaves the addresses, for the next agent. */
void vip_free(struct vip *v);
/* Removes every address that is tagged ours. */
int vip_remove(struct vip *v);
/* A reload: adds and removes the difference; announcements of groups that stay go on. */
int vip_update(struct vip *v, const struct vip_config *config, boot_t now);

/* STEP_ANNOUNCE: announce now and on schedule until vip_announce_stop(). Answered by ops->announced. */
void vip_announce(struct vip *v, group_index_t group, boot_t now);
/* The same schedule from its start, if the group is announced: after a pause of our own. */
void vip_announce_again(struct vip *v, group_index_t group, boot_t now);
/* STEP_ANNOUNCE_STOP. */
void vip_announce_stop(struct vip *v, group_index_t group);
/* STEP_VERIFY, network half: asks the LAN for the addresses of the group; ops->verified within 150 ms. A
 * second call while one runs restarts it. */
void vip_verify(struct vip *v, group_index_t group, boot_t now);
/* STEP_DESTROY_SOCKETS: ends TCP connections on the group's addresses; listeners stay. */
int vip_destroy_sockets(struct vip *v, group_index_t group, size_t *ret_count);

/* Begins to ask the group's gateways, or does so anew; all that was known is forgotten. */
void vip_lan_set(struct vip *v, const struct vip_lan_config *config, boot_t now);
/* Asks for the group's addresses as well, or no more. */
void vip_lan_ask(struct vip *v, group_index_t group, bool ask, boot_t now);
void vip_lan_word(const struct vip *v, group_index_t group, struct vip_lan_word *ret);

int vip_fd(const struct vip *v);
int vip_readable(struct vip *v, boot_t now);
boot_t vip_next(const struct vip *v);
void vip_tick(struct vip *v, boot_t now);

struct vip_counters {
	uint64_t removed_by_others; /* and put back */
	uint64_t overruns;	    /* of the netlink socket, each followed by a full look */
	uint64_t announcements;	    /* frames sent */
	uint64_t announcements_dropped;
	uint64_t contentions;
	uint64_t sockets_destroyed;
};

void vip_counters(const struct vip *v, struct vip_counters *ret);
/* Is the device of the group there, up and with a carrier? For placement's "LAN link up". */
bool vip_link_up(const struct vip *v, group_index_t group);
const char *vip_address_event_name(enum vip_address_event event);

#endif
