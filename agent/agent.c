/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Starting and stopping, and the frame around every callback of the loop: read the clocks first, notice that
 * we stood still before anything else is done, send last.
 */
#include "agent.h"
#include "clock_read.h"
#include "crypto.h"
#include "history.h"
#include "log.h"
#include "publishing.h"
#include "pushing.h"
#include "realtime.h"
#include "uplinks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define AGENT_ORDINARY_NS     (60 * NS_PER_S) /* after the loop has turned without a pause */
#define AGENT_STOP_NS	      (8 * NS_PER_S)
#define AGENT_SUSPEND_NS      NS_PER_MS /* BOOTTIME against MONOTONIC moved by more: a suspend */
#define AGENT_PAUSE_PULSES    3		/* late by more: announce again */
#define AGENT_HOUSEKEEPING_NS NS_PER_S
#define AGENT_JOURNAL_RETRY_S 10

void agent_wire_refused(struct agent *a, node_id_t node, const char *what, uint8_t version)
{
	static const char text[] =
		"%s of %s are of version %u, and this node speaks version %u: neither hears the other, "
		"which votes for nobody and takes nothing over; run the same release on both, as "
		"docs/UPGRADE.md says.";
	char key[ALARM_KEY_MAX];

	a->wire[node].refused = version;
	a->wire[node].refused_at = a->now.boot;
	(void)snprintf(key, sizeof key, "pulse/version/%s", agent_node_name(a, node));
	if (alarms_event(&a->alarms, key, a->now.boot, text, what, agent_node_name(a, node), version,
			 wire_major()))
		records_event(a, "pulse-alarm", NULL, text, what, agent_node_name(a, node), version,
			      wire_major());
}

const char *agent_node_name(const struct agent *a, node_id_t node)
{
	if (node == NODE_NONE)
		return "-";
	return node <= NODE_ID_MAX && a->node_names[node] ? a->node_names[node] : "?";
}

const char *agent_group_name(const struct agent *a, group_index_t group)
{
	return group < RK_GROUPS_MAX && a->group_names[group] ? a->group_names[group] : "-";
}

/* ---- the frame around every callback ---- */

static void agent_announce_again(struct agent *a)
{
	for (uint8_t g = 0; a->vip && g < a->core.config.groups_count; g++) {
		if (!core_holds(&a->core, g))
			continue;
		vip_announce_again(a->vip, g, a->now.boot);
		vrrp_speak_again(a->vrrp, g, a->now.boot);
	}
}

/* LEASE.md "Waking up": shut first, forget ids, drop what is queued, then go on with fresh clocks. */
static void agent_wake(struct agent *a, int64_t gap_ns)
{
	struct core_event ev = { .type = CORE_WAKE };

	a->standstills++;
	agent_feed(a, &ev);
	links_drain(a);
	a->now = clock_now();
	a->seen_at = a->now.boot;
	log_warning("stood still for %lld ms -> every tenure ended, asking anew",
		    (long long)(gap_ns / NS_PER_MS));
	if (alarms_event(&a->alarms, "standstill", a->now.boot,
			 "This node stood still for %lld ms, longer than its lease.",
			 (long long)(gap_ns / NS_PER_MS)))
		records_event(a, "standstill", NULL, "stood still for %lld ms",
			      (long long)(gap_ns / NS_PER_MS));
}

static void agent_note_lag(struct agent *a)
{
	int64_t late_ns = boot_diff_ns(a->due, a->now.boot);

	if (a->due.ns && a->due.ns != BOOT_NEVER.ns && late_ns > 0 && late_ns / NS_PER_US > a->lag_us_max)
		a->lag_us_max =
			late_ns / NS_PER_US > UINT32_MAX ? UINT32_MAX : (uint32_t)(late_ns / NS_PER_US);
	if (late_ns > AGENT_PAUSE_PULSES * a->core.config.timing.pulse_ns && a->due.ns)
		agent_announce_again(a);
}

static void agent_enter(void *ctx)
{
	struct agent *a = ctx;
	int64_t gap_ns, suspended_ns = clock_suspended_ns();

	a->now = clock_now();
	gap_ns = boot_diff_ns(a->seen_at, a->now.boot);
	a->seen_at = a->now.boot;
	if (gap_ns > a->core.config.timing.lease_ns || suspended_ns - a->suspended_ns > AGENT_SUSPEND_NS)
		agent_wake(a, gap_ns);
	else if (gap_ns > a->core.config.timing.pulse_ns)
		alone_look(a); /* what came meanwhile says more than that time has passed */
	a->suspended_ns = suspended_ns;
	agent_note_lag(a);
}

static void agent_recorder_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	(void)recorder_readable(&a->recorder, a->now); /* a writer that died is started again by its tick */
}

/* The node's own alarms tell which line is bad; this is what the group makes of it. */
static void agent_check_paths(struct agent *a)
{
	for (uint32_t g = 0; g < a->config->groups_count; g++) {
		uint16_t rule = a->core.group[g].rule;
		bool alarm = core_holds(&a->core, (group_index_t)g) && rules_alarm(rule);
		char key[ALARM_KEY_MAX];

		(void)snprintf(key, sizeof key, "no-path/%s", agent_group_name(a, (group_index_t)g));
		if (!alarm)
			(void)alarms_clear(&a->alarms, key);
		else if (alarms_raise(&a->alarms, key, a->now.boot, "%s stays here: R%u, %s.",
				      agent_group_name(a, (group_index_t)g), rule, rules_sentence(rule)))
			log_error("%s: R%u: %s", agent_group_name(a, (group_index_t)g), rule,
				  rules_sentence(rule));
	}
}

static void agent_watch_recorder(struct agent *a)
{
	int fd = recorder_fd(&a->recorder);

	if (fd < 0 || fd == a->recorder_watched)
		return;
	if (loop_add(&a->loop, fd, POLLIN, LOOP_LOW, agent_recorder_readable, a) == 0)
		a->recorder_watched = fd;
}

static void agent_check_voters(struct agent *a)
{
	if (a->core.voters.set.new_set == config_voters(a->config))
		(void)alarms_clear(&a->alarms, "voters");
	else
		(void)alarms_raise(&a->alarms, "voters", a->now.boot,
				   "The configuration names other nodes than the voters in force; change "
				   "them with: hactl voters "
				   "apply.");
}

/* ---- real-time priority ---- */

static void agent_enter_realtime(const struct agent *a)
{
	int r = realtime_priority(a->config->realtime_priority);

	if (r < 0)
		log_warning("no real-time priority: %s", strerror(-r));
}

/* A fault of ours: something wakes the loop without end. The PBX must not suffer it. */
static void agent_spins(struct agent *a)
{
	int r = realtime_step_down();

	a->realtime_at = boot_add(a->now.boot, AGENT_ORDINARY_NS);
	log_error("the main loop has not slept for %d ms -> ordinary priority for %lld s%s", REALTIME_SPIN_MS,
		  (long long)(AGENT_ORDINARY_NS / NS_PER_S), r < 0 ? ": refused" : "");
	(void)alarms_raise(&a->alarms, "spin", a->now.boot,
			   "ringkeepd is busy without a pause: a fault of it, or more than this machine can "
			   "do. It runs at ordinary priority meanwhile; please report its log.");
}

static void agent_back_to_realtime(struct agent *a)
{
	if (!a->realtime_at.ns || boot_before(a->now.boot, a->realtime_at))
		return;
	a->realtime_at = (boot_t){ 0 };
	agent_enter_realtime(a);
	(void)alarms_clear(&a->alarms, "spin");
}

/* ---- rounds ---- */

static void agent_housekeeping(struct agent *a)
{
	agent_check_voters(a);
	agent_check_paths(a);
	/* A journal that could not be written starts afresh, in the hope that there is room again. */
	if (a->recorder.disk_error[RECORDER_JOURNAL] && ++a->journal_waited % AGENT_JOURNAL_RETRY_S == 0)
		a->journal.broken = true;
	a->next_housekeeping = boot_add(a->now.boot, AGENT_HOUSEKEEPING_NS);
	a->lag_us_published = a->lag_us_max;
	a->lag_us_max = 0;
	alarms_expire(&a->alarms, a->now.boot);
	agent_back_to_realtime(a);
	services_expire(a);
	trunks_watch(a);
	services_heal(a);
	journal_flush(&a->journal);
	(void)sd_notify(0, "WATCHDOG=1"); /* no systemd: nothing to tell */
}

static void agent_tick(void *ctx)
{
	struct agent *a = ctx;
	struct core_event tick = { .type = CORE_TICK };

	a->ticked = true;
	alone_look(a);
	if (!boot_before(a->now.boot, core_next(&a->core, a->now)))
		agent_feed(a, &tick);
	network_tick(a);
	routers_tick(a);
	pulse_io_tick(a->pulse, a->now);
	cluster_tick(a);
	services_tick(a);
	commands_tick(a);
	petter_tick(a);
	fences_tick(a);
	uplinks_tick(a->uplinks);
	publishing_tick(a->publishing);
	pushing_tick(a->pushing);
	if (!boot_before(a->now.boot, recorder_next(&a->recorder))) {
		recorder_tick(&a->recorder, a->now);
		agent_watch_recorder(a);
	}
	if (!boot_before(a->now.boot, a->next_housekeeping))
		agent_housekeeping(a);
}

static void agent_check_stop(struct agent *a)
{
	if (a->leaving || (a->stopping && ((core_stopped(&a->core) && trunks_settled(a)) ||
					   !boot_before(a->now.boot, a->stop_until))))
		loop_stop(&a->loop);
}

static boot_t agent_leave(void *ctx)
{
	struct agent *a = ctx;
	boot_t next;

	alone_refresh(a);
	facts_refresh(a);
	routers_refresh(a);
	network_refuse(a);
	network_hold(a);
	trunks_refresh(a);
	publishing_refresh(a->publishing);
	agent_flush(a);
	if (a->ticked)
		petter_count_round(a);
	a->ticked = false;
	agent_check_stop(a);
	next = boot_min(core_next(&a->core, a->now), boot_min(network_next(a), routers_next(a)));
	next = boot_min(next, boot_min(pulse_io_next(a->pulse), cluster_next(a)));
	next = boot_min(next, boot_min(services_next(a), commands_next(a)));
	next = boot_min(next, boot_min(trunks_next(a), fences_next(a)));
	next = boot_min(next, boot_min(uplinks_next(a->uplinks), publishing_next(a->publishing)));
	next = boot_min(next, pushing_next(a->pushing));
	next = boot_min(next, boot_min(recorder_next(&a->recorder), a->next_housekeeping));
	if (a->stopping)
		next = boot_min(next, a->stop_until);
	a->due = next;
	return next;
}

static const struct loop_ops agent_loop_ops = {
	.enter = agent_enter,
	.tick = agent_tick,
	.leave = agent_leave,
};

/* ---- signals ---- */

static void agent_signal(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;
	struct signalfd_siginfo info;
	struct core_event stop = { .type = CORE_STOP };
	struct sentence why = { "" };

	(void)revents;
	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	switch (info.ssi_signo) {
	case SIGUSR1:
		log_notice("SIGUSR1 -> leaving gate, addresses and lease to the next agent");
		a->leaving = true;
		break;
	case SIGHUP:
		(void)agent_reload(a, &why);
		break;
	case SIGXCPU:
		agent_spins(a);
		break;
	default:
		if (a->stopping) {
			a->stop_until = a->now.boot; /* a second SIGTERM: at once */
			break;
		}
		log_notice("%s -> handing over", strsignal((int)info.ssi_signo));
		(void)sd_notify(0, "STOPPING=1");
		a->stopping = true;
		a->stop_until = boot_add(a->now.boot, AGENT_STOP_NS);
		agent_feed(a, &stop);
		break;
	}
}

static sigset_t agent_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGXCPU);
	return set;
}

void agent_block_signals(void)
{
	const sigset_t set = agent_signals();

	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
	/* Ignored by whoever started us, the kernel would collect our children. */
	(void)signal(SIGCHLD, SIG_DFL);
}

static int agent_open_signals(struct agent *a)
{
	const sigset_t set = agent_signals();

	(void)signal(SIGPIPE, SIG_IGN);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signal_fd < 0)
		return -errno;
	return loop_add(&a->loop, a->signal_fd, POLLIN, LOOP_HIGH, agent_signal, a);
}

/* ---- recorder ---- */

static void agent_ceiling_saved(void *ctx, uint64_t ceiling)
{
	struct core_event ev = { .type = CORE_CEILING };

	ev.ceiling = ceiling;
	agent_feed(ctx, &ev);
}

static void agent_voters_saved(void *ctx, const struct voter_set *voters)
{
	struct core_event ev = { .type = CORE_VOTERS_SAVED };

	ev.voters = *voters;
	agent_feed(ctx, &ev);
}

static void agent_disk(void *ctx, enum recorder_file file, int error)
{
	struct agent *a = ctx;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "disk/%s", recorder_file_name(file));
	if (error) {
		log_error("%s/%s cannot be written: %s -> going on without", a->paths.state_dir,
			  recorder_file_name(file), strerror(error));
		(void)alarms_raise(&a->alarms, key, a->now.boot,
				   "%s in %s cannot be written: %s. The lease goes on.",
				   recorder_file_name(file), a->paths.state_dir, strerror(error));
	} else if (alarms_clear(&a->alarms, key)) {
		log_notice("%s/%s can be written again", a->paths.state_dir, recorder_file_name(file));
	}
}

static void agent_recorder_restarted(void *ctx, int error)
{
	struct agent *a = ctx;

	log_error("the recorder process ended%s%s", error ? " and cannot be started: " : " -> started again",
		  error ? strerror(error) : "");
	loop_remove(&a->loop, recorder_fd(&a->recorder));
	a->recorder_watched = -1;
	pushing_recorder_gone(a->pushing);
}

static void agent_config_wrote(void *ctx, enum config_file_step step, int error)
{
	struct agent *a = ctx;

	pushing_wrote(a->pushing, step, error);
}

static const struct recorder_ops agent_recorder_ops = {
	.ceiling_saved = agent_ceiling_saved,
	.voters_saved = agent_voters_saved,
	.disk = agent_disk,
	.config = agent_config_wrote,
	.restarted = agent_recorder_restarted,
};

/* ---- start ---- */

static int agent_load_identity(struct agent *a, struct sentence *reterr)
{
	const struct config_node *me;
	char path[CONFIG_PATH_MAX + 32], public_key[NODE_PUBLIC_TEXT_MAX];
	int r;

	(void)snprintf(path, sizeof path, "%s/node.key", a->paths.state_dir);
	r = node_key_load(path, &a->key, reterr);
	if (r < 0)
		return r;
	node_public_format(&a->key.public_key, public_key);
	a->self = config_self(a->config, public_key);
	if (a->self == NODE_NONE)
		return sentence_fail(reterr, -ENOENT,
				     "No node in %s has this machine's public key; add public-key = \"%s\" "
				     "to its node section.",
				     a->paths.config, public_key);
	me = config_node(a->config, a->self);
	if (a->paths.witness && !me->witness)
		return sentence_fail(reterr, -EINVAL,
				     "--witness was given, but %s says that %s is no witness.",
				     a->paths.config, me->name);
	a->paths.witness = me->witness;
	for (uint32_t i = 0; i < a->config->nodes_count; i++)
		a->node_names[a->config->nodes[i].id] = a->config->nodes[i].name;
	for (uint32_t i = 0; i < a->config->groups_count; i++) {
		a->group_names[i] = a->config->groups[i].name;
		a->group[i].agent = a;
		a->group[i].index = (group_index_t)i;
	}
	return 0;
}

static void agent_tell_state(const char *what, enum state_result result, const char *text)
{
	if (result == STATE_DAMAGED)
		log_warning("%s: %s", what, text);
}

static void agent_load_fences(const struct agent *a, struct fence_memory *ret)
{
	state_fence_digests digest;
	char text[STATE_TEXT_MAX] = "";

	if (a->config->fence_devices_count == 0)
		return;
	config_fence_digests(a->config, digest);
	agent_tell_state("file of the fence devices",
			 state_fences_load(&a->run, digest, ret, text, sizeof text), text);
}

static void agent_load_memory(struct agent *a, struct core_memory *m)
{
	struct state_promise promise[RK_GROUPS_MAX] = { 0 };
	char text[STATE_TEXT_MAX] = "";
	enum state_result r;

	for (uint32_t g = 0; g < a->config->groups_count; g++)
		promise[g].wire_id = a->config->groups[g].wire_id;
	r = state_promises_load(&a->run, promise, (uint8_t)a->config->groups_count, text, sizeof text);
	agent_tell_state("promise file", r, text);
	m->memory_lost = a->memory_lost = r != STATE_OK;
	for (uint32_t g = 0; g < a->config->groups_count; g++)
		m->lease[g] = promise[g].memory;
	r = state_ceiling_load(a->state_fd, &m->ceiling, text, sizeof text);
	agent_tell_state("epoch file", r, text);
	m->disk_lost = r != STATE_OK;
	r = state_intent_load(a->state_fd, &m->intent, text, sizeof text);
	agent_tell_state("intent file", r, text);
	r = state_voters_load(a->state_fd, &m->voters, text, sizeof text);
	agent_tell_state("voters file", r, text);
	if (r != STATE_OK)
		m->voters = (struct voter_set){ .version = 1,
						.phase = VOTERS_STABLE,
						.old_set = config_voters(a->config),
						.new_set = config_voters(a->config) };
	agent_load_fences(a, &m->fence);
}

static int agent_open_state(struct agent *a, struct sentence *reterr)
{
	int r = state_run_open(&a->run, a->paths.run_dir, reterr->text, sizeof reterr->text);

	if (r < 0)
		return r;
	r = state_run_boot(&a->run, &a->boot);
	if (r < 0)
		return sentence_fail(reterr, r, "The run directory %s cannot be written: %s.",
				     a->paths.run_dir, strerror(-r));
	a->state_fd = state_dir_open(a->paths.state_dir);
	if (a->state_fd < 0)
		return sentence_fail(reterr, a->state_fd, "The state directory %s cannot be opened: %s.",
				     a->paths.state_dir, strerror(-a->state_fd));
	return 0;
}

static int agent_open_core(struct agent *a, struct sentence *reterr)
{
	struct core_memory *memory = calloc(1, sizeof *memory);
	struct core_config *config = calloc(1, sizeof *config);
	uint64_t process;
	int r = crypto_random(&process, sizeof process);

	if (r < 0 || !memory || !config) {
		free(memory);
		free(config);
		return sentence_fail(reterr, r < 0 ? r : -ENOMEM, "No random numbers or no memory.");
	}
	a->now = clock_now();
	a->seen_at = a->now.boot;
	a->suspended_ns = clock_suspended_ns();
	agent_load_memory(a, memory);
	config_core(a->config, a->self, process, config);
	core_init(&a->core, config, memory, a->now);
	if (memory->memory_lost && config_needs_lease(a->config))
		log_notice("no promises of this boot -> mute for %u ms",
			   config_timing_mute_ms(&a->config->timing));
	if (memory->disk_lost)
		log_warning("no epoch file -> voting only after enough others told their epochs");
	free(memory);
	free(config);
	return 0;
}

static char *agent_journal_names(const struct agent *a)
{
	json_t *nodes = json_object(), *groups = json_array(), *names;
	char id[8], *text;

	for (uint32_t i = 0; i < a->config->nodes_count; i++) {
		(void)snprintf(id, sizeof id, "%u", a->config->nodes[i].id);
		json_object_set_new(nodes, id, json_string(a->config->nodes[i].name));
	}
	for (uint32_t i = 0; i < a->config->groups_count; i++)
		json_array_append_new(groups, json_string(a->config->groups[i].name));
	names = json_pack("{s:o, s:o}", "nodes", nodes, "groups", groups);
	text = names ? json_dumps(names, JSON_COMPACT) : NULL;
	json_decref(names);
	return text;
}

static int agent_open_records(struct agent *a, struct sentence *reterr)
{
	int r = recorder_start(&a->recorder, a->state_fd, a->config->history_kib, a->config->journal_kib,
			       &agent_recorder_ops, a);

	if (r < 0)
		return sentence_fail(reterr, r, "The recorder process cannot be started: %s.", strerror(-r));
	r = records_load(a);
	if (r < 0)
		log_error("history in %s cannot be read: %s", a->paths.state_dir, strerror(-r));
	a->journal_names = agent_journal_names(a);
	journal_init(&a->journal, &a->recorder, a->config->journal_kib, a->journal_names);
	return 0;
}

static void agent_control_readable(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)fd, (void)revents;
	(void)control_readable(a->control, a->now); /* errors end the client they belong to */
}

static int agent_open_control(struct agent *a, struct sentence *reterr)
{
	char path[CONFIG_PATH_MAX + 32];
	int r;

	(void)snprintf(path, sizeof path, "%s/control.sock", a->paths.run_dir);
	r = control_open(&a->control, path, agent_commands, &agent_control_ops, a, reterr->text,
			 sizeof reterr->text);
	if (r == 0)
		r = loop_add(&a->loop, control_fd(a->control), POLLIN, LOOP_LOW, agent_control_readable, a);
	return r;
}

/* What the loop would do for the lease, while the rest is being put up: an adopted lease does not wait for
 * it. */
static void agent_pump(struct agent *a)
{
	struct core_event tick = { .type = CORE_TICK };

	a->now = clock_now();
	for (uint8_t l = 0; l < RK_LINKS_MAX; l++)
		if (pulse_io_fd(a->pulse, l) >= 0)
			pulse_io_readable(a->pulse, l);
	a->now = clock_now();
	if (!boot_before(a->now.boot, core_next(&a->core, a->now)))
		agent_feed(a, &tick);
	routers_tick(a);
	agent_flush(a);
	petter_count_round(a);
	a->seen_at = a->now.boot;
}

/* Tells the core what the kernel holds; an open gate of ours is renewed from the first pulse on. */
static void agent_adopt(struct agent *a)
{
	a->now = clock_now();
	for (uint8_t g = 0; g < a->core.config.groups_count; g++) {
		struct core_event ev = { .type = CORE_ADOPT, .group = g };

		if (a->gate)
			ev.adopt_deadline = gate_get(a->gate, g);
		agent_feed(a, &ev);
	}
	agent_flush(a);
}

static void agent_lock_memory(const struct agent *a)
{
	int r = a->config->lock_memory ? realtime_lock_memory() : 0;

	if (r < 0)
		log_warning("memory not locked: %s", strerror(-r));
}

/* A node without them holds as well as it can: its voice goes where the kernel sends it. */
static void agent_open_uplinks(struct agent *a)
{
	struct sentence why = { "" };

	if (publishing_open(a, &a->publishing) < 0)
		log_error("neither names in DNS nor the uplinks' hook are told of anything");
	if (uplinks_open(a, &a->uplinks, &why) == 0)
		return;
	log_error("uplinks: %s", why.text);
	(void)alarms_raise(&a->alarms, "uplinks", a->now.boot,
			   "Uplinks are neither measured nor switched: %s Mend it and restart ringkeepd.",
			   why.text);
}

static int agent_open_all(struct agent *a, struct sentence *reterr)
{
	int r;

	agent_enter_realtime(a); /* first of all: a restarted agent has the rest of its lease to adopt it */
	r = agent_load_identity(a, reterr);
	if (r == 0)
		r = agent_open_state(a, reterr);
	if (r == 0)
		r = agent_open_core(a, reterr);
	if (r == 0)
		r = agent_open_records(a, reterr);
	if (r == 0) {
		r = loop_init(&a->loop, &agent_loop_ops, a);
		if (r < 0)
			(void)sentence_fail(reterr, r, "The main loop cannot be set up: %s.", strerror(-r));
	}
	if (r == 0)
		r = petter_open(a, reterr);
	if (r == 0 && !a->paths.witness)
		r = network_open_gate(a, reterr);
	if (r == 0)
		r = links_open(a, reterr);
	if (r < 0)
		return r;
	agent_adopt(a);
	if (!a->paths.witness)
		r = network_open_addresses(a, reterr);
	agent_pump(a);
	if (r == 0 && !a->paths.witness)
		r = cluster_open(a, reterr);
	agent_pump(a);
	if (r == 0 && !a->paths.witness)
		r = fences_open(a, reterr);
	if (r == 0)
		r = pushing_open(a, &a->pushing, reterr);
	if (r == 0)
		agent_open_uplinks(a);
	if (r == 0)
		r = services_open(a, reterr);
	if (r == 0)
		steps_resume(a);
	agent_pump(a);
	if (r == 0)
		r = agent_open_control(a, reterr);
	if (r == 0) {
		r = agent_open_signals(a);
		if (r < 0)
			(void)sentence_fail(reterr, r, "Signals cannot be set up: %s.", strerror(-r));
	}
	return r;
}

int agent_start(struct agent *a, const struct agent_paths *paths, struct sentence *reterr)
{
	int r;

	a->paths = *paths;
	a->state_fd = a->signal_fd = a->recorder_watched = -1;
	a->loop.timer_fd = -1;
	watchdog_init(&a->petter.watchdog);
	r = agent_open_all(a, reterr);
	if (r < 0) {
		agent_stop(a);
		return r;
	}
	agent_watch_recorder(a);
	agent_lock_memory(a);
	log_notice("ringkeepd %s: %s of cluster %s, node %u, safety level %s: %s", RINGKEEP_VERSION,
		   agent_node_name(a, a->self), a->config->cluster, a->self, config_safety(a->config),
		   config_safety_note(a->config));
	records_event(a, "agent-started", NULL, "ringkeepd %s", RINGKEEP_VERSION);
	(void)sd_notify(0, "READY=1");
	return 0;
}

void agent_run(struct agent *a)
{
	agent_pump(a);
	loop_run(&a->loop);
}

void agent_stop(struct agent *a)
{
	if (a->control)
		control_close(a->control);
	services_close(a);
	publishing_close(a->publishing);
	pushing_close(a->pushing);
	uplinks_close(a->uplinks);
	fences_close(a);
	network_close(a);
	petter_close(a);
	cluster_close(a);
	links_close(a);
	if (a->recorder.child > 0) {
		if (a->journal.recorder)
			journal_flush(&a->journal);
		recorder_stop(&a->recorder, 2000);
	}
	loop_close(&a->loop);
	if (a->signal_fd >= 0)
		close(a->signal_fd);
	if (a->state_fd >= 0)
		close(a->state_fd);
	state_run_close(&a->run);
	node_key_wipe(&a->key);
	config_free(a->config);
	free(a->journal_names);
}
