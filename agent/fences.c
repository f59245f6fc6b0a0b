/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Power fencing around the core: its calls go to the runner, its messages over corosync, what it decides into
 * the log, the history, the alarms and the status.
 */
#include "agent.h"
#include "libexec.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define FENCES_PROGRAM_MAX 256

/* ---- calls ---- */

static const char *fences_device_name(const struct agent *a, fence_device_t d)
{
	return d < a->config->fence_devices_count ? a->config->fence_devices[d].name : "?";
}

static bool fences_request(void *ctx, const struct plan_fence_call *call, struct fence_request *ret)
{
	struct agent *a = ctx;

	return call->device < a->config->fence_devices_count &&
	       config_fence_request(a->config, call->device, call->target, call->verb, ret);
}

/* Silent while the device is well: a shot is told by the core, a failure once. */
static void fences_watched(struct agent *a, const struct plan_fence_call *call,
			   const struct fence_result *result)
{
	const char *device = fences_device_name(a, call->device);
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "fence-device/%s", device); /* a cut key is still one */
	if (result->answer == FENCE_ANSWER_OK) {
		if (alarms_clear(&a->alarms, key))
			log_notice("fence device %s answers again", device);
	} else if (alarms_raise(&a->alarms, key, a->now.boot,
				"Fence device %s does not say that %s, which is alive, is on (%s: %.80s): it "
				"could prove "
				"nothing; see hactl config check.",
				device, agent_node_name(a, call->target), fence_answer_name(result->answer),
				result->said)) {
		log_warning("fence device %s: status of %s: %s: %s", device, agent_node_name(a, call->target),
			    fence_answer_name(result->answer), result->said);
	}
}

static void fences_answered(void *ctx, const struct plan_fence_call *call, const struct fence_result *result)
{
	struct agent *a = ctx;
	struct core_event ev = { .type = CORE_FENCE_ANSWER, .node = call->target };

	if (call->watch)
		fences_watched(a, call, result);
	else
		log_notice("fence device %s: %s %s: %s after %u ms%s%s", fences_device_name(a, call->device),
			   fence_verb_name(call->verb), agent_node_name(a, call->target),
			   fence_answer_name(result->answer), result->took_ms, result->said[0] ? ": " : "",
			   result->said);
	ev.fence_answer.seq = call->seq;
	ev.fence_answer.answer = result->answer;
	ev.fence_answer.took_ns = result->took_ms * NS_PER_MS;
	agent_feed(a, &ev);
}

static const struct fence_runner_ops fences_ops = { .request = fences_request, .answered = fences_answered };

static void fences_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	fence_runner_work(a->fences, a->now.boot);
}

int fences_open(struct agent *a, struct sentence *reterr)
{
	char program[FENCES_PROGRAM_MAX];
	int r;

	if (a->config->fence_devices_count == 0)
		return 0;
	r = fence_runner_new(libexec_path("fence-call", program, sizeof program), &fences_ops, a, &a->fences);
	if (r == 0)
		r = loop_add(&a->loop, fence_runner_fd(a->fences), POLLIN, LOOP_LOW, fences_readable, a);
	return r < 0 ? sentence_fail(reterr, r, "Fence agents cannot be run: %s.", strerror(-r)) : 0;
}

void fences_close(struct agent *a)
{
	fence_runner_free(a->fences);
	a->fences = NULL;
}

boot_t fences_next(const struct agent *a)
{
	return a->fences ? fence_runner_next(a->fences) : BOOT_NEVER;
}

void fences_tick(struct agent *a)
{
	if (a->fences && !boot_before(a->now.boot, fence_runner_next(a->fences)))
		fence_runner_work(a->fences, a->now.boot);
}

void fences_call(struct agent *a, const struct plan_fence_call *call)
{
	const struct fence_result none = { .answer = FENCE_ANSWER_BROKEN, .said = "not started yet" };

	if (!call->watch)
		log_notice("fence device %s: %s %s", fences_device_name(a, call->device),
			   fence_verb_name(call->verb), agent_node_name(a, call->target));
	if (a->fences)
		fence_runner_call(a->fences, call, a->now.boot);
	else if (!call->watch)
		fences_answered(a, call, &none);
}

/* ---- over a restart of the agent ---- */

void fences_save(struct agent *a)
{
	struct fence_memory memory;
	state_fence_digests digest;
	int r;

	config_fence_digests(a->config, digest);
	fence_memory_get(&a->core.fence, &memory);
	r = state_fences_save(&a->run, digest, &memory);
	if (r == 0)
		(void)alarms_clear(&a->alarms, "fence-memory");
	else if (alarms_raise(
			 &a->alarms, "fence-memory", a->now.boot,
			 "What fence devices said cannot be kept in %s (%s): after a restart of ringkeepd no "
			 "device is believed before it was asked again; make room there.",
			 a->paths.run_dir, strerror(-r)))
		log_error("file of the fence devices in %s: %s", a->paths.run_dir, strerror(-r));
}

/* ---- messages ---- */

void fences_send(struct agent *a, const struct fence_msg *m)
{
	struct heartbeat_fence h = { .fence = *m };
	bool by_hand = m->type == FENCE_MSG_CONFIRM ||
		       (m->type == FENCE_MSG_START && m->op.why == FENCE_WHY_OPERATOR);
	int r;

	if (by_hand) {
		(void)snprintf(h.user, sizeof h.user, "%s", a->fence_who);
		(void)snprintf(h.why, sizeof h.why, "%s", a->fence_why);
	}
	r = cluster_send_fence(a, &h);
	if (r < 0)
		log_warning("fencing of %s: a message to the others was not sent: %s",
			    agent_node_name(a, m->target), strerror(-r));
}

static void fences_by_hand(struct agent *a, node_id_t from, const struct heartbeat_fence *h)
{
	const char *what = h->fence.type == FENCE_MSG_CONFIRM ? "says that it is off" : "has it shot";

	log_notice("fencing of %s: %s on %s %s: %s", agent_node_name(a, h->fence.target), h->user,
		   agent_node_name(a, from), what, h->why[0] ? h->why : "no reason given");
	if (from == a->self)
		records_event(a, "fence", NULL, "%s: %s %s%s%s", agent_node_name(a, h->fence.target), h->user,
			      what, h->why[0] ? ": " : "", h->why);
}

void fences_receive(struct agent *a, node_id_t from, const struct heartbeat_fence *h)
{
	struct core_event ev = { .type = CORE_FENCE_MESSAGE, .node = from };

	if (h->fence.type == FENCE_MSG_CONFIRM ||
	    (h->fence.type == FENCE_MSG_START && h->fence.op.why == FENCE_WHY_OPERATOR))
		fences_by_hand(a, from, h);
	ev.fence_msg = h->fence;
	ev.fence_msg.from = from;
	agent_feed(a, &ev);
}

int fences_order(struct agent *a, node_id_t target, bool confirm, const char *who, const char *why,
		 struct sentence *reterr)
{
	struct core_event ev = { .type = CORE_FENCE_ORDER, .node = target };
	enum fence_refusal refusal = core_check_fence(&a->core, target, confirm, a->now);

	if (refusal != FENCE_ACCEPTED)
		return sentence_fail(reterr, -EPERM, "%s: %s.", agent_node_name(a, target),
				     fence_refusal_text(refusal));
	if (!cluster_connected(a))
		return sentence_fail(reterr, -ENOTCONN,
				     "Corosync is not connected, and an order goes to all nodes or to none; "
				     "start corosync here, or ask another node.");
	(void)snprintf(a->fence_who, sizeof a->fence_who, "%s", who);
	(void)snprintf(a->fence_why, sizeof a->fence_why, "%s", why); /* a cut reason is still one */
	ev.fence_order.confirm = confirm;
	agent_feed(a, &ev);
	return 0;
}

/* ---- what is told ---- */

void fences_attempt(struct agent *a, const struct plan_fence_attempt *t)
{
	records_event(a, "fence", NULL, "%s: level %u, %s %s: %s after %lld ms",
		      agent_node_name(a, t->target), t->level + 1, fence_verb_name(t->verb),
		      fences_device_name(a, t->device), fence_answer_name(t->answer),
		      (long long)(t->took_ns / NS_PER_MS));
}

static const char *fences_state_text(enum fence_state s)
{
	static const char *const texts[FENCE_STATES_COUNT] = {
		[FENCE_CLEAN] = "is there, or has said goodbye",
		[FENCE_SUSPECT] = "is lost; it has not been shot yet",
		[FENCE_DELAY] = "is to be shot after a delay",
		[FENCE_SHOOTING] = "is being shot",
		[FENCE_VERIFYING] = "was shot; its devices are asked whether it is off",
		[FENCE_FENCED] = "is proved off",
		[FENCE_FAILED] = "could not be proved off; it is tried again, or look at it and say hactl "
				 "fence confirm",
		[FENCE_UNKNOWN] = "may be off or not, and a shot may still come",
		[FENCE_DISPUTED] =
			"was declared off and has been heard since: switch it off by hand, look at "
			"its fence devices",
		[FENCE_CONFIRMED] = "is off, says an operator",
	};

	return (unsigned)s < FENCE_STATES_COUNT ? texts[s] : "?";
}

static bool fences_alarming(enum fence_state s)
{
	return s == FENCE_FAILED || s == FENCE_UNKNOWN || s == FENCE_DISPUTED;
}

static void fences_alarm(struct agent *a, const struct plan_fence_state *s)
{
	const char *node = agent_node_name(a, s->target);
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "fence/%s", node);
	(void)alarms_clear(&a->alarms, key);
	if (fences_alarming(s->state))
		(void)alarms_raise(&a->alarms, key, a->now.boot, "%s %s.", node, fences_state_text(s->state));
}

static bool fences_worth_a_record(const struct agent *a, const struct plan_fence_state *s)
{
	bool ends = s->state == FENCE_FENCED || s->state == FENCE_FAILED || s->state == FENCE_UNKNOWN;

	if (s->state == FENCE_DISPUTED || s->state == FENCE_DELAY)
		return a->core.fence.target[s->target].op.shooter == a->self;
	return ends && a->core.fence.target[s->target].op.shooter == a->self;
}

void fences_state(struct agent *a, const struct plan_fence_state *s)
{
	const char *node = agent_node_name(a, s->target);

	log_notice("fencing: %s %s", node, fences_state_text(s->state));
	fences_alarm(a, s);
	if (fences_worth_a_record(a, s))
		records_event(a, "fence", NULL, "%s %s", node, fences_state_text(s->state));
}

/* ---- status ---- */

static json_t *fences_target_json(const struct agent *a, node_id_t n)
{
	const struct fence_target *x = &a->core.fence.target[n];
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "node", agent_node_name(a, n), "state",
			      fence_state_name(x->state), "text", fences_state_text(x->state), "levels",
			      a->core.config.fence.target[n].levels_count);

	if (!o || x->state == FENCE_CLEAN)
		return o;
	json_object_set_new(o, "since_ms", json_integer(boot_diff_ns(x->since, a->now.boot) / NS_PER_MS));
	if (x->op.shooter == NODE_NONE)
		return o;
	json_object_set_new(o, "shooter", json_string(agent_node_name(a, x->op.shooter)));
	json_object_set_new(o, "level", json_integer(x->level + 1));
	return o;
}

static json_t *fences_watch_json(const struct agent *a, fence_device_t d, node_id_t n)
{
	const struct fence_watch *w = &a->core.fence.watch[d][n];

	return json_pack("{s:s, s:b, s:b}", "node", agent_node_name(a, n), "proved",
			 fence_device_proved(&a->core.fence, d, n, a->now.boot), "failing", w->failing);
}

static json_t *fences_device_json(const struct agent *a, fence_device_t d)
{
	const struct fence_device_config *c = &a->core.config.fence.device[d];
	json_t *targets = json_array();

	for (node_id_t n = 1; n <= NODE_ID_MAX; n++)
		if (node_in(c->targets, n) && n != a->self && !c->watchdog)
			json_array_append_new(targets, fences_watch_json(a, d, n));
	return json_pack("{s:s, s:o}", "device", fences_device_name(a, d), "targets", targets);
}

json_t *fences_json(const struct agent *a)
{
	json_t *targets = json_array(), *devices = json_array();

	for (uint8_t i = 0; i < a->core.config.nodes_count; i++) {
		const struct core_node_config *n = &a->core.config.nodes[i];

		if (!n->witness && n->id != a->self &&
		    (a->core.config.fence.target[n->id].levels_count ||
		     a->core.fence.target[n->id].state != FENCE_CLEAN))
			json_array_append_new(targets, fences_target_json(a, n->id));
	}
	for (fence_device_t d = 0; d < a->core.config.fence.devices_count; d++)
		json_array_append_new(devices, fences_device_json(a, d));
	return json_pack("{s:o, s:o}", "nodes", targets, "devices", devices);
}
