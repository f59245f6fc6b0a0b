/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_watch.h"
#include "unit.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static struct guard_watch watch;

static struct nl_msg *message(int type, uint8_t family, uint32_t port)
{
	const struct nfgenmsg g = { .nfgen_family = family };
	struct nl_msg *msg = netlink_message(NFNL_SUBSYS_NFTABLES << 8 | type, 0, &g, sizeof g);

	nlmsg_hdr(msg)->nlmsg_pid = port;
	return msg;
}

static void feed(struct nl_msg *msg)
{
	guard_watch_feed(&watch, nlmsg_hdr(msg));
	nlmsg_free(msg);
}

static void about(int type, uint8_t family, const char *table, uint32_t port)
{
	struct nl_msg *msg = message(type, family, port);

	nla_put_string(msg, NFTA_TABLE_NAME, table);
	feed(msg);
}

static void end(uint32_t pid, const char *name)
{
	struct nl_msg *msg = message(NFT_MSG_NEWGEN, NFPROTO_UNSPEC, 0);

	nla_put_u32(msg, NFTA_GEN_PROC_PID, htonl(pid));
	nla_put_string(msg, NFTA_GEN_PROC_NAME, name);
	feed(msg);
}

START_TEST(a_flush_is_a_loss_and_names_its_process)
{
	watch = (struct guard_watch){ .own = 50 };
	about(NFT_MSG_DELTABLE, NFPROTO_INET, "ringkeep", 99);
	ck_assert(!watch.lost); /* the transaction goes on */
	end(99, "nft");
	ck_assert(watch.lost && watch.loss.flushed);
	ck_assert_uint_eq(watch.loss.pid, 99);
	ck_assert_str_eq(watch.loss.process, "nft");
}
END_TEST

START_TEST(a_changed_rule_is_a_loss)
{
	watch = (struct guard_watch){ .own = 50 };
	about(NFT_MSG_DELRULE, NFPROTO_ARP, "ringkeep", 99);
	end(99, "nft");
	ck_assert(watch.lost && !watch.loss.flushed);
}
END_TEST

START_TEST(our_own_child_is_known_by_port_or_by_pid)
{
	watch = (struct guard_watch){ .own = 50 };
	about(NFT_MSG_DELTABLE, NFPROTO_INET, "ringkeep", 50); /* the pid of the first namespace is another */
	end(12345, "nft");
	about(NFT_MSG_DELTABLE, NFPROTO_INET, "ringkeep", 4000000000u); /* the port was taken */
	end(50, "nft");
	ck_assert(!watch.lost);
}
END_TEST

START_TEST(others_tables_are_others_business)
{
	watch = (struct guard_watch){ .own = 50 };
	about(NFT_MSG_DELTABLE, NFPROTO_INET, "filter", 99);
	about(NFT_MSG_DELTABLE, NFPROTO_IPV4, "ringkeep", 99); /* another family is another table */
	end(99, "nft");
	ck_assert(!watch.lost);
}
END_TEST

START_TEST(transactions_do_not_mix)
{
	watch = (struct guard_watch){ .own = 50 };
	about(NFT_MSG_NEWTABLE, NFPROTO_INET, "ringkeep", 50);
	end(50, "nft");
	about(NFT_MSG_DELTABLE, NFPROTO_INET, "filter", 99);
	end(99, "nft");
	ck_assert(!watch.lost);
}
END_TEST

START_TEST(short_messages_are_ignored)
{
	struct nlmsghdr h = { .nlmsg_len = sizeof h,
			      .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE };

	watch = (struct guard_watch){ 0 };
	guard_watch_feed(&watch, &h);
	h.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	guard_watch_feed(&watch, &h);
	ck_assert(!watch.lost && !watch.touched);
}
END_TEST

UNIT_MAIN("guard_watch", a_flush_is_a_loss_and_names_its_process, a_changed_rule_is_a_loss,
	  our_own_child_is_known_by_port_or_by_pid, others_tables_are_others_business,
	  transactions_do_not_mix, short_messages_are_ignored)
