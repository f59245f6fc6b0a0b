/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Paths, arguments, and docs/API.md (API_MD), which has to have the table.
 */
#include "command.h"
#include "route.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const struct route *find(const char *method, const char *path)
{
	bool other;

	return route_find(method, path, &other);
}

START_TEST(a_path_is_one_of_the_table_or_none)
{
	static const char *const none[] = { "",
					    "/",
					    "/v1/status/",
					    "//v1/status",
					    "/v1/../v1/status",
					    "/V1/status",
					    "/v1/status%00",
					    "/v1/status?x",
					    "/health ",
					    "health" };
	bool other;

	ck_assert_int_eq(find("GET", "/health")->kind, ROUTE_HEALTH);
	ck_assert_ptr_eq(find("HEAD", "/health"), find("GET", "/health"));
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		ck_assert_ptr_null(route_find("GET", none[i], &other));
	ck_assert_ptr_null(route_find("POST", "/health", &other));
	ck_assert(other);
	ck_assert_ptr_null(route_find("POST", "/nothing", &other));
	ck_assert(!other);
}
END_TEST

START_TEST(what_changes_something_is_a_post_of_an_operator)
{
	for (size_t i = 0; i < routes_count; i++) {
		bool post = !strcmp(routes[i].method, "POST");

		ck_assert(post == (routes[i].role >= ROLE_OPERATOR));
		ck_assert((routes[i].kind == ROUTE_AGENT) == (routes[i].command != NULL));
		for (size_t k = 0; k < i; k++)
			ck_assert(strcmp(routes[i].path, routes[k].path) ||
				  strcmp(routes[i].method, routes[k].method));
	}
}
END_TEST

START_TEST(the_page_has_the_table)
{
	static char docs[64 * 1024];
	FILE *f = fopen(API_MD, "re");
	char row[400];

	ck_assert_ptr_nonnull(f);
	docs[fread(docs, 1, sizeof docs - 1, f)] = '\0';
	(void)fclose(f);
	for (size_t i = 0; i < routes_count; i++) {
		(void)snprintf(row, sizeof row, "| %s | `%s` | %s | %s |", routes[i].method, routes[i].path,
			       config_role_name(routes[i].role), routes[i].summary);
		ck_assert_msg(strstr(docs, row), "docs/API.md lacks: %s", row);
	}
}
END_TEST

START_TEST(the_description_has_every_path)
{
	json_t *o = route_openapi(), *paths = json_object_get(o, "paths");

	for (size_t i = 0; i < routes_count; i++) {
		const char *method = !strcmp(routes[i].method, "POST") ? "post" : "get";
		json_t *op = json_object_get(json_object_get(paths, routes[i].path), method);

		ck_assert_msg(json_is_object(op), "%s", routes[i].path);
		ck_assert_str_eq(json_string_value(json_object_get(op, "x-role")),
				 config_role_name(routes[i].role));
		ck_assert(json_is_object(json_object_get(json_object_get(op, "responses"), "200")));
	}
	json_decref(o);
}
END_TEST

static json_t *body(const char *path, const char *text, struct sentence *why)
{
	return command_of_body(find("POST", path), text, strlen(text), why);
}

START_TEST(arguments_are_those_of_the_route)
{
	struct sentence why;
	struct access_entry who = { .name = "alice", .role = ROLE_OPERATOR };
	json_t *args =
		body("/v1/switchover", "{\"group\":\"office\",\"dry_run\":true,\"drain_ms\":5000}", &why);
	char *line = command_line(find("POST", "/v1/switchover"), args, &who);

	ck_assert_str_eq(line, "{\"command\":\"switchover\",\"args\":{\"group\":\"office\",\"dry_run\":true,"
			       "\"drain_ms\":5000},"
			       "\"as\":{\"user\":\"alice\",\"role\":\"operator\"}}\n");
	free(line);
	json_decref(args);
	ck_assert_ptr_null(body("/v1/switchover", "{}", &why));
	ck_assert_str_eq(why.text, "group is missing: a text");
	ck_assert_ptr_null(body("/v1/switchover", "{\"group\":1}", &why));
	ck_assert_str_eq(why.text, "group is a text");
	ck_assert_ptr_null(body("/v1/switchover", "{\"group\":\"a\",\"action\":\"x\"}", &why));
	ck_assert_str_eq(why.text, "\"action\" is no argument of /v1/switchover");
	ck_assert_ptr_null(body("/v1/pause", "[]", &why));
	ck_assert_ptr_null(body("/v1/pause", "{\"why\":\"a\",\"why\":\"b\"}", &why));
	args = body("/v1/pause", "", &why);
	ck_assert_ptr_nonnull(args);
	json_decref(args);
}
END_TEST

static const char *value(void *ctx, const char *name)
{
	return !strcmp(name, "count") ? ctx : NULL;
}

START_TEST(of_a_query_too)
{
	const struct route *r = find("GET", "/v1/history");
	struct sentence why;
	char good[] = "12", bad[] = "12x", empty[] = "";
	json_t *args = command_of_query(r, value, good, &why);

	ck_assert_int_eq(json_integer_value(json_object_get(args, "count")), 12);
	json_decref(args);
	ck_assert_ptr_null(command_of_query(r, value, bad, &why));
	ck_assert_ptr_null(command_of_query(r, value, empty, &why));
	args = command_of_query(r, value, NULL, &why);
	ck_assert_uint_eq(json_object_size(args), 0);
	json_decref(args);
}
END_TEST

UNIT_MAIN("route", a_path_is_one_of_the_table_or_none, what_changes_something_is_a_post_of_an_operator,
	  the_page_has_the_table, the_description_has_every_path, arguments_are_those_of_the_route,
	  of_a_query_too)
