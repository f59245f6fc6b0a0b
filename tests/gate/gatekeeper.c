/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Drives the gate, the guard and the virtual addresses without an agent, for the lab tests: commands come in
 * on stdin, one a line, events and answers go out on stdout, one a line, each with its CLOCK_BOOTTIME in ns
 * in front.
 *
 *   gatekeeper [--no-guard] [--no-vip] GROUP=DEVICE=ADDRESS[,ADDRESS...] ...
 *
 * Commands: set GROUP MS | renew GROUP MS EVERY_MS | get GROUP | status | drop-privileges | reload GROUP=...
 * | announce GROUP | again GROUP | stop GROUP | verify GROUP | destroy GROUP | remove | quit
 */
#include "clock_read.h"
#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 32

struct keeper {
	struct gate *gate;
	bool no_guard;
	bool no_vip;
	size_t group_count;
	char group[RK_GROUPS_MAX][RK_NAME_MAX];
	size_t address_count;
	struct virtual_address address[VIRTUAL_ADDRESSES_MAX];
	int64_t renew_ns[RK_GROUPS_MAX]; /* 0: not renewed */
	int64_t every_ns;
	boot_t next_renewal;
	bool quit;
};

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	va_list args;

	printf("%" PRId64 " ", clock_now().boot.ns);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* ---- configuration ---- */

static void keeper_add_group(struct keeper *k, char *spec)
{
	char *save, *name = strtok_r(spec, "=", &save), *device = strtok_r(NULL, "=", &save);
	char *ip = strtok_r(NULL, ",", &save);

	snprintf(k->group[k->group_count], RK_NAME_MAX, "%s", name);
	for (; ip; ip = strtok_r(NULL, ",", &save)) {
		struct virtual_address *a = &k->address[k->address_count++];

		*a = (struct virtual_address){ .group = (group_index_t)k->group_count };
		snprintf(a->device, sizeof a->device, "%s", device);
		if (ip_parse(ip, &a->ip) < 0) {
			fprintf(stderr, "not an address: %s\n", ip);
			exit(2);
		}
	}
	k->group_count++;
}

/* A range, 10.9.0.1+1000: that address and the following. */
static void keeper_configure(struct keeper *k, char **specs, int count)
{
	k->group_count = k->address_count = 0;
	for (int i = 0; i < count; i++)
		keeper_add_group(k, specs[i]);
}

static struct gate_config keeper_gate_config(const struct keeper *k)
{
	struct gate_config c = { .group_count = k->group_count,
				 .address_count = k->address_count,
				 .addresses = k->address };

	for (size_t i = 0; i < k->group_count; i++)
		c.wire_id[i] = group_wire_id(k->group[i]);
	return c;
}

static int keeper_group(const struct keeper *k, const char *name)
{
	for (size_t i = 0; name && i < k->group_count; i++)
		if (!strcmp(k->group[i], name))
			return (int)i;
	fprintf(stderr, "no group %s\n", name ? name : "");
	exit(2);
}

/* ---- events ---- */

static void on_lost(void *ctx, const struct gate_loss *loss)
{
	struct keeper *k = ctx;

	for (size_t i = 0; i < k->group_count && k->gate; i++)
		gate_set(k->gate, (group_index_t)i, (boot_t){ 0 });
	memset(k->renew_ns, 0, sizeof k->renew_ns);
	say("lost %s%s%s port=%u: %s", loss->device, loss->ingress ? " in" : "", loss->egress ? " out" : "",
	    loss->port_id, loss->text.text);
}

static void on_repaired(void *ctx, int ifindex, const char *device, int error, int64_t took_ns)
{
	say("repaired %s %d took_us=%lld", device, error, took_ns / NS_PER_US);
}

static void on_attached(void *ctx, int ifindex, const char *device)
{
	say("attached %d %s", ifindex, device);
}

static void on_detached(void *ctx, int ifindex, const char *device)
{
	say("detached %d %s", ifindex, device);
}

/* ---- commands ---- */

static void keeper_drop_privileges(void)
{
	/* Leaving uid 0 takes every capability along. */
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)) {
		say("dropped error %s", strerror(errno));
		return;
	}
	say("dropped uid=%d", (int)getuid());
}

static void keeper_say_status(struct keeper *k)
{
	static struct gate_link_status links[GATE_LINKS_MAX];
	struct gate_counters c;
	size_t count = gate_link_status(k->gate, links);

	for (size_t i = 0; i < k->group_count; i++) {
		struct gate_group_status s;

		gate_group_status(k->gate, (group_index_t)i, &s);
		say("status group %s until=%" PRId64 " in=%" PRIu64 " out=%" PRIu64, k->group[i],
		    s.open_until.ns, s.drops_in, s.drops_out);
	}
	for (size_t i = 0; i < count; i++)
		say("status link %s attached=%d error=%d", links[i].device, links[i].attached,
		    links[i].error);
	gate_counters(k->gate, &c);
	say("status counters losses=%" PRIu64 " repairs=%" PRIu64 " failures=%" PRIu64 " overruns=%" PRIu64,
	    c.losses, c.repairs, c.repair_failures, c.overruns);
}

static void keeper_set(struct keeper *k, int group, int64_t ms)
{
	boot_t until = { 0 };

	k->renew_ns[group] = 0;
	if (ms)
		until = boot_add(clock_now().boot, ms * NS_PER_MS);
	gate_set(k->gate, (group_index_t)group, until);
	say("set %s until=%" PRId64, k->group[group], until.ns);
}

static void keeper_reload(struct keeper *k, char **specs, int count)
{
	struct sentence why = { "" };
	struct gate_config c;
	int r;

	keeper_configure(k, specs, count);
	c = keeper_gate_config(k);
	r = gate_update(k->gate, &c, &why);
	if (r == 0)
		r = gate_prune(k->gate);
	say("reloaded %d %s", r, why.text);
}

static void keeper_remove(struct keeper *k)
{
	int r = gate_remove(k->gate);

	say("removed gate=%d", r);
}

static void keeper_command(struct keeper *k, char **arg, int count)
{
	const char *c = arg[0];

	if (!strcmp(c, "set"))
		keeper_set(k, keeper_group(k, arg[1]), atoll(arg[2]));
	else if (!strcmp(c, "renew")) {
		k->renew_ns[keeper_group(k, arg[1])] = atoll(arg[2]) * NS_PER_MS;
		k->every_ns = atoll(arg[3]) * NS_PER_MS;
		k->next_renewal = clock_now().boot;
		say("renewing %s", arg[1]);
	} else if (!strcmp(c, "get"))
		say("get %s until=%" PRId64, arg[1],
		    gate_get(k->gate, (group_index_t)keeper_group(k, arg[1])).ns);
	else if (!strcmp(c, "status"))
		keeper_say_status(k);
	else if (!strcmp(c, "drop-privileges"))
		keeper_drop_privileges();
	else if (!strcmp(c, "reload"))
		keeper_reload(k, arg + 1, count - 1);
	else if (!strcmp(c, "remove"))
		keeper_remove(k);
	else if (!strcmp(c, "quit"))
		k->quit = true;
	else
		say("unknown command %s", c);
	say("ok %s", c);
}

static void keeper_line(struct keeper *k, char *line)
{
	char *arg[ARGS_MAX + 1] = { NULL }, *save;
	int count = 0;

	for (char *w = strtok_r(line, " \n", &save); w && count < ARGS_MAX; w = strtok_r(NULL, " \n", &save))
		arg[count++] = w;
	if (count)
		keeper_command(k, arg, count);
}

static void keeper_stdin(struct keeper *k)
{
	static char buf[65536];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buf + used, sizeof buf - 1 - used);
	char *end;

	if (n <= 0) {
		k->quit = true;
		return;
	}
	used += (size_t)n;
	buf[used] = '\0';
	while ((end = strchr(buf, '\n'))) {
		*end = '\0';
		keeper_line(k, buf);
		used -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, used + 1);
	}
}

/* ---- the loop ---- */

static void keeper_renew(struct keeper *k, boot_t now)
{
	if (!k->every_ns || boot_before(now, k->next_renewal))
		return;
	k->next_renewal = boot_add(now, k->every_ns);
	for (size_t i = 0; i < k->group_count; i++)
		if (k->renew_ns[i])
			gate_set(k->gate, (group_index_t)i, boot_add(now, k->renew_ns[i]));
}

static int keeper_timeout_ms(const struct keeper *k, boot_t now)
{
	boot_t next = gate_next(k->gate);
	int64_t ns;

	if (k->every_ns)
		next = boot_min(next, k->next_renewal);
	ns = boot_diff_ns(now, next);
	return ns <= 0 ? 0 : (int)(ns / NS_PER_MS + 1);
}

static void keeper_run(struct keeper *k)
{
	while (!k->quit) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = gate_fd(k->gate), .events = POLLIN },
		};
		int r;

		if (poll(fds, 2, keeper_timeout_ms(k, clock_now().boot)) < 0 && errno != EINTR)
			return;
		if (fds[1].revents) {
			r = gate_readable(k->gate, clock_now().boot);
			if (r < 0)
				say("gate_readable error %d", r);
		}
		gate_tick(k->gate, clock_now().boot);
		keeper_renew(k, clock_now().boot);
		if (fds[0].revents)
			keeper_stdin(k);
	}
}

int main(int argc, char **argv)
{
	static struct keeper k;
	const struct gate_ops ops = { on_lost, on_repaired, on_attached, on_detached };
	struct sentence why = { "" };
	struct gate_config config;
	boot_t start = clock_now().boot;
	int first = 1, r;

	for (; first < argc && argv[first][0] == '-'; first++) {
		k.no_guard |= !strcmp(argv[first], "--no-guard");
		k.no_vip |= !strcmp(argv[first], "--no-vip");
	}
	keeper_configure(&k, argv + first, argc - first);
	config = keeper_gate_config(&k);
	r = gate_open(&config, &ops, &k, start, &k.gate, &why);
	if (r < 0) {
		say("failed gate %d %s", r, why.text);
		return 1;
	}
	say("ready adopted=%d took_us=%lld", gate_adopted(k.gate),
	    boot_diff_ns(start, clock_now().boot) / NS_PER_US);
	keeper_run(&k);
	gate_free(k.gate);
	return 0;
}
