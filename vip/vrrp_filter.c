/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_filter.h"

#include "frame_filter.h"
#include "vrrp_wire.h"

#include <assert.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

/* Offsets in a frame without tag (the kernel has taken it off). */
#define AT_IP	      14
#define AT_FRAGMENT   20
#define AT_PROTOCOL   23
#define AT_NEXT	      20
#define AT_MESSAGE6   54
#define AT_ID	      1	     /* in the message */
#define NOT_THE_FIRST 0x1fff /* a later fragment has no message header; the first is counted as malformed */

static void emit_must_not(struct frame_filter *p, uint32_t k)
{
	frame_filter_emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	frame_filter_emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

static void emit_ids(struct frame_filter *p, const uint8_t *id, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		frame_filter_emit(p, BPF_JMP | BPF_JEQ | BPF_K, id[i], 0, 1);
		frame_filter_emit(p, BPF_RET | BPF_K, FRAME_FILTER_PASS, 0, 0);
	}
	frame_filter_emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

/* Another VLAN's frames pass this device as well; they are another LAN's business. So is what a promiscuous
 * device takes up of a talk between others, and what this node sends. */
static void emit_preamble(struct frame_filter *p)
{
	frame_filter_untagged(p);
	frame_filter_emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE), 0, 0);
	emit_must_not(p, PACKET_OTHERHOST);
	emit_must_not(p, PACKET_OUTGOING);
	frame_filter_emit(p, BPF_LD | BPF_H | BPF_ABS, FRAME_FILTER_AT_TYPE, 0, 0);
}

static void emit_ipv4(struct frame_filter *p, const struct vrrp_filter_ids *ids)
{
	frame_filter_emit(p, BPF_LD | BPF_B | BPF_ABS, AT_PROTOCOL, 0, 0);
	frame_filter_must(p, VRRP_PROTOCOL);
	frame_filter_emit(p, BPF_LD | BPF_H | BPF_ABS, AT_FRAGMENT, 0, 0);
	frame_filter_emit(p, BPF_ALU | BPF_AND | BPF_K, NOT_THE_FIRST, 0, 0);
	frame_filter_must(p, 0);
	frame_filter_emit(p, BPF_LDX | BPF_B | BPF_MSH, AT_IP, 0, 0);
	frame_filter_emit(p, BPF_LD | BPF_B | BPF_IND, AT_IP + AT_ID, 0, 0);
	emit_ids(p, ids->id4, ids->count4);
}

size_t vrrp_filter_build(const struct vrrp_filter_ids *ids,
			 struct sock_filter ret[VRRP_FILTER_INSTRUCTIONS_MAX])
{
	struct frame_filter p = { .code = ret, .max = VRRP_FILTER_INSTRUCTIONS_MAX };
	size_t jump;

	assert(ids->count4 <= VRRP_FILTER_IDS_MAX && ids->count6 <= VRRP_FILTER_IDS_MAX);
	emit_preamble(&p);
	jump = p.used;
	frame_filter_emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0,
			  0); /* over the IPv4 part: filled in below */
	emit_ipv4(&p, ids);
	ret[jump].jf = (uint8_t)(p.used - jump - 1);
	frame_filter_must(&p, ETHERTYPE_IPV6);
	frame_filter_emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_NEXT, 0, 0);
	frame_filter_must(&p, VRRP_PROTOCOL);
	frame_filter_emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_MESSAGE6 + AT_ID, 0, 0);
	emit_ids(&p, ids->id6, ids->count6);
	return p.used;
}

bool vrrp_filter_read_id(const uint8_t *frame, size_t len, int *ret_family, uint8_t *ret_id)
{
	size_t at = AT_MESSAGE6 + AT_ID;
	int family = AF_INET6;

	if (len <= AT_IP)
		return false;
	if (frame[FRAME_FILTER_AT_TYPE] << 8 == ETHERTYPE_IP && !frame[FRAME_FILTER_AT_TYPE + 1]) {
		family = AF_INET;
		at = AT_IP + 4 * (size_t)(frame[AT_IP] & 0xf) + AT_ID;
	}
	if (len <= at)
		return false;
	*ret_family = family;
	*ret_id = frame[at];
	return true;
}
