/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel's routing for a node's uplinks, kept as the plan says (path_plan.h): what is there is listed
 * first, only differences are written, nothing that is right is touched. So a new agent adopts what a killed
 * one left, and a reload without a change writes nothing. What does not carry our protocol number belongs to
 * somebody else and is never changed; where it is in the way, that is an error which names it.
 *
 * It executes and does not decide. A switch is one message, which the kernel carries out as a whole.
 */
#ifndef RK_PATH_H
#define RK_PATH_H

#include "path_plan.h"
#include "sentence.h"

struct path_report {
	uint32_t listed; /* of ours, before */
	uint32_t written;
	uint32_t removed;
	int8_t active[PATH_FAMILIES]; /* PATH_ADOPT: voice goes where no configured uplink is; left as it was
				       */
	bool voice[PATH_FAMILIES];    /* its nexthop and its route are as wanted */
};

struct path {
	struct netlink request;
	uint64_t writes;			   /* all that was sent to change something */
	struct path_object nexthop[PATH_FAMILIES]; /* voice's, as last ensured; id 0: not known to be ours */
};

int path_open(struct path *p);
void path_close(struct path *p);

/* Makes it so. active: by family, the uplink for voice, PATH_NONE, or PATH_ADOPT: what is there stays. If the
 * active one has no way out now, voice's nexthop stays, too: only a switch moves it.
 * On an error the rest of the plan was still tried; reterr tells of the first. What cannot be there because a
 * device is down is none: path_watch tells when it is up.
 * @retval -EINVAL path_plan_check(). @retval -EEXIST something of somebody else is in the way. @retval
 * -EOPNOTSUPP no nexthop objects (Linux 5.3).
 */
int path_ensure(struct path *p, const struct path_config *c, const int8_t active[PATH_FAMILIES],
		struct path_report *ret, struct sentence *reterr);

/* Moves voice of the uplink's family, at once for all: the old nexthop until here, the new one from here.
 * Then as path_ensure(), with PATH_ADOPT for the other family; what fails
 * there and is not voice's is not told: path_ensure() does.
 * @retval -ENETUNREACH it has no way out: nothing was changed. @retval -ENETDOWN its device is down. */
int path_use(struct path *p, const struct path_config *c, int8_t uplink, struct path_report *ret,
	     struct sentence *reterr);

/* Everything of ours, in any table: ringkeep leaves this machine. */
int path_remove(struct path *p, struct path_report *ret);

#endif
