/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Commands that can do without an agent: config, replay.
 */
#include "cleanup.h"
#include "findings.h"
#include "hactl.h"
#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- config ---- */

/* NULL after the errors have been printed. */
static struct config *load(struct hactl *h, const char *path)
{
	struct config *c = config_new();
	static struct config_errors errors;
	int r = c ? config_parse_file(path, c, &errors) : -ENOMEM;

	if (r == 0)
		return c;
	for (uint32_t i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
		(void)fprintf(h->err, "%s\n", errors.error[i].text);
	if (errors.count > CONFIG_ERRORS_MAX)
		(void)fprintf(h->err, "and %u more\n", errors.count - CONFIG_ERRORS_MAX);
	if (h->json) {
		json_t *list = json_array();

		for (uint32_t i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++)
			(void)json_array_append_new(list,
						    json_pack("{s:i, s:s}", "line", errors.error[i].line,
							      "text", errors.error[i].text));
		json_t *j = json_pack("{s:b, s:s, s:o}", "ok", 0, "code", "config", "errors", list);

		(void)json_dumpf(j, h->out, JSON_COMPACT);
		(void)fputc('\n', h->out);
		json_decref(j);
	}
	config_free(c);
	return NULL;
}

static void print_good(struct hactl *h, const struct config *c, const char *path)
{
	(void)fprintf(h->out, "%s: good; cluster %s, %u nodes, %u groups, hash %016llx\n", path, c->cluster,
		      c->nodes_count, c->groups_count, (unsigned long long)c->hash);
	(void)fprintf(h->out, "safety %s, %s", config_safety(c), config_safety_note(c));
	if (config_replaces_in_time(c))
		(void)fprintf(h->out, "; a dead node is replaced within %u ms",
			      config_timing_takeover_ms(&c->timing));
	(void)fputc('\n', h->out);
	for (uint32_t d = 0; d < c->fence_devices_count; d++)
		if (c->fence_devices[d].kind == CONFIG_FENCE_WATCHDOG && !config_watchdog_counts(c))
			(void)fprintf(
				h->out,
				"note: fence-device %s: a watchdog proves nothing here, so its level always "
				"fails: that takes watchdog { quorum = yes } and three PBX nodes\n",
				c->fence_devices[d].name);
	for (uint32_t g = 0; g < c->groups_count; g++)
		if (!strcmp(c->groups[g].pbx[0].adapter, "freeswitch"))
			(void)fprintf(h->out,
				      "note: group %s: the freeswitch adapter is experimental: it has never "
				      "been run with a real FreeSWITCH (docs/FREESWITCH.md)\n",
				      c->groups[g].name);
}

static void print_finding(struct hactl *h, const struct findings *f, const struct finding *x)
{
	FILE *out = x->level == FINDING_ERROR ? h->err : h->out;

	(void)fprintf(out, "%s%s:", x->level == FINDING_ERROR ? "" : "note: ", f->file[x->at.file]);
	if (x->at.line)
		(void)fprintf(out, "%d:", x->at.line);
	(void)fprintf(out, " %s\n", x->text);
}

static void append(json_t *list, const struct findings *f, const struct finding *x)
{
	(void)json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "file", f->file[x->at.file], "line",
						    x->at.line, "text", x->text));
}

bool hactl_tell_findings(struct hactl *h, struct findings *f, json_t *ret_errors, json_t *ret_notes)
{
	findings_sort(f);
	for (uint32_t i = 0; i < f->count; i++) {
		if (h->json)
			append(f->list[i].level == FINDING_ERROR ? ret_errors : ret_notes, f, &f->list[i]);
		else
			print_finding(h, f, &f->list[i]);
	}
	if (f->more && !h->json)
		(void)fprintf(h->err, "and %u more\n", f->more);
	return !f->behaviour;
}

static int check(struct hactl *h, const struct config *c, const char *path)
{
	json_t *errors = json_array(), *notes = json_array(), *j;
	char hash[20];
	bool good;

	if (!h->json)
		print_good(h, c, path);
	good = hactl_check_corosync(h, c, errors, notes);
	good &= hactl_check_fence(h, c, path, errors, notes);
	good &= hactl_check_uplinks(h, c, path, errors, notes);
	(void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)c->hash);
	j = json_pack("{s:b, s:s, s:s, s:o, s:o}", "ok", good, "hash", hash, "safety", config_safety(c),
		      "errors", errors, "notes", notes);
	if (h->json) {
		(void)json_dumpf(j, h->out, JSON_COMPACT);
		(void)fputc('\n', h->out);
	}
	json_decref(j);
	return good ? HACTL_DONE : HACTL_REFUSED;
}

static char *canonical(const struct config *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f) {
		config_print(c, f);
		(void)fclose(f);
	}
	return text;
}

/* The lines of one text that the other has not, in order; enough for files whose lines hardly repeat. */
static void print_only_in(FILE *out, const char *sign, const char *text, const char *other)
{
	char section[80] = "", told[80] = "";

	for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
		int len = (int)strcspn(p, "\n");
		char line[512];
		const char *at;

		(void)snprintf(line, sizeof line, "\n%.*s\n", len, p);
		if (*p != ' ')
			(void)snprintf(section, sizeof section, "%.*s", len, p);
		at = strncmp(other, line + 1, (size_t)len + 1) ? strstr(other, line) : other;
		if (at)
			continue;
		if (*p == ' ' && strcmp(section, told))
			(void)fprintf(out, "  %s\n", section);
		memcpy(told, section, sizeof told);
		(void)fprintf(out, "%s %.*s\n", sign, len, p);
	}
}

static int diff(struct hactl *h, const struct config *new_config)
{
	_cleanup_(config_free_ptr) struct config *old = load(h, HACTL_CONFIG);
	_cleanup_(free_ptr) char *old_text = old ? canonical(old) : NULL, *new_text = canonical(new_config);
	const char *restart;

	if (!old_text || !new_text)
		return HACTL_REFUSED;
	if (old->hash == new_config->hash) {
		(void)fputs("no difference\n", h->out);
		return HACTL_DONE;
	}
	print_only_in(h->out, "-", old_text, new_text);
	print_only_in(h->out, "+", new_text, old_text);
	restart = config_restart_needed(old, new_config);
	(void)fprintf(h->out,
		      restart ? "%s needs a restart of the agent (which moves nothing)\n"
			      : "a reload applies all of it%s\n",
		      restart ? restart : "");
	return HACTL_REFUSED; /* as diff(1) */
}

/* ---- one configuration for all nodes ---- */

static void print_pushed(struct hactl *h, const json_t *data)
{
	json_t *list = json_object_get(data, "nodes"), *n;
	size_t i;

	(void)fprintf(h->out, "%s\n",
		      hactl_true(data, "installed")
			      ? "on the disk of every node; it counts when each agent has been "
				"started again (which moves nothing)"
		      : hactl_true(data, "taken") ? "in force on every node"
						  : "every node would take it; nothing was changed");
	json_array_foreach(list, i, n)(void)
		fprintf(h->out, "  %s  %s\n", hactl_text(n, "node"), hactl_text(n, "reason"));
}

static char *file_text(struct hactl *h, const char *path)
{
	_cleanup_(fclose_ptr) FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	/* It was read once already: up to its end, since text has no NUL. */
	if (!f || getdelim(&text, &size, 0, f) < 0) {
		(void)hactl_complain(h, "%s: %s", path, strerror(errno));
		free(text);
		return NULL;
	}
	return text;
}

static int push(struct hactl *h, const char *path)
{
	_cleanup_(free_ptr) char *text = file_text(h, path);
	const char *mode = hactl_flag(h, "dry_run")   ? "check"
			   : hactl_flag(h, "install") ? "install"
						      : "apply";
	json_t *args, *reply;
	int ret = HACTL_UNREACHABLE;

	if (!text)
		return HACTL_REFUSED;
	args = json_pack("{s:s, s:s, s:s, s:s, s:b}", "action", "push", "text", text, "mode", mode, "without",
			 hactl_arg(h, "without", ""), "wait", 1);
	if (!args)
		return hactl_complain(h, "%s: this is no text", path);
	json_decref(h->args);
	h->args = args;
	reply = hactl_ask(h, &ret);
	if (reply && hactl_true(reply, "ok") && !h->json)
		print_pushed(h, json_object_get(reply, "data"));
	return reply ? hactl_finish(h, reply) : ret;
}

int run_config(struct hactl *h)
{
	const char *action = hactl_arg(h, "action", ""), *path = hactl_arg(h, "file", HACTL_CONFIG);

	if (!strcmp(action, "import"))
		return run_import(h);

	_cleanup_(config_free_ptr) struct config *c = load(h, path);

	if (!c)
		return HACTL_REFUSED;
	if (!strcmp(action, "check"))
		return check(h, c, path);
	if (!strcmp(action, "diff"))
		return diff(h, c);
	if (!strcmp(action, "push"))
		return push(h, path);
	if (!strcmp(action, "show")) {
		config_print(c, h->out);
		return HACTL_DONE;
	}
	config_explain(c, h->out);
	if (config_needs_lease(c))
		hactl_explain_corosync(h);
	return HACTL_DONE;
}

/* ---- replay ---- */

int run_replay(struct hactl *h)
{
	char why[200];
	int r = journal_replay(hactl_arg(h, "file", ""), hactl_flag(h, "quiet"), h->out, why, sizeof why);

	if (r < 0)
		(void)hactl_complain(h, "%s: %s", hactl_arg(h, "file", ""), why);
	return r == 0 ? HACTL_DONE : HACTL_REFUSED;
}
