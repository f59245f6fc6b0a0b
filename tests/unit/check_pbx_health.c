/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pbx_health.h"
#include "pid_file.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pbx_health_seen healthy(void)
{
	return (struct pbx_health_seen){ .pid_file = "/run/x.pid",
					 .pid = 77,
					 .target = "192.0.2.1:5060",
					 .options_answered = true,
					 .options_failures_max = 3,
					 .options_status = 200,
					 .rpc_used = true,
					 .rpc_answered = true,
					 .rpc_failures_max = 10,
					 .rpc = "/run/x.sock",
					 .now = { 100 * NS_PER_S },
					 .start_ns_max = 30 * NS_PER_S };
}

static enum pbx_health judge(const struct pbx_health_seen *s, const char *why)
{
	struct adapter_health h = { 0 };

	pbx_health_judge(s, &h);
	ck_assert_msg(strstr(h.why, why) != NULL, "\"%s\" does not say \"%s\"", h.why, why);
	return h.state;
}

START_TEST(judges_each_way_to_be_ill)
{
	struct pbx_health_seen s = healthy();

	ck_assert_int_eq(judge(&s, "answered with 200, RPC answers"), PBX_HEALTHY);
	s.options_failures = 2;
	ck_assert_int_eq(judge(&s, "answered"), PBX_HEALTHY);
	s.options_failures = 3;
	s.options_error = ETIMEDOUT;
	ck_assert_int_eq(judge(&s, "3 in a row failed: does not answer"), PBX_SICK);
	s.options_error = EBUSY;
	ck_assert_int_eq(judge(&s, "answers 503"), PBX_SICK);
	s.options_error = ECONNREFUSED;
	ck_assert_int_eq(judge(&s, "refused"), PBX_SICK);
	s = healthy();
	s.rpc_failures = 10;
	ck_assert_int_eq(judge(&s, "no answer on /run/x.sock"), PBX_SICK);
	s.pid_error = -ESRCH;
	ck_assert_int_eq(judge(&s, "process 77 of /run/x.pid does not exist"), PBX_DEAD);
	s.pid_error = -ENOENT;
	ck_assert_int_eq(judge(&s, "No such file"), PBX_DEAD);
	s.pid_error = -EBADMSG;
	ck_assert_int_eq(judge(&s, "no process id"), PBX_DEAD);
}
END_TEST

START_TEST(gives_time_to_start)
{
	struct pbx_health_seen s = healthy();

	s.options_answered = false;
	s.options_failures = 20;
	s.options_error = ECONNREFUSED;
	s.pid_since = (boot_t){ 71 * NS_PER_S };
	ck_assert_int_eq(judge(&s, "yet"), PBX_STARTING);
	s.pid_since = (boot_t){ 70 * NS_PER_S };
	ck_assert_int_eq(judge(&s, "refused"), PBX_SICK);
	s = healthy();
	s.rpc_answered = false;
	ck_assert_int_eq(judge(&s, "no answer on /run/x.sock yet"), PBX_STARTING);
	s.pid_file = NULL; /* no pid file configured: OPTIONS alone */
	s.pid_error = 0;
	s.rpc_used = false;
	ck_assert_int_eq(judge(&s, "answered with 200"), PBX_HEALTHY);
}
END_TEST

static int read_of(const char *path, const char *text, pid_t *ret)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	return pid_file_read(path, ret);
}

START_TEST(reads_pid_files)
{
	char path[] = "/tmp/check_pid_file.XXXXXX", text[32];
	pid_t pid = 0;

	ck_assert_int_ge(mkstemp(path), 0);
	(void)snprintf(text, sizeof text, "%d\n", (int)getpid());
	ck_assert_int_eq(read_of(path, text, &pid), 0);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_eq(read_of(path, "", &pid), -EBADMSG);
	ck_assert_int_eq(read_of(path, "kamailio", &pid), -EBADMSG);
	ck_assert_int_eq(read_of(path, "-1", &pid), -EBADMSG); /* kill(-1) would be everybody */
	ck_assert_int_eq(read_of(path, "1", &pid), -EBADMSG);
	ck_assert_int_eq(read_of(path, "99999999999999999999", &pid), -EBADMSG);
	ck_assert_int_eq(read_of(path, "2147483647", &pid), -ESRCH);
	(void)unlink(path);
	ck_assert_int_eq(pid_file_read(path, &pid), -ENOENT);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(pid_file_read(path, &pid), -EBADMSG); /* and does not wait for a writer */
	(void)unlink(path);
}
END_TEST

UNIT_MAIN("pbx_health", judges_each_way_to_be_ill, gives_time_to_start, reads_pid_files)
