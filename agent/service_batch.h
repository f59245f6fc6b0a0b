/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Collects the holder's binding changes of one group into batches for the other nodes.
 */
#ifndef RK_SERVICE_BATCH_H
#define RK_SERVICE_BATCH_H

#include "agent.h"

#define SERVICE_BATCH_BYTES HEARTBEAT_OPAQUE_MAX /* of one message */

void service_batch_put(struct agent_group *g, const struct binding *b);
void service_batch_remove(struct agent_group *g, const char *aor, const char *contact);
/* Sends what is collected; full_end: it was the last of a full list (sent even if empty). */
void service_batch_send(struct agent_group *g, bool full_end);
/* Of this node's tenure; none if it does not hold the group. */
struct epoch service_batch_epoch(const struct agent_group *g);
#define SERVICE_LATE_NS NS_PER_S
/* The adapter is telling what its PBX accepted while the lease was ours. */
bool service_has_just_let_go(const struct agent_group *g);

#endif
