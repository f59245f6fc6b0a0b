/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The hardware watchdog of this machine: when its feeder is started and stopped, what is said about it.
 */
#include "agent.h"
#include "libexec.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define PETTER_RETRY_NS (5 * NS_PER_S)
#define PETTER_STOP_MS	1500
/* So long does a feeder that has to be started anew not count as missing: the device is still armed. */
#define PETTER_GRACE_NS (2 * NS_PER_S)

/* ---- the process ---- */

static void petter_ended(void *ctx, int fd, int revents);

static void petter_watch(struct agent *a)
{
	int fd = a->petter.watchdog.pidfd;

	if (fd >= 0 && loop_add(&a->loop, fd, POLLIN, LOOP_LOW, petter_ended, a) < 0)
		log_error("the main loop refuses the watchdog's descriptor"); /* its end is not seen, its
										 state is */
}

static void petter_ended(void *ctx, int fd, int revents)
{
	struct agent *a = ctx;

	(void)revents;
	loop_remove(&a->loop, fd);
	watchdog_ended(&a->petter.watchdog);
	a->petter.restart_at = boot_add(a->now.boot, a->petter.replacing ? 0 : PETTER_RETRY_NS);
	if (a->petter.said.state == WATCHDOG_ARMED && !a->petter.replacing) {
		log_error("the watchdog's feeder was killed -> started again");
		a->petter.restart_at = a->now.boot; /* the device runs on: there is only its timeout */
		a->petter.grace_until = boot_add(a->now.boot, PETTER_GRACE_NS);
	}
	a->petter.replacing = false;
}

static void petter_start(struct agent *a)
{
	const struct config_watchdog *c = petter_config(a);
	char program[CONFIG_PATH_MAX + 32];
	int r;

	libexec_path("watchdog", program, sizeof program);
	a->petter.restart_at = boot_add(a->now.boot, PETTER_RETRY_NS);
	r = watchdog_start(&a->petter.watchdog, program, a->paths.run_dir, c->device, c->timeout_ms);
	a->petter.start_error = r;
	if (r == 0)
		petter_watch(a);
}

/* That of a former agent may have been told other things. */
static bool petter_differs(const struct agent *a)
{
	const struct config_watchdog *c = petter_config(a);
	struct watchdog_report r;

	watchdog_report(&a->petter.watchdog, &r);
	return !c || strcmp(r.device, c->device) != 0 || r.asked_ms != c->timeout_ms;
}

int petter_open(struct agent *a, struct sentence *reterr)
{
	bool first = false;
	int r;

	watchdog_init(&a->petter.watchdog);
	if (a->paths.witness)
		return 0;
	r = watchdog_open(&a->petter.watchdog, a->run.dir_fd, &first);
	if (r < 0)
		return sentence_fail(reterr, r, "The file %s/" WATCHDOG_FILE " cannot be made: %s.",
				     a->paths.run_dir, strerror(-r));
	if (!first)
		a->petter.grace_until = boot_add(a->now.boot, PETTER_GRACE_NS);
	if (!watchdog_runs(&a->petter.watchdog))
		return 0;
	if (petter_differs(a)) {
		a->petter.replacing = true;
		watchdog_order(&a->petter.watchdog, WATCHDOG_ORDER_REPLACE);
	}
	petter_watch(a);
	return 0;
}

void petter_close(struct agent *a)
{
	struct watchdog *w = &a->petter.watchdog;

	if (!w->shared)
		return;
	if (w->pidfd >= 0)
		loop_remove(&a->loop, w->pidfd);
	if (petter_quorum_lost(a) && watchdog_runs(w))
		log_warning("the quorum is lost -> the watchdog is not disarmed, this machine will be reset");
	else if (a->leaving)
		watchdog_order(w, WATCHDOG_ORDER_LEAVE);
	else if (!watchdog_stop(w, PETTER_STOP_MS))
		log_error("the watchdog could not be disarmed -> this machine will be reset");
	else if (a->petter.said.nowayout && watchdog_runs(w))
		log_warning("the watchdog cannot be disarmed (nowayout) -> it is fed by its own process "
			    "until the "
			    "machine stops");
	watchdog_close(w);
}

/* ---- what it says ---- */

static void petter_why(const struct agent *a, char *ret, size_t size)
{
	const struct watchdog_report *r = &a->petter.said;
	const struct config_watchdog *c = petter_config(a);

	if (a->petter.start_error)
		(void)snprintf(ret, size, "its feeder cannot be started: %s",
			       strerror(-a->petter.start_error));
	else if (r->state == WATCHDOG_NO_DEVICE)
		(void)snprintf(ret, size, "%s cannot be opened: %s%s", c->device, strerror(r->error),
			       r->error == EBUSY
				       ? "; another program feeds it (systemd's RuntimeWatchdogSec, sbd, "
					 "watchdogd?): only one can"
				       : "; is its driver loaded?");
	else if (r->state == WATCHDOG_BAD_TIMEOUT && r->error == ERANGE)
		(void)snprintf(ret, size, "%s makes %u ms of the timeout of %u ms; set one that it can do",
			       c->device, r->timeout_ms, c->timeout_ms);
	else if (r->state == WATCHDOG_BAD_TIMEOUT)
		(void)snprintf(ret, size, "%s takes no timeout: %s", c->device, strerror(r->error));
	else if (r->state == WATCHDOG_FAILING)
		(void)snprintf(ret, size, "%s does not take its food: %s; this machine will be reset",
			       c->device, strerror(r->error));
	else
		(void)snprintf(ret, size, "%s is not armed (%s)", c->device, watchdog_state_name(r->state));
}

static void petter_tell_armed(struct agent *a)
{
	const struct watchdog_report *r = &a->petter.said;

	log_notice("watchdog %s (%s) armed: reset after %u ms without the agent%s%s", r->device, r->identity,
		   r->timeout_ms, r->nowayout ? ", cannot be disarmed (nowayout)" : "",
		   r->realtime ? "" : ", its feeder has no real-time priority or locked memory");
	records_event(a, "watchdog", NULL, "%s (%s) armed, timeout %u ms%s", r->device, r->identity,
		      r->timeout_ms, r->nowayout ? ", nowayout" : "");
	if (watchdog_tell_reset(&a->petter.watchdog)) {
		log_warning("the watchdog reset this machine before it booted");
		records_event(a, "watchdog-reset", NULL, "%s reset this machine before it booted", r->device);
		(void)alarms_event(
			&a->alarms, "watchdog-reset", a->now.boot,
			"The watchdog reset this machine before it booted; look at the logs of that time.");
	}
}

static void petter_tell(struct agent *a, enum watchdog_state before)
{
	const struct watchdog_report *r = &a->petter.said;
	char why[ALARM_TEXT_MAX];

	if (r->state == WATCHDOG_ARMED) {
		if (before != WATCHDOG_ARMED)
			petter_tell_armed(a);
		(void)alarms_clear(&a->alarms, "watchdog");
		return;
	}
	if (r->state == WATCHDOG_STARTING || (r->state == WATCHDOG_NONE && !a->petter.start_error) ||
	    a->petter.replacing)
		return; /* on its way */
	petter_why(a, why, sizeof why);
	if (!alarms_raise(&a->alarms, "watchdog", a->now.boot, "No watchdog: %s.%s", why,
			  petter_config(a)->required ? " It is required: this node holds nothing." : ""))
		return;
	log_error("no watchdog: %s", why);
	records_event(a, "watchdog", NULL, "not armed: %s", why);
}

void petter_tick(struct agent *a)
{
	enum watchdog_state before = a->petter.said.state;

	if (!petter_config(a) || !a->petter.watchdog.shared)
		return;
	if (!watchdog_runs(&a->petter.watchdog) && !boot_before(a->now.boot, a->petter.restart_at) &&
	    !a->stopping)
		petter_start(a);
	watchdog_report(&a->petter.watchdog, &a->petter.said);
	petter_tell(a, before);
}

bool petter_missing(const struct agent *a)
{
	const struct config_watchdog *c = petter_config(a);

	if (!c || !c->required || a->petter.said.state == WATCHDOG_ARMED || a->stopping)
		return false;
	return !boot_before(a->now.boot, a->petter.grace_until);
}

json_t *petter_json(const struct agent *a)
{
	const struct watchdog_report *r = &a->petter.said;
	const struct config_watchdog *c = petter_config(a);
	char why[ALARM_TEXT_MAX] = "";

	if (!c)
		return json_null();
	if (r->state != WATCHDOG_ARMED)
		petter_why(a, why, sizeof why);
	return json_pack("{s:s, s:s, s:b, s:I, s:s, s:b, s:b, s:b, s:b, s:I, s:s}", "device", c->device,
			 "state", watchdog_state_name(r->state), "required", c->required, "timeout_ms",
			 (json_int_t)(r->state == WATCHDOG_ARMED ? r->timeout_ms : 0), "identity",
			 r->identity, "nowayout", r->nowayout, "realtime", r->realtime, "card_reset",
			 r->card_reset, "counted", petter_counts_ns(a) > 0, "fed", (json_int_t)r->fed, "why",
			 why);
}
