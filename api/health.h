/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a load balancer or a monitor wants to know in one status code: 200 or 503, and why in a sentence.
 * Pure.
 */
#ifndef RK_HEALTH_H
#define RK_HEALTH_H

#include <jansson.h>
#include <stdbool.h>

#define HEALTH_WHY_MAX 200

struct health {
	bool ok;
	bool unknown; /* there is no such group: 404 */
	char why[HEALTH_WHY_MAX];
};

/* status: NULL if the agent does not answer, and then why_not says so. */

/* This node does what it should: its agent answers, a group that it holds is open and its PBX healthy, and of
 * a group that it does not hold it could take over, unless a person said otherwise (standby, paused). */
void health_node(const json_t *status, const char *why_not, struct health *ret);
/* It could serve: its agent answers and has the cluster's state. */
void health_ready(const json_t *status, const char *why_not, struct health *ret);
/* This node holds the group and its gate is open. group "": the only one, or each of them. */
void health_active(const json_t *status, const char *why_not, const char *group, struct health *ret);
/* Another node holds it, and this one is fit to take over. */
void health_standby(const json_t *status, const char *why_not, const char *group, struct health *ret);

#endif
