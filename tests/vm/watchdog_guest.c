/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first process of a virtual machine with a watchdog: plays the agent with the agent's own side of it
 * (fencing/watchdog.c) and the unchanged feeder, and does what the kernel's command line says. Lines on the
 * console are what watchdog_vm.py measures by.
 */
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUND_MS    100
#define ROUNDS	    15
#define ROUNDS_MORE (2 * TIMEOUT_MS / ROUND_MS)
#define SURVIVE_S   7
#define TIMEOUT_MS  4000

static struct watchdog dog;
static struct watchdog_report said;

static void load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) < 0)
		(void)printf("GUEST cannot load %s: %s\n", path, strerror(errno));
	(void)close(fd);
}

static void command_line(char *ret, size_t size)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, ret, size - 1);

	ret[n > 0 ? n : 0] = 0;
	(void)close(fd);
}

static void count(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		watchdog_count_round(&dog);
		(void)usleep(ROUND_MS * 1000);
	}
}

static void report(const char *when)
{
	watchdog_report(&dog, &said);
	(void)printf("GUEST %s: %s (%s), timeout %u ms, error %d, fed %llu, card reset %d, nowayout %d, real "
		     "time %d\n",
		     when, watchdog_state_name(said.state), said.identity, said.timeout_ms, said.error,
		     (unsigned long long)said.fed, said.card_reset, said.nowayout, said.realtime);
}

static void scene(const char *line)
{
	if (strstr(line, "scene=killed")) {
		(void)kill(dog.pid, SIGKILL);
	} else if (strstr(line, "scene=left")) {
		watchdog_order(&dog, WATCHDOG_ORDER_LEAVE);
	} else if (strstr(line, "scene=stop")) {
		if (!strstr(line, "nowayout"))
			count(ROUNDS_MORE); /* a device that is fed does nothing */
		(void)printf("GUEST stop: %s\n", watchdog_stop(&dog, 2000) ? "done" : "failed");
		report("after the stop");
	}
	(void)printf("GUEST last round\n");
	(void)sleep(SURVIVE_S);
}

int main(void)
{
	char line[1024];
	bool first;
	int run;

	setvbuf(stdout, NULL, _IONBF, 0);
	(void)mkdir("/proc", 0755), (void)mkdir("/sys", 0755), (void)mkdir("/dev", 0755),
		(void)mkdir("/run", 0755);
	(void)mount("proc", "/proc", "proc", 0, NULL);
	(void)mount("sysfs", "/sys", "sysfs", 0, NULL);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	command_line(line, sizeof line);
	load("/watchdog.ko", "");
	load("/i6300esb.ko", strstr(line, "nowayout") ? "nowayout=1" : "");
	watchdog_init(&dog);
	run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (watchdog_open(&dog, run, &first) < 0 ||
	    watchdog_start(&dog, "/ringkeep-watchdog", "/run", "/dev/watchdog", TIMEOUT_MS) < 0)
		(void)printf("GUEST cannot start the feeder\n");
	count(ROUNDS);
	report("armed");
	scene(line);
	(void)printf("GUEST survived\n");
	(void)reboot(RB_POWER_OFF);
	return 1;
}
