/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The talk with the agent: one request line, event lines, one reply line.
 */
#include "hactl.h"

#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A stopped agent must not hang an administrator's script for ever; --wait may take its time. */
#define REPLY_TIMEOUT_S	     10
#define REPLY_WAIT_TIMEOUT_S 660

static int unreachable(struct hactl *h, const char *what, int error)
{
	const char *remedy =
		error == ENOENT || error == ECONNREFUSED
			? "is ringkeepd running? see systemctl status ringkeep, or name the socket with -s"
		: error == EACCES ? "this user may not open it; try as root"
				  : "see the log of ringkeepd";

	h->error = error;
	if (h->json)
		(void)fprintf(h->out, "{\"ok\":false,\"code\":\"unreachable\",\"error\":\"%s\"}\n",
			      strerror(error));
	(void)hactl_complain(h, "%s: %s: %s; %s", h->socket_path, what, strerror(error), remedy);
	return HACTL_UNREACHABLE;
}

static FILE *connect_agent(struct hactl *h, int timeout_s, int *ret_exit)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const struct timeval timeout = { .tv_sec = timeout_s };
	_cleanup_(close_fd) int fd = -EBADF;

	if (strlen(h->socket_path) >= sizeof sa.sun_path) {
		*ret_exit = unreachable(h, "the path is too long", ENAMETOOLONG);
		return NULL;
	}
	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", h->socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && timeout_s > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		*ret_exit = unreachable(h, "the agent cannot be reached", errno);
		return NULL;
	}
	if (timeout_s > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	FILE *f = fdopen(fd, "r+e");

	if (!f)
		*ret_exit = unreachable(h, "the agent cannot be reached", errno);
	else
		fd = -EBADF; /* f has it */
	return f;
}

static bool send_request(FILE *f, const struct hactl *h)
{
	json_t *req = json_pack("{s:s, s:O}", "command", h->command->name, "args", h->args);
	_cleanup_(free_ptr) char *line = req ? json_dumps(req, JSON_COMPACT) : NULL;

	json_decref(req);
	return line && fprintf(f, "%s\n", line) > 0 && fflush(f) == 0;
}

/* A process that was stopped and goes on (Ctrl-Z and fg) finds its read with a timeout interrupted: it reads
 * on, with what it has. */
static bool read_line(FILE *f, char **line, size_t *size)
{
	size_t used = 0;
	int c = 0;

	while (c != '\n') {
		errno = 0;
		c = getc(f);
		if (c == EOF && ferror(f) && errno == EINTR) {
			clearerr(f);
			continue;
		}
		if (c == EOF)
			return false;
		if (used + 2 > *size) {
			size_t room = *size ? *size * 2 : 4096;
			char *more = realloc(*line, room);

			if (!more)
				return false;
			*line = more;
			*size = room;
		}
		(*line)[used++] = (char)c;
		(*line)[used] = '\0';
	}
	return true;
}

struct hactl_stream {
	FILE *f;
	char *line;
	size_t size;
};

struct hactl_stream *hactl_stream_open(struct hactl *h, int timeout_s, int *ret_exit)
{
	struct hactl_stream *s = calloc(1, sizeof *s);

	*ret_exit = HACTL_UNREACHABLE;
	if (!s)
		return NULL;
	s->f = connect_agent(h, timeout_s, ret_exit);
	if (s->f && send_request(s->f, h))
		return s;
	if (s->f)
		*ret_exit = unreachable(h, "the agent cannot be asked", errno);
	hactl_stream_close(s);
	return NULL;
}

json_t *hactl_stream_next(struct hactl *h, struct hactl_stream *s, int *ret_exit)
{
	json_t *line;

	while (read_line(s->f, &s->line, &s->size)) {
		line = json_loads(s->line, 0, NULL);
		if (json_is_object(line))
			return line;
		json_decref(line);
	}
	*ret_exit = errno == EAGAIN ? unreachable(h, "the agent does not answer", ETIMEDOUT)
				    : unreachable(h, "the agent hung up", errno ? errno : ECONNRESET);
	return NULL;
}

void hactl_stream_close(struct hactl_stream *s)
{
	if (!s)
		return;
	if (s->f)
		(void)fclose(s->f);
	free(s->line);
	free(s);
}

json_t *hactl_ask(struct hactl *h, int *ret_exit)
{
	int drain_s = (int)(hactl_number(h->args, "drain_ms", 0) / 1000);
	/* An agent tells twice its operation timeout after the drain at the latest. */
	int timeout_s = h->timeout_s		? h->timeout_s
			: hactl_flag(h, "wait") ? drain_s + 2 * REPLY_WAIT_TIMEOUT_S
						: REPLY_TIMEOUT_S;
	struct hactl_stream *s = hactl_stream_open(h, timeout_s, ret_exit);
	json_t *reply = s ? hactl_stream_next(h, s, ret_exit) : NULL;

	while (json_object_get(reply, "event")) {
		json_decref(reply);
		reply = hactl_stream_next(h, s, ret_exit);
	}
	hactl_stream_close(s);
	return reply;
}

int hactl_finish(struct hactl *h, json_t *reply)
{
	const json_t *data = json_object_get(reply, "data"), *nodes = json_object_get(reply, "nodes");
	const char *code = hactl_text(reply, "code");
	bool ok = hactl_true(reply, "ok");
	int ret = ok ? HACTL_DONE : !strcmp(code, "usage") ? HACTL_USAGE : HACTL_REFUSED;

	if (h->json) {
		/* What a program wants is the data; a refusal is shown whole. */
		(void)json_dumpf(ok && data ? data : reply, h->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
		(void)fputc('\n', h->out);
	} else if (ok && h->command->print) {
		h->command->print(h, data);
	}
	if (!ok && !h->json) {
		(void)hactl_complain(h, "%s", hactl_text(reply, "error"));
		hactl_print_candidates(h, h->err, nodes, 2);
	}
	json_decref(reply);
	return ret;
}

int hactl_run_remote(struct hactl *h)
{
	int ret = HACTL_UNREACHABLE;
	json_t *reply = hactl_ask(h, &ret);

	return reply ? hactl_finish(h, reply) : ret;
}
