/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stalls OWNER: how long ordinary processes of this machine stand still, and who of the lab is to blame. One
 * thread for each processor sleeps a few milliseconds at ordinary priority and prints a line when it was
 * woken much later: a hypervisor that had other things to do, or a real-time process that did not let go. The
 * main thread, at the highest real-time priority, looks at every real-time process of the labs of process
 * OWNER (its program is in /tmp/ringlab-OWNER-...) and prints a line for one that took a whole processor for
 * most of a second. The first is noise that a test may measure and allow for; the second is a fault of ours.
 */
#include "labtool.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STALLS_PERIOD_NS 5000000L
#define STALLS_LATE_NS	 30000000ULL
#define STALLS_LOOK_NS	 400000000L
#define STALLS_HOG_SHARE 85ULL /* of a hundred, of the time between two looks */

enum { STALLS_CPUS_MAX = 256, STALLS_PROCESSES_MAX = 64 };

struct process {
	pid_t pid;
	uint64_t used_ns;
};

static struct process stalls_seen[STALLS_PROCESSES_MAX];
static int stalls_seen_count;

static void stalls_sleep(long ns)
{
	struct timespec t = { ns / 1000000000L, ns % 1000000000L };
	(void)nanosleep(&t, NULL); /* a signal makes it a shorter look */
}

static void *stalls_watch_processor(void *argument)
{
	long cpu = (long)argument;
	cpu_set_t only;
	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (pthread_setaffinity_np(pthread_self(), sizeof only, &only) != 0)
		return NULL; /* it has gone meanwhile */
	for (uint64_t last = lab_now_ns();;) {
		stalls_sleep(STALLS_PERIOD_NS);
		uint64_t now = lab_now_ns();
		if (now - last > STALLS_LATE_NS) {
			printf("{\"k\":\"stall\",\"t\":%llu,\"ns\":%llu,\"cpu\":%ld}\n",
			       (unsigned long long)now, (unsigned long long)(now - last), cpu);
			fflush(stdout);
		}
		last = now;
	}
}

static bool stalls_is_ours(pid_t pid, const char *owner)
{
	char path[64], program[256];
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t n = readlink(path, program, sizeof program - 1);
	if (n < 0)
		return false;
	program[n] = 0;
	return strncmp(program, owner, strlen(owner)) == 0;
}

static uint64_t stalls_used_ns(pid_t pid)
{
	clockid_t clock;
	return clock_getcpuclockid(pid, &clock) == 0 ? lab_clock_ns(clock) : 0;
}

static void stalls_look_at(pid_t pid, uint64_t passed_ns, struct process *now)
{
	*now = (struct process){ pid, stalls_used_ns(pid) };
	for (int i = 0; i < stalls_seen_count; i++) {
		const struct process *before = &stalls_seen[i];
		if (before->pid == pid &&
		    (now->used_ns - before->used_ns) * 100 > passed_ns * STALLS_HOG_SHARE) {
			printf("{\"k\":\"hog\",\"t\":%llu,\"ns\":%llu,\"used_ns\":%llu,\"pid\":%d}\n",
			       (unsigned long long)lab_now_ns(), (unsigned long long)passed_ns,
			       (unsigned long long)(now->used_ns - before->used_ns), pid);
			fflush(stdout);
		}
	}
}

static void stalls_look(const char *owner, uint64_t passed_ns)
{
	struct process now[STALLS_PROCESSES_MAX];
	int count = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	while (proc && count < STALLS_PROCESSES_MAX && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		int policy = pid ? sched_getscheduler(pid) & ~SCHED_RESET_ON_FORK : SCHED_OTHER;
		if ((policy == SCHED_RR || policy == SCHED_FIFO) && stalls_is_ours(pid, owner))
			stalls_look_at(pid, passed_ns, &now[count++]);
	}
	if (proc)
		closedir(proc);
	memcpy(stalls_seen, now, sizeof now[0] * (size_t)count);
	stalls_seen_count = count;
}

int main(int argc, char **argv)
{
	char owner[64];
	cpu_set_t cpus;
	pthread_t thread;
	struct sched_param highest = { .sched_priority = sched_get_priority_max(SCHED_FIFO) };
	if (argc != 2) {
		fprintf(stderr, "usage: stalls OWNER\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(owner, sizeof owner, "/tmp/ringlab-%s-", argv[1]);
	(void)mlockall(MCL_CURRENT); /* noise, not truth */
	if (sched_getaffinity(0, sizeof cpus, &cpus) < 0)
		lab_die("processors");
	printf("{\"k\":\"start\",\"t\":%llu}\n", (unsigned long long)lab_now_ns());
	fflush(stdout);
	for (long cpu = 0; cpu < STALLS_CPUS_MAX; cpu++)
		if (CPU_ISSET(cpu, &cpus) &&
		    pthread_create(&thread, NULL, stalls_watch_processor, (void *)cpu) != 0)
			lab_die("thread");
	(void)sched_setscheduler(0, SCHED_FIFO, &highest); /* where it may; a hog is seen without it, too */
	for (uint64_t last = lab_now_ns();;) {
		stalls_sleep(STALLS_LOOK_NS);
		uint64_t now = lab_now_ns();
		stalls_look(owner, now - last);
		last = now;
	}
}
