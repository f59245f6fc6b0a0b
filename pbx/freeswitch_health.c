/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether FreeSWITCH can do its work, and whether it has what it should have.
 */
#include "freeswitch_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define IN_STEP_GRACE_NS (3 * NS_PER_S)

static bool fs_in_step(struct freeswitch *f, boot_t now)
{
	bool settled = push_idle(f) && (f->active || (f->sweeps > 0 && !f->restoring && !f->list_failed &&
						      f->differences == 0 && f->link.state == LINK_UP));

	if (settled) {
		f->settled_at = now;
		f->was_settled = true;
	}
	return f->was_settled && boot_diff_ns(f->settled_at, now) < IN_STEP_GRACE_NS;
}

static void judge(struct adapter_health *h, enum pbx_health state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void judge(struct adapter_health *h, enum pbx_health state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(h->why, sizeof h->why, format, args); /* cutting a sentence is fine */
	va_end(args);
	h->state = state;
}

/* The event socket and the profile, where the process and SIP are fine. */
static void fs_judge(struct freeswitch *f, struct adapter_health *h, boot_t now)
{
	bool starting =
		boot_diff_ns(f->mon.seen.pid_since, now) < f->mon.seen.start_ns_max && !f->status_known;
	int64_t bad_ns = f->unusable_since.ns == BOOT_NEVER.ns ? 0 : boot_diff_ns(f->unusable_since, now);
	/* One that lives and does not know us is no reason to move phones, unless it has to be woken first.
	 */
	bool tolerable = f->link.refused && (f->active || !f->pause);
	bool lasting = bad_ns >= f->unusable_s_max * NS_PER_S && !tolerable;

	if (h->state != PBX_HEALTHY)
		return;
	if (bad_ns > 0 && (f->link.problem[0] || !f->status_known))
		judge(h,
		      starting && !f->answered && !lasting ? PBX_STARTING
		      : lasting				   ? PBX_SICK
							   : PBX_HEALTHY,
		      "OPTIONS answered, but event socket %s %s", f->socket_text,
		      f->link.problem[0] ? f->link.problem : "has not said its status yet");
	else if (!f->profile_running)
		judge(h, starting ? PBX_STARTING : PBX_SICK, "SIP profile %s of FreeSWITCH does not run",
		      f->profile);
	else
		judge(h, PBX_HEALTHY,
		      "OPTIONS at %s answered with %d, event socket answers, profile %s runs (experimental "
		      "adapter)",
		      f->mon.target, f->mon.seen.options_status, f->profile);
}

void fs_report(struct freeswitch *f, boot_t now)
{
	struct adapter_health h = { .calls = f->calls, .bindings = (uint32_t)binding_store_count(f->known) };
	struct pbx_health_seen *s = &f->mon.seen;

	/* A standby's 503 is what it was told to say. */
	if (f->pause && !f->active && s->options_error == EBUSY) {
		s->options_answered = true;
		s->options_failures = 0;
		s->options_status = 503;
	}
	pbx_monitor_health(&f->mon, now, &h);
	fs_judge(f, &h, now);
	h.in_step = fs_in_step(f, now);
	h.unmovable = f->unmovable;
	adapter_main_health(f->m, &h, now);
}
