/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All slow writing in a child of its own: history (fsync), journal, and the durable ceiling, voter set and
 * intent. The agent hands over with one non-blocking send and goes on; an acknowledgment comes back when the
 * thing is on disk. What must not be lost (ceiling, voters, intent) is kept and sent again until
 * acknowledged; history and journal may be dropped when the child cannot keep up, and that is counted and
 * reported. A full or read-only disk is a warning, never a stall. A child that died is started again.
 */
#ifndef RK_RECORDER_H
#define RK_RECORDER_H

#include "config_file.h"
#include "core.h"
#include "state_files.h"

#include <sys/types.h>

#define RECORDER_MESSAGE_MAX (60 * 1024)

enum recorder_file {
	RECORDER_CEILING,
	RECORDER_VOTERS,
	RECORDER_INTENT,
	RECORDER_UPLINKS,
	RECORDER_CONFIG,
	RECORDER_HISTORY,
	RECORDER_JOURNAL,
	RECORDER_FILES_MAX,
};
const char *recorder_file_name(enum recorder_file f);

struct recorder_ops {
	void (*ceiling_saved)(void *ctx, uint64_t ceiling);
	void (*voters_saved)(void *ctx, const struct voter_set *voters);
	/* error > 0: writing this file began to fail (errno); 0: it works again. Once per change. */
	void (*disk)(void *ctx, enum recorder_file file, int error);
	/* The writer process ended and was started again (or could not be: error > 0). */
	void (*restarted)(void *ctx, int error);
	/* A step of recorder_config() has ended: 0 or errno. May be NULL. */
	void (*config)(void *ctx, enum config_file_step step, int error);
};

struct recorder_counters {
	uint64_t history_written, history_dropped;
	uint64_t journal_dropped;
	uint64_t restarts;
};

struct recorder {
	const struct recorder_ops *ops;
	void *ctx;
	int dir_fd; /* state directory; borrowed */
	uint32_t history_kib, journal_kib;
	pid_t child;
	int fd;
	boot_t next;
	bool ceiling_pending, voters_pending, intent_pending, uplinks_pending; /* not yet acknowledged */
	bool ceiling_sent, voters_sent, intent_sent, uplinks_sent;
	uint64_t ceiling;
	struct voter_set voters;
	struct core_intent intent;
	struct state_uplinks uplinks;
	int disk_error[RECORDER_FILES_MAX];
	struct recorder_counters counters;
};

/* Forks the writer. Call before real-time priority, with few descriptors open. dir_fd must outlive it. */
int recorder_start(struct recorder *r, int dir_fd, uint32_t history_kib, uint32_t journal_kib,
		   const struct recorder_ops *ops, void *ctx);
/* Gives the writer up to timeout_ms to finish what it has, then ends it. */
void recorder_stop(struct recorder *r, int timeout_ms);

/* -1 while there is no writer; may change after recorder_tick() (ops->restarted is called before). */
int recorder_fd(const struct recorder *r);
int recorder_readable(struct recorder *r, struct instant now);
boot_t recorder_next(const struct recorder *r);
void recorder_tick(struct recorder *r, struct instant now);

void recorder_save_ceiling(struct recorder *r, uint64_t ceiling);
void recorder_save_voters(struct recorder *r, const struct voter_set *voters);
void recorder_save_intent(struct recorder *r, const struct core_intent *intent);
void recorder_save_uplinks(struct recorder *r, const struct state_uplinks *uplinks);
/* One step with the configuration file; text is empty but for CONFIG_FILE_STAGE. ops->config() tells how it
 * went, unless the writer ends before. @retval -EAGAIN the writer does not take it. -E2BIG too long for a
 * message. */
int recorder_config(struct recorder *r, enum config_file_step step, const char *path, const char *text,
		    size_t len);
/* One record as history_format() made it (no newline). Duplicates (node + number) are ignored by the writer.
 */
void recorder_history(struct recorder *r, const char *json, size_t len);
/* Bytes of the journal; fresh: start the other file of the ring with them. -EAGAIN: dropped. */
int recorder_journal(struct recorder *r, const void *data, size_t len, bool fresh);

#endif
