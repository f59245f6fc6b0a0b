/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spool.h"

#include "cleanup.h"
#include "digest.h"
#include "whole_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_DIGITS 20

static void file_name(uint64_t number, char ret[NAME_DIGITS + 1])
{
	(void)snprintf(ret, NAME_DIGITS + 1, "%020" PRIu64, number);
}

/* False: no name of ours. */
static bool number_of(const char *name, uint64_t *ret)
{
	if (strlen(name) != NAME_DIGITS || strspn(name, "0123456789") != NAME_DIGITS)
		return false;
	errno = 0;
	*ret = strtoull(name, NULL, 10);
	return errno == 0 && *ret > 0 && *ret < UINT64_MAX / 2;
}

static uint64_t id_hash(const char *id)
{
	return digest_fnv64(DIGEST_FNV64_INIT, id, strlen(id));
}

static int load(struct spool *s, uint64_t number, struct alert *ret)
{
	_cleanup_(free_ptr) char *text = NULL;
	char name[NAME_DIGITS + 1];
	size_t len = 0;

	file_name(number, name);
	int r = whole_file_read(s->dir_fd, name, ALERT_JSON_MAX, &text, &len);

	if (r == 0)
		r = alert_parse(text, len, ret);
	return r;
}

/* ---- opening ---- */

static int by_number(const void *a, const void *b)
{
	const struct spool_entry *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void remove_number(struct spool *s, uint64_t number)
{
	char name[NAME_DIGITS + 1];

	file_name(number, name);
	(void)unlinkat(s->dir_fd, name, 0); /* it comes again if it stays: at least once */
}

static int add_found(struct spool_entry **list, size_t *count, size_t *room, uint64_t number)
{
	if (*count == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct spool_entry *grown = realloc(*list, more * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		*list = grown;
		*room = more;
	}
	(*list)[(*count)++] = (struct spool_entry){ .number = number };
	return 0;
}

static int scan(struct spool *s, DIR *dir, struct spool_entry **list, size_t *count)
{
	size_t room = 0;
	struct dirent *e;
	uint64_t number;
	int r = 0;

	while (r == 0 && (e = readdir(dir))) {
		size_t len = strlen(e->d_name), end = sizeof WHOLE_FILE_BESIDE - 1;

		if (number_of(e->d_name, &number))
			r = add_found(list, count, &room, number);
		else if (len > end && !strcmp(e->d_name + len - end, WHOLE_FILE_BESIDE))
			(void)unlinkat(s->dir_fd, e->d_name, 0); /* an interrupted write: never was */
	}
	return r;
}

/* With a smaller bound than before the oldest go. */
static void take_found(struct spool *s, struct spool_entry *list, size_t count)
{
	struct alert a;

	if (count)
		qsort(list, count, sizeof *list, by_number);
	for (size_t i = 0; i < count; i++) {
		s->next = list[i].number + 1;
		if (load(s, list[i].number, &a) < 0) {
			s->damaged++;
			remove_number(s, list[i].number);
		} else if (count - i > s->max) {
			remove_number(s, list[i].number);
		} else {
			s->entry[s->count++] =
				(struct spool_entry){ .number = list[i].number, .id_hash = id_hash(a.id) };
		}
	}
}

int spool_open(struct spool *ret, int dir_fd, const char *name, size_t max)
{
	_cleanup_(free_ptr) struct spool_entry *list = NULL;
	struct spool s = { .dir_fd = -EBADF, .max = max, .next = 1 };
	size_t count = 0;
	int r;

	if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	s.dir_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int again = s.dir_fd < 0 ? -EBADF : openat(s.dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);

	r = dir ? scan(&s, dir, &list, &count) : -errno;
	if (dir)
		(void)closedir(dir);
	s.entry = calloc(max, sizeof *s.entry);
	if (r == 0 && !s.entry)
		r = -ENOMEM;
	if (r < 0) {
		spool_close(&s);
		return r;
	}
	take_found(&s, list, count);
	*ret = s;
	return 0;
}

void spool_close(struct spool *s)
{
	close_fd(&s->dir_fd);
	s->dir_fd = -EBADF;
	free(s->entry);
	s->entry = NULL;
	s->count = 0;
}

/* ---- use ---- */

static bool waits(const struct spool *s, uint64_t hash)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->entry[i].id_hash == hash)
			return true;
	return false;
}

int spool_put(struct spool *s, const struct alert *a)
{
	uint64_t hash = id_hash(a->id);
	char name[NAME_DIGITS + 1];
	json_t *j;
	char *text;
	int r;

	if (waits(s, hash))
		return 1;
	if (s->count == s->max)
		return -ENOBUFS;
	j = alert_json(a);
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (!text)
		return -ENOMEM;
	file_name(s->next, name);
	r = whole_file_write(s->dir_fd, name, text, strlen(text));
	free(text);
	if (r < 0)
		return r;
	s->entry[s->count++] = (struct spool_entry){ .number = s->next++, .id_hash = hash };
	return 0;
}

int spool_first(struct spool *s, struct alert *ret)
{
	while (s->count > 0) {
		int r = load(s, s->entry[0].number, ret);

		if (r == 0)
			return 0;
		if (r != -EBADMSG && r != -ENOENT && r != -EFBIG)
			return r; /* the disk: later */
		s->damaged++;
		(void)spool_remove(s, 0); /* what cannot be read is not told */
	}
	return -ENOENT;
}

int spool_remove(struct spool *s, size_t index)
{
	char name[NAME_DIGITS + 1];
	int r;

	if (index >= s->count)
		return -ENOENT;
	file_name(s->entry[index].number, name);
	r = unlinkat(s->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	/* Also if it stays: told once more after a restart, and not without end now. */
	memmove(&s->entry[index], &s->entry[index + 1], (s->count - index - 1) * sizeof s->entry[0]);
	s->count--;
	return r;
}
