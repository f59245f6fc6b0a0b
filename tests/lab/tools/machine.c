/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab node is a "machine": own network, mount, PID, UTS and IPC namespaces held by a PID 1 that only reaps.
 * Nothing has a name in /run/netns: when PID 1 dies the kernel removes processes, mounts, interfaces and
 * addresses at once, which is also what power off means.
 *
 *   machine hold NAME [--keep] [SOURCE:TARGET]...   start a machine, print the host's pid of its PID 1, wait
 * for its end; dies with its parent unless --keep machine run PID OPTIONS -- COMMAND...           run a
 * command in the machine; the host's pid goes to --pidfile, --restart MS starts it again after it died,
 * --user UID:GID drops privileges, --net joins the network only machine signal PID SIGNAL one kill(-1): every
 * process of the machine but PID 1, at one instant
 */
#include "labtool.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void machine_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* a kernel without IPv6 has no such knob, and needs none */
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	close(fd);
}

static void machine_mount(const char *type, const char *target)
{
	if (mount(type, target, type, 0, NULL) < 0)
		lab_die("mount %s on %s", type, target);
}

static void machine_bind(const char *pair)
{
	char source[512];
	const char *colon = strchr(pair, ':');
	if (!colon || (size_t)(colon - pair) >= sizeof source) {
		errno = EINVAL;
		lab_die("bind %s", pair);
	}
	snprintf(source, sizeof source, "%.*s", (int)(colon - pair), pair);
	(void)mkdir(colon + 1, 0755); /* in place already on most machines */
	if (mount(source, colon + 1, NULL, MS_BIND, NULL) < 0)
		lab_die("bind %s on %s", source, colon + 1);
}

/* Mounts are made in the host's tree, then bound: the targets live on the host, the contents do not. */
static void machine_furnish(const char *name, char **binds, int n_binds)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		lab_die("make mounts private");
	for (int i = 0; i < n_binds; i++)
		machine_bind(binds[i]);
	machine_mount("proc", "/proc");
	machine_mount("tmpfs", "/run");
	machine_mount("tmpfs", "/dev/shm");
	(void)mkdir("/run/lock", 0755);
	if (sethostname(name, strlen(name)) < 0)
		lab_die("sethostname");
	machine_write("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
	machine_write("/proc/sys/net/ipv6/ip_nonlocal_bind", "1");
	machine_write("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	machine_write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	machine_write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

__attribute__((noreturn)) static void machine_init(const char *name, char **binds, int n_binds, bool keep,
						   int ready_fd)
{
	if (!keep)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "lab-init");
	machine_furnish(name, binds, n_binds);
	if (write(ready_fd, "r", 1) != 1)
		lab_die("ready");
	close(ready_fd);
	for (;;)
		if (waitpid(-1, NULL, 0) < 0)
			usleep(50000);
}

static int machine_hold(int argc, char **argv)
{
	const char *name = argv[2];
	int first = 3, ready[2];
	bool keep = argc > 3 && strcmp(argv[3], "--keep") == 0;
	first += keep;
	if (keep)
		setsid();
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID) < 0)
		lab_die("unshare");
	if (pipe2(ready, O_CLOEXEC) < 0)
		lab_die("pipe");
	pid_t pid = fork();
	if (pid < 0)
		lab_die("fork");
	if (pid == 0) {
		close(ready[0]);
		machine_init(name, argv + first, argc - first, keep, ready[1]);
	}
	close(ready[1]);
	char byte;
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	printf("%d\n", pid);
	fclose(stdout);
	waitpid(pid, NULL, 0);
	return 0;
}

static void machine_enter(pid_t pid, bool net_only)
{
	static const char *const names[] = { "pid", "uts", "ipc", "net", "mnt" };
	int fds[5];
	for (int i = 0; i < 5; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, names[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			lab_die("%s", path);
	}
	for (int i = 0; i < 5; i++) {
		if ((!net_only || i == 3) && setns(fds[i], 0) < 0)
			lab_die("setns %s", names[i]);
		close(fds[i]);
	}
	if (!net_only && chdir("/") < 0)
		lab_die("chdir");
}

struct machine_run {
	int pidfile_fd, restart_ms;
	bool net_only;
	uid_t uid;
	gid_t gid;
};

static void machine_note_pid(int fd, pid_t pid)
{
	char text[16];
	if (fd < 0)
		return;
	int n = snprintf(text, sizeof text, "%-10d\n", pid);
	if (pwrite(fd, text, n, 0) != n)
		lab_die("pid file");
}

__attribute__((noreturn)) static void machine_exec(const struct machine_run *r, char **command)
{
	setsid();
	if (r->uid && (setgroups(0, NULL) < 0 || setgid(r->gid) < 0 || setuid(r->uid) < 0))
		lab_die("drop privileges");
	execvp(command[0], command);
	lab_die("%s", command[0]);
}

static int machine_run(int argc, char **argv)
{
	struct machine_run r = { .pidfile_fd = -1, .restart_ms = -1 };
	pid_t machine = atoi(argv[2]), pid;
	int i = 3, status;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--net") == 0)
			r.net_only = true;
		else if (strcmp(argv[i], "--pidfile") == 0)
			r.pidfile_fd = open(argv[++i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		else if (strcmp(argv[i], "--restart") == 0)
			r.restart_ms = atoi(argv[++i]);
		else if (strcmp(argv[i], "--user") == 0)
			sscanf(argv[++i], "%u:%u", &r.uid, &r.gid);
	}
	machine_enter(machine, r.net_only);
	do {
		pid = fork();
		if (pid < 0)
			lab_die("fork");
		if (pid == 0)
			machine_exec(&r, argv + i + 1);
		machine_note_pid(r.pidfile_fd, pid);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (r.restart_ms >= 0)
			usleep((useconds_t)r.restart_ms * 1000);
	} while (r.restart_ms >= 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int machine_signal(char **argv)
{
	machine_enter(atoi(argv[2]), false);
	pid_t pid = fork();
	if (pid == 0)
		_exit(kill(-1, atoi(argv[3])) < 0 && errno != ESRCH);
	int status;
	waitpid(pid, &status, 0);
	return status != 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "hold") == 0)
		return machine_hold(argc, argv);
	if (argc >= 5 && strcmp(argv[1], "run") == 0)
		return machine_run(argc, argv);
	if (argc == 4 && strcmp(argv[1], "signal") == 0)
		return machine_signal(argv);
	fprintf(stderr, "usage: machine hold NAME [--keep] [SOURCE:TARGET]... | run PID [OPTIONS] -- "
			"COMMAND... | signal PID SIGNAL\n");
	return 2;
}
