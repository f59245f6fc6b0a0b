/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_hook.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int uplink_hook_init(struct uplink_hook *h)
{
	memset(h, 0, sizeof *h);
	return child_job_init(&h->job);
}

void uplink_hook_close(struct uplink_hook *h)
{
	child_job_close(&h->job);
	h->waiting = 0;
}

__attribute__((format(printf, 3, 4))) static void var(struct uplink_hook_call *c, int *n, const char *fmt,
						      ...)
{
	va_list ap;

	assert(*n < UPLINK_HOOK_VARS);
	va_start(ap, fmt);
	(void)vsnprintf(c->var[(*n)++], UPLINK_HOOK_VAR_MAX, fmt, ap); /* a cut reason is still one */
	va_end(ap);
}

static void call_fill(struct uplink_hook_call *c, const struct uplink_hook_event *e)
{
	char ip[IP_TEXT_MAX];
	int n = 0;

	var(c, &n, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	var(c, &n, "LC_ALL=C.UTF-8");
	var(c, &n, "RINGKEEP_EVENT=%s", e->event);
	var(c, &n, "UPLINK_FROM=%s", e->from);
	var(c, &n, "UPLINK_TO=%s", e->to);
	var(c, &n, "FAMILY=%s", e->family == AF_INET6 ? "ipv6" : "ipv4");
	var(c, &n, "PUBLIC_ADDRESS=%s", e->public_address.family ? ip_format(&e->public_address, ip) : "");
	var(c, &n, "RULE=R%u", e->rule);
	var(c, &n, "WHY=%s", e->why);
	assert(n == UPLINK_HOOK_VARS);
}

static int call_start(struct uplink_hook *h, boot_t now)
{
	struct uplink_hook_call *c = &h->call[0];
	char *argv[] = { c->path, NULL }, *env[UPLINK_HOOK_VARS + 1] = { NULL };

	for (int i = 0; i < UPLINK_HOOK_VARS; i++)
		env[i] = c->var[i];
	h->runs++;
	return child_job_start(&h->job, argv, env, "", now, c->timeout_ns);
}

int uplink_hook_tell(struct uplink_hook *h, const char *path, uint32_t timeout_ms,
		     const struct uplink_hook_event *e)
{
	struct uplink_hook_call *c = &h->call[h->waiting];

	if (h->waiting == UPLINK_HOOK_WAIT_MAX) {
		h->dropped++;
		return -ENOBUFS;
	}
	memset(c, 0, sizeof *c);
	(void)snprintf(c->path, sizeof c->path, "%s", path);
	c->timeout_ns = timeout_ms * NS_PER_MS;
	call_fill(c, e);
	h->waiting++;
	return 0;
}

int uplink_hook_fd(const struct uplink_hook *h)
{
	return child_job_fd(&h->job);
}

boot_t uplink_hook_next(const struct uplink_hook *h)
{
	if (h->waiting && !child_job_runs(&h->job))
		return (boot_t){ 1 }; /* at once */
	return child_job_next(&h->job);
}

/* The first one is over, however. */
static bool call_over(struct uplink_hook *h, int result, int *ret_error)
{
	h->waiting--;
	memmove(&h->call[0], &h->call[1], h->waiting * sizeof h->call[0]);
	h->failed += result < 0;
	*ret_error = result;
	return result < 0;
}

bool uplink_hook_work(struct uplink_hook *h, boot_t now, int *ret_error)
{
	int result;

	if (child_job_work(&h->job, now, &result) && call_over(h, result, ret_error))
		return true;
	while (h->waiting && !child_job_runs(&h->job)) {
		result = call_start(h, now);
		if (result < 0) {
			h->job.child.said[0] = '\0';
			return call_over(h, result, ret_error);
		}
	}
	return false;
}
