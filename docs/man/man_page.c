/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * man_page TEMPLATE: prints the scdoc template with the lines @OPTIONS@ and @COMMANDS@ replaced by what the
 * tables of options and commands say, so that no page can forget one.
 */
#include "config_options.h"
#include "hactl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* scdoc's own signs, so that a table's text is text. */
static void print_plain(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (strchr("_*\\", *p))
			(void)putchar('\\');
		(void)putchar(*p);
	}
}

static void print_sentence(const char *text)
{
	char first[2] = { (char)toupper((unsigned char)*text), 0 };

	print_plain(first);
	print_plain(text + 1);
	if (text[strlen(text) - 1] != '.')
		(void)putchar('.');
	(void)putchar('\n');
}

static const char *type_word(enum option_type type)
{
	static const char *const words[] = {
		[OPTION_STRING] = "TEXT",
		[OPTION_NAME] = "NAME",
		[OPTION_NUMBER] = "NUMBER",
		[OPTION_BOOL] = "yes|no",
		[OPTION_MSEC] = "DURATION",
		[OPTION_PPM] = "PERCENTAGE",
		[OPTION_MILLI] = "DECIMAL",
		[OPTION_BITS] = "0xBITS",
		[OPTION_ENUM] = "WORD",
		[OPTION_ADDRESS] = "ADDRESS",
		[OPTION_ADDRESSES] = "{ ADDRESS, ... }",
		[OPTION_NAMES] = "{ NAME, ... }",
		[OPTION_STRINGS] = "{ TEXT, ... }",
		[OPTION_PRIORITIES] = "{ NUMBER, ... }",
		[OPTION_PREFIXES] = "{ ADDRESS[/LENGTH], ... }",
	};

	return words[type];
}

static void print_option(const struct config_option *o)
{
	char limits[160];

	(void)printf("*%s* = _%s_\n\t", o->key, type_word(o->type));
	print_sentence(o->help);
	(void)fputs("\n\t", stdout);
	if (o->default_text)
		(void)printf("Default *%s*; ", o->default_text);
	else
		(void)printf("%s; ", o->flags & OPTION_REQUIRED	  ? "Required"
				     : o->flags & OPTION_COMPUTED ? "Default computed"
								  : "Optional");
	config_option_limits(o, limits, sizeof limits);
	print_plain(limits);
	(void)printf("; a change is applied by a %s.\n\n",
		     o->flags & OPTION_RELOAD ? "reload" : "restart of the agent");
}

static void print_section_path(const struct config_section *s)
{
	if (s->parent && *s->parent) {
		print_section_path(config_section_find(s->parent));
		(void)fputs(" / ", stdout);
	}
	(void)printf("%s%s", s->name, s->titled ? " TITLE" : "");
}

static void print_options(void)
{
	for (size_t i = 0; i < config_sections_count; i++) {
		const struct config_section *s = &config_sections[i];

		(void)fputs("## ", stdout);
		if (s->parent)
			print_section_path(s);
		else
			(void)fputs("At the top", stdout);
		(void)fputs("\n\n", stdout);
		print_sentence(s->help);
		if (s->parent)
			(void)printf("%u to %u of them%s.\n", s->min, s->max,
				     *s->parent ? " in each section above" : "");
		(void)putchar('\n');
		for (size_t k = 0; k < config_options_count; k++)
			if (!strcmp(config_options[k].section, s->name))
				print_option(&config_options[k]);
	}
}

static void print_command(const struct hactl_command *c)
{
	(void)fputc('*', stdout);
	print_plain(c->name);
	(void)fputc('*', stdout);
	if (*c->words) {
		(void)fputs(" _", stdout);
		print_plain(c->words);
		(void)fputc('_', stdout);
	}
	(void)fputs("\n\t", stdout);
	print_sentence(c->help);
	if (c->role)
		(void)printf("\tNeeds the role *%s*.\n", config_role_name(c->role));
	(void)putchar('\n');
	for (size_t i = 0; i < hactl_options_count; i++) {
		const struct hactl_option *o = &hactl_options[i];

		if (!hactl_command_takes(c, o->name))
			continue;
		(void)fputs("\t", stdout);
		if (o->letter)
			(void)printf("*-%c*, ", o->letter);
		if (o->value && o->value[0] == '[') /* a value that may be left out */
			(void)printf("*--%s*[=_%.*s_]\n\t\t", o->name, (int)strcspn(o->value + 1, "]"),
				     o->value + 1);
		else
			(void)printf("*--%s*%s%s%s\n\t\t", o->name, o->value ? " _" : "",
				     o->value ? o->value : "", o->value ? "_" : "");
		print_sentence(o->help);
		(void)putchar('\n');
	}
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	char line[1024];

	if (!f) {
		(void)fputs("usage: man_page TEMPLATE\n", stderr);
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof line, f)) {
		if (!strcmp(line, "@OPTIONS@\n"))
			print_options();
		else if (!strcmp(line, "@COMMANDS@\n"))
			for (size_t i = 0; i < hactl_commands_count; i++)
				print_command(&hactl_commands[i]);
		else
			(void)fputs(line, stdout);
	}
	(void)fclose(f);
	return EXIT_SUCCESS;
}
