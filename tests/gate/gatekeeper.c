/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Drives the gate, the guard and the virtual addresses without an agent, for the lab tests: commands come in
 * on stdin, one a line, events and answers go out on stdout, one a line, each with its CLOCK_BOOTTIME in ns
 * in front.
 *
 *   gatekeeper [--no-guard] [--no-vip] [--no-macs] [--no-peers] GROUP=DEVICE[:MODE:VRID]=ADDRESS[,ADDRESS...]
 *              ... [peer:GROUP=PREFIX[,PREFIX...] ...]
 *
 * MODE, of virtual MACs: bridge, private. --no-macs, --no-peers: the gate is not told of them, nor of trunk
 * peers the guard.
 *
 * Commands: set GROUP MS | renew GROUP MS EVERY_MS | get GROUP | status | drop-privileges | reload GROUP=...
 * | announce GROUP | again GROUP | stop GROUP | verify GROUP | destroy GROUP | remove | quit
 */
#include "clock_read.h"
#include "gate.h"
#include "guard.h"
#include "vip.h"
#include "vmac.h"
#include "vrrp_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 32

struct keeper {
	struct gate *gate;
	struct guard *guard;
	struct vip *vip;
	bool removed; /* the gate was taken down, and nobody looks after it any more */
	bool no_guard;
	bool no_vip;
	bool no_macs;
	bool no_peers;
	struct netlink request; /* of the virtual MACs */
	struct netlink links;
	size_t vmac_count;
	struct vmac vmac[VMACS_MAX];
	struct gate_virtual_mac mac[GATE_VIRTUAL_MACS_MAX];
	size_t group_count;
	char group[RK_GROUPS_MAX][RK_NAME_MAX];
	size_t address_count;
	struct virtual_address address[VIRTUAL_ADDRESSES_MAX];
	size_t peer_count;
	struct gate_peer peer[GATE_PEERS_TOTAL_MAX];
	struct ip_prefix guard_peer[GATE_PEERS_TOTAL_MAX];
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

/* The interface of the address: DEVICE, or its virtual MAC's. */
static void keeper_place(struct keeper *k, struct virtual_address *a, const char *device, const char *mode,
			 unsigned vrid)
{
	struct vmac v = { .family = a->ip.family,
			  .vrid = (uint8_t)vrid,
			  .mode = strcmp(mode, "private") ? VRRP_MAC_BRIDGE : VRRP_MAC_PRIVATE };

	snprintf(v.device, sizeof v.device, "%s", device);
	snprintf(a->device, sizeof a->device, "%s", device);
	if (!vrid)
		return;
	vmac_name(v.family, v.vrid, device, a->device);
	for (size_t i = 0; i < k->vmac_count; i++)
		if (k->vmac[i].vrid == v.vrid && k->vmac[i].family == v.family &&
		    !strcmp(k->vmac[i].device, device))
			return;
	k->mac[k->vmac_count] = (struct gate_virtual_mac){ vrrp_virtual_mac(v.family, v.vrid), a->group };
	k->vmac[k->vmac_count++] = v;
}

static void keeper_add_group(struct keeper *k, char *spec)
{
	char *save, *name = strtok_r(spec, "=", &save), *where = strtok_r(NULL, "=", &save);
	char *ip = strtok_r(NULL, ",", &save), device[IF_NAMESIZE] = "", mode[16] = "";
	unsigned vrid = 0;

	snprintf(k->group[k->group_count], RK_NAME_MAX, "%s", name);
	(void)sscanf(where, "%15[^:]:%15[^:]:%u", device, mode, &vrid);
	for (; ip; ip = strtok_r(NULL, ",", &save)) {
		struct virtual_address *a = &k->address[k->address_count++];

		*a = (struct virtual_address){ .group = (group_index_t)k->group_count };
		if (ip_parse(ip, &a->ip) < 0) {
			fprintf(stderr, "not an address: %s\n", ip);
			exit(2);
		}
		keeper_place(k, a, device, mode, vrid);
	}
	k->group_count++;
}

static int keeper_group(const struct keeper *k, const char *name)
{
	for (size_t i = 0; name && i < k->group_count; i++)
		if (!strcmp(k->group[i], name))
			return (int)i;
	fprintf(stderr, "no group %s\n", name ? name : "");
	exit(2);
}

static void keeper_add_peers(struct keeper *k, char *spec)
{
	char *save, *name = strtok_r(spec, "=", &save), *prefix = strtok_r(NULL, ",", &save);

	for (; prefix && !k->no_peers; prefix = strtok_r(NULL, ",", &save)) {
		struct gate_peer *p = &k->peer[k->peer_count];

		p->group = (group_index_t)keeper_group(k, name);
		if (ip_prefix_parse(prefix, &p->prefix) < 0) {
			fprintf(stderr, "not a prefix: %s\n", prefix);
			exit(2);
		}
		k->guard_peer[k->peer_count++] = p->prefix;
	}
}

static void keeper_configure(struct keeper *k, char **specs, int count)
{
	k->group_count = k->address_count = k->vmac_count = k->peer_count = 0;
	for (int i = 0; i < count; i++)
		if (!strncmp(specs[i], "peer:", 5))
			keeper_add_peers(k, specs[i] + 5);
		else
			keeper_add_group(k, specs[i]);
}

static struct gate_config keeper_gate_config(const struct keeper *k)
{
	struct gate_config c = { .group_count = k->group_count,
				 .address_count = k->address_count,
				 .addresses = k->address,
				 .mac_count = k->no_macs ? 0 : k->vmac_count,
				 .macs = k->mac,
				 .peer_count = k->peer_count,
				 .peers = k->peer };

	for (size_t i = 0; i < k->group_count; i++)
		c.wire_id[i] = group_wire_id(k->group[i]);
	return c;
}

static struct guard_config keeper_guard_config(const struct keeper *k)
{
	return (struct guard_config){ .address_count = k->address_count,
				      .addresses = k->address,
				      .peer_count = k->peer_count,
				      .peers = k->guard_peer };
}

static struct vip_config keeper_vip_config(const struct keeper *k)
{
	return (struct vip_config){ .address_count = k->address_count, .addresses = k->address };
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
	struct keeper *k = ctx;

	say("attached %d %s", ifindex, device);
	if (k->guard)
		guard_allow(k->guard, ifindex, device);
}

static void on_detached(void *ctx, int ifindex, const char *device)
{
	struct keeper *k = ctx;

	say("detached %d %s", ifindex, device);
	if (k->guard)
		guard_deny(k->guard, ifindex);
}

static void on_guard_lost(void *ctx, const struct guard_loss *loss)
{
	say("guard-lost flushed=%d pid=%u process=%s", loss->flushed, loss->pid, loss->process);
}

static void on_guard_repaired(void *ctx, int error, const char *text, int64_t took_ns)
{
	say("guard-repaired %d took_us=%lld %s", error, took_ns / NS_PER_US, text);
}

static void on_address(void *ctx, const struct virtual_address *a, enum vip_address_event event, int error)
{
	char text[IP_TEXT_MAX];

	say("address %s %s %d %s", ip_format(&a->ip, text), a->device, error, vip_address_event_name(event));
}

static void on_contended(void *ctx, const struct vip_contention *c)
{
	char text[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

	say("contended %s %s %s suppressed=%u", ip_format(&c->ip, text), c->device, mac_format(&c->mac, mac),
	    c->suppressed);
}

static void on_announced(void *ctx, group_index_t group, int error)
{
	say("announced %u %d", group, error);
}

static void on_verified(void *ctx, const struct vip_verdict *v)
{
	char text[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

	say("verified %u %d %s %s", v->group, v->error, ip_format(&v->ip, text), mac_format(&v->mac, mac));
}

static void on_link(void *ctx, group_index_t group, bool up)
{
	say("link %u %s", group, up ? "up" : "down");
}

/* ---- virtual MACs ---- */

static int keeper_ensure_macs(struct keeper *k)
{
	int error = 0, ifindex;

	for (size_t i = 0; i < k->vmac_count; i++) {
		struct sentence why = { "" };
		int r = vmac_ensure(&k->request, &k->vmac[i], &ifindex, &why);

		if (r < 0)
			say("vmac %d %s", r, why.text);
		error = error ? error : r;
	}
	return error;
}

static int keeper_sweep_macs(struct keeper *k, size_t count)
{
	return vmac_sweep(&k->request, k->vmac, count);
}

static void keeper_link_event(void *ctx, const struct nlmsghdr *h)
{
	*(bool *)ctx = true;
}

static void keeper_links_readable(struct keeper *k)
{
	bool changed = false;

	(void)netlink_receive(&k->links, keeper_link_event, &changed);
	if (changed)
		(void)keeper_ensure_macs(k);
}

static int keeper_start_macs(struct keeper *k)
{
	const int groups[] = { RTNLGRP_LINK, 0 };
	int r = netlink_open(&k->request, NETLINK_ROUTE, NULL);

	if (r == 0)
		r = netlink_open(&k->links, NETLINK_ROUTE, groups);
	if (r == 0)
		r = keeper_sweep_macs(k, k->vmac_count);
	return r == 0 ? keeper_ensure_macs(k) : r;
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
		say("status group %s until=%" PRId64 " in=%" PRIu64 " out=%" PRIu64 " macs=%zu", k->group[i],
		    s.open_until.ns, s.drops_in, s.drops_out, s.mac_count);
	}
	for (size_t i = 0; i < count; i++)
		say("status link %s attached=%d error=%d", links[i].device, links[i].attached,
		    links[i].error);
	static struct gate_peer_status peers[GATE_PEERS_TOTAL_MAX];
	size_t peer_count = gate_peer_status(k->gate, peers);

	for (size_t i = 0; i < peer_count; i++) {
		char text[IP_PREFIX_TEXT_MAX];

		say("status peer %s groups=%x drops=%" PRIu64, ip_prefix_format(&peers[i].prefix, text),
		    peers[i].groups, peers[i].drops);
	}
	gate_counters(k->gate, &c);
	if (k->guard) {
		struct guard_status g;

		guard_status(k->guard, &g);
		say("status guard up=%d losses=%" PRIu64 " loads=%" PRIu64 " failures=%" PRIu64
		    " allowed=%zu",
		    g.up, g.losses, g.loads, g.failures, g.allowed);
	}
	if (k->vip) {
		struct vip_counters v;

		vip_counters(k->vip, &v);
		say("status vip removed=%" PRIu64 " overruns=%" PRIu64 " sent=%" PRIu64 " dropped=%" PRIu64
		    " contentions=%" PRIu64 " sockets=%" PRIu64,
		    v.removed_by_others, v.overruns, v.announcements, v.announcements_dropped, v.contentions,
		    v.sockets_destroyed);
	}
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
	struct guard_config guard_config;
	struct vip_config vip_config;
	struct gate_config c;
	int r;

	keeper_configure(k, specs, count);
	c = keeper_gate_config(k);
	guard_config = keeper_guard_config(k);
	vip_config = keeper_vip_config(k);
	r = gate_update(k->gate, &c, &why);
	if (r == 0 && k->guard)
		r = guard_update(k->guard, &guard_config);
	if (r == 0)
		r = keeper_ensure_macs(k);
	if (r == 0 && k->vip)
		r = vip_update(k->vip, &vip_config, clock_now().boot);
	if (r == 0)
		r = keeper_sweep_macs(k, k->vmac_count);
	if (r == 0)
		r = gate_prune(k->gate);
	say("reloaded %d %s", r, why.text);
}

static void keeper_remove(struct keeper *k)
{
	int vip = k->vip ? vip_remove(k->vip) : 0, macs = keeper_sweep_macs(k, 0), gate;
	int guard;

	k->vmac_count = 0;
	gate = gate_remove(k->gate);
	k->removed = true;
	guard = k->guard ? guard_remove(k->guard) : 0;
	say("removed vip=%d gate=%d guard=%d macs=%d", vip, gate, guard, macs);
}

static void keeper_destroy(struct keeper *k, int group)
{
	size_t count = 0;
	int r = vip_destroy_sockets(k->vip, (group_index_t)group, &count);

	say("destroyed %d count=%zu", r, count);
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
	else if (!strcmp(c, "announce"))
		vip_announce(k->vip, (group_index_t)keeper_group(k, arg[1]), clock_now().boot);
	else if (!strcmp(c, "again"))
		vip_announce_again(k->vip, (group_index_t)keeper_group(k, arg[1]), clock_now().boot);
	else if (!strcmp(c, "stop"))
		vip_announce_stop(k->vip, (group_index_t)keeper_group(k, arg[1]));
	else if (!strcmp(c, "verify"))
		vip_verify(k->vip, (group_index_t)keeper_group(k, arg[1]), clock_now().boot);
	else if (!strcmp(c, "destroy"))
		keeper_destroy(k, keeper_group(k, arg[1]));
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

	if (k->guard)
		next = boot_min(next, guard_next(k->guard));
	if (k->vip)
		next = boot_min(next, vip_next(k->vip));
	if (k->every_ns)
		next = boot_min(next, k->next_renewal);
	ns = boot_diff_ns(now, next);
	return ns <= 0 ? 0 : ns > NS_PER_S ? 1000 : (int)(ns / NS_PER_MS + 1);
}

static void keeper_say_error(const char *what, int r)
{
	if (r < 0)
		say("error %s %d", what, r);
}

static void keeper_run(struct keeper *k)
{
	while (!k->quit) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = k->removed ? -1 : gate_fd(k->gate), .events = POLLIN },
			{ .fd = k->guard ? guard_fd(k->guard) : -1, .events = POLLIN },
			{ .fd = k->vip ? vip_fd(k->vip) : -1, .events = POLLIN },
			{ .fd = netlink_fd(&k->links), .events = POLLIN },
		};

		if (poll(fds, 5, keeper_timeout_ms(k, clock_now().boot)) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			keeper_say_error("gate_readable", gate_readable(k->gate, clock_now().boot));
		if (fds[2].revents)
			keeper_say_error("guard_readable", guard_readable(k->guard, clock_now().boot));
		if (fds[3].revents)
			keeper_say_error("vip_readable", vip_readable(k->vip, clock_now().boot));
		if (fds[4].revents)
			keeper_links_readable(k);
		if (!k->removed)
			gate_tick(k->gate, clock_now().boot);
		if (k->guard)
			guard_tick(k->guard, clock_now().boot);
		if (k->vip)
			vip_tick(k->vip, clock_now().boot);
		keeper_renew(k, clock_now().boot);
		if (fds[0].revents)
			keeper_stdin(k);
	}
}

/* The order of an agent: what collects, the gate, the guard, the addresses. */
static int keeper_start(struct keeper *k)
{
	const struct gate_ops gate_ops = { on_lost, on_repaired, on_attached, on_detached };
	const struct guard_ops guard_ops = { on_guard_lost, on_guard_repaired };
	const struct vip_ops vip_ops = { on_address, on_contended, on_announced, on_verified, on_link };
	struct guard_config guard_config = keeper_guard_config(k);
	struct gate_config gate_config = keeper_gate_config(k);
	struct vip_config vip_config = keeper_vip_config(k);
	boot_t start = clock_now().boot, gate_done, guard_done;
	struct sentence why = { "" };
	int r = 0;

	if (!k->no_guard)
		r = guard_open(&guard_config, &guard_ops, k, &k->guard, &why);
	if (r == 0)
		r = gate_open(&gate_config, &gate_ops, k, start, &k->gate, &why);
	gate_done = clock_now().boot;
	if (r == 0 && k->guard && gate_adopted(k->gate))
		guard_settle_later(k->guard);
	else if (r == 0 && k->guard)
		r = guard_settle(k->guard, &why);
	guard_done = clock_now().boot;
	if (r == 0)
		r = keeper_start_macs(k);
	if (r == 0 && !k->no_vip)
		r = vip_open(&vip_config, &vip_ops, k, guard_done, &k->vip, &why);
	if (r < 0) {
		say("failed %d %s", r, why.text);
		return r;
	}
	say("ready adopted=%d gate_us=%lld guard_us=%lld vip_us=%lld", gate_adopted(k->gate),
	    boot_diff_ns(start, gate_done) / NS_PER_US, boot_diff_ns(gate_done, guard_done) / NS_PER_US,
	    boot_diff_ns(guard_done, clock_now().boot) / NS_PER_US);
	return 0;
}

int main(int argc, char **argv)
{
	static struct keeper k;
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		k.no_guard |= !strcmp(argv[first], "--no-guard");
		k.no_vip |= !strcmp(argv[first], "--no-vip");
		k.no_macs |= !strcmp(argv[first], "--no-macs");
		k.no_peers |= !strcmp(argv[first], "--no-peers");
	}
	keeper_configure(&k, argv + first, argc - first);
	if (keeper_start(&k) < 0)
		return 1;
	keeper_run(&k);
	vip_free(k.vip);
	gate_free(k.gate);
	guard_free(k.guard);
	netlink_close(&k.links);
	netlink_close(&k.request);
	return 0;
}
