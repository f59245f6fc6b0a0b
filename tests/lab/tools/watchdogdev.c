/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LD_PRELOAD shim: /dev/watchdog* of one process is a device that a test plays (ringlab/watchdog.py) at the
 * unix socket $LAB_WATCHDOG. The rules are the kernel's: opening arms, one opener, a close without the letter
 * V leaves it armed, ioctl() reads the timeout back as the device rounded it. The process is unchanged; only
 * what it calls on that descriptor goes elsewhere.
 */
#undef _FILE_OFFSET_BITS /* with it open() is another name of open64(), and both are needed here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int device = -1, boot_status, nowayout;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool say(const char *text)
{
	return send(device, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static int ask(const char *text)
{
	char answer[32] = "";

	if (!say(text) || recv(device, answer, sizeof answer - 1, 0) <= 0) {
		errno = EIO;
		return -1;
	}
	return atoi(answer);
}

static int device_open(void)
{
	const char *path = getenv("LAB_WATCHDOG");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char answer[64] = "";
	int fd = path ? socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) : -1;

	errno = ENOENT;
	if (fd < 0)
		return -1;
	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	if (connect(fd, (const struct sockaddr *)&a, sizeof a) < 0 ||
	    recv(fd, answer, sizeof answer - 1, 0) <= 0) {
		REAL(close)(fd);
		errno = ENOENT; /* nobody plays the device: there is none */
		return -1;
	}
	if (sscanf(answer, "open %d %d", &boot_status, &nowayout) != 2) {
		REAL(close)(fd);
		errno = EBUSY;
		return -1;
	}
	return device = fd;
}

/* What sysfs says of the device. */
static int nowayout_open(void)
{
	int fd = memfd_create("nowayout", MFD_CLOEXEC);

	if (fd >= 0) {
		(void)!REAL(write)(fd, nowayout ? "1\n" : "0\n", 2);
		(void)lseek(fd, 0, SEEK_SET);
	}
	return fd;
}

static bool ours(const char *path, int *ret_fd)
{
	if (!getenv("LAB_WATCHDOG"))
		return false;
	if (!strncmp(path, "/dev/watchdog", 13))
		*ret_fd = device_open();
	else if (!strncmp(path, "/sys/class/watchdog/", 20))
		*ret_fd = nowayout_open();
	else
		return false;
	return true;
}

#define OPEN(name)                                                           \
	int name(const char *path, int flags, ...)                           \
	{                                                                    \
		mode_t mode = 0;                                             \
		va_list args;                                                \
		int fd;                                                      \
                                                                             \
		va_start(args, flags);                                       \
		if (flags & (O_CREAT | O_TMPFILE))                           \
			mode = va_arg(args, mode_t);                         \
		va_end(args);                                                \
		return ours(path, &fd) ? fd : REAL(name)(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t len)
{
	if (fd < 0 || fd != device)
		return REAL(write)(fd, data, len);
	if (!say(memchr(data, 'V', len) ? "letter" : "feed")) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)len;
}

static int set_timeout(int *seconds)
{
	char text[32];
	int got;

	(void)snprintf(text, sizeof text, "timeout %d", *seconds);
	got = ask(text);
	if (got <= 0) {
		errno = got < 0 ? EIO : EINVAL;
		return -1;
	}
	*seconds = got;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct watchdog_info *info;
	va_list args;
	void *p;

	va_start(args, request);
	p = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd != device)
		return REAL(ioctl)(fd, request, p);
	switch (request) {
	case WDIOC_GETSUPPORT:
		info = p;
		memset(info, 0, sizeof *info);
		info->options = WDIOF_SETTIMEOUT | WDIOF_MAGICCLOSE | WDIOF_KEEPALIVEPING;
		strcpy((char *)info->identity, "lab device");
		return 0;
	case WDIOC_GETBOOTSTATUS:
		*(int *)p = boot_status;
		return 0;
	case WDIOC_KEEPALIVE:
		errno = EIO;
		return say("feed") ? 0 : -1;
	case WDIOC_SETTIMEOUT:
		return set_timeout(p);
	case WDIOC_GETTIMEOUT:
		*(int *)p = ask("timeout?");
		return *(int *)p < 0 ? -1 : 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

int close(int fd)
{
	if (fd >= 0 && fd == device)
		device = -1;
	return REAL(close)(fd);
}
