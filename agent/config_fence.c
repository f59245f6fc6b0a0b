/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fence devices as others want them: numbers for the decider, words for the one who calls the agents.
 */
#include "config.h"
#include "digest.h"
#include "fence.h"
#include "fence_request.h"

#include <assert.h>
#include <string.h>

static void device_fence(const struct config *c, const struct config_fence_device *d,
			 struct fence_device_config *ret)
{
	*ret = (struct fence_device_config){
		.fabric = d->kind == CONFIG_FENCE_FABRIC,
		.watchdog = d->kind == CONFIG_FENCE_WATCHDOG,
		.retries = (uint8_t)d->retries,
		.off_ns = d->off_timeout_ms * NS_PER_MS,
		.status_ns = d->status_timeout_ms * NS_PER_MS,
		.monitor_ns = d->monitor_timeout_ms * NS_PER_MS,
		.monitor_period_ns = d->monitor_interval_ms * NS_PER_MS,
	};
	for (uint32_t i = 0; i < d->targets_count; i++)
		ret->targets |= node_bit((node_id_t)config_node_named(c, d->targets[i].name)->id);
}

static fence_device_t device_index(const struct config *c, const char *name)
{
	fence_device_t i = 0;

	while (strcmp(c->fence_devices[i].name, name)) {
		i++;
		assert(i < c->fence_devices_count); /* parsing has refused unknown names */
	}
	return i;
}

static void target_fence(const struct config *c, const struct config_node *n, struct fence_target_config *ret)
{
	ret->levels_count = (uint8_t)n->fence_levels_count;
	ret->action = (enum fence_action)n->fence_action;
	ret->delay_ns = n->fence_delay_ms * NS_PER_MS;
	for (uint32_t i = 0; i < n->fence_levels_count; i++) {
		const struct config_fence_level *l = &n->fence_levels[i];

		ret->level[i].count = (uint8_t)l->devices_count;
		for (uint32_t k = 0; k < l->devices_count; k++)
			ret->level[i].device[k] = device_index(c, l->devices[k]);
	}
}

void config_fence(const struct config *c, struct fence_config *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->devices_count = (uint8_t)c->fence_devices_count;
	for (uint32_t i = 0; i < c->fence_devices_count; i++)
		device_fence(c, &c->fence_devices[i], &ret->device[i]);
	for (uint32_t i = 0; i < c->nodes_count; i++)
		target_fence(c, &c->nodes[i], &ret->target[c->nodes[i].id]);
	ret->total_ns = c->fence_timeout_ms * NS_PER_MS;
}

static uint64_t digest_text(uint64_t sum, const char *text)
{
	return digest_fnv64(sum, text, strlen(text) + 1);
}

static uint64_t digest_device(const struct config_fence_device *d)
{
	uint64_t sum = digest_fnv64(DIGEST_FNV64_INIT, &d->kind, sizeof d->kind);

	sum = digest_text(sum, d->agent);
	sum = digest_text(sum, d->password_file);
	sum = digest_text(sum, d->password_parameter);
	for (uint32_t i = 0; i < d->parameters_count; i++)
		sum = digest_text(sum, d->parameters[i]);
	return sum;
}

void config_fence_digests(const struct config *c, uint64_t ret[FENCE_DEVICES_MAX][NODE_ID_MAX + 1])
{
	memset(ret, 0, FENCE_DEVICES_MAX * sizeof ret[0]);
	for (uint32_t i = 0; i < c->fence_devices_count; i++) {
		const struct config_fence_device *d = &c->fence_devices[i];

		for (uint32_t k = 0; d->agent[0] && k < d->targets_count; k++) {
			node_id_t n = (node_id_t)config_node_named(c, d->targets[k].name)->id;
			uint64_t sum = digest_text(digest_device(d), d->targets[k].plug);

			ret[i][n] = sum ? sum : 1;
		}
	}
}

static const struct config_fence_target *target_of(const struct config *c,
						   const struct config_fence_device *d, node_id_t id)
{
	for (uint32_t i = 0; i < d->targets_count; i++)
		if (config_node_named(c, d->targets[i].name)->id == id)
			return &d->targets[i];
	return NULL;
}

static uint32_t verb_timeout_ms(const struct config_fence_device *d, enum fence_verb verb)
{
	switch (verb) {
	case FENCE_OFF:
	case FENCE_ON:
	case FENCE_REBOOT:
		return d->off_timeout_ms;
	case FENCE_STATUS:
		return d->status_timeout_ms;
	case FENCE_MONITOR:
		return d->monitor_timeout_ms;
	}
	return d->off_timeout_ms;
}

bool config_fence_request(const struct config *c, fence_device_t device, node_id_t target,
			  enum fence_verb verb, struct fence_request *ret)
{
	const struct config_fence_device *d = &c->fence_devices[device];
	const struct config_fence_target *t = target_of(c, d, target);

	assert(device < c->fence_devices_count);
	if (!d->agent[0])
		return false;
	*ret = (struct fence_request){
		.agent = d->agent,
		.action = fence_verb_name(verb),
		.plug = t && t->plug[0] ? t->plug : NULL,
		.password_file = d->password_file[0] ? d->password_file : NULL,
		.password_parameter = d->password_parameter,
		.parameters_count = d->parameters_count,
		.timeout_ms = verb_timeout_ms(d, verb),
	};
	for (uint32_t i = 0; i < d->parameters_count; i++)
		ret->parameter[i] = d->parameters[i];
	return true;
}
