/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "route.h"

#include <jansson.h>
#include <string.h>

#define GROUP                               \
	{                                   \
		"group", "group", 's', true \
	}
#define NODE                              \
	{                                 \
		"node", "node", 's', true \
	}
#define WHY                              \
	{                                \
		"why", "why", 's', false \
	}

/* clang-format off */
const struct route routes[] = {
	{ "GET", "/health", ROLE_NONE, ROUTE_HEALTH, NULL, NULL, { { 0 } },
	  "200 while this node does what it should, else 503" },
	{ "GET", "/live", ROLE_NONE, ROUTE_LIVE, NULL, NULL, { { 0 } }, "200 while this process answers" },
	{ "GET", "/ready", ROLE_NONE, ROUTE_READY, NULL, NULL, { { 0 } },
	  "200 while the agent answers and knows the cluster, else 503" },
	{ "GET", "/active", ROLE_NONE, ROUTE_ACTIVE, NULL, NULL, { { "group", NULL, 's', false } },
	  "200 where the group is held, its gate open and its PBX healthy, else 503; without a group: all of them" },
	{ "GET", "/standby", ROLE_NONE, ROUTE_STANDBY, NULL, NULL, { { "group", NULL, 's', false } },
	  "200 where the group is not held and could be taken over, else 503; without a group: all of them" },
	{ "GET", "/metrics", ROLE_VIEWER, ROUTE_METRICS, NULL, NULL, { { 0 } },
	  "metrics for Prometheus, or OpenMetrics if Accept says so" },
	{ "GET", "/openapi.json", ROLE_NONE, ROUTE_OPENAPI, NULL, NULL, { { 0 } }, "this description" },
	{ "GET", "/v1/status", ROLE_VIEWER, ROUTE_AGENT, "status", NULL, { { 0 } }, "nodes, groups, links, uplinks, alarms" },
	{ "GET", "/v1/why", ROLE_VIEWER, ROUTE_AGENT, "why", NULL, { GROUP }, "why the holder holds, and the others do not" },
	{ "GET", "/v1/gate", ROLE_VIEWER, ROUTE_AGENT, "gate", NULL, { { 0 } }, "what the kernel lets through on this node" },
	{ "GET", "/v1/history", ROLE_VIEWER, ROUTE_AGENT, "history", NULL, { { "count", "count", 'i', false } },
	  "what changed, when and why, oldest first" },
	{ "GET", "/v1/uplinks", ROLE_VIEWER, ROUTE_AGENT, "uplink", "list", { { 0 } }, "this node's ways to the outside" },
	{ "GET", "/v1/registrations", ROLE_VIEWER, ROUTE_AGENT, "registrations", "list", { { 0 } }, "the phones that are registered" },
	{ "GET", "/v1/voters", ROLE_VIEWER, ROUTE_AGENT, "voters", "show", { { 0 } }, "who votes on leases" },
	{ "POST", "/v1/switchover", ROLE_OPERATOR, ROUTE_AGENT, "switchover", NULL,
	  { GROUP, { "to", "to", 's', false }, { "dry_run", "dry_run", 'b', false }, { "drain_ms", "drain_ms", 'i', false }, WHY },
	  "hand the group over to another healthy node; dry_run only says what would happen" },
	{ "POST", "/v1/failover", ROLE_ADMIN, ROUTE_AGENT, "failover", NULL,
	  { GROUP, { "to", "to", 's', false }, { "force", "force", 'b', true }, WHY },
	  "move the group even to a node whose PBX is not healthy; force must be true" },
	{ "POST", "/v1/cancel", ROLE_OPERATOR, ROUTE_AGENT, "cancel", NULL, { GROUP, WHY }, "end the move of the group that is running" },
	{ "POST", "/v1/node/standby", ROLE_OPERATOR, ROUTE_AGENT, "standby", NULL, { NODE, WHY }, "let the node hold nothing" },
	{ "POST", "/v1/node/unstandby", ROLE_OPERATOR, ROUTE_AGENT, "unstandby", NULL, { NODE, WHY }, "let the node hold groups again" },
	{ "POST", "/v1/pause", ROLE_OPERATOR, ROUTE_AGENT, "pause", NULL, { WHY }, "nothing automatic happens until resume" },
	{ "POST", "/v1/resume", ROLE_OPERATOR, ROUTE_AGENT, "resume", NULL, { WHY }, "end the pause" },
	{ "POST", "/v1/uplink/use", ROLE_OPERATOR, ROUTE_AGENT, "uplink", "use", { { "uplink", "uplink", 's', true } },
	  "voice of this node takes this uplink, whatever is measured, until auto" },
	{ "POST", "/v1/uplink/auto", ROLE_OPERATOR, ROUTE_AGENT, "uplink", "auto", { { 0 } }, "the node chooses its uplink" },
};
/* clang-format on */
const size_t routes_count = sizeof routes / sizeof routes[0];

const struct route *route_find(const char *method, const char *path, bool *ret_other)
{
	if (!strcmp(method, "HEAD"))
		method = "GET";
	*ret_other = false;
	for (size_t i = 0; i < routes_count; i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		if (!strcmp(routes[i].method, method))
			return &routes[i];
		*ret_other = true;
	}
	return NULL;
}

/* ---- OpenAPI ---- */

static const char *type_name(char type)
{
	return type == 'i' ? "integer" : type == 'b' ? "boolean" : "string";
}

static json_t *query_json(const struct route *r)
{
	json_t *list = json_array();

	for (int i = 0; i < ROUTE_ARGUMENTS_MAX && r->arguments[i].name; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", r->arguments[i].name,
						"in", "query", "required", r->arguments[i].required, "schema",
						"type", type_name(r->arguments[i].type)));
	return list;
}

static json_t *body_json(const struct route *r)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	for (int i = 0; i < ROUTE_ARGUMENTS_MAX && r->arguments[i].name; i++) {
		json_object_set_new(properties, r->arguments[i].name,
				    json_pack("{s:s}", "type", type_name(r->arguments[i].type)));
		if (r->arguments[i].required)
			json_array_append_new(required, json_string(r->arguments[i].name));
	}
	schema = json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties",
			   properties);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return json_pack("{s:{s:{s:o}}}", "content", "application/json", "schema", schema);
}

static void answer_json(json_t *responses, const char *status, const char *text)
{
	json_object_set_new(responses, status, json_pack("{s:s}", "description", text));
}

static json_t *responses_json(const struct route *r)
{
	bool health = r->kind == ROUTE_HEALTH || r->kind == ROUTE_READY || r->kind == ROUTE_ACTIVE ||
		      r->kind == ROUTE_STANDBY;
	json_t *o = json_object();

	answer_json(o, "200", "done");
	if (r->arguments[0].name || !strcmp(r->method, "POST"))
		answer_json(o, "400", "an argument is wrong or missing");
	if (r->role != ROLE_NONE) {
		answer_json(o, "401", "who are you?");
		answer_json(o, "403", "the role does not suffice");
	}
	if (r->kind == ROUTE_ACTIVE || r->kind == ROUTE_STANDBY)
		answer_json(o, "404", "there is no such group");
	if (!strcmp(r->method, "POST"))
		answer_json(o, "409", "refused; error says why");
	answer_json(o, "429", "too many requests");
	if (health || r->kind == ROUTE_AGENT)
		answer_json(o, "503", health ? "not so; error says why" : "the agent does not answer");
	return o;
}

static json_t *operation_json(const struct route *r)
{
	json_t *o = json_pack("{s:s, s:s, s:o}", "summary", r->summary, "x-role",
			      r->role == ROLE_NONE ? "none" : config_role_name(r->role), "responses",
			      responses_json(r));

	if (!strcmp(r->method, "POST"))
		json_object_set_new(o, "requestBody", body_json(r));
	else
		json_object_set_new(o, "parameters", query_json(r));
	if (r->role != ROLE_NONE)
		json_object_set_new(o, "security", json_pack("[{s:[]}, {s:[]}]", "bearer", "certificate"));
	return o;
}

json_t *route_openapi(void)
{
	json_t *paths = json_object();

	for (size_t i = 0; i < routes_count; i++) {
		const char *method = !strcmp(routes[i].method, "POST") ? "post" : "get";
		json_t *path = json_object_get(paths, routes[i].path);

		if (!path) {
			path = json_object();
			json_object_set_new(paths, routes[i].path, path);
		}
		json_object_set_new(path, method, operation_json(&routes[i]));
	}
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:{s:{s:{s:s, s:s}, s:{s:s}}}, s:o}", "openapi", "3.0.3",
			 "info", "title", "ringkeep", "version", RINGKEEP_VERSION, "description",
			 "The agent of this node: health, metrics, status, commands.", "components",
			 "securitySchemes", "bearer", "type", "http", "scheme", "bearer", "certificate",
			 "type", "mutualTLS", "paths", paths);
}
