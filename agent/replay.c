/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `hactl replay`: a journal file fed to the same core again. Prints what was decided and why; says so when a
 * plan differs from the one that was recorded.
 */
#include "cleanup.h"
#include "history.h"
#include "journal.h"
#include "journal_codec.h"
#include "rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#define NAMES_BYTES_MAX 8192

struct replay {
	FILE *in, *out;
	bool quiet;
	struct journal_head head;
	json_t *names;
	struct core *core;
	struct core_plan *plan;
	bool gate_open[RK_GROUPS_MAX];
	uint64_t events, differences;
};

/* ---- names ---- */

static const char *replay_node(const struct replay *r, node_id_t node)
{
	char key[8];
	const char *name;

	(void)snprintf(key, sizeof key, "%u", node);
	name = json_string_value(json_object_get(json_object_get(r->names, "nodes"), key));
	return name ? name : node ? "?" : "nobody";
}

static const char *replay_group(const struct replay *r, group_index_t group)
{
	const char *name = json_string_value(json_array_get(json_object_get(r->names, "groups"), group));

	return name ? name : "?";
}

/* ---- one event and its plan as text ---- */

static void replay_print_time(const struct replay *r, boot_t at)
{
	int64_t wall_ns = r->head.wall_ns + (at.ns - r->head.boot_ns);
	time_t s = (time_t)(wall_ns / NS_PER_S);
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&s, &tm))
		(void)strftime(text, sizeof text, "%H:%M:%S", &tm);
	(void)fprintf(r->out, "%s.%03d ", text, (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

static const char *replay_message_name(enum lease_msg_type type)
{
	static const char *const names[] = {
		[LEASE_REQUEST] = "REQUEST",	     [LEASE_GRANT] = "GRANT",
		[LEASE_REFUSE] = "REFUSE",	     [LEASE_RELEASE] = "RELEASE",
		[LEASE_RELEASE_ACK] = "RELEASE-ACK", [LEASE_VSET_PROPOSE] = "VOTERS-PROPOSE",
		[LEASE_VSET_ACK] = "VOTERS-ACK",
	};

	return (unsigned)type <= LEASE_VSET_ACK && names[type] ? names[type] : "?";
}

static void replay_print_event(const struct replay *r, const struct core_event *ev)
{
	const char *name = journal_event_name(ev->type);

	replay_print_time(r, ev->at.boot);
	switch (ev->type) {
	case CORE_HEARD:
	case CORE_HELLO:
	case CORE_PEER_FACTS:
	case CORE_PEER_LEFT:
		(void)fprintf(r->out, "%s %s\n", name, replay_node(r, ev->node));
		break;
	case CORE_VIEW:
		(void)fprintf(r->out, "%s of %s on %s: holds %" PRIu64 ", promise to %s for %lld ms\n", name,
			      replay_node(r, ev->node), replay_group(r, ev->group),
			      ev->view.view.holds.counter, replay_node(r, ev->view.view.promise_node),
			      ev->view.view.promise_left_ns / NS_PER_MS);
		break;
	case CORE_MESSAGE:
		(void)fprintf(r->out, "%s of %s on %s, epoch %" PRIu64 ".%u\n",
			      replay_message_name(ev->msg.type), replay_node(r, ev->msg.from),
			      replay_group(r, ev->msg.group), ev->msg.epoch.counter, ev->msg.epoch.node);
		break;
	case CORE_COMMAND:
		(void)fprintf(
			r->out, "%s %s of %s, %s %s\n", name, history_command_name((uint8_t)ev->command.type),
			replay_node(r, ev->command.origin),
			ev->command.type >= COMMAND_SWITCHOVER ? replay_group(r, ev->command.group) : "node",
			replay_node(r, ev->command.node));
		break;
	case CORE_STEP:
		(void)fprintf(r->out, "%s on %s: %s\n", name, replay_group(r, ev->group),
			      ev->step.error ? strerror(ev->step.error < 0 ? -ev->step.error : ev->step.error)
					     : "done");
		break;
	case CORE_NATIVE:
		(void)fprintf(r->out, "%s on %s: %s\n", name, replay_group(r, ev->group),
			      ev->native.holds ? "active" : "not active");
		break;
	case CORE_FENCE_MESSAGE:
		(void)fprintf(r->out, "%s of %s about %s: %s\n", name, replay_node(r, ev->fence_msg.from),
			      replay_node(r, ev->fence_msg.target), fence_state_name(ev->fence_msg.state));
		break;
	case CORE_FENCE_ANSWER:
		(void)fprintf(r->out, "%s to call %u: %s after %lld ms\n", name, ev->fence_answer.seq,
			      fence_answer_name(ev->fence_answer.answer),
			      (long long)(ev->fence_answer.took_ns / NS_PER_MS));
		break;
	case CORE_FENCE_ORDER:
		(void)fprintf(r->out, "%s: %s %s\n", name, ev->fence_order.confirm ? "confirm" : "shoot",
			      replay_node(r, ev->node));
		break;
	case CORE_LAN:
		(void)fprintf(r->out, "%s of %s: gateway good for %lld ms%s\n", name,
			      replay_group(r, ev->group),
			      (long long)(boot_diff_ns(ev->at.boot, ev->lan.gateway_until) / NS_PER_MS),
			      ev->lan.quiet				      ? ", quiet"
			      : boot_before(ev->at.boot, ev->lan.other_until) ? ", another speaks"
									      : "");
		break;
	case CORE_TICK:
	case CORE_WAKE:
	case CORE_LOCAL_FACTS:
	case CORE_INTENT:
	case CORE_SAVE_FAILED:
	case CORE_CEILING:
	case CORE_VOTERS_SAVED:
	case CORE_ADOPT:
	case CORE_STOP:
	case CORE_VOTERS_CHANGE:
		(void)fprintf(r->out, "%s\n", name);
		break;
	}
}

static void replay_print_explain(const struct replay *r, const struct plan_action *a)
{
	const char *sentence = rules_sentence(a->explain.rule);

	(void)fprintf(r->out, "             R%u %s: %s", a->explain.rule, replay_group(r, a->group),
		      sentence ? sentence : "?");
	if (a->node)
		(void)fprintf(r->out, " [%s]", replay_node(r, a->node));
	if (!epoch_none(a->explain.epoch))
		(void)fprintf(r->out, " (epoch %" PRIu64 ".%u)", a->explain.epoch.counter,
			      a->explain.epoch.node);
	(void)fputc('\n', r->out);
}

static void replay_print_record(const struct replay *r, const struct core_record *rec)
{
	(void)fprintf(r->out, "             history: %s%s, cause %s, peer %s%s\n",
		      rec->type == RECORD_TAKEOVER  ? "takeover"
		      : rec->type == RECORD_LETGO   ? "let go"
		      : rec->type == RECORD_COMMAND ? "command"
						    : "operation ended",
		      rec->begins ? " begins" : "", cause_name(rec->cause), replay_node(r, rec->peer),
		      rec->ok ? "" : " (failed)");
}

/* The gate's renewals are left out: only opening and shutting is news. */
static bool replay_is_news(struct replay *r, const struct plan_action *a)
{
	if (a->type == PLAN_GATE_SET && a->group < RK_GROUPS_MAX) {
		bool was = r->gate_open[a->group];

		r->gate_open[a->group] = a->gate_deadline.ns != 0;
		return was != r->gate_open[a->group];
	}
	return a->type == PLAN_STEP || a->type == PLAN_RECORD || a->type == PLAN_EXPLAIN ||
	       a->type == PLAN_RESERVE_EPOCHS || a->type == PLAN_SAVE_VOTERS;
}

static void replay_print_action(const struct replay *r, const struct core_event *ev,
				const struct plan_action *a)
{
	if (a->type == PLAN_GATE_SET && a->gate_deadline.ns)
		(void)fprintf(r->out, "             gate of %s: open for %lld ms\n",
			      replay_group(r, a->group),
			      boot_diff_ns(ev->at.boot, a->gate_deadline) / NS_PER_MS);
	else if (a->type == PLAN_GATE_SET)
		(void)fprintf(r->out, "             gate of %s: shut\n", replay_group(r, a->group));
	else if (a->type == PLAN_STEP)
		(void)fprintf(r->out, "             step of %s: %s\n", replay_group(r, a->group),
			      step_name(a->step.kind));
	else if (a->type == PLAN_RECORD)
		replay_print_record(r, &a->record);
	else if (a->type == PLAN_EXPLAIN)
		replay_print_explain(r, a);
	else if (a->type == PLAN_RESERVE_EPOCHS)
		(void)fprintf(r->out, "             reserve epochs up to %" PRIu64 "\n", a->ceiling);
	else if (a->type == PLAN_SAVE_VOTERS)
		(void)fprintf(r->out, "             save voter set version %u\n", a->voters.version);
}

static void replay_print(struct replay *r, const struct core_event *ev)
{
	bool told = false;

	for (uint32_t i = 0; i < r->plan->count; i++) {
		const struct plan_action *a = &r->plan->actions[i];

		if (!replay_is_news(r, a) || r->quiet)
			continue;
		if (!told)
			replay_print_event(r, ev);
		told = true;
		replay_print_action(r, ev, a);
	}
}

/* ---- the file ---- */

static int replay_fail(char *reterr, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int replay_fail(char *reterr, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reterr, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int replay_open(struct replay *r, char *reterr, size_t size)
{
	char names[NAMES_BYTES_MAX];

	if (fread(&r->head, sizeof r->head, 1, r->in) != 1 || r->head.magic != JOURNAL_MAGIC)
		return replay_fail(reterr, size, "this is no journal of ringkeep");
	r->head.version[sizeof r->head.version - 1] = 0;
	if (r->head.core_bytes != sizeof *r->core || r->head.event_bytes != sizeof(struct core_event) ||
	    strcmp(r->head.version, RINGKEEP_VERSION))
		return replay_fail(
			reterr, size,
			"written by another build (%s, this is %s); replay it with the hactl of that build",
			r->head.version, RINGKEEP_VERSION);
	if (r->head.names_bytes > sizeof names ||
	    fread(names, 1, r->head.names_bytes, r->in) != r->head.names_bytes ||
	    fread(r->core, sizeof *r->core, 1, r->in) != 1)
		return replay_fail(reterr, size, "cut short in its head");
	r->names = json_loadb(names, r->head.names_bytes, 0, NULL);
	if (r->core->config.nodes_count > RK_NODES_MAX || r->core->config.groups_count > RK_GROUPS_MAX ||
	    r->core->config.self > NODE_ID_MAX)
		return replay_fail(reterr, size, "damaged");
	return 0;
}

/* 1: an event; 0: the end, perhaps in the middle of one that was being written; -EINVAL. */
static int replay_read(struct replay *r, struct journal_record *ret_head, struct core_event *ret_ev)
{
	if (fread(ret_head, sizeof *ret_head, 1, r->in) != 1)
		return 0;
	memset(ret_ev, 0, sizeof *ret_ev);
	if (ret_head->event_bytes > sizeof *ret_ev)
		return -EINVAL;
	if (fread(ret_ev, ret_head->event_bytes, 1, r->in) != 1)
		return 0;
	if (ret_ev->type < CORE_TICK || ret_ev->type > CORE_FENCE_ORDER || ret_ev->node > NODE_ID_MAX ||
	    ret_ev->group >= RK_GROUPS_MAX || journal_event_bytes(ret_ev) != ret_head->event_bytes)
		return -EINVAL;
	return 1;
}

static int replay_run(struct replay *r, char *reterr, size_t size)
{
	struct journal_record head;
	struct core_event ev;
	int n;

	while ((n = replay_read(r, &head, &ev)) > 0) {
		core_step(r->core, &ev, r->plan);
		r->events++;
		replay_print(r, &ev);
		if (head.actions == r->plan->count && head.digest == journal_plan_digest(r->plan))
			continue;
		r->differences++;
		replay_print_event(r, &ev);
		(void)fprintf(r->out,
			      "             DIFFERENT: %u actions were recorded, now there are %u%s\n",
			      head.actions, r->plan->count,
			      head.actions == r->plan->count ? " with other content" : "");
		break; /* everything after is a consequence */
	}
	if (n < 0)
		return replay_fail(reterr, size, "damaged after %" PRIu64 " events", r->events);
	(void)fprintf(r->out, "%" PRIu64 " events replayed on %s: %s\n", r->events,
		      replay_node(r, r->core->config.self),
		      r->differences ? "a plan differs" : "every plan is the same");
	return r->differences ? 1 : 0;
}

int journal_replay(const char *path, bool quiet, FILE *out, char *reterr, size_t size)
{
	_cleanup_(fclose_ptr) FILE *in = fopen(path, "rbe");
	struct replay r = { .in = in, .out = out, .quiet = quiet };
	int n;

	if (!in) {
		n = -errno;
		(void)replay_fail(reterr, size, "%s: %s", path, strerror(errno));
		return n;
	}
	r.core = calloc(1, sizeof *r.core);
	r.plan = calloc(1, sizeof *r.plan);
	n = r.core && r.plan ? replay_open(&r, reterr, size) : -ENOMEM;
	if (n == 0)
		n = replay_run(&r, reterr, size);
	free(r.core);
	free(r.plan);
	json_decref(r.names);
	return n;
}
