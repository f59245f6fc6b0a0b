/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bounded LANs that are searched.
 */
#ifndef RK_SEARCH_VRRP_CONFIGS_H
#define RK_SEARCH_VRRP_CONFIGS_H

#include "vrrp_world.h"

#define VRRP_BASE .members = 1, .settle = 40, .states_max = 3000000

#define VRRP_TWO   VRRP_BASE, .routers = 2, .priority = { 192, 128 }
#define VRRP_THREE VRRP_BASE, .routers = 3, .priority = { 192, 128, 64 }

#endif
