/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Drives the VRRP module without an agent, for the lab tests: commands come in on stdin, one a line, what the
 * module does goes out on stdout as JSON, one object a line, each with its CLOCK_BOOTTIME in ns.
 *
 *   router GROUP ...     GROUP: group=0,mode=native,device=e0,vrid=51,address=10.84.0.100,...
 *
 * Keys: group mode device vrid version priority advert_ms preempt delay_ms checksum dscp mac sync, and, as
 * often as wanted, address peer source.
 * Commands: speak GROUP 0|1 | again GROUP | run GROUP 0|1 [OPEN_FOR_MS] | penalty GROUP N | yield GROUP |
 * status GROUP | reload GROUP... | cpu | remove | quit
 */
#include "clock_read.h"
#include "vrrp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARGS_MAX      32
#define ADDRESSES_MAX 300

struct router {
	struct vrrp *vrrp;
	size_t group_count;
	struct vrrp_group_config group[RK_GROUPS_MAX];
	struct ip_address address[RK_GROUPS_MAX][ADDRESSES_MAX];
	bool quit;
};

static __attribute__((format(printf, 2, 3))) void say(const char *what, const char *format, ...)
{
	va_list args;

	printf("{\"at\": %" PRId64 ", \"what\": \"%s\"", clock_now().boot.ns, what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("}");
	fflush(stdout);
}

/* ---- configuration ---- */

static void die(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	exit(2);
}

static struct ip_address address_of(const char *text)
{
	struct ip_address ip;

	if (ip_parse(text, &ip) < 0)
		die("not an address", text);
	return ip;
}

static bool group_set_list(struct router *r, struct vrrp_group_config *g, const char *key, const char *value)
{
	if (!strcmp(key, "address"))
		r->address[g - r->group][g->addresses_count++] = address_of(value);
	else if (!strcmp(key, "peer"))
		g->peers[g->peers_count++] = address_of(value);
	else if (!strcmp(key, "source"))
		g->sources[g->sources_count++] = address_of(value);
	else
		return false;
	return true;
}

static void group_set(struct router *r, struct vrrp_group_config *g, const char *key, const char *value)
{
	int number = atoi(value);

	if (group_set_list(r, g, key, value))
		return;
	if (!strcmp(key, "group"))
		g->group = (group_index_t)number;
	else if (!strcmp(key, "mode"))
		g->mode = strcmp(value, "native") ? VRRP_ANNOUNCE : VRRP_NATIVE;
	else if (!strcmp(key, "device"))
		snprintf(g->device, sizeof g->device, "%s", value);
	else if (!strcmp(key, "vrid"))
		g->vrid = (uint8_t)number;
	else if (!strcmp(key, "version"))
		g->version = (uint8_t)number;
	else if (!strcmp(key, "priority"))
		g->priority = (uint8_t)number;
	else if (!strcmp(key, "advert_ms"))
		g->advert_ns = number * NS_PER_MS;
	else if (!strcmp(key, "preempt"))
		g->preempt = number;
	else if (!strcmp(key, "delay_ms"))
		g->preempt_delay_ns = number * NS_PER_MS;
	else if (!strcmp(key, "checksum"))
		g->checksum_rfc9568 = !strcmp(value, "rfc9568");
	else if (!strcmp(key, "dscp"))
		g->dscp = (uint8_t)number;
	else if (!strcmp(key, "mac"))
		g->mac = !strcmp(value, "private") ? VRRP_MAC_PRIVATE : VRRP_MAC_BRIDGE;
	else if (!strcmp(key, "sync"))
		g->sync = (uint8_t)number;
	else
		die("unknown key", key);
}

static void router_add_group(struct router *r, char *spec)
{
	struct vrrp_group_config *g = &r->group[r->group_count];
	char *save;

	*g = (struct vrrp_group_config){ .group = (group_index_t)r->group_count,
					 .version = 3,
					 .priority = 100,
					 .advert_ns = NS_PER_S,
					 .preempt = true,
					 .dscp = 48,
					 .clock_error_ppm = 1000,
					 .addresses = r->address[r->group_count] };
	for (char *word = strtok_r(spec, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			die("not key=value", word);
		*value++ = '\0';
		group_set(r, g, word, value);
	}
	r->group_count++;
}

static struct vrrp_config router_configure(struct router *r, char **specs, int count)
{
	r->group_count = 0;
	for (int i = 0; i < count; i++)
		router_add_group(r, specs[i]);
	return (struct vrrp_config){ .group_count = r->group_count, .groups = r->group };
}

/* ---- what the module does ---- */

static void on_gate(void *ctx, group_index_t group, boot_t until)
{
	say("gate", ", \"group\": %u, \"until\": %" PRId64, group, until.ns);
}

static void on_state(void *ctx, group_index_t group, enum vrrp_state state, enum vrrp_cause cause)
{
	say("state", ", \"group\": %u, \"state\": %d, \"cause\": %d", group, state, cause);
}

static void on_announce(void *ctx, group_index_t group)
{
	say("announce", ", \"group\": %u", group);
}

static void on_rogue(void *ctx, const struct vrrp_rogue *r)
{
	char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

	say("rogue",
	    ", \"group\": %u, \"from\": \"%s\", \"mac\": \"%s\", \"priority\": %u, \"version\": %u, "
	    "\"device\": \"%s\", \"suppressed\": %u",
	    r->group, ip_format(&r->from, ip), mac_format(&r->mac, mac), r->priority, r->version, r->device,
	    r->suppressed);
}

static void on_trouble(void *ctx, group_index_t group, const char *what, int error)
{
	say("trouble", ", \"group\": %u, \"of\": \"%s\", \"error\": %d", group, what, error);
}

/* ---- commands ---- */

static void say_status(struct router *r, group_index_t group)
{
	struct vrrp_status s;
	char from[IP_TEXT_MAX] = "";
	char dropped[256] = "";
	size_t used = 0;

	if (!vrrp_status(r->vrrp, group, &s)) {
		say("status", ", \"group\": null");
		return;
	}
	if (s.heard_from.family)
		ip_format(&s.heard_from, from);
	for (int i = 0; i < VRRP_VERDICTS_COUNT; i++)
		used += (size_t)snprintf(dropped + used, sizeof dropped - used, "%s%" PRIu64, i ? ", " : "",
					 s.counters.dropped[i]);
	say("status",
	    ", \"group\": %u, \"priority\": %u, \"speaking\": %d, \"state\": %d, \"down_ns\": %" PRId64
	    ", \"heard_at\": %" PRId64 ", \"heard_priority\": %u, \"heard_from\": \"%s\", \"sent\": %" PRIu64
	    ", \"send_errors\": %" PRIu64 ", \"received\": %" PRIu64 ", \"interval_mismatch\": %" PRIu64
	    ", \"addresses_mismatch\": %" PRIu64 ", \"rfc5798\": %" PRIu64 ", \"rfc9568\": %" PRIu64
	    ", \"not_a_peer\": %" PRIu64 ", \"rogue\": %" PRIu64 ", \"dropped\": [%s]",
	    group, s.priority, s.speaking, s.state, s.down_ns, s.heard_at.ns, s.heard_priority, from,
	    s.counters.sent, s.counters.send_errors, s.counters.received, s.counters.interval_mismatch,
	    s.counters.addresses_mismatch, s.counters.checksum_rfc5798, s.counters.checksum_rfc9568,
	    s.counters.not_a_peer, s.counters.rogue, dropped);
}

static void say_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	say("cpu", ", \"user_us\": %" PRId64 ", \"system_us\": %" PRId64,
	    (int64_t)u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec,
	    (int64_t)u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec);
}

static void router_run(struct router *r, group_index_t group, char **arg, boot_t now)
{
	boot_t open_until = arg[3] ? boot_add(now, atoll(arg[3]) * NS_PER_MS) : (boot_t){ 0 };

	vrrp_run(r->vrrp, group, atoi(arg[2]), open_until, now);
}

static void router_command(struct router *r, char **arg, int count)
{
	boot_t now = clock_now().boot;
	const char *c = arg[0];
	group_index_t group = arg[1] ? (group_index_t)atoi(arg[1]) : 0;
	struct vrrp_config config;
	int error = 0;

	if (!strcmp(c, "speak"))
		vrrp_speak(r->vrrp, group, atoi(arg[2]), now);
	else if (!strcmp(c, "again"))
		vrrp_speak_again(r->vrrp, group, now);
	else if (!strcmp(c, "run"))
		router_run(r, group, arg, now);
	else if (!strcmp(c, "penalty"))
		vrrp_penalty(r->vrrp, group, (uint8_t)atoi(arg[2]), now);
	else if (!strcmp(c, "yield"))
		error = vrrp_yield(r->vrrp, group, now);
	else if (!strcmp(c, "status"))
		say_status(r, group);
	else if (!strcmp(c, "reload")) {
		config = router_configure(r, arg + 1, count - 1);
		error = vrrp_update(r->vrrp, &config, now);
	} else if (!strcmp(c, "cpu"))
		say_cpu();
	else if (!strcmp(c, "remove"))
		error = vrrp_remove(r->vrrp);
	else if (!strcmp(c, "quit"))
		r->quit = true;
	else
		error = -EINVAL;
	say("ok", ", \"command\": \"%s\", \"error\": %d", c, error);
}

static void router_line(struct router *r, char *line)
{
	char *arg[ARGS_MAX + 1] = { NULL }, *save;
	int count = 0;

	for (char *w = strtok_r(line, " \n", &save); w && count < ARGS_MAX; w = strtok_r(NULL, " \n", &save))
		arg[count++] = w;
	if (count)
		router_command(r, arg, count);
}

static void router_stdin(struct router *r)
{
	static char buf[65536];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buf + used, sizeof buf - 1 - used);
	char *end;

	if (n <= 0) {
		r->quit = true;
		return;
	}
	used += (size_t)n;
	buf[used] = '\0';
	while ((end = strchr(buf, '\n'))) {
		*end = '\0';
		router_line(r, buf);
		used -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, used + 1);
	}
}

/* ---- the loop ---- */

static struct timespec router_timeout(const struct router *r)
{
	int64_t ns = boot_diff_ns(clock_now().boot, vrrp_next(r->vrrp));

	ns = ns < 0 ? 0 : ns > NS_PER_S ? NS_PER_S : ns;
	return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

static void router_loop(struct router *r)
{
	while (!r->quit) {
		struct timespec timeout = router_timeout(r);
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = vrrp_fd(r->vrrp), .events = POLLIN },
		};

		if (ppoll(fds, 2, &timeout, NULL) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			vrrp_readable(r->vrrp, clock_now().boot);
		vrrp_tick(r->vrrp, clock_now().boot);
		if (fds[0].revents)
			router_stdin(r);
	}
}

int main(int argc, char **argv)
{
	static const struct vrrp_ops ops = { on_gate, on_state, on_announce, on_rogue, on_trouble };
	static struct router r;
	struct vrrp_config config = router_configure(&r, argv + 1, argc - 1);
	struct sentence why = { "" };

	if (vrrp_open(&config, &ops, NULL, clock_now().boot, &r.vrrp, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	say("ready", ", \"pid\": %d", (int)getpid());
	router_loop(&r);
	vrrp_free(r.vrrp);
	return 0;
}
