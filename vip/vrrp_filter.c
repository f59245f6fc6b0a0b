/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_filter.h"

#include "vrrp_wire.h"

#include <assert.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#define VLAN_ID 0x0fff
#define PASS	0x40000

/* Offsets in a frame without tag (the kernel has taken it off). */
#define AT_TYPE	      12
#define AT_IP	      14
#define AT_FRAGMENT   20
#define AT_PROTOCOL   23
#define AT_NEXT	      20
#define AT_MESSAGE6   54
#define AT_ID	      1	     /* in the message */
#define NOT_THE_FIRST 0x1fff /* a later fragment has no message header; the first is counted as malformed */

struct program {
	struct sock_filter *code;
	size_t used;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	assert(p->used < VRRP_FILTER_INSTRUCTIONS_MAX);
	p->code[p->used++] = (struct sock_filter){ code, jt, jf, k };
}

/* Unless the loaded value is k, the frame is not for us. */
static void emit_must(struct program *p, uint32_t k)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

static void emit_must_not(struct program *p, uint32_t k)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

static void emit_ids(struct program *p, const uint8_t *id, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, id[i], 0, 1);
		emit(p, BPF_RET | BPF_K, PASS, 0, 0);
	}
	emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

/* Another VLAN's frames pass this device as well; they are another LAN's business. So is what a promiscuous
 * device takes up of a talk between others, and what this node sends. */
static void emit_preamble(struct program *p)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG), 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, VLAN_ID, 0, 0);
	emit_must(p, 0);
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE), 0, 0);
	emit_must_not(p, PACKET_OTHERHOST);
	emit_must_not(p, PACKET_OUTGOING);
	emit(p, BPF_LD | BPF_H | BPF_ABS, AT_TYPE, 0, 0);
}

static void emit_ipv4(struct program *p, const struct vrrp_filter_ids *ids)
{
	emit(p, BPF_LD | BPF_B | BPF_ABS, AT_PROTOCOL, 0, 0);
	emit_must(p, VRRP_PROTOCOL);
	emit(p, BPF_LD | BPF_H | BPF_ABS, AT_FRAGMENT, 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, NOT_THE_FIRST, 0, 0);
	emit_must(p, 0);
	emit(p, BPF_LDX | BPF_B | BPF_MSH, AT_IP, 0, 0);
	emit(p, BPF_LD | BPF_B | BPF_IND, AT_IP + AT_ID, 0, 0);
	emit_ids(p, ids->id4, ids->count4);
}

size_t vrrp_filter_build(const struct vrrp_filter_ids *ids,
			 struct sock_filter ret[VRRP_FILTER_INSTRUCTIONS_MAX])
{
	struct program p = { .code = ret };
	size_t jump;

	assert(ids->count4 <= VRRP_FILTER_IDS_MAX && ids->count6 <= VRRP_FILTER_IDS_MAX);
	emit_preamble(&p);
	jump = p.used;
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 0); /* over the IPv4 part: filled in below */
	emit_ipv4(&p, ids);
	ret[jump].jf = (uint8_t)(p.used - jump - 1);
	emit_must(&p, ETHERTYPE_IPV6);
	emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_NEXT, 0, 0);
	emit_must(&p, VRRP_PROTOCOL);
	emit(&p, BPF_LD | BPF_B | BPF_ABS, AT_MESSAGE6 + AT_ID, 0, 0);
	emit_ids(&p, ids->id6, ids->count6);
	return p.used;
}

bool vrrp_filter_read_id(const uint8_t *frame, size_t len, int *ret_family, uint8_t *ret_id)
{
	size_t at = AT_MESSAGE6 + AT_ID;
	int family = AF_INET6;

	if (len <= AT_IP)
		return false;
	if (frame[AT_TYPE] << 8 == ETHERTYPE_IP && !frame[AT_TYPE + 1]) {
		family = AF_INET;
		at = AT_IP + 4 * (size_t)(frame[AT_IP] & 0xf) + AT_ID;
	}
	if (len <= at)
		return false;
	*ret_family = family;
	*ret_id = frame[at];
	return true;
}
