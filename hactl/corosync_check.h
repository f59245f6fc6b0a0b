/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Does this corosync.conf fit the cluster of this ringkeep.conf, and is it safe? Looks at two files and
 * nothing else; each finding says why and what to do. An error is what makes quorum, membership or trust
 * untrue; a note is what only costs time or may be meant.
 */
#ifndef RK_COROSYNC_CHECK_H
#define RK_COROSYNC_CHECK_H

#include "corosync_conf.h"

#include <stdio.h>

struct config;

void corosync_check(const struct corosync_conf *corosync, const struct config *c, struct findings *f);
/* What is in force, in a few lines: nodes, links, token, encryption, quorum device. */
void corosync_explain(const struct corosync_conf *corosync, FILE *out);

#endif
