/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct route_argument *argument_named(const struct route *r, const char *name)
{
	for (int i = 0; i < ROUTE_ARGUMENTS_MAX && r->arguments[i].name; i++)
		if (!strcmp(r->arguments[i].name, name))
			return &r->arguments[i];
	return NULL;
}

static bool type_fits(char type, const json_t *v)
{
	return type == 's' ? json_is_string(v) : type == 'i' ? json_is_integer(v) : json_is_boolean(v);
}

static const char *type_text(char type)
{
	return type == 's' ? "a text" : type == 'i' ? "a whole number" : "true or false";
}

static json_t *missing_none(const struct route *r, json_t *args, struct sentence *reterr)
{
	for (int i = 0; i < ROUTE_ARGUMENTS_MAX && r->arguments[i].name; i++)
		if (r->arguments[i].required && !json_object_get(args, r->arguments[i].agent_name)) {
			(void)sentence_fail(reterr, 0, "%s is missing: %s", r->arguments[i].name,
					    type_text(r->arguments[i].type));
			json_decref(args);
			return NULL;
		}
	return args;
}

json_t *command_of_body(const struct route *r, const char *body, size_t len, struct sentence *reterr)
{
	json_error_t error;
	json_t *given = len ? json_loadb(body, len, JSON_REJECT_DUPLICATES, &error) : json_object(), *v;
	json_t *args = json_object();
	const char *name;

	if (!json_is_object(given)) {
		(void)sentence_fail(reterr, 0, "the body is no JSON object%s%.100s", given ? "" : ": ",
				    given ? "" : error.text);
		goto fail;
	}
	json_object_foreach(given, name, v)
	{
		const struct route_argument *a = argument_named(r, name);

		if (!a) {
			(void)sentence_fail(reterr, 0, "\"%.40s\" is no argument of %s", name, r->path);
			goto fail;
		}
		if (!type_fits(a->type, v)) {
			(void)sentence_fail(reterr, 0, "%s is %s", a->name, type_text(a->type));
			goto fail;
		}
		json_object_set(args, a->agent_name, v);
	}
	json_decref(given);
	return missing_none(r, args, reterr);
fail:
	json_decref(given);
	json_decref(args);
	return NULL;
}

static json_t *value_of(char type, const char *text)
{
	char *end;
	long long number;

	if (type == 's')
		return json_string(text);
	if (type == 'b')
		return !strcmp(text, "true") ? json_true() : !strcmp(text, "false") ? json_false() : NULL;
	errno = 0;
	number = strtoll(text, &end, 10);
	return *text && !*end && !errno ? json_integer(number) : NULL;
}

json_t *command_of_query(const struct route *r, const char *(*value)(void *ctx, const char *name), void *ctx,
			 struct sentence *reterr)
{
	json_t *args = json_object();

	for (int i = 0; i < ROUTE_ARGUMENTS_MAX && r->arguments[i].name; i++) {
		const struct route_argument *a = &r->arguments[i];
		const char *text = value(ctx, a->name);
		json_t *v = text ? value_of(a->type, text) : NULL;

		if (text && !v) {
			(void)sentence_fail(reterr, 0, "%s is %s", a->name, type_text(a->type));
			json_decref(args);
			return NULL;
		}
		if (v && a->agent_name)
			json_object_set_new(args, a->agent_name, v);
		else
			json_decref(v);
	}
	return missing_none(r, args, reterr);
}

char *command_line(const struct route *r, const json_t *args, const struct access_entry *who)
{
	json_t *o = json_pack("{s:s, s:O}", "command", r->command, "args", args);
	char *text, *line = NULL;

	if (r->action)
		json_object_set_new(json_object_get(o, "args"), "action", json_string(r->action));
	if (who)
		json_object_set_new(
			o, "as",
			json_pack("{s:s, s:s}", "user", who->name, "role", config_role_name(who->role)));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}
