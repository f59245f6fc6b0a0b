/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define FILTER_PRIORITY 1
/* "RK" and "RL": unlikely to be somebody else's (most tools take 1). */
#define FILTER_HANDLE(i) (0x524b0000u + (uint32_t)(i) + 1)

static struct tcmsg filter_header(int ifindex, enum gate_direction d)
{
	return (struct tcmsg){
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, d == GATE_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS),
	};
}

struct look {
	struct gate_filter_state state;
	bool any;
};

static uint32_t filter_program(struct nlattr *const *tb)
{
	struct nlattr *id = NULL;

	if (tb[TCA_KIND] && !nla_strcmp(tb[TCA_KIND], "bpf") && tb[TCA_OPTIONS])
		id = nla_find(nla_data(tb[TCA_OPTIONS]), nla_len(tb[TCA_OPTIONS]), TCA_BPF_ID);
	return id && nla_len(id) == sizeof(uint32_t) ? nla_get_u32(id) : GATE_PROGRAM_UNKNOWN;
}

static void look_at(void *ctx, const struct nlmsghdr *h)
{
	const struct tcmsg *t = nlmsg_data(h);
	struct nlattr *tb[TCA_MAX + 1];
	struct look *look = ctx;
	bool first;

	if (h->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof *t, tb, TCA_MAX, NULL) < 0)
		return;
	if (!t->tcm_handle)
		return; /* the head of a priority, not a filter */
	if (tb[TCA_CHAIN] && nla_get_u32(tb[TCA_CHAIN]) != 0)
		return; /* only reached from chain 0, where we are */
	first = !look->any;
	look->any = true;
	if (TC_H_MAJ(t->tcm_info) >> 16 != FILTER_PRIORITY)
		return;
	for (int i = 0; i < 2; i++) {
		if (t->tcm_handle != FILTER_HANDLE(i))
			continue;
		look->state.program[i] = filter_program(tb);
		if (first)
			look->state.first = i;
	}
}

int gate_filter_look(struct netlink *n, int ifindex, enum gate_direction d, struct gate_filter_state *ret)
{
	const struct tcmsg t = filter_header(ifindex, d);
	struct look look;
	int r = -EAGAIN;

	for (int i = 0; i < 5 && r == -EAGAIN; i++) {
		look = (struct look){ .state.first = -1 };
		r = netlink_dump(n, netlink_message(RTM_GETTFILTER, 0, &t, sizeof t), look_at, &look);
	}
	/* Older kernels answer a dump of a missing parent with an error instead of nothing. */
	if (r == -EINVAL || r == -ENOENT)
		r = 0;
	if (r == 0)
		*ret = look.state;
	return r;
}

static int clsact_ensure(struct netlink *n, int ifindex)
{
	const struct tcmsg t = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_CLSACT,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
	};
	struct nl_msg *msg = netlink_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof t);
	int r;

	if (msg && nla_put_string(msg, TCA_KIND, "clsact") < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	r = netlink_request(n, msg);
	return r == -EEXIST ? 0 : r;
}

static struct nl_msg *filter_message(int type, int flags, int ifindex, enum gate_direction d, int handle)
{
	struct tcmsg t = filter_header(ifindex, d);
	struct nl_msg *msg;

	t.tcm_handle = FILTER_HANDLE(handle);
	t.tcm_info = TC_H_MAKE(FILTER_PRIORITY << 16, htons(ETH_P_ALL));
	msg = netlink_message(type, flags, &t, sizeof t);
	if (msg && nla_put_string(msg, TCA_KIND, "bpf") < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int filter_options(struct nl_msg *msg, int program_fd)
{
	struct nlattr *nest = nla_nest_start(msg, TCA_OPTIONS);

	if (!nest || nla_put_u32(msg, TCA_BPF_FD, (uint32_t)program_fd) < 0 ||
	    nla_put_string(msg, TCA_BPF_NAME, "ringkeep gate") < 0 ||
	    nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0)
		return -ENOMEM;
	return nla_nest_end(msg, nest) < 0 ? -ENOMEM : 0;
}

int gate_filter_put(struct netlink *n, int ifindex, enum gate_direction d, int handle, int program_fd)
{
	struct nl_msg *msg;
	int r = clsact_ensure(n, ifindex);

	if (r < 0)
		return r;
	msg = filter_message(RTM_NEWTFILTER, NLM_F_CREATE, ifindex, d, handle);
	if (msg && filter_options(msg, program_fd) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return netlink_request(n, msg);
}

int gate_filter_remove(struct netlink *n, int ifindex, enum gate_direction d, int handle)
{
	int r = netlink_request(n, filter_message(RTM_DELTFILTER, 0, ifindex, d, handle));

	return r == -ENOENT || r == -EINVAL || r == -ENODEV ? 0 : r; /* not there is what was wanted */
}
