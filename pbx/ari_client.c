/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ari_client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TIMEOUT_MS	   5000L
#define CONNECT_TIMEOUT_MS 1000L
#define EVENTS_A_TURN	   16

/* ---- libcurl's sockets and timer ---- */

static int ari_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct ari_client *a = ctx;
	struct epoll_event ev = { .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
					    (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
				  .data.fd = fd };

	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* closed already, perhaps */
		return 0;
	}
	if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 && errno == EEXIST)
		(void)epoll_ctl(a->epoll_fd, EPOLL_CTL_MOD, fd, &ev); /* its timeout tells of a failure */
	return 0;
}

static int ari_on_timer(CURLM *multi, long ms, void *ctx)
{
	struct ari_client *a = ctx;

	a->timer = ms < 0 ? BOOT_NEVER : boot_add(a->now, ms * NS_PER_MS);
	return 0;
}

static size_t ari_on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct ari_slot *slot = ctx;
	size_t len = size * count;

	if (len > ARI_BODY_MAX - slot->body_len) {
		slot->too_long = true;
		return 0; /* ends the request */
	}
	memcpy(slot->body + slot->body_len, data, len);
	slot->body_len += len;
	return len;
}

/* ---- life ---- */

static bool ari_base_ok(const char *base)
{
	static const char *const hosts[] = { "http://127.", "http://localhost:", "http://localhost/",
					     "http://[::1]" };

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (!strncmp(base, hosts[i], strlen(hosts[i])))
			return strlen(base) < ARI_BASE_MAX && !strpbrk(base, "@?# ");
	return false;
}

static int ari_slot_init(struct ari_client *a, struct ari_slot *slot)
{
	slot->easy = curl_easy_init();
	slot->body = malloc(ARI_BODY_MAX + 1);
	if (!slot->easy || !slot->body)
		return -ENOMEM;
	return 0;
}

int ari_client_init(struct ari_client *a, const char *base, const char *user, const char *secret,
		    ari_answered_fn *answered, void *ctx)
{
	*a = (struct ari_client){ .answered = answered, .ctx = ctx, .epoll_fd = -EBADF, .timer = BOOT_NEVER };
	if (!ari_base_ok(base) || snprintf(a->credentials, sizeof a->credentials, "%s:%s", user, secret) >=
					  (int)sizeof a->credentials)
		return -EINVAL;
	(void)snprintf(a->base, sizeof a->base, "%s", base); /* its length was checked */
	if (a->base[strlen(a->base) - 1] == '/')
		a->base[strlen(a->base) - 1] = 0;
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll_fd < 0)
		return -errno;
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return -ENOMEM;
	a->multi = curl_multi_init();
	/* Asterisk knows no "100 Continue", and libcurl would wait a second for it. */
	a->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), "Expect:");
	if (!a->multi || !a->headers)
		return -ENOMEM;
	for (size_t i = 0; i < ARI_SLOTS_MAX; i++)
		if (ari_slot_init(a, &a->slots[i]) < 0)
			return -ENOMEM;
	(void)curl_multi_setopt(a->multi, CURLMOPT_SOCKETFUNCTION, ari_on_socket); /* these cannot fail */
	(void)curl_multi_setopt(a->multi, CURLMOPT_SOCKETDATA, a);
	(void)curl_multi_setopt(a->multi, CURLMOPT_TIMERFUNCTION, ari_on_timer);
	(void)curl_multi_setopt(a->multi, CURLMOPT_TIMERDATA, a);
	(void)curl_multi_setopt(a->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)ARI_CONNECTIONS);
	(void)curl_multi_setopt(a->multi, CURLMOPT_MAXCONNECTS, (long)ARI_CONNECTIONS);
	return 0;
}

void ari_client_close(struct ari_client *a)
{
	for (size_t i = 0; i < ARI_SLOTS_MAX; i++) {
		if (a->slots[i].used)
			(void)curl_multi_remove_handle(a->multi, a->slots[i].easy); /* the process ends */
		curl_easy_cleanup(a->slots[i].easy);
		free(a->slots[i].body);
		free(a->slots[i].request);
	}
	(void)curl_multi_cleanup(a->multi); /* as above */
	curl_slist_free_all(a->headers);
	if (a->epoll_fd >= 0)
		(void)close(a->epoll_fd); /* as above */
}

/* ---- requests ---- */

size_t ari_client_free_slots(const struct ari_client *a)
{
	size_t n = 0;

	for (size_t i = 0; i < ARI_SLOTS_MAX; i++)
		n += !a->slots[i].used;
	return n;
}

bool ari_client_in_flight(const struct ari_client *a, const char *aor, const char *contact)
{
	for (size_t i = 0; i < ARI_SLOTS_MAX; i++)
		if (a->slots[i].used && !strcmp(a->slots[i].aor, aor) &&
		    !strcmp(a->slots[i].contact, contact))
			return true;
	return false;
}

int ari_path_append(char *path, size_t size, const char *text)
{
	size_t n = strlen(path);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (n + 4 > size)
			return -ENOSPC;
		if (isalnum(c) || strchr("-._~", c))
			path[n++] = (char)c;
		else
			n += (size_t)snprintf(path + n, 4, "%%%02X", c); /* room for it is left */
		path[n] = 0;
	}
	return 0;
}

static void ari_setup(struct ari_client *a, struct ari_slot *slot, const char *method, const char *url)
{
	CURL *c = slot->easy;

	curl_easy_reset(c); /* the options below fail for lack of memory only: then the request does, too */
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	(void)curl_easy_setopt(c, CURLOPT_USERPWD, a->credentials);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ari_on_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, slot);
	(void)curl_easy_setopt(c, CURLOPT_PRIVATE, slot);
	(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	if (slot->request)
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, slot->request);
}

int ari_client_call(struct ari_client *a, int call, const char *method, const char *path, char *request,
		    const char *aor, const char *contact, boot_t now)
{
	struct ari_slot *slot = NULL;
	char url[4096];

	for (size_t i = 0; i < ARI_SLOTS_MAX && !slot; i++)
		if (!a->slots[i].used)
			slot = &a->slots[i];
	if (!slot || snprintf(url, sizeof url, "%s/%s", a->base, path) >= (int)sizeof url) {
		free(request);
		return -EBUSY;
	}
	a->now = now;
	free(slot->request);
	slot->request = request;
	slot->call = call;
	slot->body_len = 0;
	slot->too_long = false;
	(void)snprintf(slot->aor, sizeof slot->aor, "%s", aor); /* of a binding: fits */
	(void)snprintf(slot->contact, sizeof slot->contact, "%s", contact);
	ari_setup(a, slot, method, url);
	if (curl_multi_add_handle(a->multi, slot->easy) != CURLM_OK)
		return -ENOMEM;
	slot->used = true;
	return 0;
}

static void ari_finish(struct ari_client *a, CURL *easy, CURLcode result, boot_t now)
{
	struct ari_slot *slot = NULL;
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot); /* cannot fail */
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_multi_remove_handle(a->multi, easy); /* it is there */
	if (result != CURLE_OK)
		status = 0;
	if (slot->too_long)
		(void)snprintf(a->error, sizeof a->error, "ARI at %.60s: an answer is longer than 64 KiB",
			       a->base);
	else if (result != CURLE_OK)
		(void)snprintf(a->error, sizeof a->error, "ARI at %.60s: %.60s", a->base,
			       curl_easy_strerror(result)); /* fits, as above */
	else
		a->error[0] = 0;
	slot->body[slot->body_len] = 0;
	slot->used = false;
	a->answered(a->ctx, slot, (int)status, slot->body, now);
}

static void ari_collect(struct ari_client *a, boot_t now)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(a->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			ari_finish(a, message->easy_handle, message->data.result, now);
}

static void ari_act(struct ari_client *a, curl_socket_t fd, int mask)
{
	int running;

	(void)curl_multi_socket_action(a->multi, fd, mask, &running); /* failures end in ari_collect() */
}

void ari_client_ready(struct ari_client *a, boot_t now)
{
	struct epoll_event ev[EVENTS_A_TURN];
	int n = epoll_wait(a->epoll_fd, ev, EVENTS_A_TURN, 0);

	a->now = now;
	for (int i = 0; i < n; i++)
		ari_act(a, ev[i].data.fd,
			(ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
				(ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0));
	ari_collect(a, now);
}

boot_t ari_client_next(const struct ari_client *a)
{
	return a->timer;
}

void ari_client_tick(struct ari_client *a, boot_t now)
{
	a->now = now;
	if (boot_before(now, a->timer))
		return;
	a->timer = BOOT_NEVER;
	ari_act(a, CURL_SOCKET_TIMEOUT, 0);
	ari_collect(a, now);
}
