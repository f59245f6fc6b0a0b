/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "history.h"
#include "history_text.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const nodes[NODE_ID_MAX + 1] = { [1] = "n1", [2] = "n2" };
static const char *const groups[RK_GROUPS_MAX] = { "office" };

static struct history_origin origin(node_id_t node, uint64_t number)
{
	return (struct history_origin){
		.node_names = nodes,
		.group_names = groups,
		.node = node,
		.number = number,
		.boot_id = "b",
		.wall_ns = 1700000000LL * NS_PER_S + 123 * NS_PER_MS,
		.now = { .boot = { 50 * NS_PER_S } },
	};
}

static const struct core_record takeover = {
	.type = RECORD_TAKEOVER,
	.node = 2,
	.peer = 1,
	.epoch = { 42, 2 },
	.cause = CAUSE_LEASE_EXPIRED,
	.ok = true,
	.at = { 49 * NS_PER_S },
	.asked_to_won_ns = 2100000,
	.won_to_announced_ns = 400000,
};

struct place {
	char path[40];
	int fd;
	struct history_file file;
};

static void place_begin(struct place *p, uint64_t bytes_max)
{
	(void)snprintf(p->path, sizeof p->path, "/tmp/ringkeep-history-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(history_open(&p->file, p->fd, bytes_max), 0);
}

static void place_end(struct place *p)
{
	history_close(&p->file);
	(void)unlinkat(p->fd, "history", 0);
	(void)unlinkat(p->fd, "history.1", 0); /* only some tests rotate */
	(void)close(p->fd);
	ck_assert_int_eq(rmdir(p->path), 0);
}

static int append(struct place *p, node_id_t node, uint64_t number)
{
	struct history_origin o = origin(node, number);
	char line[HISTORY_LINE_MAX];
	int len = history_format(&o, &takeover, line, sizeof line);

	ck_assert_int_gt(len, 0);
	return history_append(&p->file, line, (size_t)len);
}

/* The whole file; writes it back changed if replace is given. */
static char *edit(struct place *p, const char *find, const char *replace)
{
	static char text[65536], changed[65536];
	int fd = openat(p->fd, "history", O_RDWR);
	ssize_t n = read(fd, text, sizeof text - 1);
	char *at;

	ck_assert_int_ge(n, 0);
	text[n] = 0;
	at = find ? strstr(text, find) : NULL;
	if (at) {
		(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, replace,
			       at + strlen(find));
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, changed, strlen(changed), 0), (ssize_t)strlen(changed));
	}
	(void)close(fd);
	return text;
}

START_TEST(formats_a_record)
{
	struct history_origin o = origin(2, 17);
	char line[HISTORY_LINE_MAX];
	uint64_t number;
	node_id_t node;
	int len = history_format(&o, &takeover, line, sizeof line);

	ck_assert_str_eq(line,
			 "{\"time\":\"2023-11-14T22:13:19.123Z\",\"node\":\"n2\",\"node_id\":2,\"number\":17,"
			 "\"boot\":\"b\",\"type\":\"takeover\",\"group\":\"office\",\"peer\":\"n1\","
			 "\"epoch\":\"42.2\",\"cause\":\"lease_expired\",\"ok\":true,"
			 "\"asked_to_won_ms\":2.1,\"won_to_announced_ms\":0.4}");
	ck_assert_int_eq(history_identify(line, (size_t)len, &node, &number), 0);
	ck_assert(node == 2 && number == 17);
}
END_TEST

START_TEST(tells_records_as_sentences)
{
	const struct {
		struct core_record rec;
		const char *who, *why, *sentence;
	} cases[] = {
		{ takeover, NULL, NULL,
		  "took over: the lease of n1 ran out (won in 2.1 ms, announced after 0.4 ms)" },
		{ { .type = RECORD_LETGO,
		    .node = 2,
		    .peer = 1,
		    .epoch = { 42, 2 },
		    .cause = CAUSE_PBX_DEAD,
		    .ok = true },
		  NULL,
		  NULL,
		  "let go: its PBX died, to n1" },
		{ { .type = RECORD_COMMAND,
		    .node = 2,
		    .peer = 1,
		    .command = COMMAND_SWITCHOVER,
		    .operation = 5 },
		  "alice",
		  "upgrade",
		  "switchover to n1, by alice at n2, because: upgrade" },
		{ { .type = RECORD_COMMAND, .node = 1, .command = COMMAND_STANDBY },
		  "alice",
		  NULL,
		  "standby n1, by alice at n2" },
		{ { .type = RECORD_OPERATION,
		    .node = 2,
		    .command = COMMAND_SWITCHOVER,
		    .reason = REASON_TIMEOUT },
		  NULL,
		  NULL,
		  "switchover: failed, timeout" },
		{ { .type = RECORD_TAKEOVER,
		    .node = 2,
		    .cause = CAUSE_VACANT,
		    .failed_step = STEP_WAKE_PBX,
		    .error = -ETIMEDOUT },
		  NULL,
		  NULL,
		  "took over: nobody had held it; step wake-pbx failed: ETIMEDOUT" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct history_origin o = origin(2, 1);
		char line[HISTORY_LINE_MAX], got[400];

		o.who = cases[i].who;
		o.from = cases[i].who ? "n2" : NULL;
		o.why = cases[i].why;
		int len = history_format(&o, &cases[i].rec, line, sizeof line);
		json_t *j = json_loadb(line, (size_t)len, 0, NULL);

		history_sentence(j, got, sizeof got);
		json_decref(j);
		ck_assert_str_eq(got, cases[i].sentence);
	}
}
END_TEST

struct last {
	node_id_t node;
	uint64_t number;
};

static void look(void *ctx, const json_t *record)
{
	struct last *l = ctx;
	uint64_t number = (uint64_t)json_integer_value(json_object_get(record, "number"));

	if (json_integer_value(json_object_get(record, "node_id")) == l->node && number > l->number)
		l->number = number;
}

static uint64_t last_number(struct place *p, node_id_t node)
{
	struct last l = { .node = node };

	ck_assert_int_eq(history_walk(p->fd, look, &l), 0);
	return l.number;
}

/* Whoever gives a command chooses the reason, and another node the names. */
START_TEST(prints_one_line_whatever_a_record_says)
{
	json_t *r = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "switchover", "node", "n1\r", "who", "bob",
			      "from", "n1", "why", "x\n2026-12-01 00:00:00.000  n2 \x1b[2Jtook over");
	FILE *f = tmpfile();
	char text[2048];

	ck_assert_ptr_nonnull(f);
	history_print_line(r, f);
	rewind(f);
	size_t n = fread(text, 1, sizeof text - 1, f);

	text[n] = 0;
	(void)fclose(f);
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i + 1 < n; i++)
		ck_assert_int_ge((unsigned char)text[i], ' ');
	ck_assert_int_eq(text[n - 1], '\n');
	ck_assert_ptr_nonnull(strstr(text, "because: x?2026-12-01"));
	json_decref(r);
}
END_TEST

START_TEST(chains_and_ignores_copies)
{
	struct place p;
	struct history_verdict v;

	place_begin(&p, 65536);
	ck_assert_int_eq(append(&p, 2, 1), 0);
	ck_assert_int_eq(append(&p, 1, 1), 0);
	ck_assert_int_eq(append(&p, 2, 1), 1);
	ck_assert_int_eq(append(&p, 2, 3), 0);
	ck_assert_int_eq(append(&p, 2, 2), 0); /* late, from a peer's snapshot */
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(v.intact);
	ck_assert_uint_eq(v.lines, 4);
	ck_assert_uint_eq(last_number(&p, 2), 3);
	ck_assert_uint_eq(last_number(&p, 1), 1);
	ck_assert_uint_eq(last_number(&p, 9), 0);

	history_close(&p.file); /* a restart remembers */
	ck_assert_int_eq(history_open(&p.file, p.fd, 65536), 0);
	ck_assert_int_eq(append(&p, 2, 2), 1);
	ck_assert_int_eq(append(&p, 2, 4), 0);
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(v.intact && v.lines == 5);
	ck_assert_str_eq(v.text, "5 records, each follows the one before");

	json_t *last = history_read(p.fd, 2);

	ck_assert_uint_eq(json_array_size(last), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(last, 1), "number")), 4);
	json_decref(last);
	place_end(&p);
}
END_TEST

START_TEST(sees_tampering)
{
	static const struct {
		const char *find, *replace;
		uint64_t line;
	} cases[] = {
		{ "\"number\":2,", "\"number\":7,", 3 }, /* changed: the next does not follow */
		{ "lease_expired\",\"ok\":true", "operator\",\"ok\":true", 2 }, /* the first line */
		{ "\n{", "\n{}\n{", 2 },					/* inserted */
		{ "\"prev\":\"0000", "\"prev\":\"1000", 2 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct place p;
		struct history_verdict v;

		place_begin(&p, 65536);
		for (uint64_t n = 1; n <= 3; n++)
			ck_assert_int_eq(append(&p, 2, n), 0);
		(void)edit(&p, cases[i].find, cases[i].replace);
		ck_assert_int_eq(history_verify(p.fd, &v), 0);
		ck_assert(!v.intact);
		ck_assert_msg(v.bad_line == cases[i].line, "case %zu: line %d, %s", i, (int)v.bad_line,
			      v.text);
		place_end(&p);
	}
}
END_TEST

START_TEST(sees_a_removed_line)
{
	struct place p;
	struct history_verdict v;
	char line[2000];

	place_begin(&p, 65536);
	for (uint64_t n = 1; n <= 3; n++)
		ck_assert_int_eq(append(&p, 2, n), 0);
	const char *text = edit(&p, NULL, NULL), *second = strchr(text, '\n') + 1;

	(void)snprintf(line, sizeof line, "%.*s", (int)(strchr(second, '\n') + 1 - second), second);
	(void)edit(&p, line, "");
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(!v.intact && v.bad_line == 2);
	place_end(&p);
}
END_TEST

START_TEST(cuts_off_half_a_line_and_goes_on)
{
	struct place p;
	struct history_verdict v;

	place_begin(&p, 65536);
	ck_assert_int_eq(append(&p, 2, 1), 0);
	ck_assert_int_eq(append(&p, 2, 2), 0);
	(void)edit(&p, "\"number\":2,", "\"number\":2,");
	int fd = openat(p.fd, "history", O_WRONLY | O_APPEND);

	ck_assert_int_eq(write(fd, "{\"time\":\"20", 11), 11);
	(void)close(fd);
	history_close(&p.file);
	ck_assert_int_eq(history_open(&p.file, p.fd, 65536), 0);
	ck_assert_int_eq(append(&p, 2, 3), 0);
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(v.intact && v.lines == 3);
	place_end(&p);
}
END_TEST

START_TEST(rotates_and_keeps_the_chain)
{
	struct place p;
	struct history_verdict v;
	struct stat st;

	place_begin(&p, 2000);
	for (uint64_t n = 1; n <= 8; n++)
		ck_assert_int_eq(append(&p, 2, n), 0);
	ck_assert_int_eq(fstatat(p.fd, "history.1", &st, 0), 0);
	ck_assert_int_le(st.st_size, 2000);
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(v.intact);
	ck_assert_uint_lt(v.lines, 9);
	json_t *all = history_read(p.fd, 100);

	ck_assert_uint_eq(json_array_size(all), v.lines);
	json_decref(all);
	place_end(&p);
}
END_TEST

/* However many others there are after them, and in both files. */
START_TEST(reads_those_of_a_type)
{
	static const char *const types[] = { "uplink", "uplink-switch", "uplinked", "alarm" };
	struct history_origin o;
	struct place p;
	char line[HISTORY_LINE_MAX];

	place_begin(&p, 1200);
	for (uint64_t n = 1; n <= 4; n++) {
		o = origin(2, n);
		int len = history_format_event(&o, types[n - 1], NULL, "\"type\":\"uplink\"", NULL, line,
					       sizeof line);

		ck_assert_int_eq(history_append(&p.file, line, (size_t)len), 0);
	}
	ck_assert_int_eq(append(&p, 2, 5), 0);
	ck_assert_int_eq(append(&p, 2, 6), 0);
	ck_assert_int_eq(faccessat(p.fd, "history.1", F_OK, 0), 0);
	json_t *list = history_read_type(p.fd, "uplink", 100);

	ck_assert_uint_eq(json_array_size(list), 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, i), "type")),
				 types[i]);
	json_decref(list);
	list = history_read_type(p.fd, "uplink", 1);
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "type")), types[1]);
	json_decref(list);
	place_end(&p);
}
END_TEST

/* A disk without room for one more file, or a process without room for one more descriptor: the old file has
 * got its new name by then. */
START_TEST(goes_on_after_half_a_rotation)
{
	struct place p;
	struct history_verdict v;
	struct rlimit all, none = { 0 };
	uint64_t n = 1;
	int r = 0;

	place_begin(&p, 2000);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none.rlim_max = all.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (; n < 100 && r == 0; n++)
		r = append(&p, 2, n);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert_int_eq(append(&p, 2, n - 1), 0);
	ck_assert_int_eq(append(&p, 2, n), 0);
	ck_assert_int_eq(history_verify(p.fd, &v), 0);
	ck_assert(v.intact);
	ck_assert_uint_eq(v.lines, n);
	place_end(&p);
}
END_TEST

/* ---- records that belong together ---- */

static void add_record(json_t *list, node_id_t node, uint64_t number, struct core_record rec, uint64_t begun)
{
	struct history_origin o = origin(node, number);
	char line[HISTORY_LINE_MAX];

	o.begun = begun;
	int len = history_format(&o, &rec, line, sizeof line);

	ck_assert_int_gt(len, 0);
	json_array_append_new(list, json_loadb(line, (size_t)len, 0, NULL));
}

static void add_event(json_t *list, node_id_t node, uint64_t number, const char *type, json_t *data)
{
	struct history_origin o = origin(node, number);
	char line[HISTORY_LINE_MAX];
	int len = history_format_event(&o, type, "office", NULL, data, line, sizeof line);

	json_decref(data);
	json_array_append_new(list, json_loadb(line, (size_t)len, 0, NULL));
}

static struct core_record begins(struct core_record rec)
{
	rec.begins = true;
	rec.won_to_announced_ns = 0;
	return rec;
}

static void expect_sentence(const json_t *list, size_t i, const char *sentence)
{
	char got[400];

	history_sentence(json_array_get(list, i), got, sizeof got);
	ck_assert_str_eq(got, sentence);
}

START_TEST(an_end_replaces_its_beginning)
{
	json_t *list = json_array();

	add_record(list, 2, 6, begins(takeover), 0);
	add_record(list, 2, 7, takeover, 6);
	add_record(list, 1, 7, takeover, 6); /* of another node: its beginning came late */
	add_record(list, 1, 6, begins(takeover), 0);
	add_record(list, 2, 9, takeover, 0); /* by an agent that knew no beginnings */
	history_tidy(list, 50);
	ck_assert_uint_eq(json_array_size(list), 3);
	expect_sentence(list, 0,
			"took over: the lease of n1 ran out (won in 2.1 ms, announced after 0.4 ms)");
	expect_sentence(list, 2,
			"took over: the lease of n1 ran out (won in 2.1 ms, announced after 0.4 ms)");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 1), "number")), 7);
	json_decref(list);
}
END_TEST

START_TEST(a_beginning_without_an_end_is_told)
{
	struct core_record letgo = {
		.type = RECORD_LETGO, .node = 2, .peer = 1, .epoch = { 42, 2 }, .cause = CAUSE_STOPPING
	};
	json_t *list = json_array();

	add_record(list, 2, 6, begins(takeover), 0);
	add_event(list, 2, 8, "agent-started", NULL);
	add_record(list, 2, 9, begins(letgo), 0);
	add_event(list, 1, 20, "agent-started", NULL); /* of another node */
	history_drop_begun(list);
	expect_sentence(list, 0, "begins to take over: the lease of n1 ran out (won in 2.1 ms)");
	history_tidy(list, 50);
	ck_assert_uint_eq(json_array_size(list), 4);
	expect_sentence(
		list, 0,
		"begins to take over: the lease of n1 ran out (won in 2.1 ms); interrupted: its agent "
		"ended before it was done");
	expect_sentence(list, 2, "begins to let go: its agent was stopped, to n1; not finished");
	ck_assert_ptr_null(json_object_get(json_array_get(list, 0), "ok"));
	history_tidy(list, 2);
	ck_assert_uint_eq(json_array_size(list), 2);
	json_decref(list);
}
END_TEST

static json_t *seen(const char *epoch)
{
	return json_pack("{s:s, s:s}", "about", "n1", "epoch", epoch);
}

START_TEST(a_takeover_that_was_seen_goes_when_its_own_record_comes)
{
	struct core_record own = takeover;
	json_t *list = json_array();

	own.node = 1;
	own.peer = 2;
	own.epoch = (struct epoch){ 41, 1 };
	add_event(list, 2, 5, "takeover-seen", seen("43.1")); /* 41.1, raised once while it was held */
	add_record(list, 2, 6, takeover, 0);
	add_event(list, 2, 7, "takeover-seen", seen("41.1"));
	add_event(list, 3, 1, "takeover-seen", seen("41.1")); /* by another node, too */
	history_tidy(list, 50);
	ck_assert_uint_eq(json_array_size(list), 3);
	expect_sentence(list, 2, "n1 was seen to have taken over; its own record has not come");
	add_record(list, 1, 9, begins(own), 0);
	history_tidy(list, 50);
	ck_assert_uint_eq(json_array_size(list), 3);
	/* Somebody else held in between, so this is another tenure. */
	expect_sentence(list, 0, "n1 was seen to have taken over; its own record has not come");
	expect_sentence(list, 1,
			"took over: the lease of n1 ran out (won in 2.1 ms, announced after 0.4 ms)");
	expect_sentence(list, 2,
			"begins to take over: the lease of n2 ran out (won in 2.1 ms); not finished");
	json_decref(list);
}
END_TEST

START_TEST(tells_of_which_takeover_a_record_is)
{
	static const struct {
		const char *text;
		struct epoch epoch;
	} cases[] = {
		{ "{\"type\":\"takeover\",\"epoch\":\"42.2\",\"group\":\"office\"}", { 42, 2 } },
		{ "{\"type\":\"takeover-begun\",\"epoch\":\"42.2\"}", { 42, 2 } },
		{ "{\"type\":\"takeover-seen\",\"epoch\":\"42.2\"}", { 42, 2 } },
		{ "{\"type\":\"letgo\",\"epoch\":\"42.2\"}", { 0 } },
		{ "{\"type\":\"takeover\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":\"42\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":\"42.\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":\"-42.2\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":\"42.900\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":\"42.2x\"}", { 0 } },
		{ "{\"type\":\"takeover\",\"epoch\":42.2}", { 0 } },
		{ "[]", { 0 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *group;
		json_t *r = json_loads(cases[i].text, 0, NULL);

		ck_assert_msg(epoch_cmp(history_tenure(r, &group), cases[i].epoch) == 0, "%s", cases[i].text);
		ck_assert_str_eq(group, i ? "" : "office");
		json_decref(r);
	}
}
END_TEST

START_TEST(refuses_what_is_no_record)
{
	static const char *const bad[] = { "",
					   "{}",
					   "[1]",
					   "{\"type\":\"x\",\"node_id\":64,\"number\":1}",
					   "{\"type\":\"x\",\"node_id\":1,\"number\":0}",
					   "{\"type\":\"x\",\"node_id\":1,\"number\":1,\"prev\":\"0\"}",
					   "{\"type\":\"x\",\"node_id\":1,\n\"number\":1}" };
	uint64_t number;
	node_id_t node;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_int_eq(history_identify(bad[i], strlen(bad[i]), &node, &number), -EINVAL);
}
END_TEST

UNIT_MAIN("history", reads_those_of_a_type, formats_a_record, tells_records_as_sentences,
	  prints_one_line_whatever_a_record_says, chains_and_ignores_copies, sees_tampering,
	  sees_a_removed_line, cuts_off_half_a_line_and_goes_on, rotates_and_keeps_the_chain,
	  goes_on_after_half_a_rotation, an_end_replaces_its_beginning, a_beginning_without_an_end_is_told,
	  a_takeover_that_was_seen_goes_when_its_own_record_comes, tells_of_which_takeover_a_record_is,
	  refuses_what_is_no_record)
