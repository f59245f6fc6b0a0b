/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
 *
 * What the gate's program in the kernel and its agent share: the layout of the maps. A change of this layout
 * needs a new GATE_LAYOUT, so that an agent never adopts deadlines that it would misread.
 */
#ifndef RK_GATE_LAYOUT_H
#define RK_GATE_LAYOUT_H

#include <linux/types.h>

#define GATE_LAYOUT 1

/* More slots than groups: a group that a reload removed keeps its slot until its addresses are gone. */
#define GATE_SLOTS	   32
#define GATE_ADDRESSES_MAX 4096
#define GATE_MACS_MAX	   64
#define GATE_PEERS_MAX	   1024

#define GATE_MAP_SLOTS "rk_slots"
#define GATE_MAP_V4    "rk_v4"
#define GATE_MAP_V6    "rk_v6"
#define GATE_MAP_MAC   "rk_mac"	  /* a gate of before VRRP has none */
#define GATE_MAP_PEER4 "rk_peer4" /* a gate of before trunks has none */
#define GATE_MAP_PEER6 "rk_peer6"

/* See GATE_AHEAD_MAX_NS in gate.h. */
#define GATE_AHEAD_MAX 60000000000ULL

struct gate_slot {
	__u64 until_ns; /* CLOCK_BOOTTIME; 0 = shut. Stored by the agent, only read by the program */
	__u64 drops_in; /* counted by the program */
	__u64 drops_out;
	__u64 owner; /* GATE_LAYOUT << 32 | wire id of the group; 0 = unused. Only for the agent */
};

struct gate_v6 {
	__u32 word[4];
};

struct gate_mac {
	__u8 byte[6];
};

/* Trunk peers: longest prefix first, so a prefix carries the groups of all wider ones, too. */
struct gate_peer4 {
	__u32 length; /* bits */
	__u32 address;
};

struct gate_peer6 {
	__u32 length;
	struct gate_v6 address;
};

struct gate_peer_value {
	__u32 slots;  /* a bit for each group that names it: open if one of them is */
	__u32 length; /* of its key: a lookup of another one that is not there finds a wider one */
	__u64 drops;  /* counted by the program */
};

/* Virtual MACs of VRRP begin with 00-00-5E-00 (RFC 9568 section 7.3): other frames need no look at the map.
 */
#define GATE_MAC_PREFIX                \
	{                              \
		0x00, 0x00, 0x5e, 0x00 \
	}

#endif
