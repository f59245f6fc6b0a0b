/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "secret_file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int secret_file_read(const char *path, char ret[SECRET_FILE_MAX])
{
	/* O_NONBLOCK: a FIFO must not make us wait for a writer. */
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[SECRET_FILE_MAX + 1];
	struct stat st;
	ssize_t n;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_mode & 077)
		return -EPERM;
	n = read(fd, text, sizeof text);
	if (n < 0)
		return -errno;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n == 0)
		r = -ENODATA;
	else if (n >= SECRET_FILE_MAX)
		r = -EMSGSIZE;
	else if (memchr(text, '\n', (size_t)n) || memchr(text, '\r', (size_t)n) || memchr(text, 0, (size_t)n))
		r = -EINVAL;
	if (r == 0) {
		memcpy(ret, text, (size_t)n);
		ret[n] = 0;
	}
	explicit_bzero(text, sizeof text);
	return r;
}

const char *secret_file_error(int error)
{
	switch (error) {
	case -EPERM:
		return "others than its owner may use it; chmod 600";
	case -ENODATA:
		return "it is empty; write the secret into it";
	case -EMSGSIZE:
		return "it is longer than 255 bytes; write the secret alone into it";
	case -EINVAL:
		return "it is not a file of one line; write the secret alone into it";
	}
	return strerror(-error);
}
