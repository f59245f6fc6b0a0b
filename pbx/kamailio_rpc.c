/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_rpc.h"

#include "kamailio_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_MAX	(256 * 1024)
#define CALL_TIMEOUT_NS (2 * NS_PER_S)
#define REPLIES_A_TURN	64
#define WINDOW_DEFAULT	10

static const char *const method_of[] = {
	[CALL_NONE] = "",
	[CALL_UPTIME] = "core.uptime",
	[CALL_LOOKUP] = "ul.lookup",
	[CALL_REMOVE] = "ul.rm_contact",
	[CALL_ADD] = "ul.add",
	[CALL_LIST] = "ul.dump",
	[CALL_DIALOGS] = "dlg.stats_active",
	[CALL_REQUESTS] = "stats.get_statistics",
	[CALL_TRUNKS] = "uac.reg_dump",
	[CALL_TRUNK_ENABLE] = "uac.reg_enable",
	[CALL_TRUNK_DISABLE] = "uac.reg_disable",
	[CALL_TRUNK_UNREGISTER] = "uac.reg_unregister",
	[CALL_TRUNK_RELOAD] = "uac.reg_refresh",
	[CALL_TRUNK_STATUS] = "htable.get",
	[CALL_TRUNK_FORGET] = "htable.delete",
	[CALL_UPLINK] = "htable.sets",
};

size_t kamailio_rpc_window(void)
{
	FILE *f = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");
	unsigned n = WINDOW_DEFAULT;

	if (f && (fscanf(f, "%u", &n) != 1 || n < WINDOW_DEFAULT))
		n = WINDOW_DEFAULT;
	if (f)
		(void)fclose(f); /* only read from */
	return n < KAMAILIO_RPC_WINDOW ? n : KAMAILIO_RPC_WINDOW;
}

int kamailio_rpc_init(struct kamailio_rpc *rpc, const char *path, size_t window,
		      kamailio_answered_fn *answered, void *ctx)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int r;

	*rpc = (struct kamailio_rpc){
		.fd = -EBADF, .to.sun_family = AF_UNIX, .window = window, .answered = answered, .ctx = ctx
	};
	if (strlen(path) >= sizeof rpc->to.sun_path)
		return -ENAMETOOLONG;
	memcpy(rpc->to.sun_path, path, strlen(path));
	rpc->reply = malloc(REPLY_MAX);
	if (!rpc->reply)
		return -ENOMEM;
	rpc->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Autobind: an abstract name that nobody has to clean up, to which Kamailio can answer. */
	if (rpc->fd < 0 || bind(rpc->fd, (struct sockaddr *)&any, sizeof any.sun_family) < 0) {
		r = -errno;
		if (rpc->fd >= 0)
			(void)close(rpc->fd); /* never used */
		free(rpc->reply);
		return r;
	}
	return 0;
}

size_t kamailio_rpc_free_slots(const struct kamailio_rpc *rpc)
{
	size_t n = 0;

	for (size_t i = 0; i < rpc->window; i++)
		n += rpc->slots[i].call == CALL_NONE;
	return n;
}

bool kamailio_rpc_in_flight(const struct kamailio_rpc *rpc, enum kamailio_call call)
{
	for (size_t i = 0; i < KAMAILIO_RPC_WINDOW; i++)
		if (rpc->slots[i].call == call)
			return true;
	return false;
}

static int rpc_send(struct kamailio_rpc *rpc, enum kamailio_call call, json_t *params, uint32_t id)
{
	json_t *o = json_pack("{ss ss si so*}", "jsonrpc", "2.0", "method", method_of[call], "id", (int)id,
			      "params", params);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int r = 0;

	if (!text)
		r = -ENOMEM;
	else if (sendto(rpc->fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&rpc->to,
			sizeof rpc->to) < 0)
		r = -errno;
	free(text);
	json_decref(o);
	return r;
}

int kamailio_rpc_call(struct kamailio_rpc *rpc, enum kamailio_call call, json_t *params, const char *aor,
		      const char *contact, boot_t now)
{
	for (size_t i = 0; i < rpc->window; i++) {
		struct kamailio_rpc_slot *s = &rpc->slots[i];
		int r;

		if (s->call != CALL_NONE)
			continue;
		rpc->next_id = (rpc->next_id + 1) & 0x7fffffff;
		r = rpc_send(rpc, call, params, rpc->next_id);
		if (r < 0)
			return r;
		s->call = call;
		s->id = rpc->next_id;
		s->deadline = boot_add(now, CALL_TIMEOUT_NS);
		/* Both passed binding_check() or came from it. */
		(void)snprintf(s->aor, sizeof s->aor, "%s", aor ? aor : "");
		(void)snprintf(s->contact, sizeof s->contact, "%s", contact ? contact : "");
		return 0;
	}
	json_decref(params);
	return -EAGAIN;
}

static void rpc_finish(struct kamailio_rpc *rpc, struct kamailio_rpc_slot *s, const json_t *result, int code,
		       const char *error, boot_t now)
{
	struct kamailio_rpc_slot done = *s;

	s->call = CALL_NONE; /* first: the callback may call again */
	rpc->answered(rpc->ctx, &done, result, code, error, now);
}

static void rpc_reply(struct kamailio_rpc *rpc, size_t len, boot_t now)
{
	json_t *o = json_loadb(rpc->reply, len, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	const json_t *result = json_object_get(o, "result");
	const json_t *error = json_object_get(o, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	int code = (int)json_integer_value(json_object_get(error, "code"));

	for (size_t i = 0; id > 0 && i < KAMAILIO_RPC_WINDOW; i++) {
		if (rpc->slots[i].call == CALL_NONE || rpc->slots[i].id != id)
			continue;
		if (result && !error)
			rpc_finish(rpc, &rpc->slots[i], result, 0, NULL, now);
		else
			rpc_finish(rpc, &rpc->slots[i], NULL, code ? code : -1,
				   message ? message : "malformed answer", now);
		break;
	}
	json_decref(o);
}

void kamailio_rpc_ready(struct kamailio_rpc *rpc, boot_t now)
{
	for (int i = 0; i < REPLIES_A_TURN; i++) {
		ssize_t n = recv(rpc->fd, rpc->reply, REPLY_MAX, 0);

		if (n < 0)
			return;
		kamailio_clean(rpc->reply, (size_t)n);
		rpc_reply(rpc, (size_t)n, now);
	}
}

boot_t kamailio_rpc_next(const struct kamailio_rpc *rpc)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < KAMAILIO_RPC_WINDOW; i++)
		if (rpc->slots[i].call != CALL_NONE)
			next = boot_min(next, rpc->slots[i].deadline);
	return next;
}

void kamailio_rpc_tick(struct kamailio_rpc *rpc, boot_t now)
{
	for (size_t i = 0; i < KAMAILIO_RPC_WINDOW; i++)
		if (rpc->slots[i].call != CALL_NONE && !boot_before(now, rpc->slots[i].deadline))
			rpc_finish(rpc, &rpc->slots[i], NULL, 0, "no answer", now);
}
