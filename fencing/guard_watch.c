/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_watch.h"

#include "guard_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

int guard_watch_open(struct guard_watch *w)
{
	const int groups[] = { NFNLGRP_NFTABLES, 0 };

	*w = (struct guard_watch){ 0 };
	return netlink_open(&w->events, NETLINK_NETFILTER, groups);
}

void guard_watch_close(struct guard_watch *w)
{
	netlink_close(&w->events);
}

/* In every message about something in a table, attribute 1 is the name of the table. */
static bool watch_ours(const struct nlmsghdr *h)
{
	const struct nfgenmsg *g = nlmsg_data(h);
	struct nlattr *name;

	if (g->nfgen_family != NFPROTO_INET && g->nfgen_family != NFPROTO_ARP)
		return false;
	name = nlmsg_find_attr((struct nlmsghdr *)h, sizeof *g, NFTA_TABLE_NAME);
	return name && !nla_strcmp(name, GUARD_TABLE);
}

static void watch_generation(struct guard_watch *w, const struct nlmsghdr *h)
{
	struct nlattr *tb[NFTA_GEN_MAX + 1];
	struct guard_loss loss = { .flushed = w->flushed };
	bool touched = w->touched, own = w->own_port;

	w->touched = w->own_port = w->flushed = false;
	if (!touched ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(struct nfgenmsg), tb, NFTA_GEN_MAX, NULL) < 0)
		return;
	if (tb[NFTA_GEN_PROC_PID] && nla_len(tb[NFTA_GEN_PROC_PID]) == sizeof(uint32_t))
		loss.pid = ntohl(nla_get_u32(tb[NFTA_GEN_PROC_PID]));
	if (tb[NFTA_GEN_PROC_NAME])
		(void)nla_strlcpy(loss.process, tb[NFTA_GEN_PROC_NAME], sizeof loss.process);
	if (own || (w->own && loss.pid == (uint32_t)w->own) || w->lost)
		return;
	w->lost = true;
	w->loss = loss;
}

void guard_watch_feed(struct guard_watch *w, const struct nlmsghdr *h)
{
	int type = h->nlmsg_type & 0xff;

	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || nlmsg_datalen(h) < (int)sizeof(struct nfgenmsg))
		return;
	if (type == NFT_MSG_NEWGEN) {
		watch_generation(w, h);
		return;
	}
	if (!watch_ours(h))
		return;
	w->touched = true;
	/* The port is the pid as the sender's namespace counts it, NFTA_GEN_PROC_PID as the first one does.
	 */
	w->own_port |= w->own && h->nlmsg_pid == (uint32_t)w->own;
	if (type == NFT_MSG_DELTABLE)
		w->flushed = true;
}

static void watch_message(void *ctx, const struct nlmsghdr *h)
{
	guard_watch_feed(ctx, h);
}

int guard_watch_read(struct guard_watch *w, struct guard_loss *ret_loss)
{
	int r = netlink_receive(&w->events, watch_message, w);

	if (r < 0)
		return r;
	if (!w->lost)
		return 0;
	w->lost = false;
	*ret_loss = w->loss;
	return 1;
}
