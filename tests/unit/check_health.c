/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One status with its changes, and what a load balancer makes of it; and the same status as metrics.
 */
#include "health.h"
#include "metrics.h"
#include "unit.h"

#include <string.h>

static const char good[] =
	"{\"cluster\":\"office\",\"node\":\"n1\",\"version\":\"0\",\"safety\":\"leased\",\"witness\":false,"
	"\"paused\":false,\"stopping\":false,"
	"\"corosync\":true,\"timing\":{},\"loop_lag_ms\":0.5,"
	"\"nodes\":[{\"name\":\"n1\",\"state\":\"up\",\"standby\":false},{\"name\":\"n2\",\"state\":\"up\","
	"\"standby\":false,\"last_heard_ms\":34}],"
	"\"links\":[{\"node\":\"n2\",\"link\":\"ring0\",\"up\":true,\"rtt_ms\":0.25,\"send_errors\":1}],"
	"\"groups\":[{\"name\":\"office\",\"holder\":\"n1\",\"epoch\":\"42.1\",\"gate\":\"open\",\"since_"
	"ms\":5000,\"bindings\":20,\"majority\":true,"
	"\"pbx\":{\"state\":\"healthy\",\"calls\":3},\"trunks\":[{\"name\":\"a\\\"b\\\\c\\nd\",\"state\":"
	"\"registered\"}],"
	"\"candidates\":[{\"node\":\"n1\",\"eligible\":true,\"reason\":\"chosen\",\"text\":\"x\"},"
	"{\"node\":\"n2\",\"eligible\":true,\"reason\":\"not_incumbent\",\"text\":\"fit\"}]}],"
	"\"alarms\":[],\"counters\":{\"standstills\":2}}";

static json_t *status;

static void set(const char *path, json_t *v)
{
	json_t *group = json_array_get(json_object_get(status, "groups"), 0);

	if (!strcmp(path, "pbx"))
		json_object_set_new(json_object_get(group, "pbx"), "state", v);
	else if (!strcmp(path, "node"))
		json_object_set_new(status, "node", v);
	else if (!strcmp(path, "eligible"))
		json_object_set_new(json_array_get(json_object_get(group, "candidates"), 1), "eligible", v);
	else if (!strcmp(path, "n2-standby"))
		json_object_set_new(json_array_get(json_object_get(status, "nodes"), 1), "standby", v);
	else if (!strcmp(path, "gate") || !strcmp(path, "holder"))
		json_object_set_new(group, path, v);
	else
		json_object_set_new(status, path, v);
}

/* node, ready, active, standby as 1 or 0, and the first reason. */
static void expect(const char *bits, const char *why)
{
	struct health h[4];
	char is[5] = "";
	const char *first = "";

	health_node(status, "gone", &h[0]);
	health_ready(status, "gone", &h[1]);
	health_active(status, "gone", "office", &h[2]);
	health_standby(status, "gone", "", &h[3]);
	for (int i = 0; i < 4; i++) {
		is[i] = h[i].ok ? '1' : '0';
		if (!h[i].ok && !*first)
			first = h[i].why;
	}
	ck_assert_str_eq(is, bits);
	ck_assert_str_eq(first, why);
}

START_TEST(what_a_monitor_is_told)
{
	struct health h;

	status = json_loads(good, 0, NULL);
	ck_assert_ptr_nonnull(status);
	expect("1110", "group office is held here");
	set("gate", json_string("shut"));
	expect("0100", "group office is held here, and its gate is shut");
	set("gate", json_string("open"));
	set("pbx", json_string("dead"));
	expect("0100", "group office is held here, and its PBX is dead");
	set("pbx", json_string("healthy"));
	set("corosync", json_false());
	expect("0010", "corosync is not connected");
	set("corosync", json_true());
	set("node", json_string("n2"));
	expect("1101", "group office is held by n1");
	set("eligible", json_false());
	expect("0100", "this node could not take group office over: fit");
	set("paused", json_true());
	expect("1100", "group office is held by n1");
	set("eligible", json_true());
	set("n2-standby", json_true());
	expect("1100", "group office is held by n1");
	set("holder", json_null());
	expect("1100", "nobody is known to hold group office");
	set("stopping", json_true());
	expect("0000", "the agent is stopping");
	health_active(status, "", "nobody", &h);
	ck_assert(!h.ok && h.unknown);
	json_decref(status);
	status = NULL;
	expect("0000", "the agent does not answer: gone");
}
END_TEST

START_TEST(whatever_the_agent_says_nothing_breaks)
{
	static const char *const odd[] = { "{}", "{\"groups\":5,\"nodes\":{}}",
					   "{\"groups\":[1,null,{}],\"nodes\":[[]],\"alarms\":\"x\"}" };
	struct metrics_own own = { .status_age_s = 1 };

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		struct health h;

		status = json_loads(odd[i], 0, NULL);
		health_node(status, "", &h);
		health_standby(status, "", "", &h);
		metrics_write(f, METRICS_PROMETHEUS, status, &own);
		(void)fclose(f);
		free(text);
		json_decref(status);
	}
}
END_TEST

static char *metrics(enum metrics_format f)
{
	struct metrics_own own = {
		.status_age_s = 0.1, .connections = 2, .requests = 7, .start_time_s = 1764547200
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	status = json_loads(good, 0, NULL);
	metrics_write(out, f, status, &own);
	json_decref(status);
	(void)fclose(out);
	return text;
}

START_TEST(status_as_metrics)
{
	static const char *const lines[] = {
		"ringkeep_up 1\n",
		"ringkeep_info{cluster=\"office\",node=\"n1\",version=\"0\",safety=\"leased\"} 1\n",
		"ringkeep_node_state{node=\"n2\",state=\"up\"} 1\n",
		"ringkeep_node_state{node=\"n2\",state=\"unreachable\"} 0\n",
		"ringkeep_node_heard_seconds{node=\"n2\"} 0.034\n",
		"ringkeep_link_rtt_seconds{node=\"n2\",link=\"ring0\"} 0.00025\n",
		"ringkeep_group_holder{group=\"office\",node=\"n1\"} 1\n",
		"ringkeep_group_holder{group=\"office\",node=\"n2\"} 0\n",
		"ringkeep_group_epoch{group=\"office\"} 42\n",
		"ringkeep_candidate_eligible{group=\"office\",node=\"n2\",reason=\"not_incumbent\"} 1\n",
		"ringkeep_pbx_calls{group=\"office\"} 3\n",
		"ringkeep_trunk_up{group=\"office\",trunk=\"a\\\"b\\\\c\\nd\",state=\"registered\"} 1\n",
		"ringkeep_loop_lag_seconds 0.0005\n",
		"ringkeep_alarms 0\n",
		"ringkeep_events_total{event=\"standstills\"} 2\n",
		"# TYPE ringkeep_link_send_errors_total counter\n",
		"ringkeep_link_send_errors_total{node=\"n2\",link=\"ring0\"} 1\n",
	};
	char *text = metrics(METRICS_PROMETHEUS);

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		ck_assert_msg(strstr(text, lines[i]), "missing: %s in\n%s", lines[i], text);
	ck_assert_ptr_null(strstr(text, "# EOF"));
	free(text);
	text = metrics(METRICS_OPENMETRICS);
	ck_assert_ptr_nonnull(
		strstr(text, "# TYPE ringkeep_link_send_errors counter\nringkeep_link_send_errors_total{"));
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	free(text);
	ck_assert_int_eq(metrics_negotiate("application/openmetrics-text; version=1.0.0"),
			 METRICS_OPENMETRICS);
	ck_assert_int_eq(metrics_negotiate("text/plain"), METRICS_PROMETHEUS);
	ck_assert_int_eq(metrics_negotiate(NULL), METRICS_PROMETHEUS);
}
END_TEST

UNIT_MAIN("health", what_a_monitor_is_told, whatever_the_agent_says_nothing_breaks, status_as_metrics)
