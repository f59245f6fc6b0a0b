/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pulses: what comes in becomes events of the core, in the order heard, views, messages; a packet that fails
 * is counted and, for a while, an alarm. After a standstill the sockets are drained first.
 */
#include "agent.h"
#include "cleanup.h"
#include "log.h"
#include "pulse_socket.h"
#include "pushing.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#define LINKS_DRAIN_ROUNDS 256 /* a flood must not hold us here */

/* Links are numbered alike on all nodes: by the order in which their names appear in the configuration. */
static size_t links_names(const struct config *c, const char *ret[RK_LINKS_MAX])
{
	size_t n = 0;

	for (uint32_t i = 0; i < c->nodes_count; i++)
		for (uint32_t l = 0; l < c->nodes[i].links_count; l++) {
			size_t k = 0;

			while (k < n && strcmp(ret[k], c->nodes[i].links[l].name) != 0)
				k++;
			if (k == n && n < RK_LINKS_MAX)
				ret[n++] = c->nodes[i].links[l].name;
		}
	return n;
}

static void links_addresses(const struct agent *a, struct pulse_io_config *pc)
{
	const char *names[RK_LINKS_MAX];
	size_t count = links_names(a->config, names);

	for (uint32_t i = 0; i < a->config->nodes_count; i++) {
		const struct config_node *n = &a->config->nodes[i];

		for (uint32_t l = 0; l < n->links_count; l++)
			for (size_t k = 0; k < count; k++)
				if (strcmp(names[k], n->links[l].name) == 0)
					pc->links[n->id][k] = n->links[l].address;
	}
}

/* ---- from the sockets ---- */

static void links_heard(void *ctx, const struct pulse_source *source)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_HEARD, .node = source->node };

	/* Promises run from after the datagram was received, so each brings its own reading of the clocks. */
	a->now = source->at;
	if (a->draining)
		return;
	a->wire[source->node].known = true;
	a->wire[source->node].minor = source->minor;
	ev.heard.hears_me = source->hears_me;
	ev.heard.incarnation = source->incarnation;
	agent_feed(a, &ev);
}

static void links_hello(void *ctx, const struct pulse_source *source)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_HELLO, .node = source->node };

	a->now = source->at;
	if (!a->draining && config_alone_votes(a->config))
		agent_feed(a, &ev);
}

static void links_view(void *ctx, const struct pulse_source *source, group_index_t group,
		       const struct lease_view *view)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_VIEW, .node = source->node, .group = group };

	if (a->draining)
		return;
	ev.view.view = *view;
	ev.view.hears_me = source->hears_me;
	agent_feed(a, &ev);
}

static void links_message(void *ctx, const struct pulse_source *source, const struct lease_msg *msg)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_MESSAGE, .node = source->node, .group = msg->group };

	if (a->draining && msg->type != LEASE_RELEASE)
		return;
	ev.msg = *msg;
	agent_feed(a, &ev);
}

static const char *const links_alarm_texts[] = {
	[PULSE_ALARM_BAD_TAG] = "is heard but does not authenticate: its key and the configured public key "
				"differ, or somebody "
				"forges; it counts neither as alive nor as dead",
	[PULSE_ALARM_WRONG_CLUSTER] =
		"sends pulses of another cluster: use another pulse-port, or mend the cluster name",
	[PULSE_ALARM_UNKNOWN_SENDER] = "is not configured here: the configuration files differ",
	[PULSE_ALARM_VERSION] = "speaks another version of the pulse",
	[PULSE_ALARM_TWIN] = "speaks twice: two machines use the key of the same node",
	[PULSE_ALARM_MALFORMED] = "sends authentic pulses that cannot be read",
};

static void links_parcel(void *ctx, const struct pulse_source *source, const uint8_t *data, uint8_t len)
{
	struct agent *a = ctx;

	if (!a->draining)
		pushing_parcel(a->pushing, source->node, data, len);
}

static void links_alarm(void *ctx, const struct pulse_alarm *al)
{
	struct agent *a = ctx;
	char ip[IP_TEXT_MAX], key[ALARM_KEY_MAX];
	const char *node = al->node ? agent_node_name(a, al->node) : "somebody";

	ip_format(&al->from, ip);
	(void)snprintf(key, sizeof key, "pulse/%s/%s", pulse_alarm_name(al->kind), node);
	log_warning("pulse from %s (%s): %s, %llu times -> dropped", node, ip, pulse_alarm_name(al->kind),
		    (unsigned long long)al->count);
	if (al->kind == PULSE_ALARM_VERSION && al->node) {
		agent_wire_refused(a, al->node, "Pulses", al->version);
		return;
	}
	if (alarms_event(&a->alarms, key, a->now.boot, "%s (%s) %s.", node, ip, links_alarm_texts[al->kind]))
		records_event(a, "pulse-alarm", NULL, "%s (%s) %s", node, ip, links_alarm_texts[al->kind]);
}

static void links_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)revents;
	for (uint8_t l = 0; l < RK_LINKS_MAX; l++)
		if (pulse_io_fd(a->pulse, l) == fd)
			pulse_io_readable(a->pulse, l);
}

static void links_fd_changed(void *ctx, uint8_t link, int old_fd, int fd)
{
	struct agent *a = ctx;
	int r = 0;

	loop_remove(&a->loop, old_fd);
	if (fd >= 0)
		r = loop_add(&a->loop, fd, POLLIN, LOOP_HIGH, links_readable, a);
	if (r < 0)
		log_error("link %u cannot be watched: %s", link, strerror(-r));
	log_notice("pulse link %u: socket %s", link, fd >= 0 ? "open" : "closed");
}

static const struct pulse_io_ops links_ops = {
	.heard = links_heard,
	.hello = links_hello,
	.view = links_view,
	.message = links_message,
	.parcel = links_parcel,
	.alarm = links_alarm,
	.fd_changed = links_fd_changed,
};

/* ---- life ---- */

int links_peers(const struct agent *a, struct peers_config *ret, struct sentence *reterr)
{
	memset(ret, 0, sizeof *ret);
	memcpy(ret->cluster, a->config->cluster, sizeof ret->cluster);
	ret->self = a->self;
	ret->incarnation = a->core.config.process;
	for (uint32_t i = 0; i < a->config->nodes_count; i++) {
		const struct config_node *n = &a->config->nodes[i];

		ret->nodes[i].id = (node_id_t)n->id;
		if (node_public_parse(n->public_key, &ret->nodes[i].public_key) < 0)
			return sentence_fail(reterr, -EINVAL, "The public-key of node %s cannot be read.",
					     n->name);
	}
	ret->nodes_count = (uint8_t)a->config->nodes_count;
	for (uint32_t g = 0; g < a->config->groups_count; g++)
		ret->groups[g] = a->config->groups[g].wire_id;
	ret->groups_count = (uint8_t)a->config->groups_count;
	return 0;
}

/* Every socket can be made, also for an address that is not there yet, unless another program has the port.
 */
static int links_check_ports(const struct agent *a, const struct pulse_io_config *pc, struct sentence *reterr)
{
	char ip[IP_TEXT_MAX];

	for (uint8_t l = 0; l < RK_LINKS_MAX; l++) {
		const struct ip_address *own = &pc->links[a->self][l];
		_cleanup_(close_fd) int fd = -EBADF;
		int r;

		if (!own->family || pulse_io_fd(a->pulse, l) >= 0)
			continue;
		r = pulse_socket_open(own, pc->port, &fd);
		if (r == -EADDRINUSE)
			return sentence_fail(reterr, r,
					     "UDP port %u at %s is in use by another program; end that "
					     "program, or choose another "
					     "pulse-port on all nodes.",
					     pc->port, ip_format(own, ip));
	}
	return 0;
}

int links_open(struct agent *a, struct sentence *reterr)
{
	struct pulse_io_config pc = { .port = (uint16_t)a->config->pulse_port };
	int r = links_peers(a, &pc.peers, reterr);

	if (r < 0)
		return r;
	links_addresses(a, &pc);
	r = pulse_io_new(&pc, &a->key, &a->proof, &links_ops, a, a->now, &a->pulse);
	if (r < 0)
		return sentence_fail(reterr, r, "The pulse links cannot be set up: %s.", strerror(-r));
	r = links_check_ports(a, &pc, reterr);
	if (r < 0)
		return r;
	for (uint8_t l = 0; l < RK_LINKS_MAX; l++) {
		int fd = pulse_io_fd(a->pulse, l);

		if (fd >= 0)
			(void)loop_add(&a->loop, fd, POLLIN, LOOP_HIGH, links_readable,
				       a); /* there already: by fd_changed */
	}
	return 0;
}

void links_close(struct agent *a)
{
	for (uint8_t l = 0; a->pulse && l < RK_LINKS_MAX; l++)
		loop_remove(&a->loop, pulse_io_fd(a->pulse, l));
	pulse_io_free(a->pulse);
	a->pulse = NULL;
}

static bool links_pending(const struct agent *a, uint8_t link)
{
	int fd = pulse_io_fd(a->pulse, link), bytes = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

void links_read(struct agent *a)
{
	for (uint8_t l = 0; a->pulse && l < RK_LINKS_MAX; l++)
		if (pulse_io_fd(a->pulse, l) >= 0)
			pulse_io_readable(a->pulse, l);
}

void links_drain(struct agent *a)
{
	if (!a->pulse)
		return;
	a->draining = true;
	for (uint8_t l = 0; l < RK_LINKS_MAX; l++)
		for (int round = 0; round < LINKS_DRAIN_ROUNDS && links_pending(a, l); round++)
			pulse_io_readable(a->pulse, l);
	a->draining = false;
}

/* ---- status ---- */

json_t *links_json(const struct agent *a)
{
	const char *names[RK_LINKS_MAX];
	size_t count = links_names(a->config, names);
	json_t *list = json_array();

	for (uint32_t i = 0; i < a->config->nodes_count; i++)
		for (uint8_t l = 0; l < count; l++) {
			node_id_t node = (node_id_t)a->config->nodes[i].id;
			struct pulse_link_status s;
			int64_t heard_ms = -1;

			if (node == a->self)
				continue;
			pulse_io_link_status(a->pulse, node, l, &s);
			if (!s.configured)
				continue;
			if (s.heard_at.ns)
				heard_ms = boot_diff_ns(s.heard_at, a->now.boot) / NS_PER_MS;
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:b, s:I, s:f, s:I}", "node",
						agent_node_name(a, node), "link", names[l], "up",
						heard_ms >= 0 && heard_ms < 5 * a->config->timing.pulse_ms,
						"heard_ms", (json_int_t)heard_ms, "rtt_ms", s.rtt_us / 1000.0,
						"send_errors", (json_int_t)s.send_errors));
		}
	return list;
}

json_t *links_counters_json(const struct agent *a)
{
	json_t *o = json_object();
	char key[64];

	for (int i = 0; i < PULSE_OUTCOMES_COUNT; i++) {
		(void)snprintf(key, sizeof key, "pulse_%s", pulse_outcome_name((enum pulse_outcome)i));
		json_object_set_new(
			o, key,
			json_integer((json_int_t)pulse_io_count(a->pulse, NODE_NONE, (enum pulse_outcome)i)));
	}
	json_object_set_new(o, "pulse_skipped", json_integer((json_int_t)pulse_io_skipped(a->pulse)));
	return o;
}
