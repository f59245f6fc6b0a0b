/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include "cleanup.h"
#include "clock_read.h"
#include "recorder_wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define RETRY_NS	 NS_PER_S
#define FORMER_WRITER_MS 3000
#define SOCKET_BYTES	 (8 * 1024 * 1024)

const char *recorder_file_name(enum recorder_file f)
{
	static const char *const names[] = {
		[RECORDER_CEILING] = "epoch",	     [RECORDER_VOTERS] = "voters",
		[RECORDER_INTENT] = "intent",	     [RECORDER_UPLINKS] = "uplinks",
		[RECORDER_CONFIG] = "configuration", [RECORDER_HISTORY] = "history",
		[RECORDER_JOURNAL] = "journal",
	};

	return (unsigned)f < RECORDER_FILES_MAX ? names[f] : "unknown";
}

static void sleep_ms(int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* The lock on the directory that a writer holds for all its life: two would mix up the history. */
static int lock_directory(int dir_fd, int wait_ms)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && wait_ms > 0; wait_ms -= 10)
		sleep_ms(10);
	return fd; /* a former writer that hangs on its disk does not keep us from starting */
}

static int spawn(struct recorder *r, int wait_ms)
{
	int pair[2], size = SOCKET_BYTES;
	int lock_fd = lock_directory(r->dir_fd, wait_ms);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		int error = errno;

		close_fd(&lock_fd);
		return -error;
	}
	/* Room for a snapshot of the core at once; unprivileged agents get what the system allows. */
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(pair[0]);
		recorder_child(pair[1], r->dir_fd, lock_fd, r->history_kib);
	}
	int error = errno;

	(void)close(pair[1]);
	close_fd(&lock_fd); /* the child's copy keeps the lock */
	if (pid < 0) {
		(void)close(pair[0]);
		return -error;
	}
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	r->fd = pair[0];
	r->child = pid;
	r->ceiling_sent = r->voters_sent = r->intent_sent = r->uplinks_sent = false;
	return 0;
}

int recorder_start(struct recorder *r, int dir_fd, uint32_t history_kib, uint32_t journal_kib,
		   const struct recorder_ops *ops, void *ctx)
{
	*r = (struct recorder){ .ops = ops,
				.ctx = ctx,
				.dir_fd = dir_fd,
				.history_kib = history_kib,
				.journal_kib = journal_kib,
				.fd = -EBADF,
				.next = BOOT_NEVER };
	return spawn(r, FORMER_WRITER_MS);
}

void recorder_stop(struct recorder *r, int timeout_ms)
{
	close_fd(&r->fd);
	r->fd = -EBADF;
	for (; r->child > 0 && waitpid(r->child, NULL, WNOHANG) == 0; timeout_ms -= 5) {
		if (timeout_ms <= 0) {
			/* A process that hangs in its disk cannot be waited for. */
			(void)kill(r->child, SIGKILL);
			break;
		}
		sleep_ms(5);
	}
	r->child = 0;
}

int recorder_fd(const struct recorder *r)
{
	return r->fd >= 0 ? r->fd : -1;
}

/* ---- to the writer ---- */

static int send_message(struct recorder *r, const struct recorder_message *m, const void *data, size_t len)
{
	struct iovec iov[2] = { { (void *)m, RECORDER_HEAD }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	assert(len <= RECORDER_MESSAGE_MAX);
	if (r->fd < 0)
		return -EAGAIN;
	return sendmsg(r->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static bool is_waiting(const struct recorder *r)
{
	return (r->ceiling_pending && !r->ceiling_sent) || (r->voters_pending && !r->voters_sent) ||
	       (r->intent_pending && !r->intent_sent) || (r->uplinks_pending && !r->uplinks_sent);
}

/* What must not be lost, unless it is on its way already. */
static void send_pending(struct recorder *r)
{
	struct recorder_message m = { .file = RECORDER_CEILING };

	if (r->ceiling_pending && !r->ceiling_sent)
		r->ceiling_sent = send_message(r, &m, &r->ceiling, sizeof r->ceiling) == 0;
	m.file = RECORDER_VOTERS;
	if (r->voters_pending && !r->voters_sent)
		r->voters_sent = send_message(r, &m, &r->voters, sizeof r->voters) == 0;
	m.file = RECORDER_INTENT;
	if (r->intent_pending && !r->intent_sent)
		r->intent_sent = send_message(r, &m, &r->intent, sizeof r->intent) == 0;
	m.file = RECORDER_UPLINKS;
	if (r->uplinks_pending && !r->uplinks_sent)
		r->uplinks_sent = send_message(r, &m, &r->uplinks, sizeof r->uplinks) == 0;
	if (is_waiting(r) && r->fd >= 0)
		r->next = boot_min(r->next, (boot_t){ 0 }); /* at the next tick */
}

void recorder_save_ceiling(struct recorder *r, uint64_t ceiling)
{
	r->ceiling = ceiling;
	r->ceiling_pending = true;
	r->ceiling_sent = false;
	send_pending(r);
}

void recorder_save_voters(struct recorder *r, const struct voter_set *voters)
{
	r->voters = *voters;
	r->voters_pending = true;
	r->voters_sent = false;
	send_pending(r);
}

void recorder_save_intent(struct recorder *r, const struct core_intent *intent)
{
	r->intent = *intent;
	r->intent_pending = true;
	r->intent_sent = false;
	send_pending(r);
}

void recorder_save_uplinks(struct recorder *r, const struct state_uplinks *uplinks)
{
	r->uplinks = *uplinks;
	r->uplinks_pending = true;
	r->uplinks_sent = false;
	send_pending(r);
}

void recorder_history(struct recorder *r, const char *json, size_t len)
{
	const struct recorder_message m = { .file = RECORDER_HISTORY };

	if (send_message(r, &m, json, len) < 0)
		r->counters.history_dropped++;
}

int recorder_journal(struct recorder *r, const void *data, size_t len, bool fresh)
{
	const struct recorder_message m = { .file = RECORDER_JOURNAL, .fresh = fresh };

	if (send_message(r, &m, data, len) == 0)
		return 0;
	r->counters.journal_dropped++;
	return -EAGAIN;
}

int recorder_config(struct recorder *r, enum config_file_step step, const char *path, const char *text,
		    size_t len)
{
	const struct recorder_message m = { .file = RECORDER_CONFIG, .fresh = (uint8_t)step };
	size_t path_len = strlen(path) + 1;
	char *bytes;
	int error;

	if (path_len + len > RECORDER_MESSAGE_MAX)
		return -E2BIG;
	bytes = malloc(path_len + len);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, path, path_len);
	memcpy(bytes + path_len, text, len);
	error = send_message(r, &m, bytes, path_len + len);
	free(bytes);
	return error < 0 ? -EAGAIN : 0;
}

/* ---- from the writer ---- */

static void on_disk_error(struct recorder *r, enum recorder_file file, int error)
{
	bool changed = (r->disk_error[file] != 0) != (error != 0);

	r->disk_error[file] = error;
	if (changed)
		r->ops->disk(r->ctx, file, error);
}

static void on_message(struct recorder *r, const struct recorder_message *m)
{
	if (m->file >= RECORDER_FILES_MAX)
		return;
	if (m->file != RECORDER_CONFIG) /* whoever wanted it written is told, each time */
		on_disk_error(r, (enum recorder_file)m->file, m->error);
	switch ((enum recorder_file)m->file) {
	case RECORDER_CEILING:
		if (m->error)
			r->ceiling_sent = false; /* again by recorder_tick() */
		else if (m->ceiling == r->ceiling)
			r->ceiling_pending = false;
		if (!m->error)
			r->ops->ceiling_saved(r->ctx, m->ceiling);
		break;
	case RECORDER_VOTERS:
		if (m->error)
			r->voters_sent = false;
		else if (!memcmp(&m->voters, &r->voters, sizeof r->voters)) /* the same bytes come back */
			r->voters_pending = false;
		if (!m->error)
			r->ops->voters_saved(r->ctx, &m->voters);
		break;
	case RECORDER_INTENT:
		if (m->error)
			r->intent_sent = false;
		else if (!memcmp(&m->intent, &r->intent, sizeof r->intent))
			r->intent_pending = false;
		break;
	case RECORDER_UPLINKS:
		if (m->error)
			r->uplinks_sent = false;
		else if (!memcmp(&m->uplinks, &r->uplinks, sizeof r->uplinks))
			r->uplinks_pending = false;
		break;
	case RECORDER_CONFIG:
		if (r->ops->config && m->fresh < CONFIG_FILE_STEPS)
			r->ops->config(r->ctx, (enum config_file_step)m->fresh, m->error);
		break;
	case RECORDER_HISTORY:
		r->counters.history_written += m->ceiling; /* so many in one go */
		break;
	case RECORDER_JOURNAL:
	case RECORDER_FILES_MAX:
		break;
	}
}

static void on_writer_gone(struct recorder *r, struct instant now)
{
	(void)waitpid(r->child, NULL, WNOHANG); /* whoever collects children may have been faster */
	r->child = 0;
	r->ops->restarted(r->ctx, 0); /* before the descriptor goes: the loop lets go of it */
	close_fd(&r->fd);
	r->fd = -EBADF;
	r->counters.restarts++;
	r->next = boot_add(now.boot, RETRY_NS);
}

int recorder_readable(struct recorder *r, struct instant now)
{
	struct recorder_message m;
	ssize_t n;

	while ((n = recv(r->fd, &m, sizeof m, MSG_DONTWAIT)) > 0)
		if (n >= (ssize_t)RECORDER_HEAD)
			on_message(r, &m);
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		on_writer_gone(r, now);
		return -EPIPE;
	}
	if (!boot_before(r->next, BOOT_NEVER) && is_waiting(r))
		r->next = boot_add(now.boot, RETRY_NS);
	return 0;
}

boot_t recorder_next(const struct recorder *r)
{
	return r->next;
}

void recorder_tick(struct recorder *r, struct instant now)
{
	if (r->fd < 0) {
		int error = spawn(r, 0);

		if (error < 0) {
			r->ops->restarted(r->ctx, -error);
			r->next = boot_add(now.boot, RETRY_NS);
			return;
		}
	}
	send_pending(r);
	r->next = is_waiting(r) ? boot_add(now.boot, RETRY_NS) : BOOT_NEVER;
}
