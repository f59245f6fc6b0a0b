/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is told to the outside about the uplinks: names in DNS (publish.h) and the administrator's hook
 * (uplink_hook.h), and what comes of it as log lines, alarms and records.
 */
#ifndef RK_PUBLISHING_H
#define RK_PUBLISHING_H

#include "clock.h"
#include "path_plan.h"

#include <stdbool.h>

struct agent;
struct publishing;
struct uplink_switching;

/* NULL in *ret, and 0: no uplink is configured. Takes nothing for granted: who holds what is asked each
 * round. */
int publishing_open(struct agent *a, struct publishing **ret);
/* Kills what runs. */
void publishing_close(struct publishing *p);
/* Each round: are the names of the groups that are held here right? p may be NULL. */
void publishing_refresh(struct publishing *p);
boot_t publishing_next(const struct publishing *p);
void publishing_tick(struct publishing *p);
/* A switch has ended: the hook is told. */
void publishing_switched(struct publishing *p, enum path_family f, const struct uplink_switching *s, bool ok);

#endif
