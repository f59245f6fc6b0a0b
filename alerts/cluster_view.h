/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which nodes this one sees, and which of them tells what each of them knows. Pure.
 */
#ifndef RK_CLUSTER_VIEW_H
#define RK_CLUSTER_VIEW_H

#include "alert.h"
#include "ids.h"

#include <stdbool.h>

struct cluster_view {
	bool known; /* the agent has said it */
	char cluster[ALERT_NAME_MAX];
	char self[ALERT_NAME_MAX];
	node_id_t self_id;
	char name[NODE_ID_MAX + 1][ALERT_NAME_MAX];
	bool up[NODE_ID_MAX + 1]; /* this node itself is */
	bool witness[NODE_ID_MAX + 1];
};

/* From the agent's status. Leaves ret as it is and returns false if that is none. */
bool cluster_view_read(const json_t *status, struct cluster_view *ret);
/* Does this node tell what all of them know? The PBX node with the lowest id of those that are up does, but
 * for `but` (NODE_NONE: nobody is left out). While nothing is known, each does. */
bool cluster_view_tells(const struct cluster_view *v, node_id_t but);

#endif
