/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration's uplinks as those want them who measure, decide and route. Pure.
 */
#ifndef RK_CONFIG_UPLINKS_H
#define RK_CONFIG_UPLINKS_H

#include "config.h"
#include "path_plan.h"
#include "probe_io.h"
#include "uplink_choice.h"
#include "uplink_state.h"

/* -1 if there is none. */
int config_uplink_index(const struct config *c, const char *name);
/* AF_INET, AF_INET6 */
uint8_t config_family(uint32_t family);
/* What the node's line says, else the uplink; "": neither. */
const char *config_uplink_device(const struct config *c, node_id_t self, uint32_t uplink);

/* This node's paths, numbered as the configuration's uplinks; gateways and addresses that are learned are
 * missing. ret_learn: the gateway is learned from the kernel. */
void config_uplinks_path(const struct config *c, node_id_t self, struct path_config *ret,
			 bool ret_learn[CONFIG_UPLINKS_MAX]);
/* The line's public address, or the uplink's; none: STUN tells, or the device has it. */
struct ip_address config_uplink_public(const struct config *c, node_id_t self, uint32_t uplink);
void config_uplink_policy(const struct config_voice *v, struct uplink_policy *ret);
void config_uplink_choice_policy(const struct config_voice *v, struct uplink_choice_policy *ret);

struct config_targets {
	uint8_t count;
	uint8_t probe[UPLINK_TARGETS_MAX];   /* index into the configuration's */
	uint8_t network[UPLINK_TARGETS_MAX]; /* the same number: the same operator */
};
/* The probes of an uplink's family: the same, in the same order, for each uplink of the family. */
void config_uplink_targets(const struct config *c, uint32_t uplink, struct config_targets *ret);
/* One of them over one uplink. `from` of the binding, its device's index and a learned gateway are the
 * caller's to fill. */
void config_uplink_target(const struct config *c, const struct path_config *paths, uint32_t uplink,
			  uint8_t probe, struct probe_target *ret);
/* Is it the time of day for failback? minute: since local midnight. True without a window. */
bool config_voice_in_window(const struct config_voice *v, uint32_t minute);

#endif
