/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The chained file. Each line is the record with `"prev":"<hash of the line before>"` as its last member. The
 * chain goes on over a rotation: the first line of `history` names the last one of `history.1`.
 */
#include "cleanup.h"
#include "history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NOW   "history"
#define FILE_OLD   "history.1"
#define PREV_KEY   ",\"prev\":\""
#define PREV_LEN   (sizeof PREV_KEY - 1 + DIGEST_SHA256_SIZE * 2 + 2) /* ,"prev":"..."} */
#define FIRST_PREV "0000000000000000000000000000000000000000000000000000000000000000"

/* One bit for each number of each node that has written. */
struct history_seen {
	uint8_t *bits[NODE_ID_MAX + 1];
	size_t bytes[NODE_ID_MAX + 1];
};

static void seen_free(struct history_seen *s)
{
	for (int i = 0; s && i <= NODE_ID_MAX; i++)
		free(s->bits[i]);
	free(s);
}

static bool seen_has(const struct history_seen *s, node_id_t node, uint64_t number)
{
	return number / 8 < s->bytes[node] && (s->bits[node][number / 8] >> number % 8 & 1);
}

static int seen_add(struct history_seen *s, node_id_t node, uint64_t number)
{
	if (number / 8 >= s->bytes[node]) {
		size_t bytes = 2 * (number / 8 + 64);
		uint8_t *more = realloc(s->bits[node], bytes);

		if (!more)
			return -ENOMEM;
		memset(more + s->bytes[node], 0, bytes - s->bytes[node]);
		s->bits[node] = more;
		s->bytes[node] = bytes;
	}
	s->bits[node][number / 8] |= (uint8_t)(1 << number % 8);
	return 0;
}

/* ---- reading ---- */

/* The whole file on the heap, NUL-terminated; an absent one is empty. */
static int file_read(int dir_fd, const char *name, char **ret, size_t *ret_len)
{
	_cleanup_(close_fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st = { 0 };
	size_t used = 0;
	ssize_t n = 1;

	if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fstat(fd, &st) < 0))
		return -errno;
	char *text = malloc((size_t)st.st_size + 1);

	if (!text)
		return -ENOMEM;
	while (fd >= 0 && n > 0 && used < (size_t)st.st_size) {
		n = read(fd, text + used, (size_t)st.st_size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		free(text);
		return -errno;
	}
	text[used] = 0;
	*ret = text;
	*ret_len = used;
	return 0;
}

/* The record without its "prev", and where that is. False: the line has no chain. */
static bool line_split(const char *line, size_t len, const char **ret_prev, size_t *ret_record_len)
{
	const char *at = line + len - PREV_LEN;

	if (len <= PREV_LEN || memcmp(at, PREV_KEY, sizeof PREV_KEY - 1) || memcmp(line + len - 2, "\"}", 2))
		return false;
	*ret_prev = at + sizeof PREV_KEY - 1;
	*ret_record_len = (size_t)(at - line);
	return true;
}

static int line_identify(const char *line, size_t len, node_id_t *ret_node, uint64_t *ret_number)
{
	char record[HISTORY_LINE_MAX + 2];
	const char *prev;
	size_t n;

	if (!line_split(line, len, &prev, &n) || n >= HISTORY_LINE_MAX)
		return -EINVAL;
	(void)snprintf(record, sizeof record, "%.*s}", (int)n, line);
	return history_identify(record, n + 1, ret_node, ret_number);
}

/* Calls once per whole line, without its newline; stops when `each` returns false. */
static void lines_walk(const char *text, size_t len, bool (*each)(void *ctx, const char *line, size_t len),
		       void *ctx)
{
	const char *end;

	for (const char *p = text; (end = memchr(p, '\n', len - (size_t)(p - text))); p = end + 1)
		if (!each(ctx, p, (size_t)(end - p)))
			return;
}

static bool remember_line(void *ctx, const char *line, size_t len)
{
	struct history_file *h = ctx;
	uint64_t number;
	node_id_t node;

	digest_sha256_hex(line, len, h->prev);
	/* A line that we cannot read stays, for history_verify() to tell. */
	if (line_identify(line, len, &node, &number) == 0)
		(void)seen_add(h->seen, node, number); /* without memory: a duplicate may be written */
	return true;
}

int history_open(struct history_file *ret, int dir_fd, uint64_t bytes_max)
{
	struct history_file h = { .dir_fd = dir_fd, .bytes_max = bytes_max, .prev = FIRST_PREV };
	_cleanup_(free_ptr) char *old = NULL, *now = NULL;
	size_t old_len, now_len;
	int r = file_read(dir_fd, FILE_OLD, &old, &old_len);

	if (r == 0)
		r = file_read(dir_fd, FILE_NOW, &now, &now_len);
	if (r < 0)
		return r;
	h.seen = calloc(1, sizeof *h.seen);
	if (!h.seen)
		return -ENOMEM;
	lines_walk(old, old_len, remember_line, &h);
	lines_walk(now, now_len, remember_line, &h);
	h.fd = openat(dir_fd, FILE_NOW, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (h.fd < 0) {
		r = -errno;
		seen_free(h.seen);
		return r;
	}
	/* A power cut may have left half a line. */
	while (now_len > 0 && now[now_len - 1] != '\n')
		now_len--;
	if (ftruncate(h.fd, (off_t)now_len) < 0 || lseek(h.fd, 0, SEEK_END) < 0) {
		r = -errno;
		history_close(&h);
		return r;
	}
	h.bytes = now_len;
	*ret = h;
	return 0;
}

void history_close(struct history_file *h)
{
	close_fd(&h->fd);
	h->fd = -EBADF;
	seen_free(h->seen);
	h->seen = NULL;
}

/* ---- writing ---- */

static int history_rotate(struct history_file *h)
{
	/* Not there: renamed by the time before, when the new one could not be made. */
	if (renameat(h->dir_fd, FILE_NOW, h->dir_fd, FILE_OLD) < 0 && errno != ENOENT)
		return -errno;
	int fd = openat(h->dir_fd, FILE_NOW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	close_fd(&h->fd);
	h->fd = fd;
	h->bytes = 0;
	return fsync(h->dir_fd) < 0 ? -errno : 0;
}

int history_append(struct history_file *h, const char *line, size_t len)
{
	char chained[HISTORY_LINE_MAX + PREV_LEN + 2];
	uint64_t number;
	node_id_t node;
	int r = history_identify(line, len, &node, &number);

	if (r < 0)
		return r;
	if (seen_has(h->seen, node, number))
		return 1;
	int n = snprintf(chained, sizeof chained, "%.*s" PREV_KEY "%s\"}\n", (int)len - 1, line, h->prev);

	assert(n > 0 && (size_t)n < sizeof chained);
	if (h->bytes && h->bytes + (uint64_t)n > h->bytes_max) {
		r = history_rotate(h);
		if (r < 0)
			return r;
	}
	ssize_t written = pwrite(h->fd, chained, (size_t)n, (off_t)h->bytes);

	if (written != n || fsync(h->fd) < 0) {
		r = written < 0 ? -errno : written != n ? -ENOSPC : -errno;
		(void)ftruncate(h->fd, (off_t)h->bytes); /* half a line: history_open() would cut it, too */
		return r;
	}
	h->bytes += (uint64_t)n;
	digest_sha256_hex(chained, (size_t)n - 1, h->prev);
	return seen_add(h->seen, node, number);
}

/* ---- looking ---- */

struct walker {
	void (*each)(void *ctx, const json_t *record);
	void *ctx;
};

static bool walk_line(void *ctx, const char *line, size_t len)
{
	const struct walker *w = ctx;
	json_t *record = json_loadb(line, len, 0, NULL);

	if (record)
		w->each(w->ctx, record);
	json_decref(record);
	return true;
}

int history_walk(int dir_fd, void (*each)(void *ctx, const json_t *record), void *ctx)
{
	static const char *const files[] = { FILE_OLD, FILE_NOW };
	struct walker w = { each, ctx };

	for (int i = 0; i < 2; i++) {
		_cleanup_(free_ptr) char *text = NULL;
		size_t len;
		int r = file_read(dir_fd, files[i], &text, &len);

		if (r < 0)
			return r;
		lines_walk(text, len, walk_line, &w);
	}
	return 0;
}

static bool is_of_type(const json_t *record, const char *type)
{
	const char *is = json_string_value(json_object_get(record, "type"));
	size_t len = strlen(type);

	return is && !strncmp(is, type, len) && (!is[len] || is[len] == '-');
}

/* Without parsing it: one that cannot be of that type. */
static bool is_other(const char *line, size_t len, const char *type)
{
	char word[48];
	int n = snprintf(word, sizeof word, "\"type\":\"%s", type);

	return n > 0 && (size_t)n < sizeof word && !memmem(line, len, word, (size_t)n);
}

/* Prepends the last lines of text, of that type if it is not NULL, until the list has count. */
static void read_backwards(const char *text, size_t len, const char *type, unsigned count, json_t *list)
{
	while (len > 0 && json_array_size(list) < count) {
		size_t end = len - 1; /* the newline */
		const char *before = memrchr(text, '\n', end);
		size_t start = before ? (size_t)(before + 1 - text) : 0;
		bool other = type && is_other(text + start, end - start, type);
		json_t *record = other ? NULL : json_loadb(text + start, end - start, 0, NULL);

		if (record && (!type || is_of_type(record, type)))
			(void)json_array_insert(list, 0, record);
		json_decref(record);
		len = start;
	}
}

json_t *history_read(int dir_fd, unsigned count)
{
	return history_read_type(dir_fd, NULL, count);
}

json_t *history_read_type(int dir_fd, const char *type, unsigned count)
{
	static const char *const files[] = { FILE_NOW, FILE_OLD };
	json_t *list = json_array();

	for (int i = 0; i < 2 && list && json_array_size(list) < count; i++) {
		_cleanup_(free_ptr) char *text = NULL;
		size_t len;

		if (file_read(dir_fd, files[i], &text, &len) < 0) {
			json_decref(list);
			return NULL;
		}
		while (len > 0 && text[len - 1] != '\n')
			len--; /* being written */
		read_backwards(text, len, type, count, list);
	}
	return list;
}

/* ---- verifying ---- */

static bool verify_line(void *ctx, const char *line, size_t len)
{
	struct history_verdict *v = ctx;
	const char *prev;
	size_t record_len;
	uint64_t number;
	node_id_t node;

	v->lines++;
	bool chained = line_split(line, len, &prev, &record_len);

	/* The oldest line names one that was rotated away: nothing to compare with. */
	if (!chained || line_identify(line, len, &node, &number) < 0 ||
	    (v->lines > 1 && memcmp(prev, v->head, DIGEST_SHA256_SIZE * 2))) {
		v->intact = false;
		v->bad_line = v->lines;
		(void)snprintf(v->text, sizeof v->text,
			       chained ? "line %" PRIu64
					 " does not follow the line before it: one of them was changed, "
					 "or lines were removed or inserted there"
				       : "line %" PRIu64 " is not a record of ringkeep",
			       v->lines);
		return false;
	}
	digest_sha256_hex(line, len, v->head);
	return true;
}

int history_verify(int dir_fd, struct history_verdict *ret)
{
	static const char *const files[] = { FILE_OLD, FILE_NOW };
	struct history_verdict v = { .intact = true, .head = FIRST_PREV };

	for (int i = 0; i < 2 && v.intact; i++) {
		_cleanup_(free_ptr) char *text = NULL;
		size_t len;
		int r = file_read(dir_fd, files[i], &text, &len);

		if (r < 0)
			return r;
		lines_walk(text, len, verify_line, &v);
	}
	if (v.intact)
		(void)snprintf(v.text, sizeof v.text, "%" PRIu64 " records, each follows the one before",
			       v.lines);
	*ret = v;
	return 0;
}
