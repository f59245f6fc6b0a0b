/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What carriers report by RTCP of the calls over the uplink in use: the verdict of live calls beside that of
 * the probes (uplink_passive.h).
 */
#include "agent.h"
#include "uplinks_private.h"

#include <sys/socket.h>

/* The first report after a switch is of the uplink before it, too; a report comes every five seconds. */
#define QUALITY_AFTER_SWITCH_NS (10 * NS_PER_S)

void uplinks_quality(struct uplinks *u, group_index_t group, const struct adapter_quality *q)
{
	const struct uplink_report r = {
		.packets = q->packets, .lost = q->lost, .rtt_us = q->rtt_us, .jitter_us = q->jitter_us
	};
	const struct uplink_family *f;
	enum path_family family;
	struct ip_address peer;
	boot_t now;
	int uplink;

	if (!u || ip_parse(q->peer, &peer) < 0)
		return;
	now = u->agent->now.boot;
	family = peer.family == AF_INET ? PATH_IPV4 : PATH_IPV6;
	f = &u->family[family];
	uplink = uplinks_index(u, family, f->choice.active);
	/* While calls drain, which uplink this one is on cannot be told. */
	if (uplink < 0 || f->choice.draining != UPLINK_ANY || f->choice.moving_to != UPLINK_ANY ||
	    boot_diff_ns(f->since, now) < QUALITY_AFTER_SWITCH_NS)
		return;
	(void)uplink_state_report(&u->line[uplink].state, &r, now); /* one that says nothing is none */
}
