/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Records as JSON. Absent means: does not apply.
 */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char *record_type_name(enum core_record_type type)
{
	static const char *const names[] = {
		[RECORD_TAKEOVER] = "takeover",
		[RECORD_LETGO] = "letgo",
		[RECORD_COMMAND] = "command",
		[RECORD_OPERATION] = "operation",
	};

	return (unsigned)type <= RECORD_OPERATION && names[type] ? names[type] : "unknown";
}

const char *history_command_name(uint8_t command)
{
	static const char *const names[] = {
		[COMMAND_PAUSE] = "pause",	     [COMMAND_RESUME] = "resume",
		[COMMAND_STANDBY] = "standby",	     [COMMAND_UNSTANDBY] = "unstandby",
		[COMMAND_SWITCHOVER] = "switchover", [COMMAND_FAILOVER] = "failover",
		[COMMAND_CANCEL] = "cancel",
	};

	return command <= COMMAND_CANCEL && names[command] ? names[command] : "unknown";
}

/* ISO 8601 in UTC with milliseconds. */
static json_t *time_json(int64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / NS_PER_S);
	char date[32], text[48];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm))
		return json_string("");
	(void)snprintf(text, sizeof text, "%s.%03dZ", date, (int)(wall_ns % NS_PER_S / NS_PER_MS));
	return json_string(text);
}

static const char *node_name(const struct history_origin *o, node_id_t node)
{
	return node <= NODE_ID_MAX && o->node_names[node] ? o->node_names[node] : NULL;
}

static void set_text(json_t *j, const char *key, const char *text)
{
	/* Text of others (who, why) need not be UTF-8. */
	if (text && *text && json_object_set_new(j, key, json_string(text)) < 0)
		(void)json_object_set_new(j, key, json_string("(not UTF-8)"));
}

static void set_ms(json_t *j, const char *key, int64_t ns)
{
	if (ns > 0)
		(void)json_object_set_new(j, key, json_real((double)(ns / NS_PER_US) / 1000.0));
}

static json_t *origin_json(const struct history_origin *o, const char *type, boot_t at)
{
	json_t *j = json_object();
	int64_t age_ns = at.ns ? boot_diff_ns(at, o->now.boot) : 0;

	(void)json_object_set_new(j, "time", time_json(o->wall_ns - age_ns));
	set_text(j, "node", node_name(o, o->node));
	(void)json_object_set_new(j, "node_id", json_integer(o->node));
	(void)json_object_set_new(j, "number", json_integer((json_int_t)o->number));
	set_text(j, "boot", o->boot_id);
	set_text(j, "type", type);
	return j;
}

static void command_json(json_t *j, const struct history_origin *o, const struct core_record *rec)
{
	char id[24];

	if (rec->command)
		set_text(j, "command", history_command_name(rec->command));
	if (rec->operation) {
		(void)snprintf(id, sizeof id, "%016" PRIx64, rec->operation);
		set_text(j, "operation", id);
	}
	set_text(j, "who", o->who);
	set_text(j, "from", o->from);
	set_text(j, "why", o->why);
}

static int dump(json_t *j, char *ret, size_t size)
{
	size_t len = j ? json_dumpb(j, ret, size - 1, JSON_COMPACT | JSON_REAL_PRECISION(9)) : 0;

	json_decref(j);
	if (!len)
		return -ENOMEM;
	if (len > size - 1)
		return -EMSGSIZE;
	ret[len] = 0;
	return (int)len;
}

int history_format(const struct history_origin *o, const struct core_record *rec, char *ret, size_t size)
{
	bool of_group = rec->type != RECORD_COMMAND || rec->command >= COMMAND_SWITCHOVER;
	char epoch[32], type[32];
	json_t *j;

	(void)snprintf(type, sizeof type, "%s%s", record_type_name(rec->type), rec->begins ? "-begun" : "");
	j = origin_json(o, type, rec->at);
	if (o->begun)
		(void)json_object_set_new(j, "begun", json_integer((json_int_t)o->begun));

	if (of_group && rec->group < RK_GROUPS_MAX)
		set_text(j, "group", o->group_names[rec->group]);
	if (rec->node != o->node)
		set_text(j, "about", node_name(o, rec->node));
	set_text(j, "peer", node_name(o, rec->peer));
	if (!epoch_none(rec->epoch)) {
		(void)snprintf(epoch, sizeof epoch, "%" PRIu64 ".%u", rec->epoch.counter, rec->epoch.node);
		set_text(j, "epoch", epoch);
	}
	if (rec->type != RECORD_COMMAND)
		set_text(j, "cause", cause_name(rec->cause));
	if (rec->reason)
		set_text(j, "reason", reason_name((enum reason)rec->reason));
	command_json(j, o, rec);
	if (!rec->begins)
		(void)json_object_set_new(j, "ok", json_boolean(rec->ok));
	set_ms(j, "asked_to_won_ms", rec->asked_to_won_ns);
	set_ms(j, "won_to_announced_ms", rec->won_to_announced_ns);
	set_ms(j, "won_to_awake_ms", rec->won_to_awake_ns);
	set_ms(j, "won_to_verified_ms", rec->won_to_verified_ns);
	set_ms(j, "overlap_ms", rec->overlap_ns);
	if (rec->failed_step)
		set_text(j, "failed_step", step_name(rec->failed_step));
	if (rec->error)
		set_text(j, "error", strerrorname_np(rec->error < 0 ? -rec->error : rec->error));
	return dump(j, ret, size);
}

int history_format_event(const struct history_origin *o, const char *type, const char *group,
			 const char *text, json_t *data, char *ret, size_t size)
{
	json_t *j = origin_json(o, type, (boot_t){ 0 });

	set_text(j, "group", group);
	set_text(j, "text", text);
	if (data)
		(void)json_object_update_missing(j, data);
	return dump(j, ret, size);
}

int history_identify(const char *line, size_t len, node_id_t *ret_node, uint64_t *ret_number)
{
	json_t *j = len < HISTORY_LINE_MAX ? json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_int_t node = json_integer_value(json_object_get(j, "node_id"));
	json_int_t number = json_integer_value(json_object_get(j, "number"));
	bool ok = json_is_string(json_object_get(j, "type")) && !json_object_get(j, "prev") && node > 0 &&
		  node <= NODE_ID_MAX && number > 0 && number <= HISTORY_NUMBER_MAX && line[len - 1] == '}' &&
		  !memchr(line, '\n', len);

	json_decref(j);
	if (!ok)
		return -EINVAL;
	*ret_node = (node_id_t)node;
	*ret_number = (uint64_t)number;
	return 0;
}
