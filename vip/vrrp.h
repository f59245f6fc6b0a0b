/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VRRP of all groups that have it: sockets, timers and peers behind one facade for the agent. In mode
 * `announce` it says what it is told to say, and reports everybody else who speaks for one of our virtual
 * routers; it never yields. In mode `native` the RFC's state machine (vrrp_fsm.h) decides, and what it
 * decides comes out through the ops. It touches neither addresses nor the gate.
 */
#ifndef RK_VRRP_H
#define RK_VRRP_H

#include "sentence.h"
#include "vrrp_fsm.h"
#include "vrrp_wire.h"

#define VRRP_PEERS_MAX 16

struct vrrp;

enum vrrp_mode { VRRP_ANNOUNCE, VRRP_NATIVE };
enum vrrp_mac_mode { VRRP_MAC_NONE, VRRP_MAC_BRIDGE, VRRP_MAC_PRIVATE };

/* The virtual routers of one group: one per address family it has. */
struct vrrp_group_config {
	group_index_t group;
	enum vrrp_mode mode;
	char device[IF_NAMESIZE]; /* the base interface, also with a virtual MAC */
	uint8_t vrid;
	uint8_t version;
	uint8_t priority;
	bool checksum_rfc9568;
	int64_t advert_ns;
	bool preempt;
	int64_t preempt_delay_ns;
	uint8_t dscp;
	enum vrrp_mac_mode mac;
	uint32_t clock_error_ppm;
	uint8_t sync;	    /* native groups with the same number have one fate; 0: this group alone */
	size_t peers_count; /* unicast: all nodes' addresses, our own may be among them; 0: multicast */
	struct ip_address peers[VRRP_PEERS_MAX];
	size_t sources_count; /* preferred source addresses; the first that is on the device is used */
	struct ip_address sources[VRRP_PEERS_MAX];
	size_t addresses_count;
	const struct ip_address
		*addresses; /* borrowed during the call; link-local IPv6 ones are sent first */
};

struct vrrp_config {
	size_t group_count;
	const struct vrrp_group_config *groups; /* borrowed during the call */
};

/* Somebody else sends advertisements for our virtual router while we hold it (announce). */
struct vrrp_rogue {
	group_index_t group;
	struct ip_address from;
	struct mac_address mac;
	uint8_t priority;
	uint8_t version;
	char device[IF_NAMESIZE];
	uint32_t suppressed; /* reports of this group that were not made since the last one */
};

/* May be called from inside any of the functions below, and must not call any of them but questions
 * (vrrp_status(), vrrp_next()). */
struct vrrp_ops {
	/* native: the gate of the group, open until; {0}: shut now. Called before anything is sent that says
	 * so. */
	void (*gate)(void *ctx, group_index_t group, boot_t until);
	/* native: after the gate; Active once it is open. */
	void (*state)(void *ctx, group_index_t group, enum vrrp_state state, enum vrrp_cause cause);
	/* native: gratuitous ARP / NA of an Active is due: the first advertisements of a new Active have left
	 * (after the state), or somebody else's was heard, whom hosts may have believed. */
	void (*announce)(void *ctx, group_index_t group);
	/* announce, at a bounded rate: at most one a second and group. We have advertised again at once. */
	void (*rogue)(void *ctx, const struct vrrp_rogue *rogue);
	/* A virtual MAC interface could not be made, or a socket not be opened: error; 0 = mended. */
	void (*trouble)(void *ctx, group_index_t group, const char *what, int error);
};

/* Opens sockets and makes virtual MAC interfaces for what is there; devices that come later are taken up.
 * Copies config and ops. Nothing is sent before vrrp_speak() or vrrp_run(). */
int vrrp_open(const struct vrrp_config *config, const struct vrrp_ops *ops, void *ctx, boot_t now,
	      struct vrrp **ret, struct sentence *reterr);
/* Leaves virtual MAC interfaces, for the next agent; sends nothing. */
void vrrp_free(struct vrrp *v);
/* Removes the virtual MAC interfaces. After the addresses. */
int vrrp_remove(struct vrrp *v);
/* A reload. Groups are recognised by their index. */
int vrrp_update(struct vrrp *v, const struct vrrp_config *config, boot_t now);

/* announce: advertise from now on; off: one advertisement with priority 0, then silence. */
void vrrp_speak(struct vrrp *v, group_index_t group, bool on, boot_t now);
/* announce: one now, beside the schedule (contention, a pause of our own). */
void vrrp_speak_again(struct vrrp *v, group_index_t group, boot_t now);

/* native: may this node take part? false: INITIALIZE, with priority 0 if it was Active. `open_until`: what
 * the gate holds at the first call, for adoption; ignored later. In a sync group all members must be able. */
void vrrp_run(struct vrrp *v, group_index_t group, bool able, boot_t open_until, boot_t now);
/* native: what tracking takes from the configured priority (never below 1; an owner stays one). */
void vrrp_penalty(struct vrrp *v, group_index_t group, uint8_t penalty, boot_t now);
/* native: an operator's switchover. @retval -EAGAIN this node is not Active. */
int vrrp_yield(struct vrrp *v, group_index_t group, boot_t now);

int vrrp_fd(const struct vrrp *v);
void vrrp_readable(struct vrrp *v, boot_t now);
boot_t vrrp_next(const struct vrrp *v);
void vrrp_tick(struct vrrp *v, boot_t now);

/* The device that carries the group's addresses of that family: the base interface or the virtual MAC's. */
void vrrp_address_device(const struct vrrp_group_config *g, int family, char ret[IF_NAMESIZE]);

/* Is an interface of that name there, up and with a carrier? */
bool vrrp_link_up(const struct vrrp *v, const char *device);

struct vrrp_counters {
	uint64_t sent;
	uint64_t send_errors;
	uint64_t received; /* good, of our virtual routers */
	uint64_t dropped[VRRP_VERDICTS_COUNT];
	uint64_t interval_mismatch; /* VRRPv2: dropped; VRRPv3: learned */
	uint64_t addresses_mismatch;
	uint64_t checksum_rfc5798; /* VRRPv3 over IPv4 with pseudo-header, received */
	uint64_t checksum_rfc9568; /* without */
	uint64_t not_a_peer;	   /* unicast: from somebody who is none; dropped */
	uint64_t rogue;
};

/* Of one group, for status. */
struct vrrp_status {
	enum vrrp_mode mode;
	uint8_t vrid, version;
	uint8_t priority; /* in force */
	int64_t advert_ns;
	bool speaking;	       /* announce: advertising */
	enum vrrp_state state; /* native */
	int64_t down_ns;       /* native: Active_Down_Interval */
	/* the latest advertisement of somebody else; heard_at {0}: none */
	boot_t heard_at;
	uint8_t heard_priority;
	struct ip_address heard_from;
	struct mac_address heard_mac;
	/* the latest rogue; {0}: none */
	boot_t rogue_at;
	struct ip_address rogue_from;
	struct mac_address rogue_mac;
	struct vrrp_counters counters;
};

/* False: the group has no VRRP. */
bool vrrp_status(const struct vrrp *v, group_index_t group, struct vrrp_status *ret);

#endif
