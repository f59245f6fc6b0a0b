/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"
#include "cleanup.h"
#include "config_uplinks.h"
#include "crypto.h"
#include "digest.h"
#include "log.h"
#include "publishing.h"
#include "state_files.h"
#include "uplinks_private.h"
#include "words.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Events come in bursts (a device that comes up): one look at all routes after them. */
#define UPLINKS_ENSURE_NS (20 * NS_PER_MS)
/* Nothing here is worth a round sooner after another: at real-time priority a deadline that stays due would
 * take the processor from the PBX. */
#define UPLINKS_ROUND_NS NS_PER_MS

static const char *const family_names[PATH_FAMILIES] = { "IPv4", "IPv6" };

const char *uplinks_name(const struct uplinks *u, int uplink)
{
	return uplink >= 0 ? u->config->uplinks[uplink].name : "none";
}

bool uplinks_has(const struct uplinks *u, enum path_family f)
{
	return u->family[f].count > 0;
}

int uplinks_index(const struct uplinks *u, enum path_family f, int8_t choice)
{
	return choice >= 0 ? u->family[f].member[choice] : -1;
}

static int8_t uplinks_choice_of(const struct uplink_family *f, int uplink)
{
	for (uint8_t i = 0; i < f->count; i++)
		if (f->member[i] == uplink)
			return (int8_t)i;
	return UPLINK_ANY;
}

static enum path_family uplinks_family_of(const struct uplinks *u, uint8_t uplink)
{
	return path_family(u->paths.uplink[uplink].family);
}

/* ---- what the kernel says ---- */

/* What is known of a line's device, route, addresses and gateway, as the facts that make it NONE. */
static void line_look(struct uplinks *u, uint8_t i)
{
	const struct path_watched *w = &u->watch.uplink[i];
	struct uplink_state *s = &u->line[i].state;
	boot_t now = u->agent->now.boot;

	path_watch_fill(&u->watch, (int8_t)i, u->line[i].learn, &u->paths.uplink[i]);
	uplink_state_hard(s, UPLINK_HARD_CARRIER, !w->ifindex || !w->carrier, now);
	uplink_state_hard(s, UPLINK_HARD_ROUTE, !u->paths.uplink[i].routed, now);
	uplink_state_hard(s, UPLINK_HARD_ADDRESS, !w->address_count, now);
	uplink_state_hard(s, UPLINK_HARD_GATEWAY, w->neighbour_failed, now);
}

/* Also when the latest look failed and the next is far: what has changed may be what it waits for. */
void uplinks_ensure_soon(struct uplinks *u)
{
	boot_t soon = boot_add(u->agent->now.boot, UPLINKS_ENSURE_NS);

	u->ensure_at = u->ensure ? boot_min(u->ensure_at, soon) : soon;
	u->ensure = true;
}

static void uplinks_event(void *ctx, const struct path_event *e)
{
	struct uplinks *u = ctx;

	if (e->kind == PATH_EVENT_TOUCHED || e->kind == PATH_EVENT_DEVICE || e->kind == PATH_EVENT_GATEWAY ||
	    e->kind == PATH_EVENT_ADDRESS)
		uplinks_ensure_soon(u);
	if (e->uplink < 0 || e->uplink >= u->count)
		return;
	line_look(u, (uint8_t)e->uplink);
	if (e->kind == PATH_EVENT_ADDRESS)
		u->line[e->uplink].stun = (struct ip_address){ 0 }; /* it was that of another */
	if (e->kind == PATH_EVENT_DEVICE || e->kind == PATH_EVENT_ADDRESS || e->kind == PATH_EVENT_GATEWAY)
		uplink_probes_renew(u, (uint8_t)e->uplink);
}

/* In the midst of a switch voice is on the new line already: what is in use only after it is verified would
 * be put back. */
static void uplinks_ensure(struct uplinks *u)
{
	int8_t active[PATH_FAMILIES];
	struct sentence why = { "" };
	int r;

	for (int f = 0; f < PATH_FAMILIES; f++) {
		int used = uplink_switch_voice(u, f);

		active[f] = used >= 0 ? (int8_t)used : PATH_ADOPT;
	}
	u->ensure = false;
	r = path_ensure(&u->path, &u->paths, active, &u->report, &why);
	if (r < 0) {
		if (alarms_raise(&u->agent->alarms, "uplinks/routes", u->agent->now.boot,
				 "Routes of the uplinks cannot be kept: %s.", why.text))
			log_error("routes of the uplinks: %s", why.text);
		u->ensure = true;
		u->ensure_at = boot_add(u->agent->now.boot, 5 * NS_PER_S);
	} else {
		(void)alarms_clear(&u->agent->alarms, "uplinks/routes");
	}
}

/* ---- opening ---- */

static void families_make(struct uplinks *u)
{
	for (uint8_t i = 0; i < u->count; i++) {
		struct uplink_family *f = &u->family[uplinks_family_of(u, i)];

		f->member[f->count++] = i;
	}
}

/* What a former agent left in use stays so. */
static void families_adopt(struct uplinks *u)
{
	for (int f = 0; f < PATH_FAMILIES; f++) {
		int8_t active = u->report.active[f] >= 0
					? uplinks_choice_of(&u->family[f], u->report.active[f])
					: (int8_t)UPLINK_ANY;

		uplink_choice_init(&u->family[f].choice, &u->choice_policy, active, u->agent->now.boot);
		u->family[f].since = u->agent->now.boot;
		if (active >= 0)
			log_notice("voice over %s (%s) goes on as it was found",
				   uplinks_name(u, u->report.active[f]), family_names[f]);
	}
}

static int line_open(struct uplinks *u, uint8_t i)
{
	struct uplink_line *l = &u->line[i];
	uint32_t seed = 0;
	int r = crypto_random(&seed, sizeof seed);

	if (r < 0)
		return r;
	config_uplink_targets(u->config, i, &l->targets);
	uplink_state_init(&l->state, &u->policy, l->targets.network, l->targets.count,
			  u->config->uplinks[i].metered, seed, u->agent->now.boot);
	l->grade_told = UPLINK_GRADE_UNKNOWN;
	return 0;
}

static int lines_open(struct uplinks *u, struct sentence *reterr)
{
	int r = 0;

	for (uint8_t i = 0; i < u->count && r == 0; i++)
		r = line_open(u, i);
	if (r == 0)
		r = path_watch_open(&u->watch, &u->paths, uplinks_event, u);
	if (r < 0)
		return sentence_fail(reterr, r, "The kernel's routing cannot be watched: %s.", strerror(-r));
	for (uint8_t i = 0; i < u->count; i++)
		line_look(u, i);
	return 0;
}

static void uplinks_run(struct uplinks *u);

static void uplinks_readable(void *ctx, int fd, int revents)
{
	(void)fd, (void)revents;
	uplinks_run(ctx);
}

static int uplinks_watch(struct uplinks *u, struct sentence *reterr)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int r = 0;

	u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (u->epoll_fd < 0 || epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, path_watch_fd(&u->watch), &ev) < 0)
		r = -errno;
	for (uint8_t i = 0; i < u->count && r == 0; i++)
		r = uplink_probes_open(u, i);
	if (r == 0)
		r = loop_add(&u->agent->loop, u->epoll_fd, POLLIN, LOOP_LOW, uplinks_readable, u);
	return r < 0 ? sentence_fail(reterr, r, "The uplinks cannot be probed: %s.", strerror(-r)) : 0;
}

static int uplink_named(const struct uplinks *u, const char *name)
{
	for (uint8_t i = 0; i < u->count; i++)
		if (!strcmp(u->config->uplinks[i].name, name))
			return i;
	return -1;
}

/* An order for an uplink that there is no more, or is of the other family now, is none. */
static void ordered_load(struct uplinks *u)
{
	struct state_uplinks s;
	char why[STATE_TEXT_MAX];
	enum state_result r = state_uplinks_load(u->agent->state_fd, &s, why, sizeof why);

	if (r == STATE_DAMAGED)
		log_warning("%s: which uplink an operator wanted is forgotten, the node chooses", why);
	for (int f = 0; f < PATH_FAMILIES && r == STATE_OK; f++) {
		int i = *s.ordered[f] ? uplink_named(u, s.ordered[f]) : -1;

		if (i >= 0 && (int)uplinks_family_of(u, (uint8_t)i) == f)
			uplink_choice_pin(&u->family[f].choice, uplinks_choice_of(&u->family[f], i));
		else if (*s.ordered[f])
			log_warning(
				"an operator wanted voice over %s, which is no uplink of %s any more: the "
				"node chooses",
				s.ordered[f], family_names[f]);
	}
}

static int uplinks_open_all(struct uplinks *u, struct sentence *reterr)
{
	const int8_t adopt[PATH_FAMILIES] = { PATH_ADOPT, PATH_ADOPT };
	int r = path_open(&u->path);

	if (r == 0)
		r = netlink_open(&u->route, NETLINK_ROUTE, NULL);
	if (r < 0)
		return sentence_fail(reterr, r, "The kernel's routing cannot be reached: %s.", strerror(-r));
	u->can_flush = path_flush_open(&u->flush) == 0;
	if (!u->can_flush)
		log_warning("connection tracking or sockets cannot be reached: flows of an old uplink stay "
			    "until they end");
	r = lines_open(u, reterr);
	if (r == 0)
		r = path_ensure(&u->path, &u->paths, adopt, &u->report, reterr);
	if (r < 0)
		return r;
	families_make(u);
	families_adopt(u);
	ordered_load(u);
	uplink_marks_init(&u->marks, u->config->voice[0].mark_flows);
	return uplinks_watch(u, reterr);
}

static void uplinks_policies(struct uplinks *u)
{
	config_uplink_policy(&u->config->voice[0], &u->policy);
	config_uplink_choice_policy(&u->config->voice[0], &u->choice_policy);
	u->choice_policy.drain = uplink_switch_can_drain(u);
}

int uplinks_open(struct agent *a, struct uplinks **ret, struct sentence *reterr)
{
	struct uplinks *u;
	int r;

	*ret = NULL;
	if (!a->config->uplinks_count || a->paths.witness)
		return 0;
	u = calloc(1, sizeof *u);
	if (!u)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	u->agent = a;
	u->config = a->config;
	u->epoll_fd = -EBADF;
	u->count = (uint8_t)a->config->uplinks_count;
	uplinks_policies(u);
	bool learn[CONFIG_UPLINKS_MAX];

	config_uplinks_path(a->config, a->self, &u->paths, learn);
	for (uint8_t i = 0; i < u->count; i++)
		u->line[i].learn = learn[i];
	r = uplinks_open_all(u, reterr);
	if (r < 0) {
		uplinks_close(u);
		return r;
	}
	*ret = u;
	return 0;
}

void uplinks_close(struct uplinks *u)
{
	if (!u)
		return;
	loop_remove(&u->agent->loop, u->epoll_fd);
	for (uint8_t i = 0; i < u->count; i++)
		uplink_probes_close(u, i);
	uplink_marks_close(&u->marks);
	if (u->watch.handler)
		path_watch_close(&u->watch);
	if (u->can_flush)
		path_flush_close(&u->flush);
	if (u->route.sock)
		netlink_close(&u->route);
	if (u->path.request.sock)
		path_close(&u->path);
	if (u->epoll_fd >= 0)
		close(u->epoll_fd);
	free(u);
}

/* Uplinks and probes need a restart to change; policies and the trunks' peers do not. */
void uplinks_update(struct uplinks *u, const struct config *c)
{
	struct path_config paths;
	bool learn[CONFIG_UPLINKS_MAX];

	if (!u)
		return;
	u->config = c;
	uplinks_policies(u);
	config_uplinks_path(c, u->agent->self, &paths, learn);
	u->paths.voice_count = paths.voice_count;
	memcpy(u->paths.voice_to, paths.voice_to, sizeof u->paths.voice_to);
	u->ensure = true;
	u->ensure_at = u->agent->now.boot;
}

/* ---- deciding ---- */

uint32_t uplinks_calls(const struct uplinks *u)
{
	const struct agent *a = u->agent;
	uint32_t sum = 0;

	for (uint32_t g = 0; g < a->config->groups_count; g++) {
		uint32_t calls;

		if (!a->group[g].adapter || !core_holds(&a->core, (group_index_t)g))
			continue;
		calls = core_calls(&a->core, (group_index_t)g, a->self);
		if (calls == UINT32_MAX)
			return UPLINK_CALLS_UNKNOWN;
		sum += calls;
	}
	return sum;
}

static bool uplinks_in_window(const struct uplinks *u)
{
	time_t now = time(NULL);
	struct tm t;

	if (!localtime_r(&now, &t))
		return false;
	return config_voice_in_window(&u->config->voice[0], (uint32_t)(t.tm_hour * 60 + t.tm_min));
}

static void family_suspects(struct uplinks *u, struct uplink_family *f)
{
	const struct uplink_state *states[UPLINKS_MAX];
	uint32_t suspects;

	for (uint8_t i = 0; i < f->count; i++)
		states[i] = &u->line[f->member[i]].state;
	suspects = uplink_suspects(states, f->count);
	for (uint8_t i = 0; i < f->count; i++)
		uplink_state_suspect(&u->line[f->member[i]].state, suspects, u->agent->now.boot);
}

/* What is not in use is looked at more closely when the one in use is dead, or may be. */
static void family_roles(struct uplinks *u, struct uplink_family *f)
{
	boot_t now = u->agent->now.boot;
	struct uplink_state *used =
		f->choice.active >= 0 ? &u->line[f->member[f->choice.active]].state : NULL;
	bool dead = !used || (!uplink_grade_usable(used->grade) && used->grade != UPLINK_GRADE_UNKNOWN);
	bool doubted = used && uplink_state_doubted(used, now);

	for (uint8_t i = 0; i < f->count; i++) {
		struct uplink_state *s = &u->line[f->member[i]].state;

		uplink_state_role(s, s == used ? UPLINK_IN_USE : dead ? UPLINK_WANTED : UPLINK_STANDBY, now);
		if (s != used && doubted)
			uplink_state_hurry(s, now);
	}
}

static void family_facts(struct uplinks *u, struct uplink_family *f)
{
	enum path_family path = (enum path_family)(f - u->family);
	boot_t now = u->agent->now.boot;

	f->facts = (struct uplink_facts){ .count = f->count,
					  .calls = uplinks_calls(u),
					  .calls_draining = uplink_switch_draining(u, path),
					  .in_window = uplinks_in_window(u) };
	for (uint8_t i = 0; i < f->count; i++) {
		const struct config_uplink *c = &u->config->uplinks[f->member[i]];
		struct uplink_state *s = &u->line[f->member[i]].state;

		f->facts.uplink[i] = (struct uplink_fact){ .grade = s->grade,
							   .damped = uplink_state_damped(s, now),
							   .doubted = uplink_state_doubted(s, now),
							   .preference = (uint8_t)c->preference,
							   .metered = c->metered,
							   .cost = c->cost,
							   .mos_milli = s->mos_milli };
	}
}

static void family_alarm(struct uplinks *u, enum path_family f)
{
	const struct uplink_decision *d = &u->family[f].decision;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "voice/%s", family_names[f]);
	if (!d->alarm)
		(void)alarms_clear(&u->agent->alarms, key);
	else if (alarms_raise(&u->agent->alarms, key, u->agent->now.boot, "Voice over %s: %s (R%u).",
			      family_names[f], d->why, d->rule))
		records_event(u->agent, "uplink", NULL, "voice over %s: %s (R%u)", family_names[f], d->why,
			      d->rule);
}

/* It is damped and in use all the same: there is nothing better. */
static void family_flaps(struct uplinks *u, enum path_family f)
{
	const struct uplink_family *fam = &u->family[f];
	int8_t used = fam->choice.active;
	char key[ALARM_KEY_MAX];

	(void)snprintf(key, sizeof key, "uplinks/flaps/%s", family_names[f]);
	if (used < 0 || !fam->facts.uplink[used].damped)
		(void)alarms_clear(&u->agent->alarms, key);
	else if (alarms_raise(&u->agent->alarms, key, u->agent->now.boot,
			      "Voice over %s takes uplink %s, which came and went too often lately: no other "
			      "is better. See hactl uplink history.",
			      family_names[f], uplinks_name(u, fam->member[used])))
		records_event(u->agent, "uplink", NULL, "uplink %s flaps, and voice is on it",
			      uplinks_name(u, fam->member[used]));
}

static void family_decide(struct uplinks *u, enum path_family f)
{
	struct uplink_family *fam = &u->family[f];
	struct uplink_decision d;

	if (!fam->count)
		return;
	family_suspects(u, fam);
	family_roles(u, fam);
	family_facts(u, fam);
	u->choice_policy.drain = uplink_switch_can_drain(u);
	uplink_choice_step(&fam->choice, &fam->facts, u->agent->now.boot, &d);
	fam->decision = d;
	family_alarm(u, f);
	family_flaps(u, f);
	if (d.action != UPLINK_STAY && d.action != UPLINK_HOLD)
		(void)uplink_switch_start(u, f, &d);
}

void uplinks_switched(struct uplinks *u, enum path_family f, bool ok)
{
	struct uplink_family *fam = &u->family[f];
	boot_t now = u->agent->now.boot;

	if (ok) {
		uplink_choice_done(&fam->choice, now);
		fam->since = now;
		fam->switches++;
	} else {
		uplink_choice_failed(&fam->choice, now);
	}
	publishing_switched(u->agent->publishing, f, &u->switching[f], ok);
}

/* ---- what is told of it ---- */

static void line_tell(struct uplinks *u, uint8_t i)
{
	struct uplink_line *l = &u->line[i];
	enum uplink_grade was = l->grade_told, is = l->state.grade;

	if (was == is)
		return;
	l->grade_told = is;
	log_notice("uplink %s is %s: %s", uplinks_name(u, i), uplink_grade_name(is),
		   uplink_why_name(l->state.why));
	if (was == UPLINK_GRADE_UNKNOWN && uplink_grade_usable(is))
		return; /* it began, and is well */
	records_event(u->agent, "uplink", NULL, "uplink %s: %s -> %s, %s", uplinks_name(u, i),
		      uplink_grade_name(was), uplink_grade_name(is), uplink_why_name(l->state.why));
}

static void marks_run(struct uplinks *u)
{
	if (!uplink_marks_tick(&u->marks, &u->paths, u->agent->now.boot))
		return;
	if (u->marks.error == 0)
		(void)alarms_clear(&u->agent->alarms, "uplinks/marks");
	else if (alarms_raise(&u->agent->alarms, "uplinks/marks", u->agent->now.boot,
			      "Flows cannot be marked by uplink (nft: %.120s): those of an old uplink stay "
			      "until they end.",
			      u->marks.child.said))
		log_error("nft for the marks of the uplinks: %s", u->marks.child.said);
}

/* ---- rounds ---- */

static void uplinks_run(struct uplinks *u)
{
	u->ran_at = u->agent->now.boot;
	if (path_watch_read(&u->watch) < 0)
		u->ensure = true;
	for (uint8_t i = 0; i < u->count; i++)
		uplink_probes_run(u, i);
	if (u->ensure && !boot_before(u->agent->now.boot, u->ensure_at))
		uplinks_ensure(u);
	marks_run(u);
	uplink_pbx_tick(u);
	for (int f = 0; f < PATH_FAMILIES; f++) {
		uplink_switch_tick(u, f);
		family_decide(u, f);
	}
	for (uint8_t i = 0; i < u->count; i++)
		line_tell(u, i);
}

boot_t uplinks_next(const struct uplinks *u)
{
	boot_t next;

	if (!u)
		return BOOT_NEVER;
	next = boot_min(uplink_marks_next(&u->marks), uplink_pbx_next(u));
	if (u->ensure)
		next = boot_min(next, u->ensure_at);
	for (uint8_t i = 0; i < u->count; i++)
		next = boot_min(next, uplink_probes_next(u, i));
	for (int f = 0; f < PATH_FAMILIES; f++)
		if (u->family[f].count)
			next = boot_min(next,
					boot_min(uplink_switch_next(u, f), u->family[f].decision.again_at));
	return boot_before(next, boot_add(u->ran_at, UPLINKS_ROUND_NS))
		       ? boot_add(u->ran_at, UPLINKS_ROUND_NS)
		       : next;
}

void uplinks_tick(struct uplinks *u)
{
	if (u && !boot_before(u->agent->now.boot, uplinks_next(u)))
		uplinks_run(u);
}

/* ---- facts ---- */

uint32_t uplinks_isp_number(const char *name)
{
	uint8_t hash[DIGEST_SHA256_SIZE];

	digest_sha256(name, strlen(name), hash);
	return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

/* The same class as before keeps its time, whatever grade it comes from. */
void uplinks_facts(const struct uplinks *u, struct node_facts *ret)
{
	ret->uplink_in_use = -1;
	if (!u)
		return;
	ret->uplinks_count = u->count;
	for (uint8_t i = 0; i < u->count; i++)
		ret->uplink[i] = (struct node_uplink){ .isp = uplinks_isp_number(u->config->uplinks[i].isp),
						       .class = uplink_grade_class(u->line[i].state.grade),
						       .since = u->line[i].state.since };
	for (int f = PATH_FAMILIES - 1; f >= 0; f--)
		if (u->family[f].count && u->family[f].choice.active >= 0)
			ret->uplink_in_use = (int8_t)uplinks_index(u, f, u->family[f].choice.active);
}

enum uplink_class uplinks_class(const struct uplinks *u)
{
	enum uplink_grade best = UPLINK_GRADE_NONE;

	if (!u)
		return UPLINK_UNKNOWN;
	for (uint8_t i = 0; i < u->count; i++)
		if (u->line[i].state.grade > best)
			best = u->line[i].state.grade;
	return uplink_grade_class(best);
}

struct ip_address uplinks_public_of(const struct uplinks *u, uint8_t uplink)
{
	struct ip_address ret = config_uplink_public(u->config, u->agent->self, uplink);

	if (!ret.family)
		ret = u->line[uplink].stun;
	if (!ret.family && u->paths.uplink[uplink].address_count)
		ret = u->paths.uplink[uplink].address[0];
	return ret;
}

static bool uplinks_ask_stun(const struct uplinks *u, uint8_t uplink)
{
	const struct config_targets *t = &u->line[uplink].targets;

	for (uint8_t i = 0; i < t->count; i++)
		if (u->config->probes[t->probe[i]].kind == PROBE_KIND_STUN)
			return true;
	return false;
}

struct ip_address uplinks_public(const struct uplinks *u, enum path_family f)
{
	int uplink = u ? uplink_switch_voice(u, f) : -1;
	struct ip_address none = { 0 };

	if (uplink < 0)
		return none;
	if (config_uplink_public(u->config, u->agent->self, (uint32_t)uplink).family ||
	    u->line[uplink].stun.family || !uplinks_ask_stun(u, (uint8_t)uplink))
		return uplinks_public_of(u, (uint8_t)uplink);
	return none; /* the device's own may be a private one, which is nothing to publish */
}

/* ---- an operator ---- */

/* What an operator has ordered outlives this agent. */
static void ordered_save(const struct uplinks *u)
{
	struct state_uplinks s = { 0 };

	for (int f = 0; f < PATH_FAMILIES; f++)
		if (u->family[f].choice.pinned != UPLINK_ANY)
			(void)snprintf(s.ordered[f], sizeof s.ordered[f], "%s",
				       uplinks_name(u, uplinks_index(u, f, u->family[f].choice.pinned)));
	recorder_save_uplinks(&u->agent->recorder, &s);
}

static int uplinks_unknown(const struct uplinks *u, const char *name, struct sentence *reterr)
{
	struct words_nearest near = words_nearest(name);
	char hint[WORDS_HINT_MAX];

	for (uint8_t i = 0; i < u->count; i++)
		words_nearest_offer(&near, uplinks_name(u, i));
	return sentence_fail(reterr, -ENOENT, "There is no uplink \"%s\"; %s", name,
			     words_nearest_hint(&near, "see hactl uplink list.", hint));
}

int uplinks_use(struct uplinks *u, const char *name, const char *who, struct sentence *reterr)
{
	int i = u ? uplink_named(u, name) : -1;
	enum path_family f;

	if (!u)
		return sentence_fail(reterr, -ENOENT,
				     "This node has no uplinks; see ringkeep.conf(5), Uplinks.");
	if (i < 0)
		return uplinks_unknown(u, name, reterr);
	f = uplinks_family_of(u, (uint8_t)i);
	if (u->switching[f].running && u->switching[f].to != i)
		return sentence_fail(reterr, -EBUSY,
				     "A switch to %s is being carried out; try again in a few seconds.",
				     uplinks_name(u, u->switching[f].to));
	if (!u->paths.uplink[i].routed || u->line[i].state.grade == UPLINK_GRADE_NONE)
		return sentence_fail(reterr, -ENETUNREACH, "Uplink %s has no way out: %s.", name,
				     uplink_why_name(u->line[i].state.why));
	uplink_choice_pin(&u->family[f].choice, uplinks_choice_of(&u->family[f], i));
	ordered_save(u);
	records_event(u->agent, "uplink", NULL, "%s wants voice over %s", who, name);
	uplinks_run(u);
	return 0;
}

int uplinks_auto(struct uplinks *u, const char *who, struct sentence *reterr)
{
	bool pinned = false;

	if (!u)
		return sentence_fail(reterr, -ENOENT,
				     "This node has no uplinks; see ringkeep.conf(5), Uplinks.");
	for (int f = 0; f < PATH_FAMILIES; f++) {
		pinned |= u->family[f].choice.pinned != UPLINK_ANY;
		uplink_choice_pin(&u->family[f].choice, UPLINK_ANY);
	}
	if (pinned) {
		ordered_save(u);
		records_event(u->agent, "uplink", NULL, "%s leaves the choice of the uplink to the node",
			      who);
	}
	uplinks_run(u);
	return pinned;
}
