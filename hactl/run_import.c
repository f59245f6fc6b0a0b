/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl config import FILE: reads, maps, prints, and looks at the result with our own parser.
 */
#include "cleanup.h"
#include "hactl.h"
#include "import.h"
#include "keepalived_scan.h"
#include "node_key.h"
#include "sentence.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* Stands in for the key that is not there yet, so that the rest can be judged. */
#define NO_KEY "rk1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void host_name(char *ret, size_t size)
{
	char name[HOST_NAME_MAX + 1] = "";

	(void)gethostname(
		name, sizeof name - 1); /* without one the name is empty, and import_name() takes another */
	name[strcspn(name, ".")] = 0;
	(void)snprintf(ret, size, "%s", name);
}

/* False: there is none that can be read. */
static bool own_key(struct hactl *h, char ret[NODE_PUBLIC_TEXT_MAX])
{
	struct sentence why = { "" };
	struct node_key key;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/node.key", hactl_arg(h, "state_dir", HACTL_STATE_DIR));
	if (node_key_load(path, &key, &why) < 0)
		return false;
	node_public_format(&key.public_key, ret);
	node_key_wipe(&key);
	return true;
}

static char *import_text(const struct import *i, const struct findings *f)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		import_print(i, f, out);
		(void)fclose(out);
	}
	return text;
}

/* What `hactl config check` would say, as findings. */
static void check_result(struct import *i, struct findings *f)
{
	_cleanup_(config_free_ptr) struct config *c = config_new();
	static struct config_errors errors;
	const char *key = i->public_key;
	_cleanup_(free_ptr) char *text = NULL;

	i->public_key = key ? key : NO_KEY;
	text = import_text(i, f);
	i->public_key = key;
	if (!c || !text || config_parse_text("result", text, strlen(text), c, &errors) == 0)
		return;
	for (uint32_t n = 0; n < errors.count && n < CONFIG_ERRORS_MAX; n++)
		findings_add(f, FINDING_ERROR, (struct place){ 0, 0 }, "%s", errors.error[n].text);
}

/* ---- output ---- */

static void print_findings(struct hactl *h, const struct findings *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->list[i];
		const char *file = f->files_count ? f->file[x->at.file] : "";

		if (x->at.line)
			(void)fprintf(h->err, "%s:%d: %s: %s\n", file, x->at.line,
				      finding_level_name(x->level), x->text);
		else
			(void)fprintf(h->err, "%s: %s: %s\n", file, finding_level_name(x->level), x->text);
	}
	if (f->more)
		(void)fprintf(h->err, "and %u more\n", f->more);
}

static json_t *findings_json(const struct findings *f, bool notes)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->list[i];

		if ((x->level == FINDING_NOTE) == notes)
			(void)json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "file",
								    f->files_count ? f->file[x->at.file] : "",
								    "line", x->at.line, "text", x->text));
	}
	return list;
}

static void print_json(struct hactl *h, const struct findings *f, const char *config)
{
	json_t *j = json_pack("{s:b, s:s, s:o, s:o}", "ok", !f->behaviour, "config", config, "left_out",
			      findings_json(f, false), "notes", findings_json(f, true));

	(void)json_dumpf(j, h->out, JSON_COMPACT);
	(void)fputc('\n', h->out);
	json_decref(j);
}

/* ---- the whole ---- */

static int read_file(struct hactl *h, const char *path, struct findings *f, struct keepalived *k)
{
	struct keepalived_scan scan;
	char host[64];
	int r;

	host_name(host, sizeof host);
	keepalived_scan_init(&scan, f, hactl_arg(h, "config_id", host));
	r = keepalived_scan_file(&scan, path);
	if (r == 0)
		keepalived_read(&scan, k);
	keepalived_scan_free(&scan);
	return r;
}

static void name_node(struct hactl *h, const struct keepalived *k, struct import *i)
{
	char host[64];

	host_name(host, sizeof host);
	import_name(hactl_arg(h, "node", k->router_id[0] ? k->router_id : host), i->node);
	i->node_id = (uint32_t)hactl_number(h->args, "id", 1);
}

static int usage(struct hactl *h, const char *path, const char *what)
{
	(void)hactl_complain(h, "%s: %s", path, what);
	return HACTL_USAGE;
}

static int import_file(struct hactl *h, const char *path, struct findings *f, struct keepalived *k,
		       struct import *i)
{
	char key[NODE_PUBLIC_TEXT_MAX];
	int r = read_file(h, path, f, k);

	if (r < 0) {
		print_findings(h, f);
		return usage(h, path, r == -EBADMSG || r == -E2BIG ? "this cannot be read" : strerror(-r));
	}
	name_node(h, k, i);
	import_map(k, f, i);
	if (!i->groups_count) {
		findings_sort(f);
		print_findings(h, f);
		return usage(h, path, "there is no vrrp_instance in it that can be taken over");
	}
	i->public_key = own_key(h, key) ? key : NULL;
	if (!i->public_key)
		findings_add(f, FINDING_LEFT, (struct place){ 0, 0 },
			     "public-key: this node has none yet; run `hactl key generate` and import again, "
			     "or put it in");
	check_result(i, f);
	findings_sort(f);

	_cleanup_(free_ptr) char *text = import_text(i, f);

	if (!text)
		return hactl_complain(h, "%s", strerror(ENOMEM));
	if (h->json) {
		print_json(h, f, text);
	} else {
		(void)fputs(text, h->out);
		print_findings(h, f);
	}
	return f->behaviour ? HACTL_REFUSED : HACTL_DONE;
}

int run_import(struct hactl *h)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(keepalived_free_ptr) struct keepalived *k = keepalived_new();
	_cleanup_(import_free_ptr) struct import *i = import_new();
	const char *node = hactl_arg(h, "node", NULL);
	char name[RK_NAME_MAX];

	if (!f || !k || !i)
		return hactl_complain(h, "%s", strerror(ENOMEM));
	if (hactl_number(h->args, "id", 1) > NODE_ID_MAX)
		return usage(h, "--id", "a node's id is a number from 1 to 63");
	if (node)
		import_name(node, name);
	if (node && strcmp(node, name))
		return usage(h, "--node", "a name has up to 31 letters, digits and, not first, - _ .");
	return import_file(h, hactl_arg(h, "file", HACTL_KEEPALIVED), f, k, i);
}
