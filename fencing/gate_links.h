/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The interfaces under the gate: which there are, which carry it, and the repair of one that does not.
 * Private to fencing/gate*.c.
 */
#ifndef RK_GATE_LINKS_H
#define RK_GATE_LINKS_H

#include "gate.h"
#include "gate_program.h"
#include "link_info.h"

struct gate_link {
	int ifindex; /* 0 = unused */
	char name[IF_NAMESIZE];
	bool ethernet;
	bool attached;
	bool lost_told;	  /* `lost` was called and `repaired` with error 0 was not yet */
	bool preceded;	  /* a tcx program can go round it; the same for that */
	bool suspect;	  /* something happened to its filters: look */
	uint32_t port_id; /* who caused that, if known */
	int error;	  /* of the latest attempt, 0 or -errno */
};

struct gate_links {
	struct gate_ops ops;
	void *ctx;
	struct netlink request;
	struct gate_program *program; /* borrowed */
	uint32_t program_id[2][2];    /* by ethernet and direction */
	size_t count;		      /* entries in use are not dense */
	struct gate_link link[GATE_LINKS_MAX];
	struct gate_counters counters;
};

/* A new, renamed or known interface. */
void gate_links_seen(struct gate_links *l, const struct link_info *info);
void gate_links_gone(struct gate_links *l, int ifindex);
/* Marks an interface to be looked at; unknown ones are ignored. */
void gate_links_suspect(struct gate_links *l, int ifindex, uint32_t port_id);
void gate_links_suspect_all(struct gate_links *l);
/* Looks at one interface, reports a loss, repairs. */
void gate_link_check(struct gate_links *l, struct gate_link *link);
/* Looks at all that are marked. */
void gate_links_check(struct gate_links *l);
/* Takes the gate off everywhere. */
int gate_links_remove(struct gate_links *l);

#endif
