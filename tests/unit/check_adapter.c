/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's side of an adapter, with children that behave, crash, hang, babble and do not read. Each child
 * is a shell script. Time is real plus `skew_ns`, so that deadlines are reached without waiting for them.
 */
#include "adapter.h"
#include "cleanup.h"
#include "clock_read.h"
#include "process_watch.h"
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define HELLO "echo '{\"type\":\"hello\",\"version\":1,\"name\":\"t\",\"program\":\"1\"}'\n"
#define CONFIGURED                                                                    \
	HELLO "read ping; read configure; echo '{\"type\":\"pong\",\"id\":1}'; echo " \
	      "'{\"type\":\"done\",\"id\":2}'\n"
#define SAY(json)     "printf '%s\\n' '" json "'\n" /* not echo, which reads backslashes in some shells */
#define WAIT_FOR_EVER "while read line; do :; done\n"

struct seen {
	struct adapter *a;
	int64_t skew_ns;
	int ready, puts, removes, full_begins, full_ends, healths, answers, alarms[ADAPTER_ALARMS], logs;
	int last_error;
	uint64_t last_id;
	enum adapter_request last_kind;
	struct adapter_health health;
	char last_put[64], last_log[64], dir[64], path[96];
	int trunks, trunk_status;
	bool trunk_retries;
	enum trunk_state trunk;
	int64_t retry_after_ms;
	int qualities;
	struct adapter_quality quality;
	char last_peer[IP_TEXT_MAX], last_why[ADAPTER_WHY_MAX];
};

static void on_ready(void *ctx)
{
	((struct seen *)ctx)->ready++;
}

static void on_health(void *ctx, const struct adapter_health *h)
{
	struct seen *s = ctx;

	s->healths++;
	s->health = *h;
}

static void on_put(void *ctx, const struct binding *b)
{
	struct seen *s = ctx;

	s->puts++;
	(void)snprintf(s->last_put, sizeof s->last_put, "%s %s %u", b->text[BINDING_AOR],
		       b->text[BINDING_CONTACT], b->cseq);
}

static void on_remove(void *ctx, const char *aor, const char *contact)
{
	((struct seen *)ctx)->removes++;
}

static void on_trunk(void *ctx, const struct adapter_trunk *t)
{
	struct seen *s = ctx;

	ck_assert_str_eq(t->name, "itsp");
	s->trunks++;
	s->trunk = t->state;
	s->trunk_status = t->status;
	s->trunk_retries = t->retries;
	s->retry_after_ms = t->retry_after_ms;
}

static void on_full_begin(void *ctx)
{
	((struct seen *)ctx)->full_begins++;
}

static void on_full_end(void *ctx)
{
	((struct seen *)ctx)->full_ends++;
}

static void on_answered(void *ctx, uint64_t id, enum adapter_request kind, int error, const char *why)
{
	struct seen *s = ctx;

	s->answers++;
	s->last_id = id;
	s->last_kind = kind;
	s->last_error = error;
	(void)snprintf(s->last_why, sizeof s->last_why, "%s", why);
}

static void on_quality(void *ctx, const struct adapter_quality *q)
{
	struct seen *s = ctx;

	s->qualities++;
	s->quality = *q;
	(void)snprintf(s->last_peer, sizeof s->last_peer, "%s", q->peer);
}

static void on_alarm(void *ctx, enum adapter_alarm alarm, const char *text)
{
	((struct seen *)ctx)->alarms[alarm]++;
}

static void on_log(void *ctx, const char *line)
{
	struct seen *s = ctx;

	s->logs++;
	(void)snprintf(s->last_log, sizeof s->last_log, "%s", line);
}

static boot_t now_of(const struct seen *s)
{
	return boot_add(clock_now().boot, s->skew_ns);
}

static void start(struct seen *s, const char *script)
{
	static const struct adapter_ops ops = {
		.ready = on_ready,
		.health = on_health,
		.put = on_put,
		.remove = on_remove,
		.full_begin = on_full_begin,
		.full_end = on_full_end,
		.trunk = on_trunk,
		.quality = on_quality,
		.answered = on_answered,
		.alarm = on_alarm,
		.log = on_log,
	};
	struct adapter_config config = { .group = "office", .node = "n1", .restart_ms_min = 10 };
	struct ip_prefix peers[2];
	FILE *f;

	*s = (struct seen){ .dir = "/tmp/check_adapter.XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof s->path, "%s/adapter", s->dir);
	f = fopen(s->path, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\n%s", script);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(s->path, 0700), 0);
	config.path = s->path;
	config.addresses[0] = "192.0.2.1";
	config.addresses_count = 1;
	config.settings[0] = (struct adapter_setting){ "rpc", "unixgram:/x" };
	config.settings_count = 1;
	ck_assert_int_eq(ip_prefix_parse("203.0.113.0/24", &peers[0]), 0);
	ck_assert_int_eq(ip_prefix_parse("2001:db8::5", &peers[1]), 0);
	config.trunks[0] = (struct adapter_trunk_setting){ "itsp", "itsp-reg", peers, 2 };
	config.trunks_count = 1;
	ck_assert_int_eq(adapter_new(&config, &ops, s, now_of(s), &s->a), 0);
}

static void end(struct seen *s)
{
	adapter_free(s->a);
	(void)unlink(s->path);
	(void)rmdir(s->dir); /* leftovers in /tmp are no failure of the adapter */
}

static void turn(struct seen *s, int timeout_ms)
{
	struct pollfd p = { .fd = adapter_fd(s->a), .events = POLLIN };
	int64_t left_ns = boot_diff_ns(now_of(s), adapter_next(s->a));

	if (left_ns < timeout_ms * NS_PER_MS)
		timeout_ms = left_ns < 0 ? 0 : (int)(left_ns / NS_PER_MS) + 1;
	if (poll(&p, 1, timeout_ms) > 0)
		adapter_readable(s->a, now_of(s));
	adapter_tick(s->a, now_of(s));
}

/* Turns until the condition holds, or fails after 10 s. */
#define UNTIL(s, condition)                                                                \
	do {                                                                               \
		boot_t give_up = boot_add(clock_now().boot, 10 * NS_PER_S);                \
		while (!(condition)) {                                                     \
			ck_assert_msg(boot_before(clock_now().boot, give_up), #condition); \
			turn(s, 100);                                                      \
		}                                                                          \
	} while (0)

START_TEST(speaks_with_a_child_that_behaves)
{
	struct seen s;
	uint64_t id = 0;

	start(&s,
	      CONFIGURED SAY("{\"type\":\"health\",\"state\":\"healthy\",\"why\":\"ok\",\"calls\":3,"
			     "\"bindings\":2}") SAY("{\"type\":\"bindings\",\"full_begin\":true,\"put\":[{"
						    "\"aor\":\"1\",\"contact\":\"sip:"
						    "1@h\",\"cseq\":7,\"expires_ms\":1000},"
						    "{\"aor\":\"2\",\"contact\":\"sip:2@h\\r\\nX: "
						    "y\"},{\"aor\":\"3\"},7],\"remove\":[{\"aor\":\"4\","
						    "\"contact\":\"sip:4@h\"},{}]}")
		      SAY("{\"type\":\"bindings\",\"full_end\":true}") "echo oops >&2\nread activate; echo "
								       "'{\"type\":\"done\",\"id\":3}'\n"
								       "read apply; echo "
								       "'{\"type\":\"failed\",\"id\":4,"
								       "\"why\":\"no\"}'; echo "
								       "'{\"type\":\"done\",\"id\":4}'"
								       "\n" WAIT_FOR_EVER);
	ck_assert_int_eq(adapter_activate(s.a, now_of(&s), &id), -ENOTCONN);
	UNTIL(&s, s.ready && s.full_ends && s.logs);
	ck_assert_int_eq(s.health.state, PBX_HEALTHY);
	ck_assert_uint_eq(s.health.calls, 3);
	ck_assert(s.health.in_step);
	ck_assert_str_eq(s.last_put, "1 sip:1@h 7");
	ck_assert_int_eq(s.puts, 1);
	ck_assert_int_eq(s.removes, 1);
	ck_assert_uint_eq(adapter_counters(s.a)->refused_bindings, 4);
	ck_assert_int_ge(s.alarms[ADAPTER_REFUSED], 1);
	ck_assert_str_eq(s.last_log, "oops");
	ck_assert_int_eq(adapter_activate(s.a, now_of(&s), &id), 0);
	UNTIL(&s, s.answers == 1);
	ck_assert(s.last_id == id && s.last_error == 0 && s.last_kind == ADAPTER_ACTIVATE);

	struct adapter_apply apply = { 0 };

	ck_assert_int_eq(adapter_apply_remove(&apply, "1", "sip:1@h"), 0);
	ck_assert_int_eq(adapter_send_apply(s.a, &apply, now_of(&s), &id), 0);
	UNTIL(&s, adapter_counters(s.a)->late == 1); /* the second answer to the same request */
	ck_assert(s.answers == 2 && s.last_id == id && s.last_error == EREMOTEIO &&
		  s.last_kind == ADAPTER_APPLY);
	ck_assert_uint_eq(adapter_counters(s.a)->garbage, 0);
	end(&s);
}
END_TEST

START_TEST(orders_trunks_and_hears_of_them)
{
	struct seen s;
	uint64_t id = 0;

	start(&s, HELLO
	      "read ping; read configure\n"
	      "case $configure in "
	      "*'\"trunks\":[{\"name\":\"itsp\",\"registration\":\"itsp-reg\",\"peers\":[\"203.0.113.0/"
	      "24\",\"2001:db8::5\"]}]'*) ;; *) "
	      "exit 1;; esac\n"
	      "echo '{\"type\":\"pong\",\"id\":1}'; echo '{\"type\":\"done\",\"id\":2}'\n"
	      "read order; case $order in *'\"name\":\"itsp\",\"register\":true'*) ;; *) exit 1;; esac\n" SAY(
		      "{\"type\":\"done\",\"id\":3}")
		      SAY("{\"type\":\"trunks\",\"trunks\":[{\"name\":\"itsp\",\"state\":\"odd\"},{\"state\":"
			  "\"failed\"}]}") SAY("{\"type\":\"trunks\",\"trunks\":[{\"name\":\"itsp\","
					       "\"state\":\"failed\",\"why\":\"503\",\"status\":503,"
					       "\"retry_after_ms\":30000,\"retries\":true}]}") WAIT_FOR_EVER);
	UNTIL(&s, s.ready);
	ck_assert_int_eq(adapter_trunk_order(s.a, "itsp", true, now_of(&s), &id), 0);
	UNTIL(&s, s.trunks == 1);
	ck_assert(s.answers == 1 && s.last_id == id && s.last_kind == ADAPTER_TRUNK && s.last_error == 0);
	ck_assert_int_eq(s.trunk, TRUNK_FAILED);
	ck_assert_int_eq(s.trunk_status, 503);
	ck_assert_int_eq(s.retry_after_ms, 30000);
	ck_assert(s.trunk_retries);
	ck_assert_uint_eq(adapter_counters(s.a)->garbage, 2);
	end(&s);
}
END_TEST

static const struct adapter_uplink isp2 = { .name = "isp2", .public4 = "192.0.2.1" };

/* Told while there is no child yet, it is told when there is one; the child then ends at once, and the next
 * one is told again, without an answer that nobody waits for. */
START_TEST(tells_the_uplink_to_every_child)
{
	struct seen s;
	uint64_t id = 0;

	start(&s, HELLO "read ping; read configure; echo '{\"type\":\"pong\",\"id\":1}'\n"
			"n=$(echo \"$configure\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')\n"
			"echo "
			"\"{\\\"type\\\":\\\"done\\\",\\\"id\\\":$n,\\\"uplinks\\\":\\\"one\\\","
			"\\\"reinvite\\\":true}\"\n"
			"read uplink; case $uplink in "
			"*'\"type\":\"uplink\",\"name\":\"isp2\",\"public4\":\"192.0.2.1\","
			"\"public6\":null,\"drain\":false,\"from\":null,'*) ;; *) exit 1;; esac\n"
			"echo told >&2; n=$(echo \"$uplink\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')\n"
			"echo \"{\\\"type\\\":\\\"done\\\",\\\"id\\\":$n}\"\n"
			"read more; exit 3\n");
	ck_assert_int_eq(adapter_uplink(s.a, &isp2, now_of(&s), &id), -ENOTCONN);
	ck_assert_int_eq(adapter_uplink_support(s.a), ADAPTER_UPLINK_NONE);
	UNTIL(&s, s.ready == 1 && s.logs == 1);
	ck_assert_int_eq(adapter_uplink_support(s.a), ADAPTER_UPLINK_ONE);
	ck_assert_int_eq(s.answers, 0);
	ck_assert_int_eq(adapter_reinvite(s.a, now_of(&s), &id), 0); /* which it ends at */
	UNTIL(&s, s.answers == 1);
	ck_assert(s.last_id == id && s.last_kind == ADAPTER_REINVITE && s.last_error == ECONNRESET);
	UNTIL(&s, s.ready == 2 && s.logs == 2);
	ck_assert_int_eq(s.answers, 1);
	end(&s);
}
END_TEST

START_TEST(orders_reinvites_and_hears_of_quality)
{
	struct seen s;
	uint64_t id = 0;
	struct adapter_uplink drain = { .name = "isp2", .drain = true, .from = "isp1" };

	start(&s, HELLO
	      "read ping; read configure; echo '{\"type\":\"pong\",\"id\":1}'\n" SAY("{\"type\":\"done\","
										     "\"id\":2,\"uplinks\":"
										     "\"one\",\"reinvite\":"
										     "true}") "read "
											      "reinvite"
											      "\n" SAY("{\"ty"
												       "pe\":"
												       "\"don"
												       "e\","
												       "\"id"
												       "\":3,"
												       "\"why"
												       "\":"
												       "\"sen"
												       "t on "
												       "2 "
												       "calls"
												       "\"}") SAY(
												      "{\"typ"
												      "e\":"
												      "\"qual"
												      "ity\","
												      "\"call"
												      "\":"
												      "\"c\","
												      "\"peer"
												      "\":"
												      "\"trun"
												      "k."
												      "exampl"
												      "e."
												      "net\""
												      "}")
												      SAY("{"
													  "\""
													  "ty"
													  "pe"
													  "\""
													  ":"
													  "\""
													  "qu"
													  "al"
													  "it"
													  "y"
													  "\""
													  ","
													  "\""
													  "ca"
													  "ll"
													  "\""
													  ":"
													  "\""
													  "c"
													  "\""
													  ","
													  "\""
													  "pe"
													  "er"
													  "\""
													  ":"
													  "\""
													  "20"
													  "01"
													  ":D"
													  "B8"
													  ":0"
													  "::"
													  "5"
													  "\""
													  ","
													  "\""
													  "pa"
													  "ck"
													  "et"
													  "s"
													  "\""
													  ":2"
													  "50"
													  ","
													  "\""
													  "lo"
													  "st"
													  "\""
													  ":5"
													  ","
													  "\""
													  "rt"
													  "t_"
													  "us"
													  "\""
													  ":4"
													  "10"
													  "00"
													  ","
													  "\""
													  "ji"
													  "tt"
													  "er"
													  "_u"
													  "s"
													  "\""
													  ":-"
													  "1"
													  "}")
													      WAIT_FOR_EVER);
	UNTIL(&s, s.ready);
	ck_assert(adapter_can_reinvite(s.a));
	ck_assert_int_eq(adapter_uplink(s.a, &drain, now_of(&s), &id), -EINVAL);
	ck_assert_int_eq(adapter_reinvite(s.a, now_of(&s), &id), 0);
	UNTIL(&s, s.qualities == 1);
	ck_assert(s.answers == 1 && s.last_id == id && s.last_kind == ADAPTER_REINVITE && s.last_error == 0);
	ck_assert_str_eq(s.last_why, "sent on 2 calls");
	ck_assert_str_eq(s.last_peer, "2001:db8::5");
	ck_assert(s.quality.packets == 250 && s.quality.lost == 5 && s.quality.rtt_us == 41000 &&
		  s.quality.jitter_us == 0);
	ck_assert_uint_eq(adapter_counters(s.a)->garbage, 1);
	end(&s);
}
END_TEST

START_TEST(asks_nothing_of_uplinks_from_an_adapter_that_knows_none)
{
	struct seen s;
	uint64_t id = 0;

	start(&s, CONFIGURED WAIT_FOR_EVER);
	UNTIL(&s, s.ready);
	ck_assert_int_eq(adapter_uplink(s.a, &isp2, now_of(&s), &id), -EOPNOTSUPP);
	ck_assert_int_eq(adapter_reinvite(s.a, now_of(&s), &id), -EOPNOTSUPP);
	end(&s);
}
END_TEST

START_TEST(starts_a_crashed_child_again_and_fails_its_requests)
{
	struct seen s;
	uint64_t id;

	start(&s, CONFIGURED SAY("{\"type\":\"health\",\"state\":\"healthy\"}") "read dump; exit 3\n");
	UNTIL(&s, s.ready == 1);
	ck_assert_int_eq(adapter_dump(s.a, now_of(&s), &id), 0);
	UNTIL(&s, s.answers == 1);
	ck_assert(s.last_id == id && s.last_error == ECONNRESET);
	ck_assert_int_eq(s.alarms[ADAPTER_CRASHED], 1);
	ck_assert_uint_eq(adapter_counters(s.a)->crashes, 1);
	ck_assert_int_eq(s.health.state, PBX_HEALTHY); /* an adapter's crash says nothing about the PBX */
	/* The ids go on, so the second child's answers to 1 and 2 are late ones: it never becomes ready. */
	UNTIL(&s, adapter_counters(s.a)->spawns == 2 && adapter_counters(s.a)->late == 1);
	s.skew_ns += 11 * NS_PER_S;
	UNTIL(&s, adapter_counters(s.a)->spawns >= 3);
	end(&s);
}
END_TEST

START_TEST(health_of_a_lost_adapter_becomes_unknown)
{
	struct seen s;

	start(&s, HELLO SAY("{\"type\":\"health\",\"state\":\"healthy\"}") "exit 0\n");
	UNTIL(&s, s.healths == 1);
	(void)unlink(s.path); /* no more starts */
	UNTIL(&s, s.alarms[ADAPTER_SPAWN_FAILED]);
	ck_assert_int_eq(s.health.state, PBX_HEALTHY);
	s.skew_ns += 11 * NS_PER_S;
	turn(&s, 0);
	ck_assert_int_eq(s.health.state, PBX_UNKNOWN);
	end(&s);
}
END_TEST

static bool group_exists(pid_t group)
{
	return kill(-group, 0) == 0;
}

START_TEST(kills_a_hung_child_and_its_children)
{
	struct seen s;
	pid_t group;

	start(&s, CONFIGURED SAY("{\"type\":\"log\",\"text\":\"up\"}") "sleep 1000 & sleep 1000\n");
	UNTIL(&s, s.ready && s.logs);
	group = adapter_child_pid(s.a);
	s.skew_ns += 2 * NS_PER_S;
	turn(&s, 0); /* a ping goes out */
	s.skew_ns += 4 * NS_PER_S;
	turn(&s, 0);
	ck_assert_uint_eq(adapter_counters(s.a)->hangs, 0);
	s.skew_ns += 2 * NS_PER_S;
	UNTIL(&s, adapter_counters(s.a)->hangs == 1 && adapter_child_pid(s.a) != group);
	ck_assert_int_eq(s.alarms[ADAPTER_HUNG], 1);
	ck_assert_int_eq(s.alarms[ADAPTER_CRASHED], 0);
	UNTIL(&s, !group_exists(group)); /* the sleeps are reaped by whoever inherits them */
	end(&s);
}
END_TEST

START_TEST(kills_a_child_that_never_says_hello)
{
	struct seen s;

	start(&s, "sleep 1000\n");
	turn(&s, 0);
	s.skew_ns += 6 * NS_PER_S;
	UNTIL(&s, adapter_counters(s.a)->hangs == 1 && adapter_counters(s.a)->spawns == 2);
	end(&s);
}
END_TEST

/* It was the agent that stood still: the pong is in the pipe, and counts. */
START_TEST(does_not_blame_the_child_for_its_own_pause)
{
	struct seen s;
	struct pollfd p;

	start(&s, CONFIGURED "read ping; echo '{\"type\":\"pong\",\"id\":3}'\n" WAIT_FOR_EVER);
	UNTIL(&s, s.ready);
	s.skew_ns += 2 * NS_PER_S;
	adapter_tick(s.a, now_of(&s)); /* sends the ping */
	p = (struct pollfd){ .fd = adapter_fd(s.a), .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 10000), 1); /* its answer waits for us */
	s.skew_ns += 60 * NS_PER_S;
	adapter_tick(s.a, now_of(&s));
	ck_assert_uint_eq(adapter_counters(s.a)->hangs, 0);
	ck_assert(adapter_ready(s.a));
	end(&s);
}
END_TEST

START_TEST(survives_garbage)
{
	struct seen s;

	start(&s,
	      "echo '{\"type\":\"done\",\"id\":1}'\n" HELLO "head -c 300000 /dev/zero | tr '\\0' x; echo\n"
	      "echo; echo '[]'; echo '{'; echo '{\"type\":7}'; echo '{\"type\":\"dance\"}'; printf "
	      "'a\\000b\\377\\n'\n"
	      "echo '{\"type\":\"health\",\"state\":\"splendid\"}'; echo "
	      "'{\"type\":\"health\",\"state\":\"sick\",\"pid\":99999999999}'\n"
	      "echo '{\"type\":\"bindings\",\"put\":{},\"remove\":\"x\"}'; echo "
	      "'{\"type\":\"done\",\"id\":-4}'\n"
	      "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do "
	      "echo line $i >&2; done\n"
	      "echo '{\"type\":\"hello\",\"version\":1}'\necho "
	      "'{\"type\":\"log\",\"text\":\"end\"}'\n" WAIT_FOR_EVER);
	UNTIL(&s, adapter_counters(s.a)->garbage >= 9 && s.healths == 1);
	ck_assert_uint_eq(adapter_counters(s.a)->oversized, 1);
	ck_assert_int_eq(s.health.state, PBX_SICK);
	ck_assert_int_eq(s.health.pid, 0);
	ck_assert_uint_eq(adapter_counters(s.a)->crashes, 0);
	ck_assert_int_le(s.alarms[ADAPTER_GARBAGE], 3);
	UNTIL(&s, adapter_counters(s.a)->log_dropped > 0);
	ck_assert_int_le(s.logs, 20);
	end(&s);
}
END_TEST

START_TEST(refuses_another_version)
{
	struct seen s;

	start(&s, "echo '{\"type\":\"hello\",\"version\":2}'\n" WAIT_FOR_EVER);
	UNTIL(&s, s.alarms[ADAPTER_VERSION] && adapter_counters(s.a)->spawns == 2);
	ck_assert_int_eq(s.ready, 0);
	end(&s);
}
END_TEST

START_TEST(says_why_a_configuration_is_refused)
{
	struct seen s;

	start(&s, HELLO "echo '{\"type\":\"failed\",\"id\":2,\"why\":\"unknown setting\"}'\n" WAIT_FOR_EVER);
	UNTIL(&s, s.alarms[ADAPTER_CONFIG]);
	ck_assert(!adapter_ready(s.a));
	ck_assert_int_eq(s.answers, 0);
	end(&s);
}
END_TEST

/* It is not pinged: a ping that is due turned the loop without end. */
START_TEST(does_not_spin_on_a_child_that_refuses_its_configuration)
{
	struct seen s;

	start(&s, HELLO "echo '{\"type\":\"failed\",\"id\":2,\"why\":\"no such file\"}'\n"
			"echo '{\"type\":\"pong\",\"id\":1}'\n" WAIT_FOR_EVER);
	UNTIL(&s, s.alarms[ADAPTER_CONFIG]);
	turn(&s, 100);
	s.skew_ns += 60 * NS_PER_S;
	adapter_tick(s.a, now_of(&s));
	ck_assert(boot_before(now_of(&s), adapter_next(s.a)));
	end(&s);
}
END_TEST

/* The buffer fills, requests are refused, and no call waits. */
START_TEST(never_waits_for_a_child_that_does_not_read)
{
	char path[BINDING_PATH_MAX + 1];
	int64_t slowest_ns = 0;
	struct binding b;
	struct seen s;
	int r = 0, sent = 0;

	memset(path, 'p', BINDING_PATH_MAX);
	path[BINDING_PATH_MAX] = 0;
	binding_init(&b);
	b.text[BINDING_AOR] = "1001";
	b.text[BINDING_CONTACT] = "sip:1001@h";
	b.text[BINDING_PATH] = path;
	start(&s, CONFIGURED "sleep 1000\n");
	UNTIL(&s, s.ready);
	while (r == 0) {
		struct adapter_apply apply = { 0 };
		boot_t before;

		for (int i = 0; i < ADAPTER_APPLY_MAX; i++)
			ck_assert_int_eq(adapter_apply_put(&apply, &b, now_of(&s)), 0);
		ck_assert_int_eq(adapter_apply_put(&apply, &b, now_of(&s)), -ENOSPC);
		before = clock_now().boot;
		r = adapter_send_apply(s.a, &apply, now_of(&s), NULL);
		if (boot_diff_ns(before, clock_now().boot) > slowest_ns)
			slowest_ns = boot_diff_ns(before, clock_now().boot);
		sent += r == 0;
		ck_assert_int_le(sent, ADAPTER_REQUESTS_MAX);
	}
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_int_ge(sent, 30);
	ck_assert_uint_eq(adapter_counters(s.a)->refused_requests, 1);
	ck_assert_int_ge(s.alarms[ADAPTER_OVERFLOW], 1);
	ck_assert_int_lt(slowest_ns, NS_PER_S); /* it would be for ever */
	s.skew_ns += 11 * NS_PER_S;
	turn(&s, 0);
	ck_assert_int_eq(s.answers, sent); /* each exactly once */
	ck_assert_int_eq(s.last_error, ETIMEDOUT);
	ck_assert_uint_eq(adapter_counters(s.a)->timeouts, sent);
	end(&s);
}
END_TEST

START_TEST(sees_the_death_of_the_pbx_without_the_adapter)
{
	char script[512];
	struct seen s;
	pid_t pbx = fork();

	if (pbx == 0) {
		(void)pause(); /* until killed */
		_exit(0);
	}
	(void)snprintf(script, sizeof script,
		       CONFIGURED
		       "echo '{\"type\":\"health\",\"state\":\"healthy\",\"pid\":%d}'\n" WAIT_FOR_EVER,
		       (int)pbx);
	start(&s, script);
	UNTIL(&s, s.healths == 1);
	ck_assert_int_eq(s.health.state, PBX_HEALTHY);
	ck_assert_int_eq(s.health.pid, pbx);
	ck_assert_int_eq(kill(pbx, SIGKILL), 0);
	UNTIL(&s, s.healths == 2);
	ck_assert_int_eq(s.health.state, PBX_DEAD);
	ck_assert_int_eq(waitpid(pbx, NULL, 0), pbx);
	end(&s);

	/* A report that was already in the pipe does not bring it back. */
	start(&s, script);
	UNTIL(&s, s.healths == 1);
	ck_assert_int_eq(s.health.state, PBX_DEAD);
	end(&s);
}
END_TEST

/* Whoever started us may have ignored SIGCHLD, and then the kernel collects: its pidfd is readable for ever.
 */
START_TEST(sees_the_end_of_a_child_that_was_collected_already)
{
	struct seen s;

	(void)signal(SIGCHLD, SIG_IGN);
	start(&s, CONFIGURED "sleep 0.2; exit 3\n");
	UNTIL(&s, s.alarms[ADAPTER_CRASHED] > 0);
	ck_assert_int_le(adapter_child_pid(s.a), 0);
	end(&s);
}
END_TEST

/* A descriptor that stays ready turns the loop at real-time priority until the child, which needs the
 * processor for it, has ended. */
START_TEST(does_not_spin_on_a_child_that_closed_its_stdin)
{
	struct seen s;
	boot_t end_at;
	int turns = 0;

	start(&s, CONFIGURED "exec sleep 60 <&- # the pipe to it is broken\n");
	UNTIL(&s, s.ready);
	for (end_at = boot_add(clock_now().boot, NS_PER_S / 2); boot_before(clock_now().boot, end_at);
	     turns++)
		turn(&s, 500);
	ck_assert_int_lt(turns, 100);
	UNTIL(&s, s.alarms[ADAPTER_CRASHED] > 0);
	end(&s);
}
END_TEST

UNIT_MAIN("adapter", speaks_with_a_child_that_behaves, orders_trunks_and_hears_of_them,
	  tells_the_uplink_to_every_child, orders_reinvites_and_hears_of_quality,
	  asks_nothing_of_uplinks_from_an_adapter_that_knows_none,
	  starts_a_crashed_child_again_and_fails_its_requests, health_of_a_lost_adapter_becomes_unknown,
	  kills_a_hung_child_and_its_children, kills_a_child_that_never_says_hello,
	  does_not_blame_the_child_for_its_own_pause, survives_garbage, refuses_another_version,
	  says_why_a_configuration_is_refused, does_not_spin_on_a_child_that_refuses_its_configuration,
	  never_waits_for_a_child_that_does_not_read, sees_the_death_of_the_pbx_without_the_adapter,
	  does_not_spin_on_a_child_that_closed_its_stdin, sees_the_end_of_a_child_that_was_collected_already)
