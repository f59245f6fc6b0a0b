/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an agent remembers, as files. Run directory (tmpfs): the lock, the promise file and what fence devices
 * said, which die with the boot. State directory (disk): epoch ceiling, voter set, operator intent. Every
 * file carries a checksum and is replaced whole (write beside, rename). Each load says ok, absent or damaged,
 * and why; what a lost file means for the lease is decided by the caller. The durable writes fsync and may
 * take seconds: the recorder process does them, not the agent.
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
/* A number for this boot: the same after a restart of the agent, another one after the directory was empty.
 */
int state_run_boot(struct state_run *r, uint64_t *ret);
int state_promises_save(struct state_run *r, const struct state_promise *groups, uint8_t count);
/* Fills the memory of each group whose wire_id the caller has set; the others are kept in r. A group that the
 * file does not name has promised nothing in this boot. Anything but STATE_OK: the memory is lost. */
enum state_result state_promises_load(struct state_run *r, struct state_promise *groups, uint8_t count,
				      char *reterr, size_t size);

/* What fence devices said of nodes that were alive. digest[d][n] names device d as it is configured for node
 * n (config_fence_digests()); what was said by a device that is configured otherwise now is not taken over.
 */
typedef uint64_t state_fence_digests[FENCE_DEVICES_MAX][NODE_ID_MAX + 1];
#define STATE_FENCES_SIZE_MAX \
	(4 + 1 + STATE_BOOT_ID_SIZE + 8 + 8 + 2 + FENCE_DEVICES_MAX * (NODE_ID_MAX + 1) * (8 + 1 + 8) + 8)
size_t state_fences_encode(const char *boot_id, const state_fence_digests digest,
			   const struct fence_memory *memory, uint8_t ret[STATE_FENCES_SIZE_MAX]);
/* NULL, or what is wrong with it: then nothing is taken. */
const char *state_fences_decode(const uint8_t *data, size_t len, const char *boot_id,
				const state_fence_digests digest, struct fence_memory *ret);
int state_fences_save(const struct state_run *r, const state_fence_digests digest,
		      const struct fence_memory *memory);
enum state_result state_fences_load(const struct state_run *r, const state_fence_digests digest,
				    struct fence_memory *ret, char *reterr, size_t size);

/* Replaces a file of the run directory, whole or not at all. Returns 0 or -errno. */
int state_run_replace(const struct state_run *r, const char *file, const void *data, size_t len);

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

/* Names of the uplinks that an operator ordered, one of each family; "": none. */
struct state_uplinks {
	char ordered[2][RK_NAME_MAX]; /* by enum path_family */
};
int state_uplinks_save(int dir_fd, const struct state_uplinks *uplinks);
enum state_result state_uplinks_load(int dir_fd, struct state_uplinks *ret, char *reterr, size_t size);

#endif
