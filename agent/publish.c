/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "publish.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2048

int publish_init(struct publish *p, const char *program)
{
	memset(p, 0, sizeof *p);
	p->program = program;
	p->running = -1;
	return child_job_init(&p->job);
}

void publish_close(struct publish *p)
{
	child_job_close(&p->job);
	p->running = -1;
}

/* ---- what is written ---- */

__attribute__((format(printf, 4, 5))) static int append(char *ret, size_t size, size_t *used, const char *fmt,
							...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(ret + *used, size - *used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size - *used)
		return -ENOBUFS;
	*used += (size_t)n;
	return 0;
}

/* One message: who asks meanwhile sees the old addresses or the new ones, never none. */
int publish_text(const struct config_publish *c, const struct publish_addresses *want, char *ret, size_t size)
{
	static const char *const types[] = { "A", "AAAA" };
	const char *dot =
		c->host[strlen(c->host) - 1] == '.' ? "" : "."; /* no search list, whatever it has */
	char ip[IP_TEXT_MAX];
	size_t used = 0;
	int r = append(ret, size, &used, "server %s %u\n", ip_format(&c->server, ip), c->port);

	if (r == 0 && c->zone[0])
		r = append(ret, size, &used, "zone %s\n", c->zone);
	for (int f = 0; f < 2 && r == 0; f++) {
		if (!want->writes[f])
			continue;
		r = append(ret, size, &used, "update delete %s%s %s\n", c->host, dot, types[f]);
		if (r == 0 && want->address[f].family)
			r = append(ret, size, &used, "update add %s%s %u %s %s\n", c->host, dot,
				   c->ttl_ms / 1000, types[f], ip_format(&want->address[f], ip));
	}
	return r < 0 ? r : append(ret, size, &used, "send\n");
}

/* ---- what is wanted ---- */

static bool same_addresses(const struct publish_addresses *a, const struct publish_addresses *b)
{
	for (int f = 0; f < 2; f++) {
		if (a->writes[f] != b->writes[f])
			return false;
		if (a->writes[f] && !ip_equal(&a->address[f], &b->address[f]))
			return false;
	}
	return true;
}

static bool any_address(const struct publish_addresses *a)
{
	return (a->writes[0] && a->address[0].family) || (a->writes[1] && a->address[1].family);
}

void publish_want(struct publish *p, uint32_t name, const struct config_publish *config,
		  const struct publish_addresses *want, boot_t now)
{
	struct publish_name *n = &p->name[name];

	if (!any_address(want))
		return;
	if (n->wanted && same_addresses(&n->want, want) && !memcmp(&n->config, config, sizeof *config))
		return;
	n->wanted = true;
	n->done = false;
	n->config = *config;
	n->want = *want;
	n->at = now; /* what is new is worth an attempt */
	n->failures = 0;
}

void publish_leave(struct publish *p, uint32_t name)
{
	struct publish_name *n = &p->name[name];

	/* The next holder has written, or will: an update of ours that is late must not undo it. */
	if (n->wanted && p->running == (int)name) {
		guard_child_kill(&p->job.child);
		p->stopped = true;
	}
	n->wanted = n->done = false;
}

/* ---- updates ---- */

static bool is_due(const struct publish_name *n)
{
	return n->wanted && !n->done;
}

static int due_first(const struct publish *p)
{
	int first = -1;

	for (int i = 0; i < PUBLISH_NAMES_MAX; i++)
		if (is_due(&p->name[i]) && (first < 0 || boot_before(p->name[i].at, p->name[first].at)))
			first = i;
	return first;
}

int publish_fd(const struct publish *p)
{
	return child_job_fd(&p->job);
}

boot_t publish_next(const struct publish *p)
{
	int first = p->running < 0 ? due_first(p) : -1;

	return first >= 0 ? p->name[first].at : child_job_next(&p->job);
}

static int update_start(struct publish *p, const struct publish_name *n, boot_t now)
{
	char program[CONFIG_PATH_MAX], key[CONFIG_PATH_MAX], text[TEXT_MAX];
	char *argv[] = { program, (char[]){ "-t" }, (char[]){ "8" }, (char[]){ "-k" }, key, NULL };
	char *env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LC_ALL=C.UTF-8" },
			NULL };
	int r = publish_text(&n->config, &n->want, text, sizeof text);

	if (r < 0)
		return r;
	(void)snprintf(program, sizeof program, "%s", p->program);
	(void)snprintf(key, sizeof key, "%s", n->config.key_file);
	if (!key[0])
		argv[3] = NULL;
	p->updates++;
	p->stopped = false;
	p->sent = n->want;
	return child_job_start(&p->job, argv, env, text, now, PUBLISH_TIMEOUT_NS);
}

static int64_t retry_ns(uint32_t failures)
{
	int64_t ns = PUBLISH_RETRY_NS;

	for (uint32_t i = 1; i < failures && ns < PUBLISH_RETRY_MAX_NS; i++)
		ns *= 2;
	return ns < PUBLISH_RETRY_MAX_NS ? ns : PUBLISH_RETRY_MAX_NS;
}

static int update_ended(struct publish *p, int name, int result, boot_t now)
{
	struct publish_name *n = &p->name[name];

	p->running = -1;
	if (p->stopped || !n->wanted)
		return -1; /* nobody's failure, also if the group is back already */
	if (result == 0) {
		/* Something else may be wanted by now. */
		n->done = same_addresses(&n->want, &p->sent);
		n->failures = 0;
		return name;
	}
	p->failed++;
	n->failures++;
	n->at = boot_add(now, retry_ns(n->failures));
	return name;
}

int publish_work(struct publish *p, boot_t now, int *ret_result)
{
	int result = 0, name = -1;

	if (p->running >= 0) {
		if (!child_job_work(&p->job, now, &result))
			return -1;
		name = update_ended(p, p->running, result, now);
		*ret_result = result;
		if (name >= 0)
			return name;
	}
	name = due_first(p);
	if (name < 0 || boot_before(now, p->name[name].at))
		return -1;
	p->running = name;
	result = update_start(p, &p->name[name], now);
	if (result == 0)
		return -1;
	p->job.child.said[0] = '\0';
	*ret_result = result;
	return update_ended(p, name, result, now);
}
