/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hactl.h"

#include "config_options.h"
#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const struct hactl_command *hactl_command_find(const char *name)
{
	for (size_t i = 0; i < hactl_commands_count; i++)
		if (!strcmp(hactl_commands[i].name, name))
			return &hactl_commands[i];
	return NULL;
}

int hactl_command_unknown(const struct hactl *h, const char *name)
{
	struct words_nearest near = words_nearest(name);
	char hint[WORDS_HINT_MAX];

	for (size_t i = 0; i < hactl_commands_count; i++)
		words_nearest_offer(&near, hactl_commands[i].name);
	(void)hactl_complain(h, "there is no command %s; %s", name,
			     words_nearest_hint(&near, "see hactl help", hint));
	return HACTL_USAGE;
}

const struct hactl_option *hactl_option_find(const char *name)
{
	for (size_t i = 0; i < hactl_options_count; i++)
		if (!strcmp(hactl_options[i].name, name) ||
		    (hactl_options[i].letter && hactl_options[i].letter == name[0] && !name[1]))
			return &hactl_options[i];
	return NULL;
}

/* Is `word` one of the words of `list`, which are separated by `separator`? */
static bool has_word(const char *list, char separator, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, separator), p = p ? p + 1 : NULL)
		if (!strncmp(p, word, len) && (p[len] == separator || !p[len]))
			return true;
	return false;
}

bool hactl_command_takes(const struct hactl_command *c, const char *option)
{
	return has_word(c->options, ' ', option);
}

const char *hactl_arg(const struct hactl *h, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(h->args, key));

	return s ? s : otherwise;
}

bool hactl_flag(const struct hactl *h, const char *key)
{
	return json_is_true(json_object_get(h->args, key));
}

bool hactl_next_word(const char **spec, char *ret, size_t size, bool *ret_required)
{
	size_t len = strcspn(*spec, " ");

	if (!len)
		return false;
	*ret_required = **spec != '[';
	(void)snprintf(ret, size, "%.*s", (int)(*ret_required ? len : len - 2), *spec + !*ret_required);
	*spec += len;
	*spec += **spec == ' ';
	return true;
}

/* "NODE|confirm": anything, as one of them is a name. */
static bool takes_names(const char *word)
{
	for (const char *p = word; p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
		if (isupper((unsigned char)*p))
			return true;
	return false;
}

/* "WORD...": one more of them. */
static bool put_another(struct hactl *h, const char *value)
{
	json_t *list = json_object_get(h->args, "words");

	if (!list) {
		list = json_array();
		(void)json_object_set_new(h->args, "words", list);
	}
	return json_array_append_new(list, json_string(value)) == 0;
}

static bool put_word(struct hactl *h, const char *word, const char *value)
{
	char key[32];
	size_t i;

	if (strstr(word, "..."))
		return put_another(h, value);
	if (strchr(word, '|')) {
		if (!takes_names(word) && !has_word(word, '|', value)) {
			(void)hactl_complain(h, "%s: \"%s\" is none of %s", h->command->name, value, word);
			return false;
		}
		word = "action";
	}
	for (i = 0; word[i] && i < sizeof key - 1; i++)
		key[i] = (char)tolower((unsigned char)word[i]);
	key[i] = 0;
	if (json_object_set_new(h->args, key, json_string(value)) < 0) {
		(void)hactl_complain(h, "%s: \"%s\" is not UTF-8", h->command->name, value);
		return false;
	}
	return true;
}

/* "10m" as the configuration would have it. */
static bool put_time(struct hactl *h, const struct hactl_option *o, const char *value)
{
	static const struct config_option row = {
		.key = "time", .type = OPTION_MSEC, .min = 1000, .max = 7 * 24 * 3600 * 1000
	};
	char error[200];
	uint32_t ms = 0;

	if (config_option_set(&row, &ms, *value ? value : HACTL_DRAIN, error, sizeof error) < 0) {
		(void)hactl_complain(h, "--%s: %s", o->name, error);
		return false;
	}
	return json_object_set_new(h->args, o->key, json_integer(ms)) == 0;
}

static bool put_option(struct hactl *h, const struct hactl_option *o, const char *value)
{
	char *end = NULL;
	long number = 0;

	if (!o->value)
		return json_object_set_new(h->args, o->key, json_true()) == 0;
	if (!strcmp(o->value, "[TIME]"))
		return put_time(h, o, value);
	if (!strcmp(o->value, "NUMBER")) {
		number = strtol(value, &end, 10);
		if (*end || end == value || number < 1 || number > 10000) {
			(void)hactl_complain(h, "--%s: \"%s\" is not a number from 1 to 10000", o->name,
					     value);
			return false;
		}
		return json_object_set_new(h->args, o->key, json_integer(number)) == 0;
	}
	if (json_object_set_new(h->args, o->key, json_string(value)) < 0) {
		(void)hactl_complain(h, "--%s: the value is not UTF-8", o->name);
		return false;
	}
	return true;
}

/* "--to n2", "--to=n2", "-n 5", "-n5"; advances *i over a value of its own. */
static bool take_option(struct hactl *h, int argc, char **argv, int *i)
{
	const char *text = argv[*i], *value = NULL;
	bool is_long = text[1] == '-';
	char name[32];

	text += is_long ? 2 : 1;
	(void)snprintf(name, sizeof name, "%.*s", (int)(is_long ? strcspn(text, "=") : 1), text);
	const struct hactl_option *o = (strlen(name) > 1) == is_long ? hactl_option_find(name) : NULL;

	if (!o || !hactl_command_takes(h->command, o->name)) {
		(void)hactl_complain(h, "%s has no option %s; see hactl help %s", h->command->name, argv[*i],
				     h->command->name);
		return false;
	}
	if (is_long && strchr(text, '='))
		value = strchr(text, '=') + 1;
	else if (!is_long && text[1])
		value = text + 1;
	if (!o->value && value) {
		(void)hactl_complain(h, "--%s takes no value", o->name);
		return false;
	}
	if (o->value && !value && o->value[0] == '[')
		value = "";
	if (o->value && !value) {
		if (*i + 1 >= argc) {
			(void)hactl_complain(h, "--%s needs a value: %s", o->name, o->value);
			return false;
		}
		value = argv[++*i];
	}
	return put_option(h, o, value);
}

static bool usage(struct hactl *h, const char *what, const char *word)
{
	(void)hactl_complain(h, "%s: %s%s%s", h->command->name, what, *word ? " " : "", word);
	(void)fputs("usage: hactl ", h->err);
	hactl_print_synopsis(h->command, h->err);
	(void)fputc('\n', h->err);
	return false;
}

bool hactl_parse_args(struct hactl *h, int argc, char **argv)
{
	const char *spec = h->command->words;
	char word[80];
	bool required, options = true, rest = false;

	for (int i = 0; i < argc; i++) {
		if (options && !strcmp(argv[i], "--")) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if (!take_option(h, argc, argv, &i))
				return false;
		} else if (!(rest && strstr(word, "...")) &&
			   !(rest = hactl_next_word(&spec, word, sizeof word, &required))) {
			return usage(h, "too much:", argv[i]);
		} else if (!put_word(h, word, argv[i])) {
			return false;
		}
	}
	if (hactl_next_word(&spec, word, sizeof word, &required) && required)
		return usage(h, "what is missing is", word);
	return true;
}

/* ---- help ---- */

/* " NODE", "[=TIME]" or nothing. */
static const char *option_value(const struct hactl_option *o, char *buf, size_t size)
{
	bool optional = o->value && o->value[0] == '[';

	(void)snprintf(buf, size, "%s%s",
		       optional	  ? "[="
		       : o->value ? " "
				  : "",
		       optional	  ? o->value + 1
		       : o->value ? o->value
				  : "");
	return buf;
}

void hactl_print_synopsis(const struct hactl_command *c, FILE *out)
{
	char value[24];

	(void)fprintf(out, "%s%s%s", c->name, *c->words ? " " : "", c->words);
	for (size_t i = 0; i < hactl_options_count; i++) {
		const struct hactl_option *o = &hactl_options[i];

		if (hactl_command_takes(c, o->name))
			(void)fprintf(out, " [--%s%s]", o->name, option_value(o, value, sizeof value));
	}
}

void hactl_print_help(FILE *out)
{
	(void)fputs("usage: hactl [-s SOCKET] [--json] COMMAND ...\n\n", out);
	for (size_t i = 0; i < hactl_commands_count; i++) {
		(void)fputs("  ", out);
		hactl_print_synopsis(&hactl_commands[i], out);
		(void)fprintf(out, "\n        %s\n", hactl_commands[i].help);
	}
	(void)fputs(
		"\n  -s, --socket SOCKET  control socket of the agent; default " HACTL_SOCKET "\n"
		"  --json               print JSON for programs\n"
		"  --version            print the version\n\n"
		"Exit codes: 0 done, 1 refused or failed, 2 usage, 3 agent not reachable. See hactl(8).\n",
		out);
}

void hactl_print_command_help(const struct hactl_command *c, FILE *out)
{
	(void)fputs("usage: hactl ", out);
	hactl_print_synopsis(c, out);
	(void)fprintf(out, "\n  %s\n", c->help);
	for (size_t i = 0; i < hactl_options_count; i++) {
		const struct hactl_option *o = &hactl_options[i];
		char left[40], value[24];

		if (!hactl_command_takes(c, o->name))
			continue;
		(void)snprintf(left, sizeof left, "%s%c%s--%s%s", o->letter ? "-" : "",
			       o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
			       option_value(o, value, sizeof value));
		(void)fprintf(out, "  %-24s %s\n", left, o->help);
	}
	if (c->role)
		(void)fprintf(out, "  Needs the role %s.\n", config_role_name(c->role));
}

int run_help(struct hactl *h)
{
	const char *name = hactl_arg(h, "command", NULL);
	const struct hactl_command *c = name ? hactl_command_find(name) : NULL;

	if (name && !c)
		return hactl_command_unknown(h, name);
	if (c)
		hactl_print_command_help(c, h->out);
	else
		hactl_print_help(h->out);
	return HACTL_DONE;
}
