/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What fence devices said of living nodes, and how long they took, in the run directory: a new agent of the
 * same boot believes a device as the former one did. Times are of CLOCK_BOOTTIME, so they say nothing after a
 * boot. The file is binary: magic, version, boot id, two durations, entries (digest of the device as it was
 * configured, node, time), FNV-1a checksum over all before it.
 */
#include "bytes.h"
#include "cleanup.h"
#include "digest.h"
#include "state_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FENCES_FILE	"fences"
#define FENCES_MAGIC	0x524b4631U /* "RKF1" */
#define FENCES_VERSION	1
#define FENCES_TOOK_MAX (3600 * NS_PER_S) /* longer than any call */

/* Returns how many there are; w may be NULL. */
static uint16_t fences_entries(const state_fence_digests digest, const struct fence_memory *m,
			       struct writer *w)
{
	uint16_t count = 0;

	for (int d = 0; d < FENCE_DEVICES_MAX; d++)
		for (int n = 1; n <= NODE_ID_MAX; n++) {
			if (!digest[d][n] || m->on_at[d][n].ns <= 0)
				continue;
			count++;
			if (!w)
				continue;
			write_u64(w, digest[d][n]);
			write_u8(w, (uint8_t)n);
			write_u64(w, (uint64_t)m->on_at[d][n].ns);
		}
	return count;
}

size_t state_fences_encode(const char *boot_id, const state_fence_digests digest,
			   const struct fence_memory *m, uint8_t ret[STATE_FENCES_SIZE_MAX])
{
	struct writer w = writer_init(ret, STATE_FENCES_SIZE_MAX);

	write_u32(&w, FENCES_MAGIC);
	write_u8(&w, FENCES_VERSION);
	write_bytes(&w, boot_id, STATE_BOOT_ID_SIZE);
	write_u64(&w, (uint64_t)m->off_ns_max);
	write_u64(&w, (uint64_t)m->status_ns_max);
	write_u16(&w, fences_entries(digest, m, NULL));
	(void)fences_entries(digest, m, &w);
	write_u64(&w, digest_fnv64(DIGEST_FNV64_INIT, w.start, w.used));
	assert(!w.failed);
	return w.used;
}

/* Of two devices that are configured alike, both have said it. */
static void fences_take(const state_fence_digests digest, uint64_t sum, uint8_t node, int64_t on_ns,
			struct fence_memory *ret)
{
	for (int d = 0; d < FENCE_DEVICES_MAX; d++)
		if (sum != 0 && digest[d][node] == sum)
			ret->on_at[d][node].ns = on_ns;
}

static const char *fences_head(struct reader *in, const char *boot_id)
{
	char boot[STATE_BOOT_ID_SIZE];

	if (read_u32(in) != FENCES_MAGIC)
		return "is no such file";
	if (read_u8(in) != FENCES_VERSION)
		return "is of another version of ringkeep";
	read_bytes(in, boot, sizeof boot);
	return in->failed || memcmp(boot, boot_id, sizeof boot) ? "is of another boot" : NULL;
}

static bool fences_body(struct reader *in, const state_fence_digests digest, struct fence_memory *ret)
{
	uint16_t count;

	ret->off_ns_max = (int64_t)read_u64(in);
	ret->status_ns_max = (int64_t)read_u64(in);
	if (ret->off_ns_max < 0 || ret->off_ns_max > FENCES_TOOK_MAX || ret->status_ns_max < 0 ||
	    ret->status_ns_max > FENCES_TOOK_MAX)
		return false;
	count = read_u16(in);
	for (uint16_t i = 0; i < count && !in->failed; i++) {
		uint64_t sum = read_u64(in);
		uint8_t node = read_u8(in);
		int64_t on_ns = (int64_t)read_u64(in);

		if (node == NODE_NONE || node > NODE_ID_MAX || on_ns <= 0)
			return false;
		fences_take(digest, sum, node, on_ns, ret);
	}
	return reader_done(in);
}

const char *state_fences_decode(const uint8_t *data, size_t len, const char *boot_id,
				const state_fence_digests digest, struct fence_memory *ret)
{
	struct reader in = reader_init(data, len < 8 ? 0 : len - 8);
	struct reader tail = reader_init(data + in.left, len - in.left);
	const char *why = NULL;

	memset(ret, 0, sizeof *ret);
	if (len < 8 || read_u64(&tail) != digest_fnv64(DIGEST_FNV64_INIT, data, len - 8))
		return "has a wrong checksum";
	why = fences_head(&in, boot_id);
	if (!why && !fences_body(&in, digest, ret))
		why = "does not make sense";
	if (why)
		memset(ret, 0, sizeof *ret);
	return why;
}

int state_fences_save(const struct state_run *r, const state_fence_digests digest,
		      const struct fence_memory *m)
{
	uint8_t buffer[STATE_FENCES_SIZE_MAX];

	return state_run_replace(r, FENCES_FILE, buffer, state_fences_encode(r->boot_id, digest, m, buffer));
}

enum state_result state_fences_load(const struct state_run *r, const state_fence_digests digest,
				    struct fence_memory *ret, char *reterr, size_t size)
{
	uint8_t buffer[STATE_FENCES_SIZE_MAX + 1];
	_cleanup_(close_fd) int fd = openat(r->dir_fd, FENCES_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *why;
	ssize_t n;

	memset(ret, 0, sizeof *ret);
	if (fd < 0 && errno == ENOENT) {
		(void)snprintf(reterr, size, "absent");
		return STATE_ABSENT;
	}
	n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
	why = n < 0			   ? strerror(errno)
	      : (size_t)n == sizeof buffer ? "is too long"
					   : state_fences_decode(buffer, (size_t)n, r->boot_id, digest, ret);
	if (!why)
		return STATE_OK;
	(void)snprintf(reterr, size, "%s -> no device is believed before it was asked again", why);
	return STATE_DAMAGED;
}
