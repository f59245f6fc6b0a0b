/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The adapter's side of docs/adapter-protocol.md: a poll loop over stdin and the adapter's own descriptors,
 * parsing of requests, and the answers. Owns no PBX knowledge. stdout is written blocking: an agent that does
 * not read has stopped anyway, and reads again before it judges us.
 */
#ifndef RK_ADAPTER_MAIN_H
#define RK_ADAPTER_MAIN_H

#include "adapter.h"

struct binding_store;

#define ADAPTER_MAIN_SLOTS 8
#define ADAPTER_PEERS_MAX  512 /* prefixes of the carriers' addresses */

struct adapter_main;
struct json_t;

struct adapter_main_config {
	const char *group;
	const char *addresses[ADAPTER_ADDRESSES_MAX];
	size_t addresses_count;
	const char *pid_file; /* NULL = none */
	uint32_t options_interval_ms;
	uint32_t options_failures;
	bool holder;
	struct json_t *settings; /* checked: an object of strings with known names */
	struct adapter_trunk_setting trunks[ADAPTER_TRUNKS_MAX]; /* those with a registration */
	size_t trunks_count;
	struct ip_prefix peers[ADAPTER_PEERS_MAX]; /* of all trunks */
	size_t peers_count;
};
/* An address of a trunk's other side? */
bool adapter_main_is_peer(const struct adapter_main_config *c, const struct ip_address *ip);
/* NULL = not set. */
const char *adapter_main_setting(const struct adapter_main_config *c, const char *name);

struct adapter_main_ops {
	const char *name;
	const char *const *settings; /* known names, NULL at the end */
	/* Pointers live as long as the process. 0, or -errno with a sentence in why (ADAPTER_WHY_MAX). */
	int (*configure)(void *ctx, struct adapter_main *m, const struct adapter_main_config *c, boot_t now,
			 char *why);
	/* Each answers id once, now or later, by adapter_main_answer(). */
	void (*activate)(void *ctx, uint64_t id, boot_t now);
	void (*standby)(void *ctx, uint64_t id, boot_t now);
	void (*dump)(void *ctx, uint64_t id, boot_t now);
	/* An apply message is full_begin? remove... put... full_end? and then apply_end with its id. */
	void (*apply_full_begin)(void *ctx);
	void (*apply_remove)(void *ctx, const char *aor, const char *contact, boot_t now);
	void (*apply_put)(void *ctx, const struct binding *b, boot_t now);
	void (*apply_full_end)(void *ctx, boot_t now);
	void (*apply_end)(void *ctx, uint64_t id, boot_t now);
	/* Register this trunk (an index into the configuration's), or take its registration back; answers id.
	 */
	void (*trunk)(void *ctx, uint64_t id, size_t trunk, bool registered, boot_t now);
	/* The public addresses and the uplink from now on; u is borrowed for the call. Answers id when they
	 * are in force. NULL: the PBX cannot be told (and nothing may be said by adapter_main_uplinks()). */
	void (*uplink)(void *ctx, uint64_t id, const struct adapter_uplink *u, boot_t now);
	/* Re-INVITE the calls with the trunks' peers; answers id when they were sent, by adapter_main_done().
	 */
	void (*reinvite)(void *ctx, uint64_t id, boot_t now);
	/* A watched descriptor has events; deadlines. */
	void (*ready)(void *ctx, int slot, short revents, boot_t now);
	boot_t (*next)(void *ctx);
	void (*tick)(void *ctx, boot_t now);
};

/* Runs until stdin ends: the exit code. */
int adapter_main_run(const struct adapter_main_ops *ops, void *ctx);

/* fd -1 = nothing in this slot. */
void adapter_main_watch(struct adapter_main *m, int slot, int fd, short events);
/* why NULL: done; else failed. */
void adapter_main_answer(struct adapter_main *m, uint64_t id, const char *why);
/* Done, with a sentence. */
void adapter_main_done(struct adapter_main *m, uint64_t id, const char *sentence);
/* From within configure(): what goes into its answer. Without it: none, and no re-INVITEs. */
void adapter_main_uplinks(struct adapter_main *m, enum adapter_uplink_support support, bool reinvite);
/* Once per call and report of the other side at most. */
void adapter_main_quality(struct adapter_main *m, const struct adapter_quality *q);
/* Sent if something changed (of calls and bindings: at most once a second), or at the latest after 3 s. */
void adapter_main_health(struct adapter_main *m, const struct adapter_health *h, boot_t now);
void adapter_main_log(struct adapter_main *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Collected, sent at the end of the loop's turn or when enough are together. */
void adapter_main_full_begin(struct adapter_main *m);
void adapter_main_put(struct adapter_main *m, const struct binding *b, boot_t now);
void adapter_main_remove(struct adapter_main *m, const char *aor, const char *contact);
void adapter_main_full_end(struct adapter_main *m);
void adapter_main_trunk(struct adapter_main *m, const struct adapter_trunk *t);
/* Answers a dump with all that the store has, or why not; *id is 0 afterwards, as it is if none was asked
 * for.
 */
void adapter_main_dump(struct adapter_main *m, uint64_t *id, const struct binding_store *store,
		       const char *why, boot_t now);

#endif
