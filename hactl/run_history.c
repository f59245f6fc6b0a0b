/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "hactl.h"
#include "history.h"
#include "history_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

static int verify(struct hactl *h)
{
	const char *dir = hactl_arg(h, "state_dir", HACTL_STATE_DIR);
	_cleanup_(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct history_verdict v;
	int r = fd < 0 ? -errno : history_verify(fd, &v);

	if (r < 0) {
		(void)hactl_complain(h, "%s: the history cannot be read: %s", dir, strerror(-r));
		return HACTL_REFUSED;
	}
	/* Nothing to verify is not "intact": the file may have been removed as a whole. */
	if (v.lines == 0) {
		(void)hactl_complain(h, "%s/history: there is no record to verify; is --state-dir right?",
				     dir);
		return HACTL_REFUSED;
	}
	if (h->json) {
		json_t *j = json_pack("{s:b, s:I, s:I, s:s, s:s}", "intact", v.intact, "lines",
				      (json_int_t)v.lines, "bad_line", (json_int_t)v.bad_line, "head", v.head,
				      "text", v.text);

		(void)json_dumpf(j, h->out, JSON_COMPACT);
		(void)fputc('\n', h->out);
		json_decref(j);
	} else {
		(void)fprintf(h->out, "%s/history: ", dir);
		hactl_put(h, h->out, v.intact ? STYLE_GOOD : STYLE_BAD, 0, v.intact ? "intact" : "CHANGED");
		(void)fprintf(h->out, ", %s\n", v.text);
		if (v.intact)
			(void)fprintf(h->out,
				      "hash of the last record, to compare with a copy kept elsewhere: %s\n",
				      v.head);
	}
	return v.intact ? HACTL_DONE : HACTL_REFUSED;
}

int run_history(struct hactl *h)
{
	return hactl_flag(h, "verify") ? verify(h) : hactl_run_remote(h);
}

void show_history(struct hactl *h, const json_t *data)
{
	json_t *list = json_is_array(data) ? (json_t *)data : json_object_get(data, "records"), *r;
	size_t i;

	if (!json_array_size(list))
		(void)fputs("nothing has happened yet\n", h->out);
	json_array_foreach(list, i, r) history_print_line(r, h->out);
}

/* ---- fence ---- */

/* "confirm n2", "history", or a node. */
int run_fence_command(struct hactl *h)
{
	const char *what = hactl_arg(h, "action", ""), *node = hactl_arg(h, "node", "");
	bool word = !strcmp(what, "confirm") || !strcmp(what, "history");

	if (!word && *node) {
		(void)hactl_complain(h, "fence: too much: %s", node);
		return HACTL_USAGE;
	}
	if (!strcmp(what, "confirm") && !*node) {
		(void)hactl_complain(h, "fence confirm: what is missing is NODE");
		return HACTL_USAGE;
	}
	if (!word) { /* `what` goes with the action that it was taken for */
		json_object_set_new(h->args, "node", json_string(what));
		json_object_set_new(h->args, "action", json_string("off"));
	}
	return hactl_run_remote(h);
}

void show_fence(struct hactl *h, const json_t *data)
{
	const char *node = hactl_text(data, "node");

	if (json_object_get(data, "records"))
		show_history(h, data);
	else if (!strcmp(hactl_text(data, "action"), "confirm"))
		(void)fprintf(h->out, "%s is taken for off: what waited for that goes on\n", node);
	else
		(void)fprintf(h->out, "%s is to be shot; see hactl status and hactl fence history\n", node);
}
