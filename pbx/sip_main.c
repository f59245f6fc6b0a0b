/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-adapter-sip: health of any SIP server, by its pid file and OPTIONS at the group's address. Keeps
 * no bindings: phones reach the new holder when they register again.
 */
#include "pbx_monitor.h"

#define SLOT_PROBE 0

static int sip_configure(void *ctx, struct adapter_main *m, const struct adapter_main_config *c, boot_t now,
			 char *why)
{
	return pbx_monitor_init(ctx, m, SLOT_PROBE, c, now, why);
}

static void sip_ready(void *ctx, int slot, short revents, boot_t now)
{
	pbx_monitor_ready(ctx, now);
}

static boot_t sip_next(void *ctx)
{
	return pbx_monitor_next(ctx);
}

static void sip_tick(void *ctx, boot_t now)
{
	struct adapter_health h = { .calls = ADAPTER_CALLS_UNKNOWN, .in_step = true };
	struct pbx_monitor *mon = ctx;

	pbx_monitor_tick(mon, now);
	pbx_monitor_health(mon, now, &h);
	adapter_main_health(mon->m, &h, now);
}

int main(void)
{
	static const char *const settings[] = { PBX_MONITOR_SETTINGS, NULL };
	const struct adapter_main_ops ops = {
		.name = "sip",
		.settings = settings,
		.configure = sip_configure,
		.ready = sip_ready,
		.next = sip_next,
		.tick = sip_tick,
	};
	struct pbx_monitor monitor;

	return adapter_main_run(&ops, &monitor);
}
