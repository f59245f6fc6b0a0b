/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The run directory: lock and promise file. The file is binary, about 100 bytes a group: magic, version, boot
 * id, groups, FNV-1a checksum over all before it.
 */
#include "bytes.h"
#include "cleanup.h"
#include "crypto.h"
#include "digest.h"
#include "state_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PROMISE_FILE	 "voter"
#define BOOT_FILE	 "boot"
#define PROMISE_MAGIC	 0x524b5631U /* "RKV1" */
#define PROMISE_VERSION	 2
#define GROUP_BYTES_MAX	 (4 + 9 + 1 + 9 + 8 + 1 + (NODE_ID_MAX + 1) * 9 + 1 + 8 + 1 + 9 + 8)
#define PROMISE_FILE_MAX (4 + 1 + STATE_BOOT_ID_SIZE + 1 + STATE_PROMISES_MAX * GROUP_BYTES_MAX + 8)

static int boot_id_read(char ret[STATE_BOOT_ID_SIZE])
{
	_cleanup_(close_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, ret, STATE_BOOT_ID_SIZE - 1) != STATE_BOOT_ID_SIZE - 1)
		return -EIO;
	ret[STATE_BOOT_ID_SIZE - 1] = 0;
	return 0;
}

static int fail(char *reterr, size_t size, const char *path, const char *what, int error)
{
	(void)snprintf(reterr, size, "%s: %s: %s", path, what, strerror(error));
	return -error;
}

int state_run_open(struct state_run *ret, const char *path, char *reterr, size_t size)
{
	_cleanup_(close_fd) int dir_fd = -EBADF;
	_cleanup_(close_fd) int lock_fd = -EBADF;
	int r;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail(reterr, size, path, "the run directory cannot be made", errno);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return fail(reterr, size, path, "the run directory cannot be opened", errno);
	lock_fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		return fail(reterr, size, path, "the lock file cannot be made", errno);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(reterr, size, path, "cannot be locked", errno);
		(void)snprintf(
			reterr, size,
			"%s: another ringkeepd runs with this directory; give this one its own --run-dir",
			path);
		return -EWOULDBLOCK;
	}
	memset(ret, 0, sizeof *ret);
	r = boot_id_read(ret->boot_id);
	if (r < 0)
		return fail(reterr, size, "/proc/sys/kernel/random/boot_id", "cannot be read", -r);
	ret->dir_fd = dir_fd;
	ret->lock_fd = lock_fd;
	dir_fd = lock_fd = -EBADF;
	return 0;
}

void state_run_close(struct state_run *r)
{
	close_fd(&r->dir_fd);
	close_fd(&r->lock_fd);
	r->dir_fd = r->lock_fd = -EBADF;
}

int state_run_replace(const struct state_run *r, const char *file, const void *data, size_t len)
{
	char beside[32];

	assert(strlen(file) + sizeof ".tmp" <= sizeof beside);
	(void)snprintf(beside, sizeof beside, "%s.tmp", file);

	_cleanup_(close_fd) int fd =
		openat(r->dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, data, len);

	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -ENOSPC;
	return renameat(r->dir_fd, beside, r->dir_fd, file) < 0 ? -errno : 0;
}

/* ---- the number of this boot ---- */

static bool boot_number_read(const struct state_run *r, uint64_t *ret)
{
	uint8_t buffer[STATE_BOOT_ID_SIZE + 8];
	_cleanup_(close_fd) int fd = openat(r->dir_fd, BOOT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct reader in = reader_init(buffer + STATE_BOOT_ID_SIZE, 8);

	if (fd < 0 || read(fd, buffer, sizeof buffer) != sizeof buffer ||
	    memcmp(buffer, r->boot_id, STATE_BOOT_ID_SIZE))
		return false;
	*ret = read_u64(&in);
	return *ret != 0;
}

int state_run_boot(struct state_run *r, uint64_t *ret)
{
	uint8_t buffer[STATE_BOOT_ID_SIZE + 8];
	struct writer w = writer_init(buffer, sizeof buffer);
	int error;

	if (boot_number_read(r, ret))
		return 0;
	error = crypto_random(ret, sizeof *ret);
	if (error < 0)
		return error;
	*ret |= 1; /* 0 = unknown */
	write_bytes(&w, r->boot_id, STATE_BOOT_ID_SIZE);
	write_u64(&w, *ret);
	return state_run_replace(r, BOOT_FILE, buffer, w.used);
}

/* ---- bytes ---- */

static void write_epoch(struct writer *w, struct epoch e)
{
	write_u64(w, e.counter);
	write_u8(w, e.node);
}

static struct epoch read_epoch(struct reader *r)
{
	struct epoch e = { .counter = read_u64(r) };

	e.node = read_u8(r);
	return e;
}

static void write_group(struct writer *w, const struct state_promise *g)
{
	const struct lease_memory *m = &g->memory;
	uint8_t dead = 0;

	write_u32(w, g->wire_id);
	write_epoch(w, m->hi);
	write_u8(w, m->promise.node);
	write_epoch(w, m->promise.epoch);
	write_u64(w, (uint64_t)m->promise.until.ns);
	for (int i = 0; i <= NODE_ID_MAX; i++)
		dead += m->dead[i] != 0;
	write_u8(w, dead);
	for (int i = 0; i <= NODE_ID_MAX; i++) {
		if (m->dead[i]) {
			write_u8(w, (uint8_t)i);
			write_u64(w, m->dead[i]);
		}
	}
	write_u8(w, m->hi_unknown);
	write_u64(w, (uint64_t)m->mute_until.ns);
	write_u8(w, m->proof.node);
	write_epoch(w, m->proof.epoch);
	write_u64(w, m->met);
}

/* Of version 2. A former version's agent wrote nothing while it was mute, and knew of no proof. */
static void read_group_more(struct reader *r, struct lease_memory *m)
{
	m->hi_unknown = read_u8(r) != 0;
	m->mute_until.ns = (int64_t)read_u64(r);
	m->proof.node = read_u8(r);
	m->proof.epoch = read_epoch(r);
	m->met = read_u64(r);
	r->failed |= m->proof.node > NODE_ID_MAX;
}

static void read_group(struct reader *r, uint8_t version, struct state_promise *ret)
{
	struct lease_memory *m = &ret->memory;

	memset(ret, 0, sizeof *ret);
	ret->wire_id = read_u32(r);
	m->hi = read_epoch(r);
	m->promise.node = read_u8(r);
	m->promise.epoch = read_epoch(r);
	m->promise.until.ns = (int64_t)read_u64(r);
	r->failed |= m->promise.node > NODE_ID_MAX;
	for (uint8_t n = read_u8(r); n > 0 && !r->failed; n--) {
		uint8_t node = read_u8(r);

		if (node <= NODE_ID_MAX)
			m->dead[node] = read_u64(r);
		else
			r->failed = true;
	}
	if (version > 1)
		read_group_more(r, m);
}

/* ---- promise file ---- */

int state_promises_save(struct state_run *r, const struct state_promise *groups, uint8_t count)
{
	uint8_t buffer[PROMISE_FILE_MAX];
	struct writer w = writer_init(buffer, sizeof buffer);

	assert(count + r->others_count <= STATE_PROMISES_MAX);
	write_u32(&w, PROMISE_MAGIC);
	write_u8(&w, PROMISE_VERSION);
	write_bytes(&w, r->boot_id, STATE_BOOT_ID_SIZE);
	write_u8(&w, (uint8_t)(count + r->others_count));
	for (uint8_t i = 0; i < count; i++)
		write_group(&w, &groups[i]);
	for (uint8_t i = 0; i < r->others_count; i++)
		write_group(&w, &r->others[i]);
	write_u64(&w, digest_fnv64(DIGEST_FNV64_INIT, w.start, w.used));
	assert(!w.failed);
	return state_run_replace(r, PROMISE_FILE, buffer, w.used);
}

/* The bytes between header and checksum, or NULL and why not. */
static const char *promises_check(const struct state_run *r, const uint8_t *data, size_t len,
				  struct reader *ret, uint8_t *ret_version)
{
	char boot_id[STATE_BOOT_ID_SIZE];

	if (len < 8)
		return "is too short";
	struct reader tail = reader_init(data + len - 8, 8);

	if (read_u64(&tail) != digest_fnv64(DIGEST_FNV64_INIT, data, len - 8))
		return "has a wrong checksum";
	*ret = reader_init(data, len - 8);
	if (read_u32(ret) != PROMISE_MAGIC)
		return "is no promise file";
	*ret_version = read_u8(ret);
	if (*ret_version == 0 || *ret_version > PROMISE_VERSION)
		return "is of another version of ringkeep";
	read_bytes(ret, boot_id, sizeof boot_id);
	if (ret->failed || memcmp(boot_id, r->boot_id, sizeof boot_id))
		return "is of another boot";
	return NULL;
}

static bool promises_take(struct state_run *r, struct reader *in, uint8_t version,
			  struct state_promise *groups, uint8_t count)
{
	uint8_t n = read_u8(in);

	r->others_count = 0;
	for (uint8_t i = 0; i < n && !in->failed; i++) {
		struct state_promise p;
		bool ours = false;

		read_group(in, version, &p);
		for (uint8_t k = 0; k < count && !ours; k++) {
			ours = groups[k].wire_id == p.wire_id;
			if (ours)
				groups[k].memory = p.memory;
		}
		if (!ours && r->others_count < STATE_PROMISES_MAX - RK_GROUPS_MAX)
			r->others[r->others_count++] = p;
		else if (!ours)
			return false; /* more groups came and went than we can remember: better mute than
					 wrong */
	}
	return reader_done(in);
}

enum state_result state_promises_load(struct state_run *r, struct state_promise *groups, uint8_t count,
				      char *reterr, size_t size)
{
	uint8_t buffer[PROMISE_FILE_MAX + 1];
	_cleanup_(close_fd) int fd = openat(r->dir_fd, PROMISE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *why = NULL;
	struct reader in;
	uint8_t version = 0;

	for (uint8_t i = 0; i < count; i++)
		memset(&groups[i].memory, 0, sizeof groups[i].memory);
	if (fd < 0 && errno == ENOENT) {
		(void)snprintf(reterr, size, "the promise file is absent");
		return STATE_ABSENT;
	}
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);

	if (n < 0) {
		(void)snprintf(reterr, size, "the promise file cannot be read: %s", strerror(errno));
		return STATE_DAMAGED;
	}
	why = (size_t)n == sizeof buffer ? "is too long"
					 : promises_check(r, buffer, (size_t)n, &in, &version);
	if (!why && !promises_take(r, &in, version, groups, count))
		why = "does not make sense";
	if (!why)
		return STATE_OK;
	for (uint8_t i = 0; i < count; i++)
		memset(&groups[i].memory, 0, sizeof groups[i].memory);
	r->others_count = 0;
	(void)snprintf(reterr, size, "the promise file %s", why);
	return STATE_DAMAGED;
}
