/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One configuration for all nodes: a node that has been told to (the host) gives the text to each other one
 * (its guests), which says whether it would take it and puts it on its disk beside the one in force; when all
 * have said yes, and the host has taken it itself, each takes it; when one says no, or nothing, nobody does.
 *
 * What is lost is said again. A guest that has said yes keeps its promise for longer than its host goes on
 * asking it to take it; an agent that is started again in between has forgotten, says so, and the operator is
 * told which nodes differ. Parcels come in any order and may be of an older push: each names its own.
 *
 * Pure: parcels and times are arguments, what is to be done goes to ops.
 */
#ifndef RK_CONFIG_PUSH_H
#define RK_CONFIG_PUSH_H

#include "clock.h"
#include "crypto.h"
#include "ids.h"

#define CONFIG_PUSH_TEXT_MAX   (48 * 1024)
#define CONFIG_PUSH_SEALED_MAX (CONFIG_PUSH_TEXT_MAX + CRYPTO_SEAL_OVERHEAD)
#define CONFIG_PUSH_WHY_MAX    200
#define CONFIG_PUSH_PARCEL_MAX 250
#define CONFIG_PUSH_CHUNK_MAX  236 /* of a parcel that has the rest of what it needs */

#define CONFIG_PUSH_AGAIN_NS (100 * NS_PER_MS)
#define CONFIG_PUSH_ASK_NS   (15 * NS_PER_S) /* until all have said yes or no */
#define CONFIG_PUSH_TAKE_NS  (30 * NS_PER_S) /* until all have taken it */
#define CONFIG_PUSH_GUEST_NS (60 * NS_PER_S) /* that a guest waits for word of its host */

enum config_push_mode {
	CONFIG_PUSH_CHECK,   /* would each node take it? */
	CONFIG_PUSH_APPLY,   /* write it and take it now */
	CONFIG_PUSH_INSTALL, /* write it: it counts after a restart of each agent */
};
#define CONFIG_PUSH_MODES 3

enum config_push_state {
	CONFIG_PUSH_ASKED,
	CONFIG_PUSH_VALID,
	CONFIG_PUSH_REFUSED,
	CONFIG_PUSH_SILENT, /* no answer in time */
	CONFIG_PUSH_TAKEN,
	CONFIG_PUSH_FAILED, /* said yes, and could not, or has not said that it did */
};
const char *config_push_state_name(enum config_push_state s);

struct config_push_node {
	node_id_t id;
	enum config_push_state state;
	char why[CONFIG_PUSH_WHY_MAX];
	/* the host's */
	uint8_t *sealed; /* owned */
	uint32_t sealed_len, have, sent;
	bool offered; /* it has answered the offer */
	boot_t said_at;
};

enum config_push_phase {
	CONFIG_PUSH_IDLE,
	CONFIG_PUSH_ASKING,
	CONFIG_PUSH_OWN, /* the host takes it */
	CONFIG_PUSH_TAKING,
};

struct config_push_host {
	enum config_push_phase phase;
	enum config_push_mode mode;
	uint64_t id;
	boot_t began; /* the phase */
	uint8_t count;
	struct config_push_node node[NODE_ID_MAX + 1]; /* the first one is this node */
};

enum config_push_guest_state {
	CONFIG_PUSH_GUEST_NONE,
	CONFIG_PUSH_GUEST_HEARS,
	CONFIG_PUSH_GUEST_STAGES,
	CONFIG_PUSH_GUEST_SAID, /* its verdict */
	CONFIG_PUSH_GUEST_TAKES,
	CONFIG_PUSH_GUEST_TOOK, /* or failed to */
};

struct config_push_guest {
	enum config_push_guest_state state;
	enum config_push_mode mode;
	node_id_t from;
	uint64_t id;
	uint8_t *sealed; /* owned */
	uint32_t sealed_len, have;
	bool ok;
	char why[CONFIG_PUSH_WHY_MAX];
	boot_t heard_at;
};

struct config_push_ops {
	void (*send)(void *ctx, node_id_t to, const uint8_t *parcel, uint8_t len);
	/* Seals len bytes for a node, or opens sealed_len of one; about: what else is authenticated. 0 or
	 * -errno. */
	int (*seal)(void *ctx, node_id_t to, const uint8_t *about, size_t about_len, const char *text,
		    size_t len, uint8_t *ret);
	int (*open)(void *ctx, node_id_t from, const uint8_t *about, size_t about_len, const uint8_t *sealed,
		    size_t sealed_len, char *ret);
	/* Would this node take it? If not, why gets one sentence. */
	bool (*check)(void *ctx, const char *text, size_t len, enum config_push_mode mode,
		      char why[CONFIG_PUSH_WHY_MAX]);
	/* Puts it beside the one in force; config_push_staged() says how that went. A later one replaces it.
	 */
	void (*stage)(void *ctx, const char *text, size_t len);
	/* Takes what was staged; config_push_took() says how that went. */
	void (*take)(void *ctx, enum config_push_mode mode);
	void (*drop)(void *ctx); /* ... or forgets it */
	/* The host's push has ended: in host->node[]. Taken: everywhere but where a node FAILED. */
	void (*ended)(void *ctx, const struct config_push_host *host, bool taken);
};

struct config_push {
	const struct config_push_ops *ops;
	void *ctx;
	node_id_t self;
	struct config_push_host host;
	struct config_push_guest guest;
	boot_t now;
};

void config_push_init(struct config_push *p, node_id_t self, const struct config_push_ops *ops, void *ctx);
void config_push_close(struct config_push *p);

/* Begins one; others: the nodes to be asked (this one is, too). text is borrowed for the call. why gets one
 * sentence.
 * @retval -EBUSY another push is under way here. -EINVAL this node would not take it. -E2BIG too long. */
int config_push_begin(struct config_push *p, uint64_t id, enum config_push_mode mode, const node_id_t *others,
		      uint8_t count, const char *text, size_t len, boot_t now, char why[CONFIG_PUSH_WHY_MAX]);
/* From an authenticated node. False: it is no parcel of this kind, or broken. */
bool config_push_parcel(struct config_push *p, node_id_t from, const uint8_t *data, size_t len, boot_t now);
/* How stage() and take() went; why is read if not ok. */
void config_push_staged(struct config_push *p, bool ok, const char *why, boot_t now);
void config_push_took(struct config_push *p, bool ok, const char *why, boot_t now);
void config_push_tick(struct config_push *p, boot_t now);
boot_t config_push_next(const struct config_push *p);
static inline bool config_push_busy(const struct config_push *p)
{
	return p->host.phase != CONFIG_PUSH_IDLE;
}

#endif
