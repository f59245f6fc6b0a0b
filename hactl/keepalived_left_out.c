/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Long because it is the table.
 */
#include "keepalived_left_out.h"

#include <stddef.h>
#include <string.h>

#define NOTE FINDING_NOTE
#define LEFT FINDING_LEFT
#define LVS  "IPVS is not ours: keep a keepalived with nothing but this, or another director, for it"
#define MAIL "no mail is sent; watch `hactl history`, the metrics or the log"
#define HOOK \
	"no scripts are run on a change of state; `hactl --json watch` prints every change for one of yours"
#define GARP \
	"our schedule is built in: now, 100 ms, 1 s, 5 s, then every minute, and again when another speaks"
#define RUN   "how keepalived runs; ringkeepd(8) has its own way"
#define SNMP  "no SNMP; `hactl --json status` has the state"
#define OTHER "there is no counterpart; only the device, track_interface and the PBX's health count"

/* clang-format off */
static const struct keepalived_left_out in_top[] = {
	{ "virtual_server",	      LEFT, LVS },
	{ "virtual_server_group",     LEFT, LVS },
	{ "SSL",		      LEFT, LVS },
	{ "static_ipaddress",	      LEFT, "addresses that stay on the node belong to the system's network configuration" },
	{ "static_addresses",	      LEFT, "addresses that stay on the node belong to the system's network configuration" },
	{ "static_routes",	      LEFT, "routes belong to the system's network configuration" },
	{ "static_rules",	      LEFT, "routing rules belong to the system's network configuration" },
	{ "track_group",	      LEFT, "static addresses and routes are not tracked" },
	{ "track_file",		      LEFT, OTHER },
	{ "vrrp_track_file",	      LEFT, OTHER },
	{ "bfd_instance",	      LEFT, "no BFD; in announce mode the lease finds a dead node in less than a second" },
	{ "garp_group",		      NOTE, GARP },
	{ "linkbeat_use_polling",     NOTE, "the state of a link is what the kernel reports; nothing is polled" },
	{ "linkbeat_interfaces",      NOTE, "the state of a link is what the kernel reports; nothing is polled" },
	{ "interface_up_down_delays", LEFT, "a link that is down counts at once" },
	{ "net_namespace",	      LEFT, "start ringkeepd in that namespace (NetworkNamespacePath= of systemd)" },
	{ "net_namespace_ipvs",	      LEFT, LVS },
	{ "namespace_with_ipsets",    NOTE, RUN },
	{ "instance",		      NOTE, RUN },
	{ "use_pid_dir",	      NOTE, RUN },
	{ "child_wait_time",	      NOTE, RUN },
	{ "include_check",	      NOTE, NULL },
	{ NULL, NOTE, NULL },
};

static const struct keepalived_left_out in_global[] = {
	{ "vrrp_mcast_group4",		LEFT, "advertisements go to 224.0.0.18, as the RFC says; take it out of all routers first" },
	{ "vrrp_mcast_group6",		LEFT, "advertisements go to ff02::12, as the RFC says; take it out of all routers first" },
	{ "vrrp_garp_*",		NOTE, GARP },
	{ "vrrp_gna_interval",		NOTE, GARP },
	{ "vrrp_min_garp",		NOTE, GARP },
	{ "vrrp_lower_prio_no_advert",	NOTE, "a worse advertisement is answered at once, as RFC 9568 says" },
	{ "vrrp_higher_prio_send_advert", NOTE, "not done; addresses are announced again after any contention anyway" },
	{ "vrrp_down_timer_adverts",	LEFT, "the RFC's 3 advertisement intervals and a skew; take it out of all routers first" },
	{ "vrrp_check_unicast_src",	NOTE, "built in" },
	{ "vrrp_skip_check_adv_addr",	NOTE, "other addresses in an advertisement are counted, not refused" },
	{ "vrrp_notify_priority_changes", LEFT, HOOK },
	{ "vrrp_startup_delay",		LEFT, "the start waits for the device's link, not for a time" },
	{ "vrrp_iptables",		NOTE, "the gate needs no rules of yours" },
	{ "vrrp_ipsets",		NOTE, "the gate needs no rules of yours" },
	{ "nftables*",			NOTE, "the gate needs no rules of yours" },
	{ "default_interface",		NOTE, "each group names its device" },
	{ "dynamic_interfaces",		NOTE, "built in: a device may come and go" },
	{ "disable_local_igmp",		NOTE, "IGMP is left as the kernel has it" },
	{ "lvs_*",			LEFT, LVS },
	{ "ipvs_*",			LEFT, LVS },
	{ "checker_*",			LEFT, LVS },
	{ "rs_init_notifies",		LEFT, LVS },
	{ "no_checker_emails",		NOTE, NULL },
	{ "no_email_faults",		NOTE, NULL },
	{ "notification_email",		LEFT, MAIL },
	{ "notification_email_from",	NOTE, NULL },
	{ "smtp_alert",			LEFT, MAIL },
	{ "smtp_alert_*",		LEFT, MAIL },
	{ "smtp_server",		NOTE, NULL },
	{ "smtp_helo_name",		NOTE, NULL },
	{ "smtp_connect_timeout",	NOTE, NULL },
	{ "startup_script*",		LEFT, "use ExecStartPre= of a systemd drop-in for ringkeepd.service" },
	{ "shutdown_script*",		LEFT, "use ExecStopPost= of a systemd drop-in for ringkeepd.service" },
	{ "notify_fifo*",		LEFT, HOOK },
	{ "vrrp_notify_fifo*",		LEFT, HOOK },
	{ "fifo_write_vrrp_states_on_reload", NOTE, NULL },
	{ "enable_snmp_*",		LEFT, SNMP },
	{ "enable_traps",		LEFT, SNMP },
	{ "snmp_socket",		NOTE, NULL },
	{ "enable_dbus",		LEFT, "no D-Bus; `hactl --json status` has the state" },
	{ "dbus_*",			NOTE, NULL },
	{ "script_user",		NOTE, "no scripts are run" },
	{ "enable_script_security",	NOTE, "no scripts are run" },
	{ "vrrp_priority",		NOTE, RUN },
	{ "vrrp_rt_priority",		NOTE, "realtime-priority is 20 by default" },
	{ "vrrp_no_swap",		NOTE, "lock-memory is on by default" },
	{ "vrrp_cpu_affinity",		NOTE, "use CPUAffinity= of systemd" },
	{ "*_affinity",			NOTE, RUN },
	{ "vrrp_rlimit_*",		NOTE, RUN },
	{ "vrrp_rx_bufs_*",		NOTE, RUN },
	{ "vrrp_netlink_*",		NOTE, RUN },
	{ "process_monitor_*",		NOTE, RUN },
	{ "process_name*",		NOTE, RUN },
	{ "vrrp_process_name",		NOTE, RUN },
	{ "bfd_*",			NOTE, RUN },
	{ "max_auto_priority",		NOTE, RUN },
	{ "min_auto_priority_delay",	NOTE, RUN },
	{ "log_unknown_vrids",		NOTE, "advertisements of other virtual routers are not looked at" },
	{ "vmac_prefix",		NOTE, "virtual MAC devices are named v4.VRID.DEVICE and v6.VRID.DEVICE" },
	{ "vmac_addr_prefix",		NOTE, "virtual MAC devices are named v4.VRID.DEVICE and v6.VRID.DEVICE" },
	{ "reload_*",			NOTE, "a faulty file changes nothing at a reload, ever" },
	{ "config_save_dir",		NOTE, RUN },
	{ "tmp_config_directory",	NOTE, RUN },
	{ "include_check",		NOTE, NULL },
	{ "random_seed",		NOTE, NULL },
	{ "umask",			NOTE, RUN },
	{ "data_use_instance",		NOTE, RUN },
	{ "use_pid_dir",		NOTE, RUN },
	{ "net_namespace",		LEFT, "start ringkeepd in that namespace (NetworkNamespacePath= of systemd)" },
	{ "instance",			NOTE, RUN },
	{ NULL, NOTE, NULL },
};

static const struct keepalived_left_out in_instance[] = {
	{ "accept",			NOTE, NULL }, /* ours always do */
	{ "no_accept",			LEFT, "the holder accepts packets to its addresses, as a PBX has to" },
	{ "native_ipv6",		NOTE, NULL },
	{ "garp_*",			NOTE, GARP },
	{ "gna_*",			NOTE, GARP },
	{ "lower_prio_no_advert",	NOTE, "a worse advertisement is answered at once, as RFC 9568 says" },
	{ "higher_prio_send_advert",	NOTE, "not done; addresses are announced again after any contention anyway" },
	{ "down_timer_adverts",		LEFT, "the RFC's 3 advertisement intervals and a skew; take it out of all routers first" },
	{ "dont_track_primary",		LEFT, "a group whose device is down leaves the election" },
	{ "track_src_ip",		NOTE, "the source address is looked for at each advertisement; without it the device's first is used" },
	{ "track_file",			LEFT, OTHER },
	{ "track_bfd",			LEFT, "no BFD; in announce mode the lease finds a dead node in less than a second" },
	{ "mcast_dst_ip",		LEFT, "advertisements go to the RFC's multicast addresses; take it out of all routers first" },
	{ "unicast_ttl",		LEFT, "advertisements are sent with TTL 255 and taken with TTL 255 only: peers on the same network" },
	{ "unicast_fault_no_peer",	NOTE, NULL },
	{ "check_unicast_src",		NOTE, "built in" },
	{ "old_unicast_checksum",	LEFT, "keepalived's old checksum is not sent; upgrade the other router's keepalived to 1.4 or later" },
	{ "use_vmac_addr",		LEFT, "only the group's own device gets a virtual MAC" },
	{ "use_ipvlan",			LEFT, "no ipvlan; virtual-mac does something similar" },
	{ "vrf",			LEFT, "the device alone says where the group lives" },
	{ "virtual_routes",		LEFT, "no routes are moved; give both nodes the route with the virtual address as its source, it waits with the address" },
	{ "virtual_rules",		LEFT, "no routing rules are moved; both nodes may have them all the time" },
	{ "promote_secondaries",	NOTE, "virtual addresses are /32 and /128, none is secondary" },
	{ "skip_check_adv_addr",	NOTE, "other addresses in an advertisement are counted, not refused" },
	{ "debug",			NOTE, NULL },
	{ "linkbeat_use_polling",	NOTE, "the state of a link is what the kernel reports; nothing is polled" },
	{ "kernel_rx_buf_size",		NOTE, RUN },
	{ "lvs_sync_daemon*",		LEFT, LVS },
	{ "notify",			LEFT, HOOK },
	{ "notify_*",			LEFT, HOOK },
	{ "smtp_alert*",		LEFT, MAIL },
	{ NULL, NOTE, NULL },
};

static const struct keepalived_left_out in_sync[] = {
	{ "track_file",			LEFT, OTHER },
	{ "track_bfd",			LEFT, "no BFD; in announce mode the lease finds a dead node in less than a second" },
	{ "notify",			LEFT, HOOK },
	{ "notify_*",			LEFT, HOOK },
	{ "smtp_alert*",		LEFT, MAIL },
	{ "global_tracking",		NOTE, NULL },
	{ NULL, NOTE, NULL },
};
/* clang-format on */

static bool keyword_is(const char *pattern, const char *keyword)
{
	size_t len = strlen(pattern);

	if (*pattern == '*')
		return strlen(keyword) >= len - 1 &&
		       !strcmp(keyword + strlen(keyword) - (len - 1), pattern + 1);
	if (pattern[len - 1] == '*')
		return !strncmp(pattern, keyword, len - 1);
	return !strcmp(pattern, keyword);
}

const struct keepalived_left_out *keepalived_left_out(enum keepalived_where where, const char *keyword)
{
	static const struct keepalived_left_out *const tables[] = {
		[IN_TOP] = in_top,
		[IN_GLOBAL] = in_global,
		[IN_INSTANCE] = in_instance,
		[IN_SYNC] = in_sync,
	};

	for (const struct keepalived_left_out *row = tables[where]; row->keyword; row++)
		if (keyword_is(row->keyword, keyword))
			return row;
	return NULL;
}
