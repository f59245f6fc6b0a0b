/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pbx_monitor.h"

#include "pid_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Looking at a pid file costs two system calls, and a restart shorter than this is seen by the new pid. */
#define PID_INTERVAL_MS_MAX 250

bool pbx_setting_number(const struct adapter_main_config *c, const char *name, uint32_t min, uint32_t max,
			uint32_t otherwise, uint32_t *ret)
{
	const char *text = adapter_main_setting(c, name);
	char *end;
	unsigned long v;

	*ret = otherwise;
	if (!text)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static int monitor_settings(const struct adapter_main_config *c, uint32_t *ret_port, bool *ret_tcp,
			    uint32_t *ret_start_s, char *why)
{
	const char *transport = adapter_main_setting(c, "sip-transport");

	*ret_tcp = transport && !strcmp(transport, "tcp");
	if (transport && !*ret_tcp && strcmp(transport, "udp") != 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "sip-transport is udp or tcp, not \"%.50s\"",
			       transport); /* fits */
		return -EINVAL;
	}
	if (!pbx_setting_number(c, "sip-port", 1, 65535, 5060, ret_port)) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "sip-port is a number from 1 to 65535");
		return -EINVAL;
	}
	if (!pbx_setting_number(c, "start-time", 1, 3600, 30, ret_start_s)) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "start-time is a number of seconds from 1 to 3600");
		return -EINVAL;
	}
	return 0;
}

int pbx_monitor_init(struct pbx_monitor *mon, struct adapter_main *m, int slot,
		     const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *address = adapter_main_setting(c, "probe-address");
	uint32_t port, start_s;
	uint64_t nonce = 0;
	bool tcp;
	int r = monitor_settings(c, &port, &tcp, &start_s, why);

	if (r < 0)
		return r;
	if (!address)
		address = c->addresses[0];
	(void)getrandom(&nonce, sizeof nonce,
			GRND_NONBLOCK); /* without one, stale answers are told by CSeq only */
	*mon = (struct pbx_monitor){ .m = m, .slot = slot, .pid_at = now };
	r = sip_probe_init(&mon->probe, address, (uint16_t)port, tcp, c->options_interval_ms * NS_PER_MS,
			   nonce, now);
	if (r < 0) {
		(void)snprintf(why, ADAPTER_WHY_MAX, "\"%.60s\" is no IP address", address);
		return r;
	}
	sip_address_text(&mon->probe.to, mon->target, sizeof mon->target);
	mon->pid_interval_ns = (c->options_interval_ms < PID_INTERVAL_MS_MAX ? c->options_interval_ms
									     : PID_INTERVAL_MS_MAX) *
			       NS_PER_MS;
	mon->seen = (struct pbx_health_seen){ .pid_file = c->pid_file,
					      .pid_error = c->pid_file ? -ENOENT : 0,
					      .pid_since = now,
					      .target = mon->target,
					      .options_failures_max = c->options_failures,
					      .start_ns_max = start_s * NS_PER_S };
	return 0;
}

void pbx_monitor_read_pid(struct pbx_monitor *mon, boot_t now)
{
	struct pbx_health_seen *s = &mon->seen;
	pid_t pid = 0;

	mon->pid_at = boot_add(now, mon->pid_interval_ns);
	if (!s->pid_file)
		return;
	s->pid_error = pid_file_read(s->pid_file, &pid);
	if (pid <= 0 || pid == s->pid)
		return;
	s->pid = pid;
	s->pid_since = now;
	s->options_answered = s->rpc_answered = false;
	s->rpc_failures = 0;
	mon->probe.answers = mon->probe.failures = 0;
	mon->restarts++;
}

void pbx_monitor_ready(struct pbx_monitor *mon, boot_t now)
{
	sip_probe_ready(&mon->probe, now);
}

boot_t pbx_monitor_next(const struct pbx_monitor *mon)
{
	return boot_min(mon->pid_at, sip_probe_next(&mon->probe));
}

void pbx_monitor_tick(struct pbx_monitor *mon, boot_t now)
{
	struct pbx_health_seen *s = &mon->seen;

	if (!boot_before(now, mon->pid_at))
		pbx_monitor_read_pid(mon, now);
	sip_probe_tick(&mon->probe, now);
	s->options_answered = mon->probe.answers > 0;
	s->options_failures = mon->probe.failures;
	s->options_status = mon->probe.status;
	s->options_error = mon->probe.error;
	adapter_main_watch(mon->m, mon->slot, sip_probe_fd(&mon->probe), sip_probe_events(&mon->probe));
}

void pbx_monitor_health(struct pbx_monitor *mon, boot_t now, struct adapter_health *ret)
{
	mon->seen.now = now;
	pbx_health_judge(&mon->seen, ret);
}
