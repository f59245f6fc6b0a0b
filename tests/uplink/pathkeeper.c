/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Drives the uplinks' routes and probes without an agent, for the lab tests: commands come in on stdin, one a
 * line, events and answers go out on stdout, one a line, each with its CLOCK_BOOTTIME in ns in front.
 *
 *   pathkeeper UPLINK... [to PREFIX...]
 *
 * UPLINK is DEVICE,FAMILY,WAY,TABLE,MARK; FAMILY 4 or 6; WAY a gateway, "learn" or "ppp" (the device itself).
 * The prefixes are where voice goes.
 *
 * Commands: ensure UPLINK4 UPLINK6 (a number, "none" or "adopt") | use UPLINK | flip TIMES GAP_MS A B |
 * remove | check | flush UPLINK | count UPLINK | destroy ADDRESS PREFIX | probe KIND UPLINK ADDRESS PORT
 * TIMES GAP_MS TIMEOUT_MS [HOST [PATH]] | quit
 */
#include "clock_read.h"
#include "path.h"
#include "path_check.h"
#include "path_flush.h"
#include "path_watch.h"
#include "probe_io.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 16
#define MARK_MASK 0xff00

struct keeper {
	struct path_config config;
	bool learn[PATH_UPLINKS_MAX];
	struct path path;
	struct path_watch watch;
	struct path_flush flush;
	struct netlink route;
	char line[1024];
	size_t line_used;
	bool quit;
};

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%" PRId64 " ", clock_now().boot.ns);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "pathkeeper: %s\n", what);
	exit(2);
}

/* ---- configuration ---- */

static void parse_way(struct keeper *k, struct path_uplink *u, const char *way)
{
	k->learn[k->config.uplink_count] = !strcmp(way, "learn");
	u->routed = !k->learn[k->config.uplink_count];
	if (u->routed && strcmp(way, "ppp") != 0 && ip_parse(way, &u->gateway) < 0)
		die("gateway");
}

static void parse_uplink(struct keeper *k, char *word)
{
	struct path_uplink *u = &k->config.uplink[k->config.uplink_count];
	char *field[5], *next = word;

	for (int i = 0; i < 5; i++) {
		field[i] = strsep(&next, ",");
		if (!field[i])
			die("UPLINK is DEVICE,FAMILY,WAY,TABLE,MARK");
	}
	(void)snprintf(u->device, sizeof u->device, "%s", field[0]);
	u->family = *field[1] == '6' ? AF_INET6 : AF_INET;
	parse_way(k, u, field[2]);
	u->table = (uint32_t)strtoul(field[3], NULL, 0);
	u->mark = (uint32_t)strtoul(field[4], NULL, 0);
	k->config.uplink_count++;
}

static void parse_arguments(struct keeper *k, char **word, int count)
{
	bool to = false;

	k->config.mark_mask = MARK_MASK;
	k->config.voice_table = 100;
	k->config.voice_nexthop = 1000;
	k->config.rule_priority = 1000;
	for (int i = 0; i < count; i++) {
		if (!strcmp(word[i], "to"))
			to = true;
		else if (!to)
			parse_uplink(k, word[i]);
		else if (ip_prefix_parse(word[i], &k->config.voice_to[k->config.voice_count++]) < 0)
			die("prefix");
	}
}

static void refresh(struct keeper *k)
{
	for (int8_t i = 0; i < k->config.uplink_count; i++)
		path_watch_fill(&k->watch, i, k->learn[i], &k->config.uplink[i]);
}

static void on_event(void *ctx, const struct path_event *e)
{
	const struct keeper *k = ctx;
	const struct path_watched *u = e->uplink >= 0 ? &k->watch.uplink[e->uplink] : NULL;
	char gateway[IP_TEXT_MAX] = "-";

	if (u && u->gateway.family)
		(void)ip_format(&u->gateway, gateway);
	say("event %s %d %s gateway=%s addresses=%d", path_event_name(e->kind), e->uplink,
	    e->on ? "on" : "off", gateway, u ? u->address_count : 0);
}

/* ---- path ---- */

static void say_report(const struct keeper *k, const char *what, boot_t start, int r,
		       const struct path_report *p, const struct sentence *why)
{
	say("%s r=%d listed=%u written=%u removed=%u active4=%d active6=%d writes=%" PRIu64 " us=%lld %s",
	    what, r, p->listed, p->written, p->removed, p->active[PATH_IPV4], p->active[PATH_IPV6],
	    k->path.writes, boot_diff_ns(start, clock_now().boot) / NS_PER_US, r < 0 ? why->text : "");
}

static int8_t parse_active(const char *word)
{
	return !strcmp(word, "none")	? PATH_NONE
	       : !strcmp(word, "adopt") ? PATH_ADOPT
					: (int8_t)strtol(word, NULL, 10);
}

static void do_ensure(struct keeper *k, char **word)
{
	const int8_t active[PATH_FAMILIES] = { parse_active(word[1]), parse_active(word[2]) };
	struct path_report report = { 0 };
	struct sentence why = { "" };
	boot_t start;
	int r;

	refresh(k);
	start = clock_now().boot;
	r = path_ensure(&k->path, &k->config, active, &report, &why);
	say_report(k, "ensured", start, r, &report, &why);
}

static void use(struct keeper *k, const char *word, bool quiet)
{
	struct path_report report = { 0 };
	struct sentence why = { "" };
	boot_t start;
	int r;

	refresh(k);
	start = clock_now().boot;
	r = path_use(&k->path, &k->config, (int8_t)strtol(word, NULL, 10), &report, &why);
	if (!quiet || r < 0)
		say_report(k, "used", start, r, &report, &why);
}

static void pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void do_flip(struct keeper *k, char **word)
{
	for (long i = 0; i < strtol(word[1], NULL, 10); i++) {
		use(k, word[3 + i % 2], true);
		pause_ms(strtol(word[2], NULL, 10));
	}
}

static void do_remove(struct keeper *k)
{
	struct path_report report = { 0 };
	struct sentence why = { "" };
	boot_t start = clock_now().boot;
	int r = path_remove(&k->path, &report);

	say_report(k, "removed", start, r, &report, &why);
}

static void do_check(struct keeper *k)
{
	struct path_finding f[PATH_FINDINGS_MAX];
	size_t n = path_check(&k->config, f);
	uint64_t dropped = 0;
	int r = path_check_rp_dropped(&dropped);

	for (size_t i = 0; i < n; i++)
		say("finding %s %s %s", path_finding_name(f[i].kind), f[i].device[0] ? f[i].device : "-",
		    f[i].text.text);
	say("rp-dropped r=%d count=%" PRIu64, r, dropped);
}

/* ---- flush ---- */

static void do_flush(struct keeper *k, const char *word, bool count)
{
	const struct path_uplink *u = &k->config.uplink[strtol(word, NULL, 10)];
	uint32_t n = 0;
	boot_t start = clock_now().boot;
	int r = count ? path_flush_conntrack_count(&k->flush, u->mark, MARK_MASK, &n)
		      : path_flush_conntrack(&k->flush, u->mark, MARK_MASK);

	say("%s r=%d n=%u us=%lld", count ? "counted" : "flushed", r, n,
	    boot_diff_ns(start, clock_now().boot) / NS_PER_US);
}

static void do_destroy(struct keeper *k, char **word)
{
	struct ip_address local;
	struct ip_prefix remote;
	boot_t start = clock_now().boot;
	uint32_t n = 0;
	int r;

	if (ip_parse(word[1], &local) < 0 || ip_prefix_parse(word[2], &remote) < 0)
		die("destroy ADDRESS PREFIX");
	r = path_flush_sockets(&k->flush, &local, &remote, 1, &n);
	say("destroyed r=%d n=%u us=%lld", r, n, boot_diff_ns(start, clock_now().boot) / NS_PER_US);
}

/* ---- probe ---- */

static enum probe_kind parse_kind(const char *word)
{
	for (int i = 0; i < PROBE_KINDS_COUNT; i++)
		if (!strcmp(word, probe_kind_name(i)))
			return i;
	die("probe kind");
}

static void on_result(void *ctx, const struct probe_result *r)
{
	const boot_t *sent = ctx;
	char public[PROBE_ENDPOINT_TEXT_MAX] = "-";

	if (r->public_address.family)
		(void)probe_endpoint_format(&r->public_address, r->public_port, public);
	say("result sequence=%u error=%s status=%d us=%lld public=%s", r->sequence,
	    r->error ? strerrorname_np(r->error) : "0", r->status,
	    boot_diff_ns(sent[r->sequence], r->at) / NS_PER_US, public);
}

static void probe_until(struct probe_io *p, boot_t end)
{
	for (;;) {
		boot_t now = clock_now().boot, next = boot_min(end, probe_io_next(p));
		struct pollfd fd = { probe_io_fd(p), POLLIN, 0 };

		if (!boot_before(now, end))
			return;
		(void)poll(&fd, 1,
			   boot_before(now, next) ? (int)(boot_diff_ns(now, next) / NS_PER_MS) + 1 : 0);
		now = clock_now().boot;
		probe_io_ready(p, now);
		probe_io_tick(p, now);
	}
}

static void probe_run(struct probe_io *p, boot_t *sent, uint16_t times, int64_t gap_ns)
{
	for (uint16_t i = 0; i < times; i++) {
		boot_t now = clock_now().boot;
		int r;

		sent[i] = now;
		r = probe_io_send(p, i, now);
		if (r < 0)
			say("unsent sequence=%u error=%s", i, strerrorname_np(-r));
		probe_until(p, boot_add(now, gap_ns));
	}
	while (probe_io_next(p).ns != BOOT_NEVER.ns)
		probe_until(p, boot_add(clock_now().boot, 5 * NS_PER_MS));
}

static void do_probe(struct keeper *k, char **word, int count)
{
	static struct probe_io p;
	static boot_t sent[UINT16_MAX + 1];
	const struct path_uplink *u = &k->config.uplink[strtol(word[2], NULL, 10)];
	struct probe_target t = { .kind = parse_kind(word[1]),
				  .port = (uint16_t)strtoul(word[4], NULL, 10),
				  .binding.mark = u->mark,
				  .table = u->table,
				  .timeout_ns = strtol(word[7], NULL, 10) * NS_PER_MS };
	int r;

	refresh(k);
	t.gateway = u->gateway;
	t.binding.from = u->address[0];
	memcpy(t.binding.device, u->device, sizeof t.binding.device);
	if (ip_parse(word[3], &t.to) < 0)
		die("probe address");
	(void)snprintf(t.host, sizeof t.host, "%s", count > 8 ? word[8] : "");
	(void)snprintf(t.path, sizeof t.path, "%s", count > 9 ? word[9] : "/");
	r = probe_io_init(&p, &t, &k->route, on_result, sent);
	if (r < 0) {
		say("refused error=%s", strerrorname_np(-r));
		return;
	}
	probe_run(&p, sent, (uint16_t)strtoul(word[5], NULL, 10), strtol(word[6], NULL, 10) * NS_PER_MS);
	say("counters sent=%" PRIu64 " answered=%" PRIu64 " failed=%" PRIu64 " no_route=%" PRIu64
	    " unsent=%" PRIu64 " stray=%" PRIu64,
	    p.counters.sent, p.counters.answered, p.counters.failed, p.counters.no_route, p.counters.unsent,
	    p.counters.stray);
	probe_io_close(&p);
}

/* ---- commands ---- */

static const struct command {
	const char *name;
	int words;
} commands[] = {
	{ "ensure", 3 }, { "use", 2 },	 { "flip", 5 },	   { "remove", 1 }, { "check", 1 },
	{ "flush", 2 },	 { "count", 2 }, { "destroy", 3 }, { "probe", 8 },  { "quit", 1 },
};

static void do_command(struct keeper *k, char **word, int count)
{
	const char *name = word[0];

	if (!strcmp(name, "ensure"))
		do_ensure(k, word);
	else if (!strcmp(name, "use"))
		use(k, word[1], false);
	else if (!strcmp(name, "flip"))
		do_flip(k, word);
	else if (!strcmp(name, "remove"))
		do_remove(k);
	else if (!strcmp(name, "check"))
		do_check(k);
	else if (!strcmp(name, "flush") || !strcmp(name, "count"))
		do_flush(k, word[1], *name == 'c');
	else if (!strcmp(name, "destroy"))
		do_destroy(k, word);
	else if (!strcmp(name, "probe"))
		do_probe(k, word, count);
	else
		k->quit = true;
	say("ok %s", name);
}

static void take_line(struct keeper *k, char *line)
{
	char *word[WORDS_MAX], *next = line;
	int count = 0;

	while (count < WORDS_MAX && (word[count] = strsep(&next, " ")))
		count++;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (!strcmp(word[0], commands[i].name) && count >= commands[i].words) {
			do_command(k, word, count);
			return;
		}
	die(word[0]);
}

static void take_stdin(struct keeper *k)
{
	ssize_t n = read(STDIN_FILENO, k->line + k->line_used, sizeof k->line - 1 - k->line_used);
	char *end;

	if (n <= 0) {
		k->quit = true;
		return;
	}
	k->line_used += (size_t)n;
	k->line[k->line_used] = 0;
	while (!k->quit && (end = strchr(k->line, '\n'))) {
		size_t len = (size_t)(end - k->line) + 1;

		*end = 0;
		take_line(k, k->line);
		k->line_used -= len;
		memmove(k->line, k->line + len, k->line_used + 1);
	}
}

int main(int argc, char **argv)
{
	static struct keeper k;

	parse_arguments(&k, argv + 1, argc - 1);
	if (path_open(&k.path) < 0 || path_flush_open(&k.flush) < 0 ||
	    netlink_open(&k.route, NETLINK_ROUTE, NULL) < 0 ||
	    path_watch_open(&k.watch, &k.config, on_event, &k) < 0)
		die("netlink");
	say("ready");
	while (!k.quit) {
		struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { path_watch_fd(&k.watch), POLLIN, 0 } };
		int r = poll(fds, 2, -1) < 0 ? -errno : 0;

		if (r == 0 && fds[1].revents)
			r = path_watch_read(&k.watch);
		if (r < 0 && r != -EINTR)
			say("failed %s", strerrorname_np(-r));
		if (fds[0].revents)
			take_stdin(&k);
	}
	path_watch_close(&k.watch);
	netlink_close(&k.route);
	path_flush_close(&k.flush);
	path_close(&k.path);
	return 0;
}
