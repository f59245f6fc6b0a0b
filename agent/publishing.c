/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "publishing.h"

#include "agent.h"
#include "log.h"
#include "publish.h"
#include "uplink_hook.h"
#include "uplinks_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct publishing {
	struct agent *agent;
	struct publish publish;
	struct uplink_hook hook;
};

/* ---- names in DNS ---- */

static uint32_t name_number(uint32_t group, uint32_t publish)
{
	return group * CONFIG_PUBLISH_MAX + publish;
}

static void addresses(const struct agent *a, struct publish_addresses *ret)
{
	memset(ret, 0, sizeof *ret);
	for (uint32_t i = 0; i < a->config->uplinks_count; i++)
		ret->writes[a->config->uplinks[i].family] = true;
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (ret->writes[f])
			ret->address[f] = uplinks_public(a->uplinks, (enum path_family)f);
}

static void names_refresh(struct publishing *p, uint32_t group, const struct publish_addresses *want)
{
	struct agent *a = p->agent;
	const struct config_group *g = &a->config->groups[group];
	bool held = core_holds(&a->core, (group_index_t)group);

	for (uint32_t i = 0; i < CONFIG_PUBLISH_MAX; i++)
		if (held && i < g->publishes_count)
			publish_want(&p->publish, name_number(group, i), &g->publishes[i], want, a->now.boot);
		else
			publish_leave(&p->publish, name_number(group, i));
}

void publishing_refresh(struct publishing *p)
{
	struct publish_addresses want;

	if (!p || !p->agent->uplinks)
		return;
	addresses(p->agent, &want);
	for (uint32_t g = 0; g < p->agent->config->groups_count; g++)
		names_refresh(p, g, &want);
}

static void name_told(struct publishing *p, int number, int result)
{
	struct agent *a = p->agent;
	const struct publish_name *n = &p->publish.name[number];
	const char *group = a->group_names[number / CONFIG_PUBLISH_MAX];
	char key[ALARM_KEY_MAX], said[160];

	(void)snprintf(key, sizeof key, "publish/%s/%.12s", group, n->config.name);
	(void)child_job_said(&p->publish.job, said, sizeof said);
	if (result == 0) {
		log_notice("%s: %s in DNS has the addresses of this node's uplinks", group, n->config.host);
		(void)alarms_clear(&a->alarms, key);
		return;
	}
	log_warning("%s: %s cannot be updated in DNS: %s (%s) -> again, attempt %u", group, n->config.host,
		    result == -EIO ? "refused" : strerror(-result), said, n->failures + 1);
	if (n->failures < PUBLISH_ALARM_FAILURES)
		return;
	if (alarms_raise(&a->alarms, key, a->now.boot,
			 "%.60s of %s is not up to date in DNS: %.100s. It is tried again.", n->config.host,
			 group, said))
		records_event(a, "publish", group, "%s cannot be updated in DNS: %s", n->config.host, said);
}

static void publishing_work(void *ctx, int fd, int revents)
{
	struct publishing *p = ctx;
	int number, result;

	(void)fd, (void)revents;
	while ((number = publish_work(&p->publish, p->agent->now.boot, &result)) >= 0)
		name_told(p, number, result);
}

/* ---- the hook ---- */

static const char *hook_end(int error)
{
	if (error == -ETIMEDOUT)
		return "it took too long and was killed";
	return error == -EIO ? "by its exit code" : strerror(-error);
}

static void hook_work(void *ctx, int fd, int revents)
{
	struct publishing *p = ctx;
	char said[160];
	int error;

	(void)fd, (void)revents;
	while (uplink_hook_work(&p->hook, p->agent->now.boot, &error)) {
		(void)child_job_said(&p->hook.job, said, sizeof said);
		log_warning("the uplinks' hook failed: %s (%s)", hook_end(error), said);
		(void)alarms_event(&p->agent->alarms, "hook", p->agent->now.boot,
				   "The uplinks' hook failed: %s (%.150s)", hook_end(error), said);
	}
}

void publishing_switched(struct publishing *p, enum path_family f, const struct uplink_switching *s, bool ok)
{
	const struct config_voice *v;
	const struct uplinks *u;

	if (!p)
		return;
	u = p->agent->uplinks;
	v = &p->agent->config->voice[0];
	if (!v->hook[0])
		return;
	const struct uplink_hook_event e = {
		.event = !ok			     ? "failed"
			 : s->action == UPLINK_DRAIN ? "draining"
						     : "switched",
		.from = s->from >= 0 ? uplinks_name(u, s->from) : "",
		.to = s->to >= 0 ? uplinks_name(u, s->to) : "",
		.family = f == PATH_IPV6 ? AF_INET6 : AF_INET,
		.public_address = uplinks_public(u, f),
		.rule = s->rule,
		.why = s->why,
	};

	if (uplink_hook_tell(&p->hook, v->hook, v->hook_timeout_ms, &e) < 0)
		log_warning("%d calls of the uplinks' hook wait -> it is not told of this switch",
			    UPLINK_HOOK_WAIT_MAX);
}

/* ---- both ---- */

int publishing_open(struct agent *a, struct publishing **ret)
{
	struct publishing *p;
	int r;

	*ret = NULL;
	if (!a->config->uplinks_count || a->paths.witness)
		return 0;
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->agent = a;
	p->hook.job.epoll_fd = -EBADF;
	r = publish_init(&p->publish, "nsupdate");
	if (r == 0)
		r = uplink_hook_init(&p->hook);
	if (r == 0)
		r = loop_add(&a->loop, publish_fd(&p->publish), POLLIN, LOOP_LOW, publishing_work, p);
	if (r == 0)
		r = loop_add(&a->loop, uplink_hook_fd(&p->hook), POLLIN, LOOP_LOW, hook_work, p);
	if (r < 0) {
		publishing_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

void publishing_close(struct publishing *p)
{
	if (!p)
		return;
	loop_remove(&p->agent->loop, publish_fd(&p->publish));
	loop_remove(&p->agent->loop, uplink_hook_fd(&p->hook));
	publish_close(&p->publish);
	uplink_hook_close(&p->hook);
	free(p);
}

boot_t publishing_next(const struct publishing *p)
{
	return p ? boot_min(publish_next(&p->publish), uplink_hook_next(&p->hook)) : BOOT_NEVER;
}

void publishing_tick(struct publishing *p)
{
	if (!p)
		return;
	publishing_work(p, -1, 0);
	hook_work(p, -1, 0);
}
