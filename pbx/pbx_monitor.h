/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the adapters of ours share: the PBX's pid file, read again and again, and the OPTIONS probe. Settings:
 * probe-address (default: the group's first), sip-port (5060), sip-transport (udp | tcp), start-time (seconds
 * a PBX may take to answer for the first time, 30).
 */
#ifndef RK_PBX_MONITOR_H
#define RK_PBX_MONITOR_H

#include "adapter_main.h"
#include "pbx_health.h"
#include "sip_probe.h"

#define PBX_MONITOR_SETTINGS "probe-address", "sip-port", "sip-transport", "start-time"

struct pbx_monitor {
	struct adapter_main *m;
	int slot;
	struct sip_probe probe;
	char target[64];
	struct pbx_health_seen seen;
	int64_t pid_interval_ns;
	boot_t pid_at;	   /* when to read the pid file again */
	uint32_t restarts; /* grows whenever another process serves */
};

/* Whole numbers with bounds; false if it is something else. */
bool pbx_setting_number(const struct adapter_main_config *c, const char *name, uint32_t min, uint32_t max,
			uint32_t otherwise, uint32_t *ret);
int pbx_monitor_init(struct pbx_monitor *mon, struct adapter_main *m, int slot,
		     const struct adapter_main_config *c, boot_t now, char *why);
void pbx_monitor_ready(struct pbx_monitor *mon, boot_t now);
boot_t pbx_monitor_next(const struct pbx_monitor *mon);
void pbx_monitor_tick(struct pbx_monitor *mon, boot_t now);
/* Before something is concluded from what the PBX lacks: is it still the same process? */
void pbx_monitor_read_pid(struct pbx_monitor *mon, boot_t now);
/* Fills state, why and pid. */
void pbx_monitor_health(struct pbx_monitor *mon, boot_t now, struct adapter_health *ret);

#endif
