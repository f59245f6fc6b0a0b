/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The health of an Asterisk: its process and OPTIONS (pbx_monitor), AMI each second, FullyBooted, and
 * overload told apart from death. While its task processors are over their high water mark, Asterisk drops
 * requests over UDP without a word and answers those over TCP with 503 (no AMI class shows the queues but
 * `command`, which may do anything): so when UDP falls silent, the same is asked over TCP. The mark is
 * crossed many times a second, both ways, so a 503 holds for a while: what falls silent meanwhile is not
 * dead.
 */
#include "asterisk_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define STATUS_NS	 NS_PER_S
#define COUNT_NS	 NS_PER_S
#define AMI_FAILURES	 10
#define OVERLOAD_S	 30
#define OVERLOAD_HOLD_NS (3 * NS_PER_S)
#define IN_STEP_GRACE_NS (3 * NS_PER_S)
#define LACKING_RETRY_NS (30 * NS_PER_S)

int health_configure(struct asterisk *k, const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *address = adapter_main_setting(c, "probe-address");
	uint32_t seconds, port = 5060;
	uint64_t nonce = 0;
	int r = pbx_monitor_init(&k->mon, k->m, SLOT_PROBE, c, now, why);

	if (r < 0)
		return r;
	if (!pbx_setting_number(c, "overload-time", 0, 3600, OVERLOAD_S, &seconds) ||
	    !pbx_setting_number(c, "ami-failures", 1, 1000, AMI_FAILURES, &k->mon.seen.rpc_failures_max)) {
		(void)snprintf(why, ADAPTER_WHY_MAX,
			       "overload-time is a number of seconds up to 3600, ami-failures one from 1 to "
			       "1000"); /* fits */
		return -EINVAL;
	}
	k->overload_ns_max = seconds * NS_PER_S;
	k->mon.seen.rpc_used = true;
	k->mon.seen.rpc = k->ami_text;
	(void)pbx_setting_number(c, "sip-port", 1, 65535, 5060, &port); /* checked by the monitor */
	(void)getrandom(&nonce, sizeof nonce, GRND_NONBLOCK);		/* as in the monitor */
	k->overload_usable =
		!k->mon.probe.tcp &&
		sip_probe_init(&k->overload_probe, address ? address : c->addresses[0], (uint16_t)port, true,
			       c->options_interval_ms * NS_PER_MS, nonce + 1, now) == 0;
	return 0;
}

/* ---- AMI ---- */

/* NULL: no answer. */
void health_status(struct asterisk *k, const struct ami_message *m, boot_t now)
{
	struct pbx_health_seen *s = &k->mon.seen;
	const char *date = m ? ami_message_get(m, "CoreStartupDate") : NULL;
	const char *time = m ? ami_message_get(m, "CoreStartupTime") : NULL;
	const char *channels = m ? ami_message_get(m, "CoreCurrentCalls") : NULL;
	char started[sizeof k->started];

	s->rpc_answered |= m != NULL;
	s->rpc_failures = m ? 0 : s->rpc_failures + 1;
	/* It says calls, and counts channels. */
	calls_channels(k,
		       channels && strspn(channels, "0123456789") == strlen(channels) && strlen(channels) < 8
			       ? (uint32_t)strtoul(channels, NULL, 10)
			       : ADAPTER_CALLS_UNKNOWN,
		       now);
	k->start_known = true;
	if (!date || !time)
		return;
	(void)snprintf(started, sizeof started, "%.20s %.20s", date, time); /* fits */
	if (strcmp(started, k->started) != 0) {
		(void)snprintf(k->started, sizeof k->started, "%s", started);
		sweep_restarted(k, now);
	}
}

static void health_ask(struct asterisk *k, boot_t now)
{
	struct pbx_health_seen *s = &k->mon.seen;

	k->status_at = boot_add(now, STATUS_NS);
	if (s->pid_error != 0)
		return;
	if (k->ami.refused) { /* it lives, and does not know us: no reason to move phones */
		s->rpc_answered = true;
		s->rpc_failures = 0;
	} else if (k->status_asked || ami_client_call(&k->ami, AMI_STATUS, 0, ASTERISK_QUICK_NS, "CoreStatus",
						      NULL, 0, now) < 0) {
		s->rpc_failures++;
	} else {
		k->status_asked = true;
	}
	if (k->ami.state != AMI_UP)
		k->calls = ADAPTER_CALLS_UNKNOWN;
}

/* ---- overload ---- */

static void overload_watch(struct asterisk *k, boot_t now)
{
	struct sip_probe *p = &k->overload_probe;
	bool silent = k->mon.probe.failures > 0 && k->mon.seen.pid_error == 0;
	bool busy = k->mon.probe.tcp ? k->mon.probe.failures > 0 && k->mon.probe.error == EBUSY
				     : k->overload_running && p->failures > 0 && p->error == EBUSY;

	if (silent && k->overload_usable && !k->overload_running) {
		p->next_at = now;
		k->overload_running = true;
	} else if (!silent && k->overload_running) {
		sip_probe_close(p);
		p->failures = 0;
		k->overload_running = false;
	}
	if (k->overload_running)
		sip_probe_tick(p, now);
	if (busy && silent)
		k->overload_seen_at = now;
	if (k->shutting_down || k->mon.seen.pid_error != 0 || k->overload_seen_at.ns == 0 ||
	    boot_diff_ns(k->overload_seen_at, now) >= OVERLOAD_HOLD_NS)
		k->overload_since = (boot_t){ 0 };
	else if (k->overload_since.ns == 0)
		k->overload_since = now;
	adapter_main_watch(k->m, SLOT_OVERLOAD, k->overload_running ? sip_probe_fd(p) : -1,
			   sip_probe_events(p));
}

void health_ready(struct asterisk *k, boot_t now)
{
	sip_probe_ready(&k->overload_probe, now);
}

/* ---- the report ---- */

static void __attribute__((format(printf, 3, 4)))
health_say(struct adapter_health *h, bool instead, const char *format, ...)
{
	size_t n = instead ? 0 : strlen(h->why);
	va_list args;

	if (!instead)
		n += (size_t)snprintf(h->why + n, sizeof h->why - n,
				      "; "); /* cutting a sentence is fine, here and below */
	if (n >= sizeof h->why)
		return;
	va_start(args, format);
	(void)vsnprintf(h->why + n, sizeof h->why - n, format, args);
	va_end(args);
}

static void health_overload(const struct asterisk *k, struct adapter_health *h, boot_t now)
{
	int64_t since_ns = boot_diff_ns(k->overload_since, now);

	if (k->overload_since.ns == 0 || (h->state != PBX_HEALTHY && h->state != PBX_SICK))
		return;
	h->overloaded = true;
	h->state = since_ns < k->overload_ns_max ? PBX_HEALTHY : PBX_SICK;
	health_say(h, true, "overloaded for %lld s: requests at %s are dropped or answered 503",
		   (long long)(since_ns / NS_PER_S), k->mon.target);
}

static void health_notes(const struct asterisk *k, struct adapter_health *h)
{
	size_t left = binding_store_queued(k->known);

	if (k->ami.state != AMI_UP)
		health_say(h, false, "%s", k->ami.error);
	else if (k->trouble[0])
		health_say(h, false, "%s", k->trouble);
	else if (k->tree_failed)
		health_say(h, false, "AMI refuses DBGetTree: class system or reporting is missing");
	else if (left > 0 && k->active)
		health_say(h, false, "%zu contacts are still to be given to it", left);
	else if (k->lacking > 0)
		health_say(h, false, "%u contacts have no AOR or endpoint here", k->lacking);
}

/* A change on its way is no difference yet, or each refresh would look like one. */
static bool health_in_step(struct asterisk *k, boot_t now)
{
	bool settled = push_idle(k) && k->ami.state == AMI_UP && k->booted && !k->trouble[0] &&
		       !k->tree_failed &&
		       (k->active ? !k->restoring || k->sweeps == 0 : k->sweeps > 0 && !k->restoring);

	if (settled) {
		k->settled_at = now;
		k->was_settled = true;
	}
	return k->was_settled && boot_diff_ns(k->settled_at, now) < IN_STEP_GRACE_NS;
}

static void health_report(struct asterisk *k, boot_t now)
{
	struct adapter_health h = { .calls = k->calls,
				    .calling = k->wait_for_answer &&
					       asterisk_channels_calling(&k->channels, now),
				    .bindings = (uint32_t)binding_store_count(k->known),
				    .unmovable = k->unmovable };

	pbx_monitor_health(&k->mon, now, &h);
	if (h.state == PBX_HEALTHY && k->ami.state == AMI_UP && !k->booted) {
		h.state = PBX_STARTING;
		health_say(&h, true, "OPTIONS answered, Asterisk is not fully booted");
	}
	health_overload(k, &h, now);
	h.in_step = health_in_step(k, now);
	if (h.state == PBX_HEALTHY)
		health_notes(k, &h);
	else if (h.state != PBX_DEAD && k->ami.state != AMI_UP)
		health_say(&h, false, "%s", k->ami.error);
	adapter_main_health(k->m, &h, now);
}

/* Those that lack their AOR are tried again when its answer is old. */
static void health_count(struct asterisk *k, boot_t now)
{
	k->count_at = boot_add(now, COUNT_NS);
	k->unmovable = k->lacking = 0;
	for (size_t i = binding_store_count(k->known); i-- > 0;) {
		const struct binding *b = binding_store_at(k->known, i);
		const struct asterisk_name *aor;

		k->unmovable += binding_is_bound(b);
		if (!(binding_store_mark(k->known, b) & MARK_LACKS))
			continue;
		k->lacking++;
		aor = asterisk_names_find(&k->names, ASTERISK_AOR, b->text[BINDING_AOR]);
		if (!aor || boot_diff_ns(aor->checked_at, now) > LACKING_RETRY_NS)
			push_binding(k, b);
	}
}

void health_tick(struct asterisk *k, boot_t now)
{
	pbx_monitor_tick(&k->mon, now);
	if (k->mon.restarts != k->mon_restarts && k->mon_restarts > 0)
		k->started[0] = 0; /* whatever its clock says, it is another one */
	k->mon_restarts = k->mon.restarts;
	overload_watch(k, now);
	if (!boot_before(now, k->status_at))
		health_ask(k, now);
	if (!boot_before(now, k->count_at))
		health_count(k, now);
	health_report(k, now);
}

boot_t health_next(const struct asterisk *k)
{
	boot_t next = boot_min(boot_min(k->status_at, k->count_at), pbx_monitor_next(&k->mon));

	return k->overload_running ? boot_min(next, sip_probe_next(&k->overload_probe)) : next;
}
