/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of uplinks.h share.
 */
#ifndef RK_UPLINKS_PRIVATE_H
#define RK_UPLINKS_PRIVATE_H

#include "config_uplinks.h"
#include "uplink_marks.h"
#include "uplink_pbx.h"
#include "uplink_switch.h"
#include "uplinks.h"

/* One target over one uplink. */
struct uplink_probe {
	struct uplinks *uplinks;
	uint8_t uplink, target;
	uint8_t probe; /* of the configuration */
	bool open;
	struct probe_io io;
};

struct uplink_line {
	struct uplink_state state;
	struct config_targets targets;
	struct uplink_probe probes[UPLINK_TARGETS_MAX];
	bool learn; /* its gateway */
	enum uplink_grade grade_told;
	boot_t answered_at;	/* a good answer came over it, last */
	struct ip_address stun; /* what the latest STUN answer said of us */
};

/* The uplinks of one address family and which of them voice takes. */
struct uplink_family {
	uint8_t count;
	uint8_t member[UPLINKS_MAX]; /* from the choice's numbers to the configuration's */
	struct uplink_choice choice;
	struct uplink_facts facts; /* as last asked with */
	struct uplink_decision decision;
	boot_t since; /* voice goes where it goes since */
	uint64_t switches;
};

struct uplinks {
	struct agent *agent;
	const struct config *config; /* the agent's; its uplinks do not change without a restart */
	struct uplink_policy policy;
	struct uplink_choice_policy choice_policy;
	struct path_config paths;
	struct path path;
	struct path_watch watch;
	struct path_flush flush;
	bool can_flush;
	struct netlink route; /* the probes' questions */
	boot_t ran_at;	      /* the latest round */
	int epoll_fd;	      /* all descriptors of this folder; the loop watches this one */
	bool ensure;	      /* routes are to be looked at again */
	boot_t ensure_at;
	struct path_report report; /* of the latest look */
	struct uplink_marks marks;
	uint8_t count;
	struct uplink_line line[UPLINKS_MAX];
	struct uplink_family family[PATH_FAMILIES];
	struct uplink_switching switching[PATH_FAMILIES];
	struct uplink_pbx pbx;
};

/* ---- uplink_probes.c ---- */
int uplink_probes_open(struct uplinks *u, uint8_t uplink);
void uplink_probes_close(struct uplinks *u, uint8_t uplink);
/* Its device, gateway or addresses are others. */
void uplink_probes_renew(struct uplinks *u, uint8_t uplink);
/* Takes what has come, then what is overdue, then sends what is due. */
void uplink_probes_run(struct uplinks *u, uint8_t uplink);
boot_t uplink_probes_next(const struct uplinks *u, uint8_t uplink);

/* ---- uplinks.c ---- */
/* Routes are looked at again in a moment. */
void uplinks_ensure_soon(struct uplinks *u);
/* The switch of this family has ended. */
void uplinks_switched(struct uplinks *u, enum path_family f, bool ok);
const char *uplinks_name(const struct uplinks *u, int uplink);
/* What stands for the name of an ISP between nodes. */
uint32_t uplinks_isp_number(const char *name);
/* The configuration's number of one that the choice of a family means; -1: none. */
int uplinks_index(const struct uplinks *u, enum path_family f, int8_t choice);
/* None: not known. */
struct ip_address uplinks_public_of(const struct uplinks *u, uint8_t uplink);
/* Live calls here; UPLINK_CALLS_UNKNOWN. */
uint32_t uplinks_calls(const struct uplinks *u);
/* In which family is voice to go anywhere? */
bool uplinks_has(const struct uplinks *u, enum path_family f);

#endif
