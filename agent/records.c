/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * History records: made with names here, written by the recorder process, sent to the other nodes, and shown
 * to whoever watches.
 */
#include "agent.h"
#include "clock_read.h"
#include "history.h"
#include "log.h"

#include <stdarg.h>
#include <string.h>

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

void records_core(struct agent *a, const struct core_record *rec)
{
	struct history_origin o = records_origin(a);
	char line[HISTORY_LINE_MAX];

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

void records_receive(struct agent *a, const char *line, size_t len)
{
	node_id_t node;
	uint64_t number;

	/* Ours come back from the snapshot of another node, too: the writer ignores what it has. */
	if (history_identify(line, len, &node, &number) < 0)
		return;
	recorder_history(&a->recorder, line, len);
	if (node != a->self)
		records_watchers(a, line, len);
}
