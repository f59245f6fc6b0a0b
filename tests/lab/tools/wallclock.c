/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LD_PRELOAD shim: shifts the wall clock of one process by the seconds in the file $LAB_WALLCLOCK (an int64
 * in memory shared through mmap, so a step is one store). The kernel has one CLOCK_REALTIME for all
 * namespaces, so this is the only way to step one node's wall clock while the others keep theirs. It covers
 * every reading through libc (clock_gettime, gettimeofday, time, timespec_get); not covered: timers armed in
 * the kernel on CLOCK_REALTIME and file times.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t wallclock_zero;
static volatile int64_t *wallclock_step = &wallclock_zero;

__attribute__((constructor)) static void wallclock_start(void)
{
	const char *path = getenv("LAB_WALLCLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (map != MAP_FAILED)
		wallclock_step = map;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI))
		t->tv_sec += *wallclock_step;
	return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	int r = clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return r;
}

time_t time(time_t *ret)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int timespec_get(struct timespec *t, int base)
{
	return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, t) == 0 ? base : 0;
}
