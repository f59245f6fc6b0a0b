/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The cluster that a corosync.conf is compared with: two nodes and a witness.
 */
#ifndef RK_UNIT_COROSYNC_SAMPLE_H
#define RK_UNIT_COROSYNC_SAMPLE_H

#include "config.h"

static const struct config cluster = {
	.cluster = "office",
	.nodes_count = 3,
	.nodes = { { .name = "n1", .id = 1 },
		   { .name = "n2", .id = 2 },
		   { .name = "w1", .id = 3, .witness = true } },
};

#endif
