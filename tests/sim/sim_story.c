/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * story FILE            plays the script of an incident, compares the trace below its line of dashes
 * story --write FILE    writes that trace anew, to be reviewed as a diff
 *
 * A script has one command a line: "cluster 2 1" (nodes, witnesses; first), "run MS", "power-off n1", "kill
 * n1 MS", "cut n1 n2", ... and "expect ..." lines that must hold whatever the trace says.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORY_WORDS_MAX 5

struct story {
	struct sim *sim;
	struct sim_options options;
	const char *path;
	int line;
	bool failed;
};

static void story_fail(struct story *st, const char *what, const char *detail)
{
	(void)fprintf(stderr, "%s:%d: %s %s\n", st->path, st->line, what, detail);
	st->failed = true;
}

static node_id_t story_node(struct story *st, const char *name)
{
	if (name && st->sim)
		for (node_id_t id = 1; id <= st->sim->nodes_count; id++)
			if (strcmp(sim_name(st->sim, id), name) == 0)
				return id;
	return NODE_NONE;
}

/* ---- commands ---- */

static void story_cluster(struct story *st, char **w)
{
	st->options.nodes = atoi(w[1]);
	st->options.witnesses = w[2] ? atoi(w[2]) : 0;
}

static void story_failback(struct story *st, char **w)
{
	st->options.failback = strcmp(w[1], "idle") == 0 ? FAILBACK_IDLE : FAILBACK_AUTO;
	st->options.failback_after_ns = atoll(w[2] ? w[2] : "3000") * NS_PER_MS;
}

static void story_with_uplinks(struct story *st, char **w)
{
	(void)w;
	st->options.uplinks = true;
}

/* uplinks NODE CLASS CLASS */
static void story_uplinks(struct story *st, char **w)
{
	struct sim_node *n = &st->sim->node[story_node(st, w[1])];

	for (int i = 0; i < n->facts.uplinks_count; i++)
		for (int c = UPLINK_UNKNOWN; c <= UPLINK_BAD; c++)
			if (strcmp(w[2 + i], uplink_class_name((enum uplink_class)c)) == 0)
				sim_uplink_set(st->sim, n, i, (enum uplink_class)c);
}

static void story_run(struct story *st, char **w)
{
	sim_run(st->sim, st->sim->now + atoll(w[1]) * NS_PER_MS);
}

static void story_power_off(struct story *st, char **w)
{
	sim_power_off(st->sim, &st->sim->node[story_node(st, w[1])], false, -1);
}

static void story_power_on(struct story *st, char **w)
{
	sim_power_on(st->sim, &st->sim->node[story_node(st, w[1])]);
}

static void story_kill(struct story *st, char **w)
{
	sim_agent_kill(st->sim, &st->sim->node[story_node(st, w[1])], w[2] ? atoll(w[2]) * NS_PER_MS : -1);
}

static void story_stop(struct story *st, char **w)
{
	sim_agent_stop(st->sim, &st->sim->node[story_node(st, w[1])]);
}

static void story_stall(struct story *st, char **w)
{
	sim_node_stall(st->sim, &st->sim->node[story_node(st, w[1])], atoll(w[2]) * NS_PER_MS);
}

static void story_freeze(struct story *st, char **w)
{
	st->sim->overlap_allowed = true;
	sim_vm_freeze(st->sim, &st->sim->node[story_node(st, w[1])]);
}

static void story_thaw(struct story *st, char **w)
{
	sim_vm_thaw(st->sim, &st->sim->node[story_node(st, w[1])]);
}

static void story_link(struct story *st, char **w)
{
	bool cut = strcmp(w[0], "cut") == 0;
	node_id_t a = story_node(st, w[1]), b = story_node(st, w[2]);

	sim_trace(st->sim, "links between %s and %s are %s", w[1], w[2], cut ? "cut" : "mended");
	sim_link_cut(st->sim, a, b, cut);
	sim_link_cut(st->sim, b, a, cut);
	sim_cpg_changed(st->sim, 2100 * NS_PER_MS);
}

static void story_pbx(struct story *st, char **w)
{
	struct sim_node *n = &st->sim->node[story_node(st, w[1])];

	for (int h = PBX_UNKNOWN; h <= PBX_DEAD; h++)
		if (strcmp(w[2], pbx_health_name((enum pbx_health)h)) == 0)
			n->facts.group[0].pbx = (enum pbx_health)h;
	sim_trace(st->sim, "%s: the PBX is %s", w[1], w[2]);
	sim_facts_report(st->sim, n);
}

static void story_lan(struct story *st, char **w)
{
	struct sim_node *n = &st->sim->node[story_node(st, w[1])];

	n->facts.group[0].lan_up = strcmp(w[2], "up") == 0;
	sim_trace(st->sim, "%s: the LAN is %s", w[1], w[2]);
	sim_facts_report(st->sim, n);
}

static void story_corosync(struct story *st, char **w)
{
	node_id_t id = story_node(st, w[1]);

	st->sim->cpg_down[id] = strcmp(w[2], "down") == 0;
	sim_trace(st->sim, "%s: corosync is %s", w[1], w[2]);
	sim_cpg_changed(st->sim, 2100 * NS_PER_MS);
}

static void story_gate(struct story *st, char **w)
{
	struct sim_node *n = &st->sim->node[story_node(st, w[1])];

	n->facts.group[0].gate_ok = strcmp(w[2], "lost") != 0;
	sim_trace(st->sim, "%s: the gate is %s", w[1], w[2]);
	sim_facts_report(st->sim, n);
}

static void story_operator(struct story *st, char **w)
{
	static const struct {
		const char *name;
		enum core_command_type type;
	} commands[] = {
		{ "pause", COMMAND_PAUSE },	      { "resume", COMMAND_RESUME },
		{ "standby", COMMAND_STANDBY },	      { "unstandby", COMMAND_UNSTANDBY },
		{ "switchover", COMMAND_SWITCHOVER }, { "failover", COMMAND_FAILOVER },
		{ "cancel", COMMAND_CANCEL },
	};

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(w[2], commands[i].name) == 0)
			(void)sim_command(st->sim, story_node(st, w[1]), commands[i].type, 0,
					  story_node(st, w[3]));
}

/* drain NODE TARGET MS */
static void story_drain(struct story *st, char **w)
{
	const struct core_command cmd = {
		.type = COMMAND_SWITCHOVER,
		.node = story_node(st, w[2]),
		.drain_ns = atoll(w[3]) * NS_PER_MS,
	};

	(void)sim_order(st->sim, story_node(st, w[1]), &cmd);
}

static void story_calls(struct story *st, char **w)
{
	struct sim_node *n = &st->sim->node[story_node(st, w[1])];

	n->facts.group[0].calls = strcmp(w[2], "unknown") == 0 ? UINT32_MAX : (uint32_t)atoi(w[2]);
	sim_trace(st->sim, "%s: calls %s", w[1], w[2]);
	sim_facts_report(st->sim, n);
}

/* ---- expectations ---- */

static node_id_t story_holder(const struct sim *s)
{
	node_id_t holder = NODE_NONE;

	for (node_id_t id = 1; id <= s->nodes_count; id++)
		if (sim_gate_open(s, &s->node[id], 0))
			holder = id;
	return holder;
}

static void story_expect_holder(struct story *st, char **w)
{
	node_id_t holder = story_holder(st->sim);

	if (holder != story_node(st, w[1]))
		story_fail(st, "the open gate is at", sim_name(st->sim, holder));
}

/* The longest time with no open gate is bounded elsewhere; this is the overlap that a paused VM may cause. */
static void story_expect_overlap(struct story *st, char **w)
{
	if (st->sim->overlap_ns > atoll(w[1]) * NS_PER_MS)
		story_fail(st, "two gates are open for longer than", w[1]);
}

static const struct {
	const char *name;
	int words;
	bool before; /* before the cluster is made */
	void (*fn)(struct story *, char **);
} story_commands[] = {
	{ "cluster", 2, true, story_cluster },
	{ "failback", 2, true, story_failback },
	{ "with-uplinks", 1, true, story_with_uplinks },
	{ "uplinks", 4, false, story_uplinks },
	{ "run", 2, false, story_run },
	{ "power-off", 2, false, story_power_off },
	{ "power-on", 2, false, story_power_on },
	{ "kill", 2, false, story_kill },
	{ "stop", 2, false, story_stop },
	{ "stall", 3, false, story_stall },
	{ "freeze", 2, false, story_freeze },
	{ "thaw", 2, false, story_thaw },
	{ "cut", 3, false, story_link },
	{ "mend", 3, false, story_link },
	{ "pbx", 3, false, story_pbx },
	{ "lan", 3, false, story_lan },
	{ "corosync", 3, false, story_corosync },
	{ "gate", 3, false, story_gate },
	{ "operator", 3, false, story_operator },
	{ "drain", 4, false, story_drain },
	{ "calls", 3, false, story_calls },
	{ "expect-holder", 2, false, story_expect_holder },
	{ "expect-overlap-at-most", 2, false, story_expect_overlap },
};

static void story_line(struct story *st, char *line)
{
	char *words[STORY_WORDS_MAX + 1] = { NULL };
	int count = 0;

	for (char *w = strtok(line, " \t\n"); w && count < STORY_WORDS_MAX; w = strtok(NULL, " \t\n"))
		words[count++] = w;
	if (count == 0 || words[0][0] == '#')
		return;
	for (size_t i = 0; i < sizeof story_commands / sizeof story_commands[0]; i++) {
		if (strcmp(words[0], story_commands[i].name) != 0)
			continue;
		if (count < story_commands[i].words)
			break;
		if (!story_commands[i].before && !st->sim)
			st->sim = sim_new(&st->options);
		story_commands[i].fn(st, words);
		if (st->sim && st->sim->failed)
			story_fail(st, "violation", st->sim->failure);
		return;
	}
	story_fail(st, "not understood:", words[0]);
}

/* ---- files ---- */

static char *story_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	size_t n = f && text ? fread(text, 1, (1 << 20) - 1, f) : 0;

	if (f)
		(void)fclose(f);
	if (n == 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void story_script(struct story *st, char *script)
{
	while (script && *script && !st->failed) {
		char *end = strchr(script, '\n');

		if (end)
			*end = '\0';
		st->line++;
		story_line(st, script);
		script = end ? end + 1 : NULL;
	}
}

static int story_write(const char *path, const char *script, const char *trace)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return EXIT_FAILURE;
	(void)fprintf(f, "%s----\n%s", script, trace);
	return fclose(f) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int story_compare(const char *path, const char *expected, const char *actual)
{
	if (strcmp(expected, actual) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s: the trace differs\n==== expected\n%s==== actual\n%s", path, expected,
		      actual);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
	struct story st = { .path = argv[argc - 1],
			    .options = { .seed = 1, .groups = 1, .trace = true, .story = true } };
	char *text, *script, *expected;
	int status;

	if (argc != 2 && !write) {
		(void)fputs("usage: story [--write] FILE\n", stderr);
		return 2;
	}
	text = story_read(st.path);
	if (!text) {
		(void)fprintf(stderr, "%s: cannot be read\n", st.path);
		return EXIT_FAILURE;
	}
	expected = strstr(text, "----\n");
	if (expected) {
		*expected = '\0';
		expected += 5;
	}
	script = strdup(text);
	story_script(&st, script);
	status = EXIT_FAILURE;
	if (st.sim && write)
		status = story_write(st.path, text, st.sim->text ? st.sim->text : "");
	else if (st.sim)
		status = story_compare(st.path, expected ? expected : "", st.sim->text ? st.sim->text : "");
	if (st.failed)
		status = EXIT_FAILURE;
	if (st.sim)
		sim_free(st.sim);
	free(script);
	free(text);
	return status;
}
