/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A line of the agent's control socket: a record or a status becomes alerts that can be told, or nothing.
 */
#include "agent_link.h"
#include "conditions.h"
#include "event_table.h"
#include "fuzz.h"
#include "record_window.h"

#include <assert.h>
#include <string.h>

static void told(void *ctx, const struct alert *a)
{
	json_t *j = alert_json(a);
	struct alert again;

	(void)ctx;
	assert(a->id[0] && a->key[0] && !strchr(a->text, '\n'));
	assert(j && (!a->cluster[0] || alert_from_json(j, &again) == 0));
	json_decref(j);
}

static void record(const json_t *r)
{
	static struct record_window window;
	int64_t node = json_integer_value(json_object_get(r, "node_id"));
	int64_t number = json_integer_value(json_object_get(r, "number"));
	struct alert a = { 0 };

	(void)record_window_take(&window, node, number);
	assert(record_window_seen(&window, node, number));
	if (event_of_record(r, &a))
		told(NULL, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conditions_limits limits = { 0, NS_PER_MS };
	static struct conditions look, known;
	json_t *j = agent_link_parse((const char *)data, size), *event = json_object_get(j, "event");
	struct cluster_view view = { 0 };

	record(event ? event : j);
	look.count = known.count = 0;
	(void)cluster_view_read(j, &view);
	conditions_of_status(j, &limits, &look);
	(void)conditions_update(&known, CONDITION_AGENT, &look, &view, (boot_t){ 1 }, 1, told, NULL);
	look.count = 0;
	(void)conditions_update(&known, CONDITION_AGENT, &look, &view, (boot_t){ 2 }, 2, told, NULL);
	assert(known.count == 0 || !view.known);
	json_decref(j);
	return 0;
}
