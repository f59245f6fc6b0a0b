/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The writer process. It may block as long as the disk wants. It outlives a killed agent until everything
 * that was handed over is written.
 */
#include "cleanup.h"
#include "history.h"
#include "recorder_wire.h"
#include "state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG_MAX 256 /* history records that wait for a disk that works again */
#define RETRY_MS    1000

struct backlog_line {
	char *text;
	size_t len;
};

struct writer_process {
	int fd, dir_fd;
	uint64_t history_bytes_max;
	bool history_open;
	struct history_file history;
	struct backlog_line backlog[BACKLOG_MAX];
	size_t backlog_count;
	int journal_fd;
	int journal_error;
	bool journal_started;
	uint8_t journal_next;
};

static void tell(struct writer_process *w, const struct recorder_message *m, size_t len)
{
	/* If the agent has gone, nobody waits for the answer. */
	(void)send(w->fd, m, RECORDER_HEAD + len, MSG_NOSIGNAL);
}

static void tell_result(struct writer_process *w, struct recorder_message *m, size_t len, int r)
{
	m->error = -r;
	tell(w, m, len);
}

/* ---- history ---- */

/* The oldest waiting record. */
static int history_try(struct writer_process *w)
{
	struct backlog_line *l = &w->backlog[0];
	int r = 0;

	if (!w->history_open) {
		r = history_open(&w->history, w->dir_fd, w->history_bytes_max);
		w->history_open = r == 0;
	}
	if (r == 0)
		r = history_append(&w->history, l->text, l->len);
	if (r < 0 && r != -EINVAL)
		return r;
	free(l->text); /* written, known already, or no record at all */
	w->backlog_count--;
	memmove(w->backlog, w->backlog + 1, w->backlog_count * sizeof w->backlog[0]);
	return r;
}

static void history_work(struct writer_process *w)
{
	struct recorder_message m = { .file = RECORDER_HISTORY };
	int r = 0;

	m.ceiling = 0; /* how many were written */
	while (w->backlog_count > 0 && r >= 0) {
		r = history_try(w);
		m.ceiling += r == 0;
		if (r == -EINVAL)
			r = 0;
	}
	tell_result(w, &m, sizeof m.ceiling, r < 0 ? r : 0);
}

static void history_take(struct writer_process *w, const struct recorder_message *m, size_t len)
{
	char *text = w->backlog_count < BACKLOG_MAX ? malloc(len) : NULL;

	if (text) {
		memcpy(text, m->bytes, len);
		w->backlog[w->backlog_count++] = (struct backlog_line){ text, len };
	}
	history_work(w);
}

/* ---- journal ---- */

static off_t journal_age(struct writer_process *w, const char *name)
{
	struct stat st;

	return fstatat(w->dir_fd, name, &st, 0) == 0 ? (off_t)st.st_mtim.tv_sec : 0;
}

static int journal_fresh(struct writer_process *w)
{
	static const char *const files[] = { "journal.0", "journal.1" };

	if (!w->journal_started)
		w->journal_next = journal_age(w, files[0]) > journal_age(w, files[1]);
	w->journal_started = true;
	close_fd(&w->journal_fd);
	w->journal_fd = openat(w->dir_fd, files[w->journal_next],
			       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->journal_fd < 0)
		return -errno;
	w->journal_next ^= 1;
	return 0;
}

static void journal_take(struct writer_process *w, struct recorder_message *m, size_t len)
{
	int r = m->fresh ? journal_fresh(w) : 0;

	if (r == 0 && w->journal_fd < 0)
		return; /* told already, or not yet begun */
	if (r == 0) {
		ssize_t n = write(w->journal_fd, m->bytes, len);

		r = n < 0 ? -errno : (size_t)n != len ? -ENOSPC : 0;
	}
	if (r < 0)
		close_fd(&w->journal_fd); /* the rest of this file would not fit to it */
	if (r < 0)
		w->journal_fd = -EBADF;
	if (r != w->journal_error) {
		w->journal_error = r;
		tell_result(w, m, 0, r);
	}
}

/* ---- configuration ---- */

static void config_take(struct writer_process *w, struct recorder_message *m, size_t len)
{
	const char *text = memchr(m->bytes, 0, len);

	if (!text || m->fresh >= CONFIG_FILE_STEPS)
		return;
	text++;
	tell_result(w, m, 0,
		    config_file_step((enum config_file_step)m->fresh, m->bytes, text,
				     len - (size_t)(text - m->bytes)));
}

/* ---- life ---- */

static void handle(struct writer_process *w, struct recorder_message *m, size_t len)
{
	switch ((enum recorder_file)m->file) {
	case RECORDER_CEILING:
		tell_result(w, m, sizeof m->ceiling, state_ceiling_save(w->dir_fd, m->ceiling));
		break;
	case RECORDER_VOTERS:
		tell_result(w, m, sizeof m->voters, state_voters_save(w->dir_fd, &m->voters));
		break;
	case RECORDER_INTENT:
		tell_result(w, m, sizeof m->intent, state_intent_save(w->dir_fd, &m->intent));
		break;
	case RECORDER_UPLINKS:
		tell_result(w, m, sizeof m->uplinks, state_uplinks_save(w->dir_fd, &m->uplinks));
		break;
	case RECORDER_CONFIG:
		config_take(w, m, len);
		break;
	case RECORDER_HISTORY:
		history_take(w, m, len);
		break;
	case RECORDER_JOURNAL:
		journal_take(w, m, len);
		break;
	case RECORDER_FILES_MAX:
		break;
	}
}

/* An ordinary process: no real-time priority, no locked memory, none of the agent's descriptors and signals.
 */
static void become_ordinary(int fd, int dir_fd, int lock_fd)
{
	const struct sched_param normal = { 0 };
	int keep[3] = { fd, dir_fd, lock_fd };
	sigset_t none;

	(void)prctl(PR_SET_NAME, "ringkeep-write");
	(void)sched_setscheduler(0, SCHED_OTHER, &normal); /* lowering is always allowed */
	(void)munlockall();
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL); /* KILL, STOP and the gaps refuse */
	/* The end of the agent ends us, not the signals sent to both. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file limit is an error like a full disk */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 3; i < 1024; i++)
		if (i != keep[0] && i != keep[1] && i != keep[2])
			(void)close(i);
}

_Noreturn void recorder_child(int fd, int dir_fd, int lock_fd, uint32_t history_kib)
{
	struct writer_process w = {
		.fd = fd, .dir_fd = dir_fd, .journal_fd = -EBADF, .history_bytes_max = history_kib * 1024ULL
	};
	struct recorder_message *m = malloc(sizeof *m);

	if (!m)
		_exit(EXIT_FAILURE); /* the agent tries again */
	become_ordinary(fd, dir_fd, lock_fd);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, w.backlog_count ? RETRY_MS : -1);

		if (n == 0)
			history_work(&w);
		if (n <= 0)
			continue;
		ssize_t got = recv(fd, m, sizeof *m, 0);

		if (got == 0 || (got < 0 && errno != EINTR)) {
			history_work(&w);
			_exit(0);
		}
		if (got >= (ssize_t)RECORDER_HEAD)
			handle(&w, m, (size_t)got - RECORDER_HEAD);
	}
}
