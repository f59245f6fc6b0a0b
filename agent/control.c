/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LISTEN_SLOT UINT32_MAX

struct control_client {
	int fd; /* -1: free */
	uid_t uid;
	pid_t pid;
	char user[CONTROL_USER_MAX];
	enum config_role role;
	char *in;
	size_t in_used;
	char *out;
	size_t out_used, out_size;
	bool wants_out;
	const struct control_command *command; /* the one being answered, NULL = none */
	bool stream;
	control_ticket_t ticket;
	uint64_t age;
};

struct control {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listen_fd, epoll_fd;
	const struct control_command *commands;
	const struct control_ops *ops;
	void *ctx;
	uint64_t next_ticket, next_age;
	struct control_counters counters;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* ---- answers ---- */

json_t *control_ok(json_t *data)
{
	return json_pack("{s:b, s:o}", "ok", 1, "data", data ? data : json_object());
}

json_t *control_refusal(const char *code, json_t *nodes, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:s, s:s, s:o*}", "ok", 0, "code", code, "error", text, "nodes", nodes);
}

/* ---- clients ---- */

static void client_drop(struct control *c, struct control_client *cl)
{
	control_ticket_t ticket = cl->ticket;
	bool waiting = cl->command != NULL;

	if (cl->fd < 0)
		return;
	close_fd(&cl->fd); /* takes it out of the epoll set, too */
	free(cl->in);
	free(cl->out);
	*cl = (struct control_client){ .fd = -1 };
	if (waiting && c->ops->gone)
		c->ops->gone(c->ctx, ticket);
}

static void client_interest(struct control *c, struct control_client *cl)
{
	struct epoll_event ev = { .events = EPOLLIN | (cl->out_used ? EPOLLOUT : 0),
				  .data.u32 = (uint32_t)(cl - c->clients) };

	if (cl->wants_out == (cl->out_used > 0))
		return;
	cl->wants_out = cl->out_used > 0;
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, cl->fd, &ev) < 0)
		client_drop(c, cl);
}

static void client_flush(struct control *c, struct control_client *cl)
{
	while (cl->out_used > 0) {
		ssize_t n = send(cl->fd, cl->out, cl->out_used, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			client_drop(c, cl);
			return;
		}
		cl->out_used -= (size_t)n;
		memmove(cl->out, cl->out + n, cl->out_used);
	}
	client_interest(c, cl);
}

/* One line to the client; drops a client that does not read. */
static void client_send(struct control *c, struct control_client *cl, json_t *line)
{
	_cleanup_(free_ptr) char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!text || cl->out_used + len + 1 > CONTROL_BACKLOG_BYTES_MAX) {
		c->counters.dropped_slow++;
		client_drop(c, cl);
		return;
	}
	if (cl->out_used + len + 1 > cl->out_size) {
		size_t size = cl->out_used + len + 1 + 4096;
		char *more = realloc(cl->out, size);

		if (!more) {
			client_drop(c, cl);
			return;
		}
		cl->out = more;
		cl->out_size = size;
	}
	memcpy(cl->out + cl->out_used, text, len);
	cl->out[cl->out_used + len] = '\n';
	cl->out_used += len + 1;
	client_flush(c, cl);
}

static struct control_client *client_of(struct control *c, control_ticket_t ticket)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *cl = &c->clients[i];

		if (cl->fd >= 0 && cl->command && cl->ticket.value == ticket.value)
			return cl;
	}
	return NULL;
}

/* ---- requests ---- */

static json_t *reply_unknown(const char *name)
{
	return control_refusal("usage", NULL,
			       "unknown command \"%.40s\"; hactl and ringkeepd may be of different versions",
			       name);
}

/* Who asks. */
struct control_as {
	char user[CONTROL_USER_MAX];
	enum config_role role;
};

/* False: not of the form that control.h says. */
static bool request_as(const struct control_client *cl, const json_t *as, struct control_as *ret)
{
	const char *user = json_string_value(json_object_get(as, "user"));
	const char *role = json_string_value(json_object_get(as, "role"));

	memcpy(ret->user, cl->user, sizeof ret->user);
	ret->role = cl->role;
	if (!as)
		return true;
	if (!user || !*user || strlen(user) >= RK_NAME_MAX || !role)
		return false;
	for (const char *c = user; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	(void)snprintf(ret->user, sizeof ret->user, "%s/%.*s", user,
		       (int)(sizeof ret->user - strlen(user) - 2), cl->user);
	for (enum config_role r = ROLE_NONE; r <= ROLE_ADMIN; r++)
		if (!strcmp(role, config_role_name(r))) {
			ret->role = r < cl->role ? r : cl->role;
			return true;
		}
	return false;
}

static json_t *reply_forbidden(const struct control_as *cl, const struct control_command *cmd)
{
	return control_refusal(
		"forbidden", NULL,
		"%s needs the role %s, but user %s has %s%s; ask an administrator to add the user to "
		"section role %s of the configuration",
		cmd->name, config_role_name(cmd->role), cl->user, cl->role ? "only " : "",
		cl->role ? config_role_name(cl->role) : "no role", config_role_name(cmd->role));
}

static const struct control_command *command_named(const struct control *c, const char *name)
{
	for (const struct control_command *cmd = c->commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

/* Answers at once or marks the client as waiting. The handler may drop any client, this one, too. */
static void client_call(struct control *c, struct control_client *cl, const struct control_command *cmd,
			json_t *args, const struct control_as *as, struct instant now)
{
	struct control_request req = { .command = cmd->name,
				       .args = args,
				       .uid = cl->uid,
				       .pid = cl->pid,
				       .role = as->role,
				       .now = now,
				       .ticket = { ++c->next_ticket } };
	json_t *reply = NULL;

	memcpy(req.user, as->user, sizeof req.user);
	cl->ticket = req.ticket;
	cl->command = cmd;
	cl->stream = true; /* events that the handler itself sends */
	enum control_answer answer = cmd->handler(c->ctx, &req, &reply);

	cl = client_of(c, req.ticket);
	if (cl)
		cl->stream = answer == CONTROL_STREAM;
	if (answer == CONTROL_REPLY)
		control_reply(c, req.ticket,
			      reply ? reply
				    : control_refusal("internal", NULL, "%s gave no answer", cmd->name));
	else
		json_decref(reply);
}

static void client_request(struct control *c, struct control_client *cl, const char *line, size_t len,
			   struct instant now)
{
	json_error_t error;
	json_t *req = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	const char *name = json_string_value(json_object_get(req, "command"));
	json_t *args = json_object_get(req, "args"), *none = NULL;
	json_t *reply = NULL;
	struct control_as as;

	if (!name || (args && !json_is_object(args)) || !request_as(cl, json_object_get(req, "as"), &as)) {
		c->counters.malformed++;
		reply = control_refusal("usage", NULL,
					"a request is one line {\"command\":\"NAME\",\"args\":{}}");
	} else {
		const struct control_command *cmd = command_named(c, name);

		c->counters.requests++;
		if (!cmd) {
			reply = reply_unknown(name);
		} else if (as.role < cmd->role) {
			c->counters.forbidden++;
			reply = reply_forbidden(&as, cmd);
		} else {
			if (!args)
				args = none = json_object();
			client_call(c, cl, cmd, args, &as, now);
		}
	}
	if (reply)
		client_send(c, cl, reply);
	json_decref(reply);
	json_decref(none);
	json_decref(req);
}

static bool client_asks(const struct control_client *cl)
{
	return cl->fd >= 0 && !cl->command && memchr(cl->in, '\n', cl->in_used);
}

/* A request that was sent meanwhile: as if it came now. */
static void client_again(struct control *c, struct control_client *cl)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.u32 = (uint32_t)(cl - c->clients) };

	cl->wants_out = epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, cl->fd, &ev) == 0;
}

/* One request a turn, which may take milliseconds: the agent has other things to do. The next one waits for
 * the answer of the one before. */
static void client_line(struct control *c, struct control_client *cl, struct instant now)
{
	uint64_t age = cl->age;

	if (!client_asks(cl))
		return;
	char *end = memchr(cl->in, '\n', cl->in_used);
	size_t len = (size_t)(end - cl->in);
	_cleanup_(free_ptr) char *line = malloc(len + 1);

	if (!line) {
		client_drop(c, cl);
		return;
	}
	memcpy(line, cl->in, len);
	cl->in_used -= len + 1;
	memmove(cl->in, end + 1, cl->in_used);
	client_request(c, cl, line, len, now);
	if (cl->age == age && client_asks(cl))
		client_again(c, cl);
}

static void client_readable(struct control *c, struct control_client *cl, struct instant now)
{
	ssize_t n = 1;
	uint64_t age = cl->age;

	while (n > 0 && cl->in_used < CONTROL_REQUEST_BYTES_MAX) {
		n = recv(cl->fd, cl->in + cl->in_used, CONTROL_REQUEST_BYTES_MAX - cl->in_used, MSG_DONTWAIT);
		cl->in_used += n > 0 ? (size_t)n : 0;
	}
	bool ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);

	client_line(c, cl, now);
	if (cl->fd < 0 || cl->age != age)
		return;
	if (!ended && cl->in_used == CONTROL_REQUEST_BYTES_MAX) {
		c->counters.malformed++;
		json_t *reply = control_refusal("usage", NULL, "a request is at most %d bytes long",
						CONTROL_REQUEST_BYTES_MAX);

		client_send(c, cl, reply);
		json_decref(reply);
		ended = true;
	}
	if (ended)
		client_drop(c, cl);
}

/* ---- the listening socket ---- */

/* From the local file only: a directory server that hangs must not hang the agent. */
static bool user_name(uid_t uid, char ret[CONTROL_USER_MAX])
{
	_cleanup_(fclose_ptr) FILE *f = fopen("/etc/passwd", "re");
	struct passwd pw, *found;
	char buffer[1024];

	while (f && fgetpwent_r(f, &pw, buffer, sizeof buffer, &found) == 0) {
		if (pw.pw_uid == uid) {
			(void)snprintf(ret, CONTROL_USER_MAX, "%s", pw.pw_name);
			return true;
		}
	}
	(void)snprintf(ret, CONTROL_USER_MAX, "%u", uid);
	return false;
}

/* A free place, if need be that of the client that has been idle for longest. */
static struct control_client *place_for_client(struct control *c)
{
	struct control_client *oldest = NULL;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *cl = &c->clients[i];

		if (cl->fd < 0)
			return cl;
		if (!cl->command && (!oldest || cl->age < oldest->age))
			oldest = cl;
	}
	c->counters.dropped_full++;
	if (oldest)
		client_drop(c, oldest);
	return oldest;
}

static void client_accept(struct control *c)
{
	_cleanup_(close_fd) int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	struct control_client *cl = place_for_client(c);

	if (!cl)
		return;
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (uint32_t)(cl - c->clients) };
	char *in = malloc(CONTROL_REQUEST_BYTES_MAX);

	if (!in || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		free(in);
		return;
	}
	*cl = (struct control_client){
		.fd = fd, .uid = peer.uid, .pid = peer.pid, .in = in, .age = ++c->next_age
	};
	bool named = user_name(peer.uid, cl->user);

	cl->role = c->ops->role(c->ctx, peer.uid, named ? cl->user : NULL);
	fd = -EBADF; /* handed over */
}

/* True if somebody answers there. */
static bool socket_alive(const struct sockaddr_un *sa)
{
	_cleanup_(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 || errno == EAGAIN);
}

static int listen_at(const char *path, int *ret, char *reterr, size_t size)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (strlen(path) >= sizeof sa.sun_path) {
		(void)snprintf(reterr, size, "%s: longer than %zu characters; choose a shorter --run-dir",
			       path, sizeof sa.sun_path - 1);
		return -ENAMETOOLONG;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode) || socket_alive(&sa)) {
			(void)snprintf(reterr, size, "%s: in use by %s; choose another --run-dir", path,
				       S_ISSOCK(st.st_mode) ? "another ringkeepd" : "something else");
			return -EADDRINUSE;
		}
		(void)unlink(path); /* if that fails, bind() says so */
	}
	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof sa) < 0 || chmod(path, 0666) < 0 ||
	    listen(fd, CONTROL_CLIENTS_MAX) < 0) {
		int error = errno;

		(void)snprintf(reterr, size, "%s: the control socket cannot be made: %s", path,
			       strerror(error));
		return -error;
	}
	*ret = fd;
	fd = -EBADF;
	return 0;
}

int control_open(struct control **ret, const char *path, const struct control_command *commands,
		 const struct control_ops *ops, void *ctx, char *reterr, size_t size)
{
	struct control *c = calloc(1, sizeof *c);
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = LISTEN_SLOT };
	int r = -ENOMEM;

	if (!c)
		return r;
	*c = (struct control){ .listen_fd = -EBADF, .commands = commands, .ops = ops, .ctx = ctx };
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0) {
		r = -errno;
		(void)snprintf(reterr, size, "epoll: %s", strerror(errno));
		goto fail;
	}
	r = listen_at(path, &c->listen_fd, reterr, size);
	if (r < 0)
		goto fail;
	(void)snprintf(c->path, sizeof c->path, "%s", path);
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->listen_fd, &ev) < 0) {
		r = -errno;
		(void)snprintf(reterr, size, "epoll: %s", strerror(errno));
		goto fail;
	}
	*ret = c;
	return 0;
fail:
	control_close(c);
	return r;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_drop(c, &c->clients[i]);
	if (c->path[0])
		(void)unlink(c->path); /* a file left behind is replaced by the next agent */
	close_fd(&c->listen_fd);
	close_fd(&c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

int control_readable(struct control *c, struct instant now)
{
	struct epoll_event events[8];
	int n = epoll_wait(c->epoll_fd, events, 8, 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t slot = events[i].data.u32;

		if (slot == LISTEN_SLOT) {
			client_accept(c);
			continue;
		}
		struct control_client *cl = &c->clients[slot];

		if (cl->fd >= 0 && (events[i].events & EPOLLOUT))
			client_flush(c, cl);
		if (cl->fd >= 0)
			client_readable(c, cl, now);
	}
	return 0;
}

/* ---- later answers and streams ---- */

void control_reply(struct control *c, control_ticket_t ticket, json_t *reply)
{
	struct control_client *cl = client_of(c, ticket);

	if (cl) {
		bool stream = cl->stream;
		uint64_t age = cl->age;

		cl->command = NULL;
		cl->stream = false;
		if (stream)
			(void)json_object_set_new(reply, "end", json_true());
		client_send(c, cl, reply);
		if (cl->age == age && client_asks(cl))
			client_again(c, cl);
	}
	json_decref(reply);
}

void control_event(struct control *c, control_ticket_t ticket, json_t *event)
{
	struct control_client *cl = client_of(c, ticket);
	json_t *line = json_pack("{s:o}", "event", event);

	if (cl && line)
		client_send(c, cl, line);
	json_decref(line);
}

void control_publish(struct control *c, const char *command, json_t *event)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *cl = &c->clients[i];

		if (cl->fd >= 0 && cl->command && cl->stream && !strcmp(cl->command->name, command))
			control_event(c, cl->ticket, json_incref(event));
	}
}

bool control_has_streams(const struct control *c, const char *command)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *cl = &c->clients[i];

		if (cl->fd >= 0 && cl->command && cl->stream && !strcmp(cl->command->name, command))
			return true;
	}
	return false;
}

const struct control_counters *control_counters(const struct control *c)
{
	return &c->counters;
}
