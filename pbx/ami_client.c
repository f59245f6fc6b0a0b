/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ami_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BANNER	       "Asterisk Call Manager/"
#define CONNECT_NS     (5 * NS_PER_S)
#define BACKOFF_NS_MIN (100 * NS_PER_MS)
#define BACKOFF_NS_MAX (1000 * NS_PER_MS) /* loopback: cheap, and a restarted Asterisk is to be seen soon */
#define REFUSED_NS     (10 * NS_PER_S)	  /* each try is a line in a security log */
#define READS_A_TURN   16

/* ---- life of the connection ---- */

static void client_slot_end(struct ami_client *a, struct ami_slot *slot, enum ami_answer what,
			    const struct ami_message *m, boot_t now)
{
	struct ami_slot copy = *slot; /* the callback may fill it again */

	slot->id = 0;
	if (copy.id != a->login_id)
		a->ops->answered(a->ctx, &copy, what, m, now);
}

static void __attribute__((format(printf, 4, 5)))
client_lost(struct ami_client *a, boot_t now, int64_t wait_ns, const char *format, ...)
{
	bool was_up = a->state == AMI_UP;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(a->error, sizeof a->error, format, args); /* cutting a sentence is fine */
	va_end(args);
	if (a->fd >= 0)
		(void)close(a->fd); /* nothing follows */
	a->fd = -EBADF;
	a->state = AMI_DOWN;
	a->out_used = 0;
	if (wait_ns == 0) {
		wait_ns = a->backoff_ns;
		a->backoff_ns = wait_ns * 2 < BACKOFF_NS_MAX ? wait_ns * 2 : BACKOFF_NS_MAX;
	}
	a->deadline = boot_add(now, wait_ns);
	for (size_t i = 0; i < AMI_SLOTS_MAX; i++)
		if (a->slots[i].id)
			client_slot_end(a, &a->slots[i], AMI_LOST, NULL, now);
	if (was_up)
		a->ops->connected(a->ctx, false, now);
}

int ami_client_init(struct ami_client *a, const struct sockaddr_in *to, const char *user, const char *secret,
		    const struct ami_ops *ops, void *ctx, boot_t now)
{
	char host[INET_ADDRSTRLEN];

	*a = (struct ami_client){
		.to = *to, .ops = ops, .ctx = ctx, .fd = -EBADF, .deadline = now, .backoff_ns = BACKOFF_NS_MIN
	};
	if (snprintf(a->user, sizeof a->user, "%s", user) >= (int)sizeof a->user ||
	    snprintf(a->secret, sizeof a->secret, "%s", secret) >= (int)sizeof a->secret)
		return -E2BIG;
	(void)snprintf(a->target, sizeof a->target, "%s:%u",
		       inet_ntop(AF_INET, &to->sin_addr, host, sizeof host), ntohs(to->sin_port)); /* fits */
	(void)snprintf(a->error, sizeof a->error, "AMI at %s not yet connected", a->target);	   /* fits */
	return ami_stream_init(&a->in);
}

void ami_client_close(struct ami_client *a)
{
	if (a->fd >= 0)
		(void)close(a->fd); /* the process ends */
	a->fd = -EBADF;
	ami_stream_close(&a->in);
}

static void client_connect(struct ami_client *a, boot_t now)
{
	int one = 1;

	ami_stream_reset(&a->in);
	a->deadline = boot_add(now, CONNECT_NS);
	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0) {
		client_lost(a, now, 0, "no socket for AMI: %s", strerror(errno));
		return;
	}
	(void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* slower without */
	if (connect(a->fd, (const struct sockaddr *)&a->to, sizeof a->to) < 0 && errno != EINPROGRESS) {
		client_lost(a, now, 0, "AMI at %s: %s", a->target, strerror(errno));
		return;
	}
	a->state = AMI_CONNECTING;
}

/* ---- out ---- */

static void client_flush(struct ami_client *a, boot_t now)
{
	ssize_t n;

	if (a->out_used == 0)
		return;
	n = send(a->fd, a->out, a->out_used, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		client_lost(a, now, 0, "AMI at %s: %s", a->target, strerror(errno));
		return;
	}
	if (n > 0) {
		a->out_used -= (size_t)n;
		memmove(a->out, a->out + n, a->out_used);
	}
}

static int client_send(struct ami_client *a, int call, uint32_t tag, int64_t timeout_ns, const char *action,
		       const struct ami_field *fields, size_t count, boot_t now)
{
	struct ami_slot *slot = NULL;
	int n;

	for (size_t i = 0; i < AMI_SLOTS_MAX && !slot; i++)
		if (!a->slots[i].id)
			slot = &a->slots[i];
	if (!slot)
		return -EBUSY;
	if (++a->next_id == 0)
		a->next_id = 1;
	n = ami_action_build(a->out + a->out_used, sizeof a->out - a->out_used, action, a->next_id, fields,
			     count);
	if (n < 0)
		return n == -ENOSPC ? -EBUSY : n;
	a->out_used += (size_t)n;
	*slot = (struct ami_slot){ a->next_id, call, tag, boot_add(now, timeout_ns) };
	return 0;
}

int ami_client_call(struct ami_client *a, int call, uint32_t tag, int64_t timeout_ns, const char *action,
		    const struct ami_field *fields, size_t count, boot_t now)
{
	if (a->state != AMI_UP)
		return -ENOTCONN;
	return client_send(a, call, tag, timeout_ns, action, fields, count, now);
}

size_t ami_client_free_slots(const struct ami_client *a)
{
	size_t n = 0;

	for (size_t i = 0; i < AMI_SLOTS_MAX; i++)
		n += !a->slots[i].id;
	return n;
}

bool ami_client_in_flight(const struct ami_client *a, int call)
{
	for (size_t i = 0; i < AMI_SLOTS_MAX; i++)
		if (a->slots[i].id && a->slots[i].call == call)
			return true;
	return false;
}

/* ---- in ---- */

static void client_login(struct ami_client *a, boot_t now)
{
	const char *banner = ami_stream_line(&a->in);
	const struct ami_field fields[] = { { "Username", a->user },
					    { "Secret", a->secret },
					    { "Events", "on" } };

	if (!banner && a->in.used - a->in.start < 1024)
		return;
	if (!banner || strncmp(banner, BANNER, strlen(BANNER)) != 0) {
		client_lost(a, now, REFUSED_NS, "what listens at %s is no AMI", a->target);
		return;
	}
	a->state = AMI_LOGIN;
	a->deadline = boot_add(now, CONNECT_NS);
	if (client_send(a, 0, 0, CONNECT_NS, "Login", fields, 3, now) < 0) {
		client_lost(a, now, REFUSED_NS, "the AMI user or secret holds a control character");
		return;
	}
	a->login_id = a->next_id;
}

static void client_logged_in(struct ami_client *a, bool ok, const struct ami_message *m, boot_t now)
{
	const char *text = ami_message_get(m, "Message");

	if (!ok) {
		a->refused = true;
		client_lost(a, now, REFUSED_NS, "AMI at %s refuses the login of \"%.40s\": %.60s", a->target,
			    a->user, text ? text : "no reason given");
		return;
	}
	a->refused = false;
	a->state = AMI_UP;
	a->backoff_ns = BACKOFF_NS_MIN;
	a->error[0] = 0;
	a->ops->connected(a->ctx, true, now);
}

static struct ami_slot *client_slot(struct ami_client *a, uint32_t id)
{
	for (size_t i = 0; id && i < AMI_SLOTS_MAX; i++)
		if (a->slots[i].id == id)
			return &a->slots[i];
	return NULL;
}

static void client_response(struct ami_client *a, struct ami_slot *slot, const char *response,
			    const struct ami_message *m, boot_t now)
{
	const char *list = ami_message_get(m, "EventList");
	bool ok = !strcasecmp(response, "Success") || !strcasecmp(response, "Goodbye") ||
		  !strcasecmp(response, "Follows");

	if (slot->id == a->login_id) {
		slot->id = 0;
		client_logged_in(a, ok, m, now);
	} else if (!ok || !list || strcasecmp(list, "start") != 0) {
		client_slot_end(a, slot, ok ? AMI_DONE : AMI_FAILED, m, now);
	}
}

static void client_message(struct ami_client *a, const struct ami_message *m, boot_t now)
{
	const char *event = ami_message_get(m, "Event"), *response = ami_message_get(m, "Response");
	const char *list = ami_message_get(m, "EventList");
	struct ami_slot *slot = client_slot(a, ami_action_id(m));

	if (response && slot)
		client_response(a, slot, response, m, now);
	else if (event && slot && list && !strcasecmp(list, "Complete"))
		client_slot_end(a, slot, AMI_DONE, m, now);
	else if (event && slot)
		a->ops->answered(a->ctx, slot, AMI_ITEM, m, now);
	else if (event && a->state == AMI_UP)
		a->ops->event(a->ctx, event, m, now);
	else
		a->garbage += !event && !response;
}

/* False: nothing more to read now. */
static bool client_read(struct ami_client *a, boot_t now)
{
	size_t room;
	char *at = ami_stream_room(&a->in, &room);
	ssize_t n = recv(a->fd, at, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		client_lost(a, now, 0, "AMI at %s: %s", a->target,
			    n < 0 ? strerror(errno) : "connection closed");
		return false;
	}
	ami_stream_filled(&a->in, (size_t)n);
	return true;
}

static void client_parse(struct ami_client *a, boot_t now)
{
	struct ami_message m;

	if (a->state == AMI_BANNER)
		client_login(a, now);
	while (a->state >= AMI_LOGIN && ami_stream_next(&a->in, &m))
		client_message(a, &m, now);
}

static void client_established(struct ami_client *a, boot_t now)
{
	int error = 0;
	socklen_t len = sizeof error;

	(void)getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len); /* cannot fail for a socket */
	if (error)
		client_lost(a, now, 0, "AMI at %s: %s", a->target, strerror(error));
	else
		a->state = AMI_BANNER;
}

short ami_client_events(const struct ami_client *a)
{
	return a->state == AMI_CONNECTING ? POLLOUT : (short)(POLLIN | (a->out_used ? POLLOUT : 0));
}

void ami_client_ready(struct ami_client *a, boot_t now)
{
	if (a->state == AMI_CONNECTING)
		client_established(a, now);
	for (int i = 0; i < READS_A_TURN && a->state >= AMI_BANNER && client_read(a, now); i++)
		client_parse(a, now);
}

boot_t ami_client_next(const struct ami_client *a)
{
	boot_t next = a->state == AMI_UP ? BOOT_NEVER : a->deadline;

	for (size_t i = 0; i < AMI_SLOTS_MAX; i++)
		if (a->slots[i].id)
			next = boot_min(next, a->slots[i].deadline);
	return next;
}

/* An Asterisk that lets one action wait for that long answers nothing: all manager threads take turns. */
static void client_check_deadlines(struct ami_client *a, boot_t now)
{
	for (size_t i = 0; i < AMI_SLOTS_MAX; i++)
		if (a->slots[i].id && !boot_before(now, a->slots[i].deadline)) {
			client_lost(a, now, 0, "AMI at %s does not answer", a->target);
			return;
		}
	if (a->state != AMI_UP && a->state != AMI_DOWN && !boot_before(now, a->deadline))
		client_lost(a, now, 0, "AMI at %s does not answer", a->target);
}

void ami_client_tick(struct ami_client *a, boot_t now)
{
	if (a->state == AMI_DOWN && !boot_before(now, a->deadline))
		client_connect(a, now);
	client_check_deadlines(a, now);
	if (a->state >= AMI_LOGIN)
		client_flush(a, now);
}
