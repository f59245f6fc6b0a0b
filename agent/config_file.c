/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* With room for a suffix. */
struct names {
	char is[PATH_MAX], folder[PATH_MAX];
	char pushed[PATH_MAX + 16], old[PATH_MAX + 16], previous[PATH_MAX + 16];
};

static int names_of(const char *path, struct names *ret)
{
	char copy[PATH_MAX];

	if (!realpath(path, ret->is))
		return -errno;
	(void)snprintf(ret->pushed, sizeof ret->pushed, "%s.pushed", ret->is);
	(void)snprintf(ret->old, sizeof ret->old, "%s.old", ret->is);
	(void)snprintf(ret->previous, sizeof ret->previous, "%s.previous", ret->is);
	(void)snprintf(copy, sizeof copy, "%s", ret->is);
	(void)snprintf(ret->folder, sizeof ret->folder, "%s", dirname(copy));
	return 0;
}

static int folder_sync(const struct names *n)
{
	_cleanup_(close_fd) int fd = open(n->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* A new file each time: whoever can write to the folder cannot lead us elsewhere. An agent that is not root
 * cannot give a file away: then it is its own, as readable as st says. */
static int put(const char *path, const char *text, size_t len, const struct stat *st)
{
	_cleanup_(close_fd) int fd = -EBADF;
	ssize_t written;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	written = write(fd, text, len);
	if (written < 0)
		return -errno;
	if ((size_t)written != len)
		return -ENOSPC;
	if (fchown(fd, st->st_uid, st->st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, st->st_mode & 07777) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* What is there, too: it could not be linked by who does not own it. */
static int stage(const struct names *n, const char *text, size_t len)
{
	_cleanup_(close_fd) int fd = open(n->is, O_RDONLY | O_CLOEXEC);
	_cleanup_(free_ptr) char *old = NULL;
	struct stat st;
	ssize_t old_len;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	old = malloc((size_t)st.st_size + 1);
	if (!old)
		return -ENOMEM;
	old_len = read(fd, old, (size_t)st.st_size);
	if (old_len != st.st_size)
		return old_len < 0 ? -errno : -EBUSY; /* somebody writes to it */
	r = put(n->old, old, (size_t)old_len, &st);
	return r < 0 ? r : put(n->pushed, text, len, &st);
}

static int take(const struct names *n)
{
	return rename(n->old, n->previous) < 0 || rename(n->pushed, n->is) < 0 ? -errno : folder_sync(n);
}

static int drop(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int config_file_step(enum config_file_step step, const char *path, const char *text, size_t len)
{
	struct names n;
	int r = names_of(path, &n);

	if (r < 0)
		return r;
	switch (step) {
	case CONFIG_FILE_STAGE:
		return stage(&n, text, len);
	case CONFIG_FILE_TAKE:
		return take(&n);
	case CONFIG_FILE_BACK:
		return rename(n.previous, n.is) < 0 ? -errno : folder_sync(&n);
	case CONFIG_FILE_DROP:
		r = drop(n.pushed);
		return r < 0 ? r : drop(n.old);
	case CONFIG_FILE_STEPS:
		break;
	}
	return -EINVAL;
}
