/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
 *
 * The gate in the kernel. A frame to a virtual address on its way in, or from one on its way out, passes only
 * before the deadline of the address's group; everything else is not ours and goes on to the next filter
 * (TC_ACT_UNSPEC). "To" and "from" include what speaks for an address without carrying it in the IP header:
 * ARP, neighbour solicitation and advertisement, redirect.
 *
 * The same for virtual MACs, whatever is in the frame: a switch learns from all that a standby's kernel says
 * by itself. The interface below a virtual MAC's sees what passes between that and the LAN in both
 * directions, so the gate is in the way before and after the virtual MAC's own interface is there.
 *
 * And for what goes to a trunk's peer by UDP, TCP or SCTP, from whatever address: a standby's PBX would
 * register from the node's own. ICMP and the rest pass.
 *
 * The EtherType is read from the frame, not from skb->protocol, which an AF_PACKET sender may set to
 * anything. A VLAN tag that the hardware or the stack has taken off is not in the frame and needs no care;
 * tags that are in it are stepped over.
 */
#include "gate_layout.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ND_SOLICIT   135
#define ND_ADVERTISE 136
#define ND_REDIRECT  137

#define NH_HOP_BY_HOP  0
#define NH_ROUTING     43
#define NH_FRAGMENT    44
#define NH_AH	       51
#define NH_ICMPV6      58
#define NH_DESTINATION 60
#define NH_MOBILITY    135

#define PROTOCOL_TCP  6
#define PROTOCOL_UDP  17
#define PROTOCOL_SCTP 132

#define TAGS_MAX	4
#define EXTENSIONS_MAX	8
#define FRAGMENT_OFFSET 0xfff8

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GATE_SLOTS);
	__type(key, __u32);
	__type(value, struct gate_slot);
} rk_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GATE_ADDRESSES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} rk_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GATE_ADDRESSES_MAX);
	__type(key, struct gate_v6);
	__type(value, __u32);
} rk_v6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GATE_MACS_MAX);
	__type(key, struct gate_mac);
	__type(value, __u32);
} rk_mac SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GATE_PEERS_MAX);
	__type(key, struct gate_peer4);
	__type(value, struct gate_peer_value);
} rk_peer4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GATE_PEERS_MAX);
	__type(key, struct gate_peer6);
	__type(value, struct gate_peer_value);
} rk_peer6 SEC(".maps");

enum direction { IN, OUT };

/* Where offsets count from: the Ethernet header, or the IP header on devices that have no other. */
enum base { FRAME, NETWORK };

static __always_inline int load(struct __sk_buff *skb, enum base base, __u32 offset, void *to, __u32 len)
{
	if (base == NETWORK)
		return bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET);
	return bpf_skb_load_bytes(skb, offset, to, len);
}

static __always_inline int is_open(__u64 until, __u64 now)
{
	return until > now && until - now < GATE_AHEAD_MAX;
}

static __always_inline int judge(const __u32 *slot_index, enum direction direction)
{
	struct gate_slot *slot;
	__u64 now, until;
	__u32 key;

	if (!slot_index)
		return TC_ACT_UNSPEC;
	key = *slot_index;
	slot = bpf_map_lookup_elem(&rk_slots, &key);
	if (!slot)
		return TC_ACT_SHOT;
	until = *(volatile __u64 *)&slot->until_ns;
	now = bpf_ktime_get_boot_ns();
	if (is_open(until, now))
		return TC_ACT_UNSPEC;
	__sync_fetch_and_add(direction == IN ? &slot->drops_in : &slot->drops_out, 1);
	return TC_ACT_SHOT;
}

static __always_inline int judge_v4(struct __sk_buff *skb, enum base base, __u32 offset, enum direction d)
{
	__u32 a;

	if (load(skb, base, offset, &a, sizeof a))
		return TC_ACT_UNSPEC;
	return judge(bpf_map_lookup_elem(&rk_v4, &a), d);
}

static __always_inline int judge_v6(struct __sk_buff *skb, enum base base, __u32 offset, enum direction d)
{
	struct gate_v6 a;

	if (load(skb, base, offset, &a, sizeof a))
		return TC_ACT_UNSPEC;
	return judge(bpf_map_lookup_elem(&rk_v6, &a), d);
}

/* ---- trunk peers, on the way out ---- */

static __always_inline int judge_peer(struct gate_peer_value *peer)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 slots = peer->slots;

	for (__u32 i = 0; i < GATE_SLOTS && slots; i++, slots >>= 1) {
		struct gate_slot *slot;
		__u32 key = i;

		if (!(slots & 1))
			continue;
		slot = bpf_map_lookup_elem(&rk_slots, &key);
		if (slot && is_open(*(volatile __u64 *)&slot->until_ns, now))
			return TC_ACT_UNSPEC;
	}
	__sync_fetch_and_add(&peer->drops, 1);
	return TC_ACT_SHOT;
}

static __always_inline int is_transport(__u8 protocol)
{
	return protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP || protocol == PROTOCOL_SCTP;
}

/* The protocol is in the header of later fragments, too, and ports do not matter. */
static __always_inline int judge_peer_v4(struct __sk_buff *skb, enum base base, __u32 start)
{
	struct gate_peer4 key = { .length = 32 };
	struct gate_peer_value *peer;
	__u8 protocol;

	if (load(skb, base, start + 16, &key.address, sizeof key.address))
		return TC_ACT_UNSPEC;
	peer = bpf_map_lookup_elem(&rk_peer4, &key);
	if (!peer || load(skb, base, start + 9, &protocol, sizeof protocol) || !is_transport(protocol))
		return TC_ACT_UNSPEC;
	return judge_peer(peer);
}

/* ---- neighbour discovery ---- */

/* The ICMPv6 message at offset: its target (solicit, advertise, redirect) and destination (redirect). */
static __always_inline int judge_nd(struct __sk_buff *skb, enum base base, __u32 offset, enum direction d)
{
	__u8 type;
	int verdict;

	if (load(skb, base, offset, &type, sizeof type))
		return TC_ACT_UNSPEC;
	if (type != ND_SOLICIT && type != ND_ADVERTISE && type != ND_REDIRECT)
		return TC_ACT_UNSPEC;
	verdict = judge_v6(skb, base, offset + 8, d);
	if (verdict == TC_ACT_SHOT || type != ND_REDIRECT)
		return verdict;
	return judge_v6(skb, base, offset + 24, d);
}

static __always_inline int is_extension(__u8 next)
{
	return next == NH_HOP_BY_HOP || next == NH_ROUTING || next == NH_DESTINATION || next == NH_MOBILITY ||
	       next == NH_AH || next == NH_FRAGMENT;
}

/* What is behind the extension headers. */
struct upper {
	__u8 next;   /* protocol; an extension header if it cannot be told */
	__u8 at_end; /* offset is where its header begins: not so in a later fragment */
	__u32 offset;
};

static __always_inline struct upper find_upper(struct __sk_buff *skb, enum base base, __u32 start)
{
	struct upper u = { .offset = start + 40 };
	__u8 header[4];

	if (load(skb, base, start + 6, &u.next, sizeof u.next))
		return u;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(u.next); i++) {
		if (load(skb, base, u.offset, header, sizeof header))
			return u;
		if (u.next == NH_FRAGMENT) {
			/* It names what the first fragment begins with, which may be another extension. */
			if ((header[2] << 8 | header[3]) & FRAGMENT_OFFSET) {
				u.next = header[0];
				return u;
			}
			u.offset += 8;
		} else if (u.next == NH_AH) {
			u.offset += (header[1] + 2) * 4;
		} else {
			u.offset += (header[1] + 1) * 8;
		}
		u.next = header[0];
	}
	u.at_end = 1;
	return u;
}

/* What cannot be told is judged by the address alone. */
static __always_inline int judge_peer_v6(struct __sk_buff *skb, enum base base, __u32 start, __u8 next)
{
	struct gate_peer6 key = { .length = 128 };
	struct gate_peer_value *peer;

	if (!is_transport(next) && !is_extension(next))
		return TC_ACT_UNSPEC;
	if (load(skb, base, start + 24, &key.address, sizeof key.address))
		return TC_ACT_UNSPEC;
	peer = bpf_map_lookup_elem(&rk_peer6, &key);
	return peer ? judge_peer(peer) : TC_ACT_UNSPEC;
}

static __always_inline int judge_ipv6(struct __sk_buff *skb, enum base base, __u32 start, enum direction d)
{
	int verdict = judge_v6(skb, base, start + (d == IN ? 24 : 8), d);
	struct upper u;

	if (verdict == TC_ACT_SHOT)
		return verdict;
	u = find_upper(skb, base, start);
	/* A later fragment shows no ICMPv6 header; its first one does. */
	if (u.next == NH_ICMPV6)
		return u.at_end ? judge_nd(skb, base, u.offset, d) : TC_ACT_UNSPEC;
	return d == OUT ? judge_peer_v6(skb, base, start, u.next) : TC_ACT_UNSPEC;
}

static __always_inline int judge_ipv4(struct __sk_buff *skb, enum base base, __u32 start, enum direction d)
{
	int verdict = judge_v4(skb, base, start + (d == IN ? 16 : 12), d);

	if (verdict == TC_ACT_SHOT || d == IN)
		return verdict;
	return judge_peer_v4(skb, base, start);
}

/* In: somebody asks for, or tells about, an address of ours as target. Out: we say that we have it. */
static __always_inline int judge_arp(struct __sk_buff *skb, __u32 start, enum direction d)
{
	return judge_v4(skb, FRAME, start + (d == IN ? 24 : 14), d);
}

static __always_inline int judge_mac(const __u8 mac[ETH_ALEN], enum direction d)
{
	static const __u8 prefix[] = GATE_MAC_PREFIX;
	struct gate_mac key;

	if (__builtin_memcmp(mac, prefix, sizeof prefix))
		return TC_ACT_UNSPEC;
	__builtin_memcpy(&key, mac, sizeof key);
	return judge(bpf_map_lookup_elem(&rk_mac, &key), d);
}

static __always_inline int judge_frame(struct __sk_buff *skb, enum direction d)
{
	__u32 offset = sizeof(struct ethhdr);
	struct ethhdr ethernet;
	__u16 type;

	if (load(skb, FRAME, 0, &ethernet, sizeof ethernet))
		return TC_ACT_UNSPEC;
	if (judge_mac(d == IN ? ethernet.h_dest : ethernet.h_source, d) == TC_ACT_SHOT)
		return TC_ACT_SHOT;
	type = ethernet.h_proto;
	for (int i = 0; i < TAGS_MAX && (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD));
	     i++) {
		if (load(skb, FRAME, offset + 2, &type, sizeof type))
			return TC_ACT_UNSPEC;
		offset += 4;
	}
	if (type == bpf_htons(ETH_P_IP))
		return judge_ipv4(skb, FRAME, offset, d);
	if (type == bpf_htons(ETH_P_IPV6))
		return judge_ipv6(skb, FRAME, offset, d);
	if (type == bpf_htons(ETH_P_ARP))
		return judge_arp(skb, offset, d);
	return TC_ACT_UNSPEC;
}

static __always_inline int judge_packet(struct __sk_buff *skb, enum direction d)
{
	__u8 version;

	if (load(skb, NETWORK, 0, &version, sizeof version))
		return TC_ACT_UNSPEC;
	if (version >> 4 == 4)
		return judge_ipv4(skb, NETWORK, 0, d);
	if (version >> 4 == 6)
		return judge_ipv6(skb, NETWORK, 0, d);
	return TC_ACT_UNSPEC;
}

/* For devices with Ethernet frames. */
SEC("tc")
int rk_frame_in(struct __sk_buff *skb)
{
	return judge_frame(skb, IN);
}

SEC("tc")
int rk_frame_out(struct __sk_buff *skb)
{
	return judge_frame(skb, OUT);
}

/* For devices that carry bare IP packets: tunnels, ppp, tun. */
SEC("tc")
int rk_packet_in(struct __sk_buff *skb)
{
	return judge_packet(skb, IN);
}

SEC("tc")
int rk_packet_out(struct __sk_buff *skb)
{
	return judge_packet(skb, OUT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
