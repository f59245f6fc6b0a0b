/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Requests to an Asterisk's REST interface over loopback, by libcurl's multi interface: keep-alive, at most
 * ARI_CONNECTIONS at a time, several requests waiting, one deadline each, bodies bounded. All of libcurl's
 * sockets hide behind one epoll descriptor. Refuses redirects, proxies, other protocols, and to wait.
 */
#ifndef RK_ARI_CLIENT_H
#define RK_ARI_CLIENT_H

#include "binding.h"

#define ARI_SLOTS_MAX	8
#define ARI_CONNECTIONS 4
#define ARI_BODY_MAX	(64 * 1024)
#define ARI_BASE_MAX	128
#define ARI_WHY_MAX	160

/* Whom a request is about, for its owner. */
struct ari_slot {
	bool used;
	int call;
	char aor[BINDING_AOR_MAX + 1];
	char contact[BINDING_CONTACT_MAX + 1];
	void *easy; /* CURL, of this slot for ever */
	char *request;
	char *body; /* ARI_BODY_MAX + 1 */
	size_t body_len;
	bool too_long;
};

/* status 0: no answer, and ari_client.error says why. body is NUL-terminated. */
typedef void ari_answered_fn(void *ctx, const struct ari_slot *slot, int status, const char *body,
			     boot_t now);

struct ari_client {
	char base[ARI_BASE_MAX]; /* "http://127.0.0.1:8088/ari" */
	char credentials[260];
	void *multi, *headers;
	int epoll_fd; /* watch for POLLIN; -EBADF */
	boot_t timer;
	boot_t now; /* for libcurl's callbacks */
	struct ari_slot slots[ARI_SLOTS_MAX];
	ari_answered_fn *answered;
	void *ctx;
	char error[ARI_WHY_MAX]; /* of the last request, "" = it was answered */
};

/* Copies. -EINVAL: base is not http:// to loopback; -ENOMEM. */
int ari_client_init(struct ari_client *a, const char *base, const char *user, const char *secret,
		    ari_answered_fn *answered, void *ctx);
void ari_client_close(struct ari_client *a);
size_t ari_client_free_slots(const struct ari_client *a);
bool ari_client_in_flight(const struct ari_client *a, const char *aor, const char *contact);
/* path is below base and already encoded; request (may be NULL) is taken: a text from malloc. 0: answered()
 * follows, never from within this call; -EBUSY; -ENOMEM. */
int ari_client_call(struct ari_client *a, int call, const char *method, const char *path, char *request,
		    const char *aor, const char *contact, boot_t now);
/* Appends text, %-encoded as one segment of a path. -ENOSPC. */
int ari_path_append(char *path, size_t size, const char *text);
void ari_client_ready(struct ari_client *a, boot_t now);
boot_t ari_client_next(const struct ari_client *a);
void ari_client_tick(struct ari_client *a, boot_t now);

#endif
