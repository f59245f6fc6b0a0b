/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sees in the nftables notifications who touches the guard's tables. Messages of one transaction come
 * together and end with NEWGEN, which tells the process.
 */
#ifndef RK_GUARD_WATCH_H
#define RK_GUARD_WATCH_H

#include "guard.h"
#include "netlink.h"

#include <sys/types.h>

struct guard_watch {
	struct netlink events;
	pid_t own; /* the latest child of ours: its changes are no loss */
	/* the transaction that is being read */
	bool touched;
	bool own_port;
	bool flushed;
	/* the result */
	bool lost;
	struct guard_loss loss; /* of the first one not taken yet */
};

int guard_watch_open(struct guard_watch *w);
void guard_watch_close(struct guard_watch *w);
/* Reads what has come. Returns 1 and fills ret_loss if somebody else touched the guard, 0 if not.
 * @retval -ENOBUFS notifications were lost. */
int guard_watch_read(struct guard_watch *w, struct guard_loss *ret_loss);
/* Feeds one notification; for guard_watch_read() and tests. */
void guard_watch_feed(struct guard_watch *w, const struct nlmsghdr *h);

#endif
