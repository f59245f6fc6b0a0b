/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bounded clusters that are searched. Gates run slow (2 units a tick) and voters fast (3) everywhere, the
 * worst that the guard allows: L = 4 and P = 6 end in the same tick, unless a configuration says otherwise.
 */
#ifndef RK_SEARCH_CONFIGS_H
#define RK_SEARCH_CONFIGS_H

#include "search_config.h"

#define SEARCH_BASE                                                                                  \
	.lease = 4, .guard = 2, .hold = 2, .pulse = 2, .boot_units = 2, .raw_units = 3, .epochs = 2, \
	.candidates = 2, .states_max = 30000000

#define SEARCH_TWO   SEARCH_BASE, .nodes = 2, .old_set = 0x06
#define SEARCH_THREE SEARCH_BASE, .nodes = 3, .old_set = 0x0e

/* Nothing but two nodes: everything between them may break in any way. A holder that is cut off from all is
 * shut after gateway + lease of its own slow clock, 6 units, which is 9 of a fast one; a sign of life can be
 * a tick old when it is missed: 12. */
#define SEARCH_ALONE \
	SEARCH_TWO, .alone = true, .silence = 12, .keep = 3, .gateway = 2, .other = 4, .toggles = 3

/* Four nodes of which three vote before and after; node 4 drives the change. Every tick ends a lease and a
 * promise, nobody lets go, and a REQUEST older than L is lost: without this the space is beyond us. */
#define SEARCH_CHANGE                                                                                \
	.lease = 2, .guard = 1, .hold = 2, .pulse = 2, .boot_units = 2, .raw_units = 3, .epochs = 1, \
	.candidates = 2, .states_max = 30000000, .nodes = 4, .stubborn = true, .fresh = true

#endif
