/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The gate: an eBPF program on every interface but loopback that passes a frame to or from a virtual address
 * or virtual MAC only before the deadline of its group, and UDP, TCP and SCTP to a trunk's peer, from
 * whatever address, only before the deadline of a group that names the peer. This module loads or adopts it,
 * keeps it on every interface, and says when somebody took it away. It decides nothing: when a group may be
 * open is the lease's business, and a gate that nobody renews shuts by itself.
 *
 * The gate outlives the process: after gate_free() or kill -9 it stays in the kernel and shuts at the
 * deadline; the next gate_open() finds it through its own filters and goes on with the same deadlines.
 */
#ifndef RK_GATE_H
#define RK_GATE_H

#include "clock.h"
#include "ids.h"
#include "ip_address.h"
#include "sentence.h"

/* A deadline further ahead is garbage (another clock, another unit, a wild store) and counts as shut. A lease
 * must be shorter: configuration has to refuse a lease of GATE_LEASE_MAX_NS or more. */
#define GATE_AHEAD_MAX_NS (60 * NS_PER_S)
#define GATE_LEASE_MAX_NS (30 * NS_PER_S)

struct gate;

/* A virtual MAC of VRRP (00-00-5E-00-01-xx or 00-00-5E-00-02-xx) and the group that it belongs to. */
struct gate_virtual_mac {
	struct mac_address mac;
	group_index_t group;
};

#define GATE_GROUP_MACS_MAX   2 /* one per address family */
#define GATE_VIRTUAL_MACS_MAX (GATE_GROUP_MACS_MAX * RK_GROUPS_MAX)

/* Where a group's trunk leads. Several groups may name one peer, or one a part of another's. */
struct gate_peer {
	struct ip_prefix prefix;
	group_index_t group;
};

#define GATE_PEERS_TOTAL_MAX 1024 /* of all groups, each as often as it is named */

/* Groups keep their deadline over reloads and restarts by their wire id (ids.h), not by their index. */
struct gate_config {
	size_t group_count;
	uint32_t wire_id[RK_GROUPS_MAX]; /* by group index; none is 0 */
	size_t address_count;
	const struct virtual_address *addresses; /* borrowed during the call */
	/* A MAC belongs to one group: two groups with virtual MACs need different VRIDs, also on different
	 * interfaces. */
	size_t mac_count;
	const struct gate_virtual_mac *macs; /* borrowed during the call */
	size_t peer_count;
	const struct gate_peer *peers; /* borrowed during the call */
};

enum gate_loss_kind {
	GATE_LOSS_FILTER,    /* the filter was deleted, or the whole clsact qdisc with it */
	GATE_LOSS_REPLACED,  /* another program sits at our priority and handle */
	GATE_LOSS_OVERTAKEN, /* another filter was put in front of ours: it could let frames pass */
	GATE_LOSS_PRECEDED,  /* a tcx program runs before all filters, and could let frames pass: only told */
	GATE_LOSS_BLOCKED,   /* the gate cannot be put on this interface: see text */
};

struct gate_loss {
	enum gate_loss_kind kind;
	int ifindex;
	char device[IF_NAMESIZE];
	bool ingress; /* which direction is open */
	bool egress;
	uint32_t port_id; /* netlink port of who did it, mostly its pid; 0: not known (seen by the poll) */
	struct sentence text;
};

/* May be called from inside gate_open(), which fills its ret before the first call. Each `lost` is followed
 * by exactly one `repaired` with error 0 once all is well, also because the interface is gone. */
struct gate_ops {
	/* The gate is missing on an interface, or somebody can go round it there. Called before the repair is
	 * tried, so that the agent can shut every group first (gate_set() from here is fine). */
	void (*lost)(void *ctx, const struct gate_loss *loss);
	/* After `lost`: error 0 = it is there again, else -errno and it will be tried again by gate_tick().
	 */
	void (*repaired)(void *ctx, int ifindex, const char *device, int error, int64_t took_ns);
	/* The interface has the gate now (new, renamed, at start): the guard may let it pass. */
	void (*attached)(void *ctx, int ifindex, const char *device);
	/* The interface is gone or has lost the gate: the guard must not let it pass. */
	void (*detached)(void *ctx, int ifindex, const char *device);
};

/* Checks the kernel, loads or adopts, attaches everywhere. Groups found open stay open (gate_get()). Groups
 * of an adopted gate that the configuration does not know are shut. Calls ops->attached for each interface.
 * Copies ops.
 * @retval -EOPNOTSUPP the kernel lacks something; reterr says what.
 * @retval -EPERM      CAP_BPF, CAP_NET_ADMIN or CAP_PERFMON is missing. */
int gate_open(const struct gate_config *config, const struct gate_ops *ops, void *ctx, boot_t now,
	      struct gate **ret, struct sentence *reterr);
/* Leaves the gate in the kernel, for the next agent. */
void gate_free(struct gate *g);
/* Shuts all groups, then takes the gate off all interfaces. Call it after the addresses are gone. */
int gate_remove(struct gate *g);
/* True if gate_open() found a gate with its deadlines. */
bool gate_adopted(const struct gate *g);

/* A reload, in two halves: update() adds and moves addresses, MACs, peers and groups, and shuts the groups
 * that are gone; after the dropped addresses have left the devices and the dropped MACs' devices are gone,
 * prune() forgets them, and the dropped peers.
 * @retval -EEXIST two groups have one virtual MAC; nothing was changed. */
int gate_update(struct gate *g, const struct gate_config *config, struct sentence *reterr);
int gate_prune(struct gate *g);

/* Open until the deadline; {0} shuts now. One store, no system call, from anywhere. */
void gate_set(struct gate *g, group_index_t group, boot_t deadline);
/* What the kernel compares with now; {0} = shut. */
boot_t gate_get(const struct gate *g, group_index_t group);

int gate_fd(const struct gate *g);
int gate_readable(struct gate *g, boot_t now);
boot_t gate_next(const struct gate *g);
void gate_tick(struct gate *g, boot_t now);

/* For `hactl gate`. */
struct gate_link_status {
	int ifindex;
	char device[IF_NAMESIZE];
	bool attached;
	int error; /* of the latest attempt, -errno */
};

struct gate_group_status {
	boot_t open_until; /* {0}: shut */
	uint64_t drops_in; /* frames, since the gate was loaded */
	uint64_t drops_out;
	size_t mac_count;
	struct mac_address mac[GATE_GROUP_MACS_MAX];
};

struct gate_peer_status {
	struct ip_prefix prefix;
	uint32_t groups; /* a bit for each group that names it, or a wider one around it */
	uint64_t drops;	 /* frames, since the gate was loaded */
};

#define GATE_LINKS_MAX 1024

struct gate_counters {
	uint64_t losses;
	uint64_t repairs;
	uint64_t repair_failures;
	uint64_t overruns; /* of the netlink socket; each was followed by a full check */
};

void gate_group_status(const struct gate *g, group_index_t group, struct gate_group_status *ret);
/* Returns how many were filled, of the different peers of the latest update. */
size_t gate_peer_status(const struct gate *g, struct gate_peer_status ret[GATE_PEERS_TOTAL_MAX]);
/* Returns how many were filled. */
size_t gate_link_status(const struct gate *g, struct gate_link_status ret[GATE_LINKS_MAX]);
void gate_counters(const struct gate *g, struct gate_counters *ret);
const char *gate_loss_name(enum gate_loss_kind kind);

#endif
