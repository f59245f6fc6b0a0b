/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * talker ID NODES NETWORK...: node ID of 1..NODES, with a link per NETWORK ("10.77.1" means 10.77.1.ID).
 * Pulses every 50 ms and sends its state every 300 ms. Each event is a line on stdout; each line on stdin is
 * a command: pause WHY | bindings TEXT | history TEXT | intent STAMP | flood COUNT | quit `flood` sends COUNT
 * bindings as fast as they are taken. A line "lag MS" tells of a loop that stood still for longer than 200
 * ms.
 */
#include "clock_read.h"
#include "heartbeat_io.h"
#include "pulse_io.h"
#include "pulse_sample.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PULSE_NS (50 * NS_PER_MS)
#define STATE_NS (300 * NS_PER_MS)

struct talker {
	struct peers_config peers;
	struct heartbeat_proof proof;
	struct pulse_io *pulse;
	struct heartbeat_io *heartbeat;
	struct core_intent intent;
	uint64_t heard[NODE_ID_MAX + 1];
	uint64_t states[NODE_ID_MAX + 1];
	uint64_t bindings;
	node_set_t heard_set;
	char last[64];
};

static void say_set(const char *what, node_set_t set)
{
	printf("%s", what);
	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(set, n))
			printf(" %u", n);
	printf("\n");
}

static void on_heard(void *ctx, const struct pulse_source *s)
{
	struct talker *t = ctx;

	if (t->heard[s->node]++ == 0)
		printf("heard %u\n", s->node);
	t->heard_set |= node_bit(s->node);
}

static void on_pulse_view(void *ctx, const struct pulse_source *s, group_index_t g,
			  const struct lease_view *v)
{
}

static void on_message(void *ctx, const struct pulse_source *s, const struct lease_msg *m)
{
}

static void on_pulse_alarm(void *ctx, const struct pulse_alarm *a)
{
	printf("pulse-alarm %s %u\n", pulse_alarm_name(a->kind), a->node);
}

static const struct pulse_io_ops pulse_ops = {
	.heard = on_heard,
	.view = on_pulse_view,
	.message = on_message,
	.alarm = on_pulse_alarm,
};

static void on_connection(void *ctx, bool up)
{
	printf("connection %d\n", up);
}

static void on_quorum(void *ctx, bool quorate)
{
	printf("quorum %d\n", quorate);
}

static void on_members(void *ctx, node_set_t members, node_set_t left)
{
	say_set("members", members);
	if (left)
		say_set("left", left);
}

static void on_state(void *ctx, node_id_t from, const struct heartbeat_state *s, struct instant at)
{
	struct talker *t = ctx;

	if (t->states[from]++ == 0)
		printf("state %u %s\n", from, s->version);
}

static void on_command(void *ctx, node_id_t from, const struct heartbeat_command *c, struct instant at)
{
	printf("command %u %d %s\n", from, c->command.type, c->why);
}

static void on_bindings(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at)
{
	struct talker *t = ctx;

	if (++t->bindings <= 20 || t->bindings % 100 == 0)
		printf("bindings %u %.*s\n", from, (int)(len < 40 ? len : 40), (const char *)data);
}

static void on_history(void *ctx, node_id_t from, const uint8_t *data, size_t len, struct instant at)
{
	printf("history %u %.*s\n", from, (int)(len < 40 ? len : 40), (const char *)data);
}

static void on_intent(void *ctx, node_id_t from, const struct core_intent *intent, struct instant at)
{
	printf("intent %u %llu\n", from, (unsigned long long)intent->paused_stamp);
}

static void on_section(void *ctx, node_id_t from, uint8_t section, const uint8_t *data, size_t len,
		       struct instant at)
{
	printf("section %u %u %zu %.*s\n", from, section, len, (int)(len < 20 ? len : 20),
	       (const char *)data);
}

static void on_joining(void *ctx, bool joining)
{
	printf("joining %d\n", joining);
}

static void on_snapshot_wanted(void *ctx, uint64_t request)
{
	struct talker *t = ctx;
	static char big[HEARTBEAT_OPAQUE_MAX];

	memset(big, 'b', sizeof big);
	printf("answering\n");
	(void)heartbeat_io_send_section(t->heartbeat, request, 0, t->last, strlen(t->last) + 1);
	for (int i = 0; i < 20; i++)
		(void)heartbeat_io_send_section(t->heartbeat, request, 1, big, sizeof big);
	(void)heartbeat_io_send_snapshot_end(t->heartbeat, request);
}

static void on_intent_get(void *ctx, struct core_intent *ret)
{
	const struct talker *t = ctx;

	*ret = t->intent;
}

static void on_alarm(void *ctx, const struct heartbeat_alarm *a)
{
	printf("alarm %s %u %u\n", heartbeat_outcome_name(a->outcome), a->node, a->corosync_node);
}

static void on_fd_changed(void *ctx, int old_fd, int fd)
{
	printf("fd %s\n", fd < 0 ? "gone" : "new");
}

static const struct heartbeat_io_ops heartbeat_ops = {
	.connection = on_connection,
	.quorum = on_quorum,
	.members = on_members,
	.state = on_state,
	.command = on_command,
	.bindings = on_bindings,
	.history = on_history,
	.intent = on_intent,
	.section = on_section,
	.joining = on_joining,
	.snapshot_wanted = on_snapshot_wanted,
	.intent_get = on_intent_get,
	.alarm = on_alarm,
	.fd_changed = on_fd_changed,
};

static void configure(struct talker *t, char **argv, struct pulse_io_config *pc)
{
	int nodes = atoi(argv[2]);

	t->peers.self = (node_id_t)atoi(argv[1]);
	(void)snprintf(t->peers.cluster, sizeof t->peers.cluster, "%s", SAMPLE_CLUSTER);
	(void)crypto_random(&t->peers.incarnation, sizeof t->peers.incarnation);
	t->peers.groups_count = 1;
	t->peers.groups[0] = SAMPLE_GROUP;
	t->peers.nodes_count = (uint8_t)nodes;
	for (node_id_t n = 1; n <= nodes; n++) {
		t->peers.nodes[n - 1].id = n;
		t->peers.nodes[n - 1].public_key = sample_key(n).public_key;
		for (int l = 0; argv[3 + l] && l < RK_LINKS_MAX; l++) {
			char text[IP_TEXT_MAX];

			(void)snprintf(text, sizeof text, "%s.%u", argv[3 + l], n);
			if (ip_parse(text, &pc->links[n][l]) < 0)
				exit(2);
		}
	}
	pc->peers = t->peers;
	pc->port = 5707;
}

static void send_command(struct talker *t, const char *why)
{
	struct heartbeat_command c = { .command = { .type = COMMAND_PAUSE, .stamp = 1 }, .user = "root" };

	(void)snprintf(c.why, sizeof c.why, "%s", why);
	printf("sent %d\n", heartbeat_io_send_command(t->heartbeat, &c));
}

static void flood(struct talker *t, int count)
{
	char text[2000];
	int sent = 0;

	memset(text, 'x', sizeof text);
	for (int i = 0; i < count; i++)
		sent += heartbeat_io_send_bindings(t->heartbeat, text, sizeof text) == 0;
	printf("flooded %d\n", sent);
}

static void obey(struct talker *t, char *line)
{
	char *rest = strchr(line, ' ');

	line[strcspn(line, "\n")] = '\0';
	rest = rest ? rest + 1 : line + strlen(line);
	if (strncmp(line, "pause", 5) == 0)
		send_command(t, rest);
	else if (strncmp(line, "bindings", 8) == 0) {
		(void)snprintf(t->last, sizeof t->last, "%s", rest);
		printf("sent %d\n", heartbeat_io_send_bindings(t->heartbeat, rest, strlen(rest)));
	} else if (strncmp(line, "history", 7) == 0)
		printf("sent %d\n", heartbeat_io_send_history(t->heartbeat, rest, strlen(rest)));
	else if (strncmp(line, "intent", 6) == 0)
		t->intent.paused_stamp = strtoull(rest, NULL, 10);
	else if (strncmp(line, "flood", 5) == 0)
		flood(t, atoi(rest));
	else if (strncmp(line, "quit", 4) == 0)
		exit(0);
}

static void read_commands(struct talker *t)
{
	static char buf[4096];
	static size_t used;
	ssize_t n = read(0, buf + used, sizeof buf - 1 - used);
	char *line = buf, *end;

	if (n <= 0)
		exit(0);
	used += (size_t)n;
	buf[used] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		obey(t, line);
		line = end + 1;
	}
	used -= (size_t)(line - buf);
	memmove(buf, line, used);
}

static void send_pulses(struct talker *t, struct instant now)
{
	struct lease_view view = { .votes = true, .hi_known = true };

	for (int i = 0; i < t->peers.nodes_count; i++)
		(void)pulse_io_send(t->pulse, t->peers.nodes[i].id, &view, 1, NULL, 0, t->heard_set, now);
}

static void loop(struct talker *t)
{
	struct instant now = clock_now(), before;
	boot_t next_pulse = now.boot, next_state = now.boot;

	while (true) {
		struct pollfd fds[2 + RK_LINKS_MAX] = { { .fd = 0, .events = POLLIN },
							{ .fd = heartbeat_io_fd(t->heartbeat),
							  .events = POLLIN } };

		for (uint8_t i = 0; i < RK_LINKS_MAX; i++)
			fds[2 + i] = (struct pollfd){ .fd = pulse_io_fd(t->pulse, i), .events = POLLIN };
		(void)fflush(stdout);
		(void)poll(fds, 2 + RK_LINKS_MAX, 5);
		before = clock_now();
		if (fds[0].revents)
			read_commands(t);
		if (fds[1].revents)
			heartbeat_io_readable(t->heartbeat);
		for (uint8_t i = 0; i < RK_LINKS_MAX; i++)
			if (fds[2 + i].revents)
				pulse_io_readable(t->pulse, i);
		now = clock_now();
		pulse_io_tick(t->pulse, now);
		heartbeat_io_tick(t->heartbeat, now);
		if (!boot_before(now.boot, next_pulse)) {
			send_pulses(t, now);
			next_pulse = boot_add(now.boot, PULSE_NS);
		}
		if (!boot_before(now.boot, next_state)) {
			const struct heartbeat_state s = { .version = "talker" };

			(void)heartbeat_io_send_state(t->heartbeat, &s);
			next_state = boot_add(now.boot, STATE_NS);
		}
		now = clock_now();
		if (boot_diff_ns(before.boot, now.boot) > NS_PER_S)
			printf("lag %lld\n", (long long)(boot_diff_ns(before.boot, now.boot) / NS_PER_MS));
	}
}

int main(int argc, char **argv)
{
	static struct talker t;
	static struct pulse_io_config pc;
	static struct heartbeat_io_config hc;
	struct node_key key;
	int r;

	if (argc < 4)
		return 2;
	configure(&t, argv, &pc);
	key = sample_key(t.peers.self);
	hc.peers = t.peers;
	r = pulse_io_new(&pc, &key, &t.proof, &pulse_ops, &t, clock_now(), &t.pulse);
	if (r == 0)
		r = heartbeat_io_new(&hc, &key, &t.proof, &heartbeat_ops, &t, clock_now(), &t.heartbeat);
	if (r) {
		fprintf(stderr, "talker: %s\n", strerror(-r));
		return 1;
	}
	loop(&t);
}
