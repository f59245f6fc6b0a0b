/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Programs here are shell scripts; waiting is bounded by a minute and nothing depends on how fast they are.
 */
#include "clock_read.h"
#include "publish.h"
#include "unit.h"
#include "uplink_hook.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define WAIT_NS (60 * NS_PER_S)

static char dir[] = "/tmp/ringkeep-publish-XXXXXX";
static char script[64], said[64];
static struct publish publish;
static struct uplink_hook hook;

static boot_t now(void)
{
	return clock_now().boot;
}

static void write_script(const char *text)
{
	FILE *f = fopen(script, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fprintf(f, "#!/bin/sh\n%s\n", text), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(script, 0700), 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(script, sizeof script, "%s/program", dir);
	(void)snprintf(said, sizeof said, "%s/said", dir);
	ck_assert_int_eq(publish_init(&publish, script), 0);
	ck_assert_int_eq(uplink_hook_init(&hook), 0);
}

static void teardown(void)
{
	publish_close(&publish);
	uplink_hook_close(&hook);
	(void)unlink(script);
	(void)unlink(said);
	(void)rmdir(dir);
}

static const char *was_said(void)
{
	static char text[2048];
	FILE *f = fopen(said, "r");
	size_t n;

	if (!f)
		return "";
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

static const struct config_publish office = {
	.name = "p", .host = "pbx.example.com", .port = 53, .ttl_ms = 60000
};

static struct config_publish office_at(const char *server)
{
	struct config_publish c = office;

	ck_assert_int_eq(ip_parse(server, &c.server), 0);
	return c;
}

static struct publish_addresses seen_as(const char *v4, const char *v6)
{
	struct publish_addresses ret = { .writes = { true, v6 != NULL } };

	if (v4)
		ck_assert_int_eq(ip_parse(v4, &ret.address[0]), 0);
	if (v6 && *v6)
		ck_assert_int_eq(ip_parse(v6, &ret.address[1]), 0);
	return ret;
}

/* Until one has ended. */
static int updated(int *ret_result)
{
	boot_t end = boot_add(now(), WAIT_NS);
	int name;

	while ((name = publish_work(&publish, now(), ret_result)) < 0 && boot_before(now(), end)) {
		struct pollfd p = { .fd = publish_fd(&publish), .events = POLLIN };

		(void)poll(&p, 1, 50);
	}
	return name;
}

START_TEST(one_message_replaces_both_families)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses both = seen_as("192.0.2.1", "2001:db8::1"), four = seen_as("192.0.2.1", ""),
				 ours = seen_as("192.0.2.1", NULL);
	char text[512];

	(void)strcpy(c.zone, "example.com");
	ck_assert_int_eq(publish_text(&c, &both, text, sizeof text), 0);
	ck_assert_str_eq(text, "server 10.1.0.53 53\n"
			       "zone example.com\n"
			       "update delete pbx.example.com. A\n"
			       "update add pbx.example.com. 60 A 192.0.2.1\n"
			       "update delete pbx.example.com. AAAA\n"
			       "update add pbx.example.com. 60 AAAA 2001:db8::1\n"
			       "send\n");
	ck_assert_int_eq(publish_text(&c, &four, text, sizeof text), 0);
	ck_assert_ptr_nonnull(strstr(text, "delete pbx.example.com. AAAA\nsend\n"));
	ck_assert_int_eq(publish_text(&c, &ours, text, sizeof text), 0);
	ck_assert_ptr_null(strstr(text, "AAAA")); /* somebody else's */
	ck_assert_int_eq(publish_text(&c, &both, text, 60), -ENOBUFS);
}
END_TEST

START_TEST(what_the_server_has_is_not_written_again)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses a = seen_as("192.0.2.1", NULL), b = seen_as("192.0.2.2", NULL),
				 none = seen_as(NULL, NULL);
	int result = -1;

	write_script("cat >>$(dirname $0)/said");
	publish_want(&publish, 3, &c, &none, now()); /* not known yet: the old one stays */
	ck_assert_int_eq(publish_work(&publish, now(), &result), -1);
	ck_assert_uint_eq(publish.updates, 0);
	publish_want(&publish, 3, &c, &a, now());
	ck_assert_int_eq(updated(&result), 3);
	ck_assert_int_eq(result, 0);
	ck_assert_ptr_nonnull(strstr(was_said(), "A 192.0.2.1\nsend\n"));
	publish_want(&publish, 3, &c, &a, now());
	publish_want(&publish, 3, &c, &none, now());
	ck_assert_int_eq(publish_work(&publish, now(), &result), -1);
	ck_assert_uint_eq(publish.updates, 1);
	publish_want(&publish, 3, &c, &b, now());
	ck_assert_int_eq(updated(&result), 3);
	/* Away and back: another node may have written meanwhile. */
	publish_leave(&publish, 3);
	ck_assert_int_eq(publish_next(&publish).ns, BOOT_NEVER.ns);
	publish_want(&publish, 3, &c, &b, now());
	ck_assert_int_eq(updated(&result), 3);
	ck_assert_uint_eq(publish.updates, 3);
}
END_TEST

START_TEST(a_refusal_is_tried_again_later_and_later)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses a = seen_as("192.0.2.1", NULL);
	int result = 0;
	boot_t at;

	write_script("echo update failed: REFUSED >&2; exit 2");
	publish_want(&publish, 0, &c, &a, now());
	ck_assert_int_eq(updated(&result), 0);
	ck_assert_int_eq(result, -EIO);
	ck_assert_str_eq(publish.job.child.said, "update failed: REFUSED\n");
	at = publish_next(&publish);
	ck_assert(boot_before(now(), at));
	for (int i = 1; i < 12; i++) {
		at = publish_next(&publish);
		ck_assert_int_eq(publish_work(&publish, at, &result), -1); /* starts */
		ck_assert_int_eq(updated(&result), 0);
	}
	ck_assert_uint_eq(publish.name[0].failures, 12);
	ck_assert_int_le(boot_diff_ns(now(), publish_next(&publish)), PUBLISH_RETRY_MAX_NS);
	ck_assert_int_gt(boot_diff_ns(now(), publish_next(&publish)), PUBLISH_RETRY_MAX_NS / 2);
}
END_TEST

START_TEST(an_update_that_hangs_is_killed)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses a = seen_as("192.0.2.1", NULL);
	int result = 0;

	write_script("sleep 600");
	publish_want(&publish, 0, &c, &a, now());
	ck_assert_int_eq(publish_work(&publish, now(), &result), -1);
	ck_assert_int_gt(publish.job.child.pid, 0);
	ck_assert_int_eq(publish_work(&publish, boot_add(now(), PUBLISH_TIMEOUT_NS), &result), -1);
	ck_assert_int_eq(updated(&result), 0);
	ck_assert_int_eq(result, -ETIMEDOUT);
}
END_TEST

START_TEST(a_group_that_goes_and_comes_back_at_once_is_published_anew)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses a = seen_as("192.0.2.1", NULL);
	int result = -1;

	write_script("sleep 600");
	publish_want(&publish, 0, &c, &a, now());
	ck_assert_int_eq(publish_work(&publish, now(), &result), -1);
	publish_leave(&publish, 0); /* its update is stopped */
	publish_want(&publish, 0, &c, &a, now());
	write_script("exit 0");
	ck_assert_int_eq(updated(&result), 0);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(publish.updates, 2);
	ck_assert_uint_eq(publish.failed, 0);
}
END_TEST

START_TEST(a_program_that_is_missing_is_a_failure_like_others)
{
	struct config_publish c = office_at("10.1.0.53");
	struct publish_addresses a = seen_as("192.0.2.1", NULL);
	int result = 0;

	publish_want(&publish, 0, &c, &a, now());
	ck_assert_int_eq(publish_work(&publish, now(), &result), 0);
	ck_assert_int_eq(result, -ENOENT);
	ck_assert(boot_before(now(), publish_next(&publish)));
}
END_TEST

/* ---- the hook ---- */

static struct uplink_hook_event event(const char *to)
{
	struct uplink_hook_event e = { .event = "switched",
				       .from = "isp1",
				       .to = to,
				       .family = AF_INET,
				       .rule = 540,
				       .why = "it is dead" };

	ck_assert_int_eq(ip_parse("192.0.2.1", &e.public_address), 0);
	return e;
}

/* Until one has failed, or nothing is left to do. */
static bool hook_failed(int *ret_error)
{
	boot_t end = boot_add(now(), WAIT_NS);

	while (boot_before(now(), end)) {
		struct pollfd p = { .fd = uplink_hook_fd(&hook), .events = POLLIN };

		if (uplink_hook_work(&hook, now(), ret_error))
			return true;
		if (!hook.waiting)
			return false;
		(void)poll(&p, 1, 50);
	}
	ck_abort_msg("the hook neither ended nor failed");
	return false;
}

START_TEST(the_hook_is_told_in_its_environment_one_after_the_other)
{
	struct uplink_hook_event a = event("isp2"), b = event("isp3");
	int error = 0;

	write_script("env | grep -E '^(RINGKEEP|UPLINK|FAMILY|PUBLIC|RULE|WHY)' | sort >>$(dirname $0)/said");
	ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &a), 0);
	ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &b), 0);
	ck_assert(!hook_failed(&error));
	ck_assert_uint_eq(hook.runs, 2);
	ck_assert_str_eq(was_said(),
			 "FAMILY=ipv4\nPUBLIC_ADDRESS=192.0.2.1\nRINGKEEP_EVENT=switched\nRULE=R540\n"
			 "UPLINK_FROM=isp1\nUPLINK_TO=isp2\nWHY=it is dead\n"
			 "FAMILY=ipv4\nPUBLIC_ADDRESS=192.0.2.1\nRINGKEEP_EVENT=switched\nRULE=R540\n"
			 "UPLINK_FROM=isp1\nUPLINK_TO=isp3\nWHY=it is dead\n");
}
END_TEST

START_TEST(a_late_hook_is_killed_with_all_that_it_started)
{
	struct uplink_hook_event e = event("isp2");
	boot_t end = boot_add(now(), WAIT_NS);
	int error = 0;
	pid_t child;

	write_script("sleep 600 & echo $! >$(dirname $0)/said.new; mv $(dirname $0)/said.new $(dirname "
		     "$0)/said; wait");
	ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &e), 0);
	ck_assert(!uplink_hook_work(&hook, now(), &error));
	while (!*was_said() && boot_before(now(), end))
		(void)poll(NULL, 0, 20);
	child = (pid_t)strtol(was_said(), NULL, 10);
	ck_assert_int_gt(child, 1);
	ck_assert(!uplink_hook_work(&hook, boot_add(now(), 60 * NS_PER_S), &error)); /* its time is over */
	ck_assert(hook_failed(&error));
	ck_assert_int_eq(error, -ETIMEDOUT);
	/* Whoever inherits it has to reap it first. */
	while (kill(child, 0) == 0 && boot_before(now(), end)) {
		char path[32], state[256] = "";
		FILE *f;

		(void)snprintf(path, sizeof path, "/proc/%d/stat", child);
		f = fopen(path, "r");
		if (f) {
			(void)!fgets(state, sizeof state, f);
			(void)fclose(f);
		}
		if (strstr(state, ") Z "))
			return;
		(void)poll(NULL, 0, 20);
	}
	ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

START_TEST(a_hook_that_fails_or_is_missing_keeps_nobody)
{
	struct uplink_hook_event e = event("isp2");
	int error = 0;

	write_script("echo no such record; exit 3");
	ck_assert_int_eq(uplink_hook_tell(&hook, "/nowhere/hook", 60000, &e), 0);
	ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &e), 0);
	ck_assert(hook_failed(&error));
	ck_assert_int_eq(error, -ENOENT);
	ck_assert(hook_failed(&error));
	ck_assert_int_eq(error, -EIO);
	ck_assert_str_eq(hook.job.child.said, "no such record\n");
	ck_assert(!hook_failed(&error));
	for (int i = 0; i < UPLINK_HOOK_WAIT_MAX; i++)
		ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &e), 0);
	ck_assert_int_eq(uplink_hook_tell(&hook, script, 60000, &e), -ENOBUFS);
	ck_assert_uint_eq(hook.dropped, 1);
}
END_TEST

UNIT_MAIN_AROUND("publish", setup, teardown, one_message_replaces_both_families,
		 what_the_server_has_is_not_written_again, a_refusal_is_tried_again_later_and_later,
		 an_update_that_hangs_is_killed, a_group_that_goes_and_comes_back_at_once_is_published_anew,
		 a_program_that_is_missing_is_a_failure_like_others,
		 the_hook_is_told_in_its_environment_one_after_the_other,
		 a_late_hook_is_killed_with_all_that_it_started, a_hook_that_fails_or_is_missing_keeps_nobody)
