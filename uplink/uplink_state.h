/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One uplink of this node: from its targets' probes, from what the kernel says about it and from what live
 * calls report, to one grade with a reason.
 *
 *   - Hard facts (no carrier, no route, ...) count at once: NONE.
 *   - Targets are counted by network: two targets behind one operator are one witness. Fewer than `quorum`
 *     networks that answer is BAD; at once if none does, else after a while, since a part that fails is more
 *     likely a target than the uplink.
 *   - Quality is that of the quorum-th best network: as many are at least that good.
 *   - Probes and live calls are never mixed in one number: the worse grade counts.
 */
#ifndef RK_UPLINK_STATE_H
#define RK_UPLINK_STATE_H

#include "damping.h"
#include "probe_window.h"
#include "uplink_passive.h"

#define UPLINK_TARGETS_MAX 8

enum uplink_hard {
	UPLINK_HARD_CARRIER = 1 << 0,
	UPLINK_HARD_ROUTE = 1 << 1,
	UPLINK_HARD_ADDRESS = 1 << 2,
	UPLINK_HARD_GATEWAY = 1 << 3, /* does not answer ARP or ND */
};

enum uplink_why {
	UPLINK_WHY_STARTING, /* not enough answers yet */
	UPLINK_WHY_NO_CARRIER,
	UPLINK_WHY_NO_ROUTE,
	UPLINK_WHY_NO_ADDRESS,
	UPLINK_WHY_NO_GATEWAY,
	UPLINK_WHY_UNSENT, /* the kernel refuses the probes */
	UPLINK_WHY_SILENT, /* nobody answers */
	UPLINK_WHY_QUORUM, /* too few answer */
	UPLINK_WHY_PROBES, /* what the probes measure */
	UPLINK_WHY_CALLS,  /* what live calls report is worse than that */
	UPLINK_WHYS_COUNT
};

struct uplink_policy {
	struct probe_policy probe;
	enum emodel_codec codec;
	struct uplink_borders borders;
	struct uplink_passive_policy passive;
	struct damping_policy damping;
	uint8_t quorum;	    /* networks that have to answer */
	int64_t partial_ns; /* so long some may be silent while others answer */
	int64_t steady_ns;  /* so long an uplink that flaps has to be usable before it is trusted */
};

/* The values beside which the measures of docs/UPLINKS.md stand. */
extern const struct uplink_policy uplink_policy_default;

/* What the node has it for. */
enum uplink_role {
	UPLINK_STANDBY,
	UPLINK_IN_USE,
	UPLINK_WANTED, /* the one in use is dead: whether this one lives has to be known soon */
};

struct uplink_target {
	uint8_t network; /* targets with the same number are one witness; 0..31 */
	bool suspect;	 /* it is the target that fails, not this uplink: it has no voice */
	struct probe_window window;
};

struct uplink_state {
	const struct uplink_policy *policy; /* borrowed */
	uint8_t targets_count;
	struct uplink_target target[UPLINK_TARGETS_MAX];
	uint8_t hard; /* set of enum uplink_hard */
	bool metered;
	boot_t partial_since; /* {0}: no */
	struct uplink_passive passive;
	enum uplink_grade probed; /* by the probes alone */
	uint32_t mos_milli;	  /* by the probes alone; 0: not known */
	enum uplink_grade grade;
	enum uplink_why why;
	boot_t since; /* the grade is what it is */
	bool rose;    /* it has become better and usable: the next change for the worse is a flap */
	struct damping damping;
};

/* networks: one number per target. The same index must be the same target on every uplink of the node. */
void uplink_state_init(struct uplink_state *u, const struct uplink_policy *policy, const uint8_t *networks,
		       uint8_t targets_count, bool metered, uint32_t seed, boot_t now);

/* A hard fact becomes true or untrue. */
void uplink_state_hard(struct uplink_state *u, enum uplink_hard fact, bool on, boot_t now);
/* It begins as a standby, and those are probed slowly, and so is what is metered unless it is wanted. */
void uplink_state_role(struct uplink_state *u, enum uplink_role role, boot_t now);
/* A burst to each target: the one in use is in doubt, and this one may have to take over. */
void uplink_state_hurry(struct uplink_state *u, boot_t now);
bool uplink_state_due(const struct uplink_state *u, uint8_t target, boot_t now);
uint16_t uplink_state_sent(struct uplink_state *u, uint8_t target, boot_t now);
void uplink_state_unsent(struct uplink_state *u, uint8_t target, boot_t now);
enum probe_answer uplink_state_answered(struct uplink_state *u, uint8_t target, uint16_t sequence, boot_t at);
/* False: the report says nothing. */
bool uplink_state_report(struct uplink_state *u, const struct uplink_report *r, boot_t now);
/* Bit n: target n is a suspect (uplink_suspects()). */
void uplink_state_suspect(struct uplink_state *u, uint32_t targets, boot_t now);
/* After reading what has come, as probe_window.h says. */
void uplink_state_tick(struct uplink_state *u, boot_t now);
boot_t uplink_state_next(const struct uplink_state *u);

/* Too few networks answered the latest probes: it may have died just now, and a few hundred ms tell. Or it
 * flaps, and is usable only since a moment. Whoever is in doubt is not switched to meanwhile. */
bool uplink_state_doubted(struct uplink_state *u, boot_t now);
/* It flapped too often lately: not chosen while another will do. */
bool uplink_state_damped(struct uplink_state *u, boot_t now);
const char *uplink_why_name(enum uplink_why w);

/* Targets that are silent over two uplinks or more, over each of which another network answers, and that
 * answer over none: the target has failed, not the uplinks. An uplink on which all is silent is no evidence.
 */
uint32_t uplink_suspects(const struct uplink_state *const *uplinks, int count);

#endif
