/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Putting a classic BPF program for an AF_PACKET socket together, instruction by instruction. Private to
 * vip/.
 */
#ifndef RK_FRAME_FILTER_H
#define RK_FRAME_FILTER_H

#include <assert.h>
#include <linux/filter.h>
#include <stddef.h>

#define FRAME_FILTER_PASS    0x40000
#define FRAME_FILTER_AT_TYPE 12 /* in a frame without tag (the kernel has taken it off) */
#define FRAME_FILTER_VLAN_ID 0x0fff

struct frame_filter {
	struct sock_filter *code;
	size_t used, max;
};

static inline void frame_filter_emit(struct frame_filter *p, uint16_t code, uint32_t k, uint8_t jt,
				     uint8_t jf)
{
	assert(p->used < p->max);
	p->code[p->used++] = (struct sock_filter){ code, jt, jf, k };
}

/* Unless the loaded value is k, the frame is not for us. */
static inline void frame_filter_must(struct frame_filter *p, uint32_t k)
{
	frame_filter_emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	frame_filter_emit(p, BPF_RET | BPF_K, 0, 0, 0);
}

/* Another VLAN's frames pass this device as well; they are another LAN's business. */
static inline void frame_filter_untagged(struct frame_filter *p)
{
	frame_filter_emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG), 0, 0);
	frame_filter_emit(p, BPF_ALU | BPF_AND | BPF_K, FRAME_FILTER_VLAN_ID, 0, 0);
	frame_filter_must(p, 0);
}

#endif
