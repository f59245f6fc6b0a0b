/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The classic BPF filter of a device's receiver: VRRP messages for the virtual router ids that are ours on
 * it, each family with its own, as they come off the LAN. Everything else stays in the kernel. Pure. Private
 * to vip/.
 */
#ifndef RK_VRRP_FILTER_H
#define RK_VRRP_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRRP_FILTER_IDS_MAX	     16 /* per family: one per group */
#define VRRP_FILTER_INSTRUCTIONS_MAX (32 + 4 * VRRP_FILTER_IDS_MAX)

struct vrrp_filter_ids {
	size_t count4, count6;
	uint8_t id4[VRRP_FILTER_IDS_MAX];
	uint8_t id6[VRRP_FILTER_IDS_MAX];
};

/* Returns its length. */
size_t vrrp_filter_build(const struct vrrp_filter_ids *ids,
			 struct sock_filter ret[VRRP_FILTER_INSTRUCTIONS_MAX]);
/* In a frame that has passed: the virtual router id. False: too short to have one. */
bool vrrp_filter_read_id(const uint8_t *frame, size_t len, int *ret_family, uint8_t *ret_id);

#endif
