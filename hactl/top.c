/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl top: asks the agent once a second and shows the answer, also while there is none.
 */
#include "cleanup.h"
#include "hactl.h"
#include "top_terminal.h"
#include "top_view.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUND_MS       1000
#define ANSWER_S       1 /* an agent that hangs must not keep the terminal from its user */
#define RECORDS_LATEST 200

struct top {
	struct hactl *h;
	json_t *status, *records; /* replies */
	char *trouble;
};

/* The reply if it is one, or NULL with what hactl would complain of in *ret_trouble. */
static json_t *ask(const struct top *t, const char *command, json_t *args, char **ret_trouble)
{
	struct hactl h = *t->h;
	size_t size;
	int exit_code;
	FILE *err = open_memstream(ret_trouble, &size);

	if (!err)
		return NULL;
	h.command = hactl_command_find(command);
	h.args = args;
	h.json = false;
	h.err = err;
	h.timeout_s = ANSWER_S;
	json_t *reply = hactl_ask(&h, &exit_code);

	if (reply && !hactl_true(reply, "ok"))
		(void)hactl_complain(&h, "%s", hactl_text(reply, "error"));
	(void)fclose(err);
	json_decref(args);
	if (hactl_true(reply, "ok"))
		return reply;
	json_decref(reply);
	return NULL;
}

/* What there is stays if there is nothing newer. */
static bool fetch(struct top *t)
{
	_cleanup_(free_ptr) char *unsaid = NULL;

	free(t->trouble);
	t->trouble = NULL;
	json_t *status = ask(t, "status", json_object(), &t->trouble);

	if (!status)
		return false;
	json_decref(t->status);
	t->status = status;
	json_t *records = ask(t, "history", json_pack("{s:i}", "count", RECORDS_LATEST), &unsaid);

	if (records) {
		json_decref(t->records);
		t->records = records;
	}
	return true;
}

static void print(const struct top *t, int rows, int columns, FILE *out)
{
	char clock[16] = "", trouble[300] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		(void)strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	if (t->trouble)
		(void)snprintf(trouble, sizeof trouble, "%.*s", (int)strcspn(t->trouble, "\n"), t->trouble);
	const struct top_view v = { .colour = t->h->colour,
				    .rows = rows,
				    .columns = columns,
				    .status = json_object_get(t->status, "data"),
				    .records =
					    json_object_get(json_object_get(t->records, "data"), "records"),
				    .time = clock,
				    .trouble = trouble };

	top_view_print(&v, out);
}

static bool draw(const struct top *t, struct top_terminal *terminal)
{
	_cleanup_(free_ptr) char *text = NULL;
	size_t size = 0;
	int rows, columns;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return false;
	top_terminal_size(terminal->out, &rows, &columns);
	print(t, rows, columns, f);
	return fclose(f) == 0 && top_terminal_draw(terminal, text);
}

/* Until a key or a signal ends it; that signal, or 0. */
static int show(struct top *t, struct top_terminal *terminal)
{
	enum top_wait w = TOP_TIME;
	int signal_number = 0;

	while (w != TOP_QUIT) {
		if (w == TOP_TIME)
			(void)fetch(t);
		if (!draw(t, terminal))
			break;
		w = top_terminal_wait(terminal, ROUND_MS, &signal_number);
	}
	return signal_number;
}

static int once(struct top *t)
{
	int rows, columns;
	bool fresh = fetch(t);

	top_terminal_size(STDOUT_FILENO, &rows, &columns);
	if (fresh)
		print(t, rows, columns, t->h->out);
	else
		(void)fputs(t->trouble ? t->trouble : "", t->h->err);
	return fresh ? HACTL_DONE : HACTL_UNREACHABLE;
}

static int live(struct top *t)
{
	struct top_terminal terminal;
	sigset_t ended;
	int signal_number;

	if (top_terminal_open(&terminal, STDIN_FILENO, STDOUT_FILENO) < 0) {
		(void)hactl_complain(t->h, "top needs a terminal; --once prints one picture");
		return HACTL_USAGE;
	}
	signal_number = show(t, &terminal);
	top_terminal_close(&terminal);
	if (signal_number && signal_number != SIGINT) { /* whoever sent it sees that it worked */
		(void)sigemptyset(&ended);
		(void)sigaddset(&ended, signal_number);
		(void)raise(signal_number);
		(void)sigprocmask(SIG_UNBLOCK, &ended, NULL);
	}
	return HACTL_DONE;
}

int run_top(struct hactl *h)
{
	struct top t = { .h = h };
	int ret = hactl_flag(h, "once") ? once(&t) : live(&t);

	json_decref(t.status);
	json_decref(t.records);
	free(t.trouble);
	return ret;
}
