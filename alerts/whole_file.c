/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "whole_file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int whole_file_write(int dir_fd, const char *name, const char *text, size_t len)
{
	char beside[256];
	int r;

	(void)snprintf(beside, sizeof beside, "%.240s%s", name, WHOLE_FILE_BESIDE);
	{
		_cleanup_(close_fd) int fd =
			openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

		r = fd < 0 ? -errno : write_all(fd, text, len);
	}
	if (r == 0 && renameat(dir_fd, beside, dir_fd, name) < 0)
		r = -errno;
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir_fd, beside, 0); /* a full disk: at least not by this */
	return r;
}

int whole_file_read(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_(close_fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(free_ptr) char *text = NULL;
	size_t used = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (used < (size_t)st.st_size && n > 0) {
		n = read(fd, text + used, (size_t)st.st_size - used);
		if (n < 0 && errno != EINTR)
			return -errno;
		used += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	text[used] = '\0';
	*ret = text;
	*ret_len = used;
	text = NULL;
	return 0;
}
