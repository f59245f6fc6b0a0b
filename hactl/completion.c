/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl completion: what may follow on a command line, out of the command table. The scripts for bash and zsh
 * only ask for it, so there is nothing in them that could grow old. Names of groups, nodes, uplinks and
 * trunks are the agent's; a line that hangs for want of one would be worse than one without names, so it is
 * asked for a second at most.
 */
#include "hactl.h"

#include <ctype.h>
#include <string.h>

#define ASK_S 1

static const char bash_script[] =
	"# bash completion for hactl, printed by hactl completion bash\n"
	"_hactl()\n"
	"{\n"
	"\tlocal line\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tcase $line in\n"
	"\t\t$'\\tfiles')\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t\twhile IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- "
	"\"${COMP_WORDS[COMP_CWORD]#=}\")\n"
	"\t\t\t;;\n"
	"\t\t*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(hactl completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _hactl hactl\n";

static const char zsh_script[] =
	"#compdef hactl\n"
	"# zsh completion for hactl, printed by hactl completion zsh\n"
	"_hactl()\n"
	"{\n"
	"\tlocal line files=0\n"
	"\tlocal -a found\n"
	"\tfor line in \"${(@f)$(hactl completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"\t\tif [[ $line == $'\\tfiles' ]]; then\n"
	"\t\t\tfiles=1\n"
	"\t\telif [[ -n $line ]]; then\n"
	"\t\t\tfound+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t(( ${#found} )) && _describe 'hactl' found\n"
	"\t(( files )) && _files\n"
	"}\n"
	"if [[ $funcstack[1] == _hactl ]]; then _hactl \"$@\"; else (( $+functions[compdef] )) && compdef "
	"_hactl hactl; fi\n";

struct completion {
	struct hactl *h;
	const json_t *words; /* the last one is being typed */
	size_t at;	     /* the word that is looked at */
	const char *prefix;  /* what has been typed of it */
	char before[48];     /* "--to=": stays in front of each candidate */
	const char *group;   /* given before, or NULL */
	json_t *status;	     /* the agent's reply, asked for once */
	int offered;
};

static const char *word(const struct completion *c, size_t i)
{
	const char *text = json_string_value(json_array_get(c->words, i));

	return text ? text : "";
}

static bool is_last(const struct completion *c, size_t i)
{
	return i + 1 >= json_array_size(c->words);
}

static void offer(struct completion *c, const char *text, const char *help)
{
	if (!*text || strncmp(text, c->prefix, strlen(c->prefix)) != 0)
		return;
	(void)fprintf(c->h->out, "%s%s\t%.60s\n", c->before, text, help);
	c->offered++;
}

static void offer_files(struct completion *c)
{
	(void)fputs("\tfiles\n", c->h->out);
	c->offered++;
}

/* ---- names that the agent knows ---- */

static const json_t *ask(struct completion *c)
{
	struct hactl h = *c->h;
	int exit_code;

	if (c->status)
		return json_object_get(c->status, "data");
	h.err = fopen("/dev/null", "we");
	if (!h.err)
		return NULL;
	h.command = hactl_command_find("status");
	h.args = json_object();
	h.json = false;
	h.timeout_s = ASK_S;
	c->status = hactl_ask(&h, &exit_code);
	json_decref(h.args);
	(void)fclose(h.err);
	if (!c->status)
		c->status = json_object();
	return json_object_get(c->status, "data");
}

static void offer_names(struct completion *c, const json_t *list, const char *help)
{
	json_t *o;
	size_t i;

	json_array_foreach((json_t *)list, i, o) offer(c, hactl_text(o, "name"), help);
}

static void offer_trunks(struct completion *c)
{
	json_t *g;
	size_t i;

	json_array_foreach(json_object_get(ask(c), "groups"), i, g)
	{
		if (c->group && !strcmp(c->group, hactl_text(g, "name")))
			offer_names(c, json_object_get(g, "trunks"), "trunk");
	}
}

static void offer_commands(struct completion *c)
{
	for (size_t i = 0; i < hactl_commands_count; i++)
		offer(c, hactl_commands[i].name, hactl_commands[i].help);
}

/* What a word of capitals in the table stands for. */
static void offer_kind(struct completion *c, const char *kind)
{
	if (!strcmp(kind, "GROUP"))
		offer_names(c, json_object_get(ask(c), "groups"), "group");
	else if (!strcmp(kind, "NODE"))
		offer_names(c, json_object_get(ask(c), "nodes"), "node");
	else if (!strcmp(kind, "UPLINK"))
		offer_names(c, json_object_get(ask(c), "uplinks"), "uplink");
	else if (!strcmp(kind, "TRUNK"))
		offer_trunks(c);
	else if (!strcmp(kind, "COMMAND"))
		offer_commands(c);
	else if (!strcmp(kind, "FILE") || !strcmp(kind, "DIR"))
		offer_files(c);
}

/* ---- options and words ---- */

static bool given(const struct completion *c, const char *option)
{
	for (size_t i = 0; !is_last(c, i); i++) {
		const char *w = word(c, i);
		size_t len = strlen(option);

		if (!strncmp(w, "--", 2) && !strncmp(w + 2, option, len) &&
		    (!w[2 + len] || w[2 + len] == '='))
			return true;
	}
	return false;
}

static void offer_options(struct completion *c, const struct hactl_command *command)
{
	for (size_t i = 0; i < hactl_options_count; i++) {
		const struct hactl_option *o = &hactl_options[i];
		char text[40];

		if (!hactl_command_takes(command, o->name) || given(c, o->name))
			continue;
		(void)snprintf(text, sizeof text, "--%s", o->name);
		offer(c, text, o->help);
	}
}

static void offer_global(struct completion *c)
{
	offer(c, "--json", "print JSON for programs");
	offer(c, "--socket", "control socket of the agent");
	offer(c, "--version", "print the version");
	offer(c, "--help", "print the list of commands");
}

/* "list|diff", "NODE|confirm|history", "GROUP" */
static void offer_word(struct completion *c, const char *spec)
{
	char alternative[40];

	while (*spec) {
		size_t len = strcspn(spec, "|");

		(void)snprintf(alternative, sizeof alternative, "%.*s", (int)len, spec);
		if (isupper((unsigned char)*alternative))
			offer_kind(c, alternative);
		else
			offer(c, alternative, "");
		spec += len + (spec[len] == '|');
	}
}

/* Bash makes three words of "--to=n2". Moves on over the value; true if that is what is being typed. */
static bool over_value(struct completion *c, const char *kind, bool optional)
{
	bool equals = !is_last(c, c->at) && !strcmp(word(c, c->at + 1), "=");

	if (is_last(c, c->at) || (optional && !equals))
		return false;
	c->at += 1 + (equals && !is_last(c, c->at + 1));
	if (!is_last(c, c->at))
		return false;
	c->prefix = !strcmp(word(c, c->at), "=") ? "" : word(c, c->at);
	offer_kind(c, kind);
	return true;
}

/* An option of the command, with its value. True if it was what is being typed. */
static bool over_option(struct completion *c, const struct hactl_command *command)
{
	const char *text = word(c, c->at) + 1 + (word(c, c->at)[1] == '-');
	char name[40];

	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "="), text);
	const struct hactl_option *o = hactl_option_find(name);

	if (!o || !o->value || !hactl_command_takes(command, o->name))
		return false;
	if (!text[strcspn(text, "=")])
		return over_value(c, o->value, *o->value == '[');
	if (!is_last(c, c->at))
		return false;
	(void)snprintf(c->before, sizeof c->before, "--%s=", o->name);
	c->prefix = strchr(text, '=') + 1;
	offer_kind(c, o->value);
	return true;
}

/* The words of the command one after the other, until the one that is being typed. */
static void complete_command(struct completion *c, const struct hactl_command *command)
{
	const char *spec = command->words;
	char expected[80];
	bool required, more = true;

	for (c->at++; !is_last(c, c->at); c->at++) {
		const char *w = word(c, c->at);

		if (w[0] == '-' && w[1]) {
			if (over_option(c, command))
				return;
			continue;
		}
		more = hactl_next_word(&spec, expected, sizeof expected, &required);
		if (more && !strcmp(expected, "GROUP"))
			c->group = w;
	}
	c->prefix = word(c, c->at);
	if (*c->prefix == '-' && strchr(c->prefix, '=') && over_option(c, command))
		return;
	if (*c->prefix != '-' && more && hactl_next_word(&spec, expected, sizeof expected, &required))
		offer_word(c, expected);
	if (!c->offered)
		offer_options(c, command);
}

/* hactl's own options come before the command. */
static void complete(struct completion *c)
{
	for (c->at = 0; !is_last(c, c->at); c->at++) {
		const char *w = word(c, c->at);
		bool socket = !strcmp(w, "-s") || !strcmp(w, "--socket");

		if (socket && over_value(c, "FILE", false))
			return;
		if (socket)
			c->h->socket_path = word(c, c->at);
		else if (!strncmp(w, "--socket=", 9))
			c->h->socket_path = w + 9;
		if (*w == '-')
			continue;
		if (hactl_command_find(w))
			complete_command(c, hactl_command_find(w));
		return;
	}
	c->prefix = word(c, c->at);
	if (*c->prefix == '-')
		offer_global(c);
	else
		offer_commands(c);
}

int run_completion(struct hactl *h)
{
	const char *what = hactl_arg(h, "action", "");
	struct completion c = { .h = h, .words = json_object_get(h->args, "words") };

	if (!strcmp(what, "bash"))
		(void)fputs(bash_script, h->out);
	else if (!strcmp(what, "zsh"))
		(void)fputs(zsh_script, h->out);
	else if (json_array_size(c.words))
		complete(&c);
	json_decref(c.status);
	return HACTL_DONE;
}
