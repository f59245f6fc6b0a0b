/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state machine as it ships <-> bytes in ticks from now, in which what behaves alike is alike.
 */
#ifndef RK_SEARCH_VRRP_PACK_H
#define RK_SEARCH_VRRP_PACK_H

#include "vrrp_fsm.h"
#include "vrrp_world.h"

#define VRRP_TICK_NS  (250 * NS_PER_MS)
#define VRRP_NOW      ((boot_t){ 1000 * VRRP_TICK_NS })
#define VRRP_GUARD_NS (20 * NS_PER_MS)
#define VRRP_NONE     255 /* no such time */
#define VRRP_LONG     15  /* ticks: so old that it does not matter how old */

#define VRRP_FLAG_YIELDED    1 /* of a router */
#define VRRP_FLAG_ADVERTISED 2 /* of a router, in this tick */
#define VRRP_FLAG_GUARD	     4 /* of a router: its gate is about to open */
#define VRRP_FLAG_PREEMPTING 1 /* of a member */

/* What has passed is due now, however long ago that was. A fraction of a tick is within this tick. */
uint8_t vrrp_ticks_until(boot_t t);
boot_t vrrp_ticks_ahead(int ticks);
uint8_t vrrp_interval(const struct vrrp_search_config *c, int router);
struct ip_address vrrp_address(const struct vrrp_search_config *c, int router, int member);
void vrrp_unpack(const struct vrrp_search_config *c, int router, const struct vrrp_router *r,
		 struct vrrp_fsm *ret);
void vrrp_pack(const struct vrrp_search_config *c, int router, const struct vrrp_fsm *f,
	       struct vrrp_router *ret);

#endif
