/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire SOCKET WORD...: says the words, as one line, to who listens on a unix socket, then passes stdin to it and
 * prints what it answers, until it hangs up. With it a program of a lab machine asks the test itself, for example
 * what becomes of a machine's power. Exit code 1 if the first line of the answer begins with "error".
 */
#include "labtool.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void wire_write(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n <= 0)
			exit(1); /* the other end has gone, and with it everything to say */
		data += n;
		len -= (size_t)n;
	}
}

static int wire_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || strlen(path) >= sizeof to.sun_path)
		lab_die("socket");
	strcpy(to.sun_path, path);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		lab_die("%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	char data[4096], first[5] = "";
	size_t seen = 0;
	if (argc < 3) {
		fprintf(stderr, "usage: wire SOCKET WORD...\n");
		return 2;
	}
	int fd = wire_connect(argv[1]);
	for (int i = 2; i < argc; i++) {
		wire_write(fd, argv[i], strlen(argv[i]));
		wire_write(fd, i + 1 < argc ? " " : "\n", 1);
	}
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return 1;
		if (fds[0].revents) {
			ssize_t n = read(fd, data, sizeof data);
			if (n <= 0)
				return memcmp(first, "error", 5) == 0;
			for (ssize_t i = 0; i < n && seen < 5; i++)
				first[seen++] = data[i];
			wire_write(1, data, (size_t)n);
		}
		if (fds[1].revents) {
			ssize_t n = read(0, data, sizeof data);
			if (n > 0) {
				wire_write(fd, data, (size_t)n);
			} else {
				shutdown(fd, SHUT_WR);
				fds[1].fd = -1;
			}
		}
	}
}
