/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The words of power fencing: what the decider (core), the one who runs fence agents (fencing) and the
 * configuration (agent) say to each other. The decider says "device 3, off, node 2, within 15 s"; the other
 * answers with what the fence agent said. Exit codes are those of the fence-agents API.
 */
#ifndef RK_FENCE_TYPES_H
#define RK_FENCE_TYPES_H

#include "clock.h"
#include "ids.h"

#define FENCE_DEVICES_MAX	16
#define FENCE_LEVELS_MAX	4
#define FENCE_LEVEL_DEVICES_MAX 4

typedef uint8_t fence_device_t; /* index into fence_config.device */

enum fence_verb { FENCE_OFF = 1, FENCE_ON, FENCE_REBOOT, FENCE_STATUS, FENCE_MONITOR };

enum fence_answer {
	FENCE_ANSWER_OK = 1,  /* exit code 0; of FENCE_STATUS: the plug is on */
	FENCE_ANSWER_OFF,     /* exit code 2 of FENCE_STATUS: the plug is off */
	FENCE_ANSWER_FAILED,  /* exit code 1 */
	FENCE_ANSWER_TIMEOUT, /* killed at its deadline: what it asked of the device may still happen */
	FENCE_ANSWER_BROKEN,  /* not run, or ended in a way the API does not know */
};

/* What a level does with its target. The fence-agents' "cycle" is not verified by them, and is not there. */
enum fence_action { FENCE_ACTION_OFF, FENCE_ACTION_REBOOT };

enum fence_policy {
	FENCE_AFTER,	/* the lease decides, the shot cleans up behind it */
	FENCE_REQUIRED, /* the takeover waits for the proof */
	FENCE_NEVER,
};

/* What is known of a target, the same on every node of a partition. */
enum fence_state {
	FENCE_CLEAN,
	FENCE_SUSPECT, /* lost; nobody has ordered a shot yet */
	FENCE_DELAY,
	FENCE_SHOOTING,
	FENCE_VERIFYING,
	FENCE_FENCED, /* proved off */
	FENCE_FAILED,
	FENCE_UNKNOWN,	 /* a shot may still come, or its shooter is gone */
	FENCE_DISPUTED,	 /* declared off, and heard since */
	FENCE_CONFIRMED, /* a person says that it is off */
};
#define FENCE_STATES_COUNT 10

enum fence_why { FENCE_WHY_LOST = 1, FENCE_WHY_OPERATOR, FENCE_WHY_DISPUTED };

/* One operation on one target; named by target, shooter and number. */
struct fence_operation {
	node_id_t shooter; /* NODE_NONE: there was none yet */
	uint32_t number;
	enum fence_why why;
	uint8_t first_level;
};

enum fence_msg_type {
	FENCE_MSG_START = 1, /* state DELAY or SHOOTING */
	FENCE_MSG_PROGRESS,  /* DELAY, SHOOTING, VERIFYING */
	FENCE_MSG_END,	     /* CLEAN (it came back before any shot), FENCED, FAILED, UNKNOWN */
	FENCE_MSG_CONFIRM,   /* by hand */
	FENCE_MSG_LIFE,	     /* a pulse was heard of a boot that was declared off */
	FENCE_MSG_TELL,	     /* to nodes that join: what became of a target */
};

/* Over CPG, in one order. */
struct fence_msg {
	enum fence_msg_type type;
	node_id_t from; /* filled from the envelope */
	node_id_t target;
	struct fence_operation op;
	uint64_t boot; /* of the target, as the sender knew it; 0 = unknown */
	enum fence_state state;
	uint8_t level;
	fence_device_t device;
};

struct fence_device_config {
	bool fabric;   /* cuts the network or the storage, not the power: `on` brings nobody back by itself */
	bool watchdog; /* no agent: the target's own armed hardware watchdog */
	uint8_t retries; /* of a call that failed; all within its timeout */
	int64_t off_ns;	 /* timeouts of a call */
	int64_t status_ns;
	int64_t monitor_ns;
	int64_t monitor_period_ns;
	node_set_t targets;
};

struct fence_level_config {
	uint8_t count;
	fence_device_t device[FENCE_LEVEL_DEVICES_MAX]; /* all of them must say off */
};

struct fence_target_config {
	uint8_t levels_count; /* 0: nothing can fence this node */
	struct fence_level_config level[FENCE_LEVELS_MAX];
	enum fence_action action;
	int64_t delay_ns; /* before this node is shot; 0 = computed where two nodes could shoot each other */
};

struct fence_config {
	uint8_t devices_count;
	struct fence_device_config device[FENCE_DEVICES_MAX];
	struct fence_target_config target[NODE_ID_MAX + 1];
	int64_t total_ns; /* one operation, all levels and retries */
};

#endif
