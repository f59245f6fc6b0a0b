/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an agent remembers, as files. Run directory (tmpfs): the lock, and the promise file, which dies with
 * the boot. State directory (disk): epoch ceiling, voter set, operator intent. Every file carries a checksum
 * and is replaced whole (write beside, rename). Each load says ok, absent or damaged, and why; what a lost
 * file means for the lease is decided by the caller. The durable writes fsync and may take seconds: the
 * recorder process does them, not the agent.
 */
#ifndef RK_STATE_FILES_H
#define RK_STATE_FILES_H

#include "core.h"

#define STATE_TEXT_MAX	   200
#define STATE_PROMISES_MAX (2 * RK_GROUPS_MAX)
#define STATE_BOOT_ID_SIZE 37 /* as /proc/sys/kernel/random/boot_id, with the final NUL */

enum state_result { STATE_OK, STATE_ABSENT, STATE_DAMAGED };

/* ---- run directory ---- */

struct state_promise {
	uint32_t wire_id; /* group_wire_id(): survives a change of the configuration's order */
	struct lease_memory memory;
};

struct state_run {
	int dir_fd;
	int lock_fd;
	char boot_id[STATE_BOOT_ID_SIZE];
	/* Promises of groups that the configuration no longer has: kept, for the day they come back in this
	 * boot. */
	uint8_t others_count;
	struct state_promise others[STATE_PROMISES_MAX];
};

/* Opens (and makes) the directory and takes the lock: from then on the former agent has really ended.
 * @retval -EWOULDBLOCK another agent runs with this directory
 * reterr gets one sentence on failure. */
int state_run_open(struct state_run *ret, const char *path, char *reterr, size_t size);
void state_run_close(struct state_run *r);

/* Replaces the promise file, whole or not at all; about 25 times a second, so without fsync (tmpfs).
 * groups: all groups of the configuration. */
/* A number for this boot: the same after a restart of the agent, another one after the directory was empty. */
int state_run_boot(struct state_run *r, uint64_t *ret);
int state_promises_save(struct state_run *r, const struct state_promise *groups, uint8_t count);
/* Fills the memory of each group whose wire_id the caller has set; the others are kept in r. A group that the
 * file does not name has promised nothing in this boot. Anything but STATE_OK: the memory is lost. */
enum state_result state_promises_load(struct state_run *r, struct state_promise *groups, uint8_t count,
				      char *reterr, size_t size);

/* ---- state directory: durable; save returns 0 when it is on disk ---- */

/* Opens (and makes, 0700) the state directory. Returns a descriptor or -errno. */
int state_dir_open(const char *path);

/* No epoch counter above it was ever used or granted. Written as 0 by `hactl key generate`; absent beside a
 * node.key = the disk was lost. */
int state_ceiling_save(int dir_fd, uint64_t ceiling);
enum state_result state_ceiling_load(int dir_fd, uint64_t *ret, char *reterr, size_t size);

int state_voters_save(int dir_fd, const struct voter_set *voters);
enum state_result state_voters_load(int dir_fd, struct voter_set *ret, char *reterr, size_t size);

int state_intent_save(int dir_fd, const struct core_intent *intent);
enum state_result state_intent_load(int dir_fd, struct core_intent *ret, char *reterr, size_t size);

#endif
