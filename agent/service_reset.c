/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_reset.h"

#include "agent.h"
#include "binding_connection.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESET_SLICE	 200
#define RESET_PERIOD_NS	 (5 * NS_PER_MS)
#define RESET_SIP_PORT	 5060
#define RESET_SIPS_PORT	 5061
#define RESET_LOCALS_MAX 8 /* addresses tried where the binding does not say at which one it was heard */

static const int64_t reset_pauses_ns[] = { 200 * NS_PER_MS, 800 * NS_PER_MS, 3 * NS_PER_S };
#define RESET_ROUNDS (1 + sizeof reset_pauses_ns / sizeof reset_pauses_ns[0])

static bool reset_is_ours(const struct config_group *cg, const struct ip_address *ip)
{
	for (uint32_t i = 0; i < cg->addresses_count; i++)
		if (ip_equal(&cg->addresses[i], ip))
			return true;
	return false;
}

/* Our end of the connection: where the PBX heard the phone, or else whatever it can have been. */
static size_t reset_tickles(const struct config_group *cg, const struct binding *b,
			    struct tickle ret[RESET_LOCALS_MAX])
{
	struct binding_connection phone, heard;
	size_t n = 0;

	if (binding_connection_parse(b->text[BINDING_CONNECTION], &phone) < 0)
		return 0;
	if (binding_connection_parse(b->text[BINDING_SOCKET], &heard) == 0 && reset_is_ours(cg, &heard.ip)) {
		ret[0] = (struct tickle){ heard.ip, phone.ip, heard.port, phone.port };
		return heard.ip.family == phone.ip.family;
	}
	for (uint32_t i = 0; i < cg->addresses_count && n < RESET_LOCALS_MAX; i++)
		if (cg->addresses[i].family == phone.ip.family)
			ret[n++] = (struct tickle){ cg->addresses[i], phone.ip,
						    phone.secure ? RESET_SIPS_PORT : RESET_SIP_PORT,
						    phone.port };
	return n;
}

static size_t reset_collect(const struct agent_group *g, struct tickle *list, size_t size, size_t *ret_phones)
{
	const struct config_group *cg = &g->agent->config->groups[g->index];
	struct tickle found[RESET_LOCALS_MAX];
	size_t count = 0;

	for (size_t i = binding_store_count(g->store); i-- > 0;) {
		const struct binding *b = binding_store_at(g->store, i);
		size_t n = binding_is_bound(b) ? reset_tickles(cg, b, found) : 0;

		*ret_phones += n > 0;
		for (size_t k = 0; k < n && count < size; k++)
			list[count++] = found[k];
	}
	return count;
}

void service_reset_start(struct agent_group *g)
{
	struct service_reset *r = &g->reset;
	size_t size, phones = 0;
	int error;

	service_reset_stop(g);
	size = g->store ? binding_store_bound(g->store) * RESET_LOCALS_MAX : 0;
	if (size == 0)
		return;
	r->list = malloc(size * sizeof *r->list);
	error = r->list ? tickle_open(&r->socket) : -ENOMEM;
	if (error < 0) {
		log_warning("%s: phones on connections of their own are not reset: %s",
			    agent_group_name(g->agent, g->index), strerror(-error));
		service_reset_stop(g);
		return;
	}
	r->count = reset_collect(g, r->list, size, &phones);
	r->due = g->agent->now.boot;
	log_notice("%s: %zu phones hang on connections of their own: made to connect again",
		   agent_group_name(g->agent, g->index), phones);
	service_reset_run(g);
}

void service_reset_run(struct agent_group *g)
{
	struct service_reset *r = &g->reset;

	if (!r->list || boot_before(g->agent->now.boot, r->due))
		return;
	for (size_t i = 0; i < RESET_SLICE && r->next < r->count; i++)
		tickle_send(&r->socket, &r->list[r->next++]);
	r->due = boot_add(g->agent->now.boot, RESET_PERIOD_NS);
	if (r->next < r->count)
		return;
	r->next = 0;
	if (++r->round == RESET_ROUNDS) {
		service_reset_stop(g);
		return;
	}
	r->due = boot_add(g->agent->now.boot, reset_pauses_ns[r->round - 1]);
}

void service_reset_stop(struct agent_group *g)
{
	if (g->reset.list)
		tickle_close(&g->reset.socket);
	free(g->reset.list);
	g->reset = (struct service_reset){ .socket = TICKLE_SOCKET_NONE };
}
