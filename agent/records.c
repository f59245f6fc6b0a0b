/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * History records: made with names here, written by the recorder process, sent to the other nodes, and shown
 * to whoever watches.
 */
#include "agent.h"
#include "clock_read.h"
#include "history.h"
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define RECORDS_NUMBERS_LOST 64 /* more than a node says before its disk has them */

static struct history_origin records_origin(struct agent *a)
{
	return (struct history_origin){
		.node_names = a->node_names,
		.group_names = a->group_names,
		.node = a->self,
		.number = ++a->history_number,
		.boot_id = a->run.boot_id,
		.wall_ns = clock_wall_ns(),
		.now = a->now,
	};
}

static void records_watchers(struct agent *a, const char *line, size_t len)
{
	json_t *record;

	if (!a->control || !control_has_streams(a->control, "watch"))
		return;
	record = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (record)
		control_publish(a->control, "watch", record);
	json_decref(record);
}

static void records_write(struct agent *a, const char *line, int len)
{
	if (len < 0) {
		log_error("history record not made: %s", strerror(-len));
		return;
	}
	recorder_history(&a->recorder, line, (size_t)len);
	(void)cluster_send_history(a, line,
				   (size_t)len); /* without corosync it stays here until a snapshot */
	records_watchers(a, line, (size_t)len);
}

static void records_know(struct agent *a, group_index_t group, struct epoch tenure)
{
	if (epoch_cmp(tenure, a->group[group].tenure_known) > 0)
		a->group[group].tenure_known = tenure;
}

/* A node that won and lost its power with its disk's and its peers' copy of the record unwritten: whoever
 * takes over from it tells what was seen of it. It goes when the record itself comes (history_tidy()). */
static void records_unsaid(struct agent *a, const struct core_record *won)
{
	struct epoch known = a->group[won->group].tenure_known, seen = won->peer_epoch;
	char line[HISTORY_LINE_MAX], epoch[32];

	/* Nothing known: what it wrote may be older than the history. */
	if (epoch_none(known) || epoch_cmp(known, seen) >= 0 || known.node == seen.node ||
	    seen.node == a->self)
		return;
	(void)snprintf(epoch, sizeof epoch, "%" PRIu64 ".%u", seen.counter, seen.node);
	struct history_origin o = records_origin(a);
	json_t *data = json_pack("{s:s, s:s}", "about", agent_node_name(a, seen.node), "epoch", epoch);

	records_write(a, line,
		      history_format_event(&o, "takeover-seen", agent_group_name(a, won->group), NULL, data,
					   line, sizeof line));
	json_decref(data);
}

/* The number of the beginning is kept for the end, which follows before the group's next beginning. */
static void records_sequence(struct agent *a, const struct core_record *rec, struct history_origin *o)
{
	struct agent_group *g = &a->group[rec->group];

	if (rec->begins) {
		g->record_begun = o->number;
	} else {
		o->begun = g->record_begun;
		g->record_begun = 0;
	}
	if (rec->type == RECORD_TAKEOVER)
		records_know(a, rec->group, rec->epoch);
}

void records_core(struct agent *a, const struct core_record *rec)
{
	bool takeover = rec->type == RECORD_TAKEOVER;
	char line[HISTORY_LINE_MAX];

	if (takeover && rec->begins)
		records_unsaid(a, rec);
	struct history_origin o = records_origin(a);

	if (takeover || rec->type == RECORD_LETGO)
		records_sequence(a, rec, &o);
	for (size_t i = 0; rec->operation && i < AGENT_ORIGINS_MAX; i++) {
		const struct agent_command_origin *from = &a->origins[i];

		if (from->operation != rec->operation)
			continue;
		o.who = from->who;
		o.from = agent_node_name(a, a->self);
		o.why = from->why[0] ? from->why : NULL;
	}
	records_write(a, line, history_format(&o, rec, line, sizeof line));
}

void records_event(struct agent *a, const char *type, const char *group, const char *fmt, ...)
{
	struct history_origin o = records_origin(a);
	char text[ALARM_TEXT_MAX], line[HISTORY_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence is still one */
	va_end(args);
	records_write(a, line, history_format_event(&o, type, group, text, NULL, line, sizeof line));
}

void records_remember(struct agent *a, uint64_t operation, const char *who, const char *why)
{
	struct agent_command_origin *o = &a->origins[a->next_origin++ % AGENT_ORIGINS_MAX];

	o->operation = operation;
	(void)snprintf(o->who, sizeof o->who, "%s",
		       who); /* cut names and reasons are still names and reasons */
	(void)snprintf(o->why, sizeof o->why, "%s", why);
}

/* Of which takeovers does it tell? */
static void records_note(struct agent *a, const json_t *record)
{
	const char *group;
	struct epoch tenure = history_tenure(record, &group);

	for (group_index_t g = 0; g < a->config->groups_count && !epoch_none(tenure); g++)
		if (!strcmp(group, a->group_names[g]))
			records_know(a, g, tenure);
}

static void records_load_one(void *ctx, const json_t *record)
{
	struct agent *a = ctx;
	json_int_t number = json_integer_value(json_object_get(record, "number"));

	records_note(a, record);
	if (json_integer_value(json_object_get(record, "node_id")) == a->self && number > 0 &&
	    number <= HISTORY_NUMBER_MAX && (uint64_t)number > a->history_number)
		a->history_number = (uint64_t)number;
}

/* What a node said of its last moment before its power was cut may be known to the others and not to its own
 * disk: those numbers are left to what they have, and come back from them. */
int records_load(struct agent *a)
{
	int r = history_walk(a->state_fd, records_load_one, a);

	if (a->history_number > 0 && a->memory_lost)
		a->history_number += RECORDS_NUMBERS_LOST;
	return r;
}

void records_receive(struct agent *a, const char *line, size_t len)
{
	node_id_t node;
	uint64_t number;
	json_t *record;

	/* Ours come back from the snapshot of another node, too: the writer ignores what it has. */
	if (history_identify(line, len, &node, &number) < 0)
		return;
	if (node == a->self && number > a->history_number)
		a->history_number = number; /* this node's disk is younger than its records */
	recorder_history(&a->recorder, line, len);
	record = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (record)
		records_note(a, record);
	json_decref(record);
	if (node != a->self)
		records_watchers(a, line, len);
}
