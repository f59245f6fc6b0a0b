/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state directory: small text files that an administrator can read, each ending in a checksum line.
 */
#include "cleanup.h"
#include "digest.h"
#include "state_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define DISK_FILE_MAX 8192

struct disk_text {
	char data[DISK_FILE_MAX];
	size_t used;
};

int state_dir_open(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

__attribute__((format(printf, 2, 3))) static void text_add(struct disk_text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(t->data + t->used, sizeof t->data - t->used, fmt, ap);

	va_end(ap);
	/* The largest, an intent about every node, is under 4 KiB. */
	t->used += n > 0 && (size_t)n < sizeof t->data - t->used ? (size_t)n : 0;
}

#define CHECKSUM_LINE_SIZE 32

/* "checksum <16 hex digits>" over all before it. */
static void checksum_line(const struct disk_text *t, char ret[CHECKSUM_LINE_SIZE])
{
	(void)snprintf(ret, CHECKSUM_LINE_SIZE, "checksum %016" PRIx64 "\n",
		       digest_fnv64(DIGEST_FNV64_INIT, t->data, t->used));
}

/* Beside, fsync, rename, fsync of the directory: after a power cut the old or the new file is there, whole.
 */
static int disk_replace(int dir_fd, const char *name, struct disk_text *t)
{
	char temp[32], line[CHECKSUM_LINE_SIZE];

	checksum_line(t, line);
	text_add(t, "%s", line);
	(void)snprintf(temp, sizeof temp, "%s.tmp", name);
	_cleanup_(close_fd) int fd =
		openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, t->data, t->used);

	if (n < 0)
		return -errno;
	if ((size_t)n != t->used)
		return -ENOSPC;
	if (fsync(fd) < 0 || renameat(dir_fd, temp, dir_fd, name) < 0 || fsync(dir_fd) < 0)
		return -errno;
	return 0;
}

/* On STATE_OK the text before the checksum line, ending in NUL. */
static enum state_result disk_read(int dir_fd, const char *name, struct disk_text *ret, char *reterr,
				   size_t size)
{
	_cleanup_(close_fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char line[CHECKSUM_LINE_SIZE];

	if (fd < 0 && errno == ENOENT) {
		(void)snprintf(reterr, size, "the file %s is absent", name);
		return STATE_ABSENT;
	}
	ssize_t n = fd < 0 ? -1 : read(fd, ret->data, sizeof ret->data - 1);

	if (n < 0) {
		(void)snprintf(reterr, size, "the file %s cannot be read: %s", name, strerror(errno));
		return STATE_DAMAGED;
	}
	ret->data[n] = 0;
	char *last = strstr(ret->data, "\nchecksum ");

	if (!last) {
		(void)snprintf(reterr, size, "the file %s is cut short", name);
		return STATE_DAMAGED;
	}
	ret->used = (size_t)(last + 1 - ret->data);
	checksum_line(ret, line);
	if (strcmp(last + 1, line)) {
		(void)snprintf(reterr, size, "the file %s has a wrong checksum", name);
		return STATE_DAMAGED;
	}
	last[1] = 0;
	return STATE_OK;
}

static enum state_result bad_content(const char *name, char *reterr, size_t size)
{
	(void)snprintf(reterr, size, "the file %s is of another version of ringkeep", name);
	return STATE_DAMAGED;
}

/* ---- ceiling ---- */

int state_ceiling_save(int dir_fd, uint64_t ceiling)
{
	struct disk_text t = { .used = 0 };

	text_add(&t, "ringkeep-epoch 1\nceiling %" PRIu64 "\n", ceiling);
	return disk_replace(dir_fd, "epoch", &t);
}

enum state_result state_ceiling_load(int dir_fd, uint64_t *ret, char *reterr, size_t size)
{
	struct disk_text t;
	enum state_result r = disk_read(dir_fd, "epoch", &t, reterr, size);

	if (r != STATE_OK)
		return r;
	if (sscanf(t.data, "ringkeep-epoch 1\nceiling %" SCNu64 "\n", ret) != 1)
		return bad_content("epoch", reterr, size);
	return STATE_OK;
}

/* ---- voters ---- */

int state_voters_save(int dir_fd, const struct voter_set *v)
{
	struct disk_text t = { .used = 0 };

	text_add(&t,
		 "ringkeep-voters 1\nversion %" PRIu32 "\nphase %s\nold %016" PRIx64 "\nnew %016" PRIx64 "\n",
		 v->version, v->phase == VOTERS_JOINT ? "joint" : "stable", v->old_set, v->new_set);
	return disk_replace(dir_fd, "voters", &t);
}

enum state_result state_voters_load(int dir_fd, struct voter_set *ret, char *reterr, size_t size)
{
	struct disk_text t;
	struct voter_set v = { 0 };
	char phase[8];
	enum state_result r = disk_read(dir_fd, "voters", &t, reterr, size);

	if (r != STATE_OK)
		return r;
	if (sscanf(t.data,
		   "ringkeep-voters 1\nversion %" SCNu32 "\nphase %7s\nold %16" SCNx64 "\nnew %16" SCNx64
		   "\n",
		   &v.version, phase, &v.old_set, &v.new_set) != 4 ||
	    (strcmp(phase, "joint") && strcmp(phase, "stable")))
		return bad_content("voters", reterr, size);
	v.phase = !strcmp(phase, "joint") ? VOTERS_JOINT : VOTERS_STABLE;
	*ret = v;
	return STATE_OK;
}

/* ---- intent ---- */

int state_intent_save(int dir_fd, const struct core_intent *in)
{
	struct disk_text t = { .used = 0 };

	text_add(&t, "ringkeep-intent 1\npaused %d %" PRIu64 " %u\n", in->paused, in->paused_stamp,
		 in->paused_by);
	for (unsigned i = 1; i <= NODE_ID_MAX; i++)
		if (in->node[i].stamp || in->node[i].standby)
			text_add(&t, "standby %u %d %" PRIu64 " %u\n", i, in->node[i].standby,
				 in->node[i].stamp, in->node[i].by);
	return disk_replace(dir_fd, "intent", &t);
}

enum state_result state_intent_load(int dir_fd, struct core_intent *ret, char *reterr, size_t size)
{
	struct disk_text t;
	struct core_intent in = { 0 };
	unsigned node, flag, by;
	uint64_t stamp;
	int end = 0;
	enum state_result r = disk_read(dir_fd, "intent", &t, reterr, size);

	if (r != STATE_OK)
		return r;
	if (sscanf(t.data, "ringkeep-intent 1\npaused %u %" SCNu64 " %u\n%n", &flag, &stamp, &by, &end) !=
		    3 ||
	    by > NODE_ID_MAX)
		return bad_content("intent", reterr, size);
	in.paused = flag != 0;
	in.paused_stamp = stamp;
	in.paused_by = (node_id_t)by;
	for (const char *p = t.data + end; *p; p += end) {
		if (sscanf(p, "standby %u %u %" SCNu64 " %u\n%n", &node, &flag, &stamp, &by, &end) != 4 ||
		    !node || node > NODE_ID_MAX || by > NODE_ID_MAX)
			return bad_content("intent", reterr, size);
		in.node[node].standby = flag != 0;
		in.node[node].stamp = stamp;
		in.node[node].by = (node_id_t)by;
	}
	*ret = in;
	return STATE_OK;
}

/* ---- uplinks ---- */

/* A name has no blank, so "-" and a name are one word each. */
static const char *ordered_word(const char *name)
{
	return *name ? name : "-";
}

int state_uplinks_save(int dir_fd, const struct state_uplinks *u)
{
	struct disk_text t = { .used = 0 };

	text_add(&t, "ringkeep-uplinks 1\nipv4 %s\nipv6 %s\n", ordered_word(u->ordered[0]),
		 ordered_word(u->ordered[1]));
	return disk_replace(dir_fd, "uplinks", &t);
}

static_assert(RK_NAME_MAX == 32, "the formats of state_uplinks_load()");

enum state_result state_uplinks_load(int dir_fd, struct state_uplinks *ret, char *reterr, size_t size)
{
	struct disk_text t;
	struct state_uplinks u = { 0 };
	enum state_result r = disk_read(dir_fd, "uplinks", &t, reterr, size);

	if (r != STATE_OK)
		return r;
	if (sscanf(t.data, "ringkeep-uplinks 1\nipv4 %31s\nipv6 %31s\n", u.ordered[0], u.ordered[1]) != 2)
		return bad_content("uplinks", reterr, size);
	for (int f = 0; f < 2; f++)
		if (!strcmp(u.ordered[f], "-"))
			u.ordered[f][0] = 0;
	*ret = u;
	return STATE_OK;
}
