/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_wire.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct fence_request sample = {
	.agent = "fence_ipmilan",
	.action = "off",
	.plug = "a b",
	.password_file = "/etc/ringkeep/p",
	.password_parameter = "password",
	.parameters_count = 2,
	.parameter = { "ip=10.0.0.1", "x= y=z " },
	.timeout_ms = 15000,
};

START_TEST(a_request_comes_back)
{
	static struct fence_request_text t;
	const struct fence_request *r = &t.request;
	char why[120];
	size_t len;

	ck_assert_int_eq(fence_request_write(&sample, t.text, &len), 0);
	ck_assert_uint_eq(len, strlen(t.text));
	ck_assert(fence_request_whole(t.text, len));
	ck_assert(!fence_request_whole(t.text, len - 1));
	ck_assert_int_eq(fence_request_read(&t, why, sizeof why), 0);
	ck_assert_str_eq(r->agent, "fence_ipmilan");
	ck_assert_str_eq(r->action, "off");
	ck_assert_str_eq(r->plug, "a b");
	ck_assert_str_eq(r->password_file, "/etc/ringkeep/p");
	ck_assert_str_eq(r->password_parameter, "password");
	ck_assert_uint_eq(r->parameters_count, 2);
	ck_assert_str_eq(r->parameter[1], "x= y=z ");
	ck_assert_uint_eq(r->timeout_ms, 15000);
}
END_TEST

START_TEST(a_newline_cannot_smuggle_a_line)
{
	static char text[FENCE_REQUEST_TEXT_MAX];
	struct fence_request r = sample;
	size_t len;

	r.plug = "3\nparameter ip=10.0.0.2";
	ck_assert_int_eq(fence_request_write(&r, text, &len), -EINVAL);
	r = sample;
	r.parameter[1] = "x=\n";
	ck_assert_int_eq(fence_request_write(&r, text, &len), -EINVAL);
}
END_TEST

START_TEST(a_request_too_long_is_refused)
{
	static char text[FENCE_REQUEST_TEXT_MAX], value[FENCE_REQUEST_TEXT_MAX];
	struct fence_request r = sample;
	size_t len, fits = 0;

	for (size_t size = FENCE_REQUEST_TEXT_MAX - 200; size < FENCE_REQUEST_TEXT_MAX; size++) {
		(void)memset(value, 'v', size);
		value[size] = 0;
		r.parameter[1] = value;
		if (fence_request_write(&r, text, &len) == 0) {
			ck_assert_uint_lt(len, FENCE_REQUEST_TEXT_MAX);
			ck_assert_uint_eq(strlen(text), len);
			fits++;
		} else {
			ck_assert_int_eq(fence_request_write(&r, text, &len), -EMSGSIZE);
		}
	}
	ck_assert_uint_gt(fits, 0);
	ck_assert_uint_lt(fits, 200);
}
END_TEST

START_TEST(bad_requests_are_refused_without_their_values)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "\n", "a bad request: no agent" },
		{ "agent a\n\n", "a bad request: no action" },
		{ "agent a\naction off\n\n", "a bad request: no timeout-ms" },
		{ "agent a\naction off\ntimeout-ms 0\n\n", "a bad request: line \"timeout-ms\"" },
		{ "agent a\naction off\ntimeout-ms 1x\n\n", "a bad request: line \"timeout-ms\"" },
		{ "agent a\naction off\ntimeout-ms 600001\n\n", "a bad request: line \"timeout-ms\"" },
		{ "agent a\nagent b\n\n", "a bad request: line \"agent\"" },
		{ "agent \n\n", "a bad request: line \"agent\"" },
		{ "parameter geheim\n\n", "a bad request: line \"parameter\"" },
		{ "password geheim\n\n", "a bad request: line \"password\"" },
		{ "agent a\naction off\ntimeout-ms 1\npassword-file /x\n\n",
		  "a bad request: no password-parameter" },
	};
	static struct fence_request_text t;
	char why[120];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(t.text, sizeof t.text, "%s", cases[i].text);
		ck_assert_int_eq(fence_request_read(&t, why, sizeof why), -EINVAL);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

START_TEST(an_answer_comes_back)
{
	struct fence_result r = { FENCE_ANSWER_BROKEN, -9, 1234, "said  code 1" }, got;
	char line[FENCE_ANSWER_LINE_MAX];
	size_t output;
	int n = (int)fence_answer_write(&r, 17, line);

	ck_assert_int_eq(fence_answer_read(line, (size_t)n, &got, &output), n);
	ck_assert_int_eq(got.answer, FENCE_ANSWER_BROKEN);
	ck_assert_int_eq(got.code, -9);
	ck_assert_uint_eq(got.took_ms, 1234);
	ck_assert_str_eq(got.said, "said code 1");
	ck_assert_uint_eq(output, 17);
	r.said[0] = 0;
	n = (int)fence_answer_write(&r, 0, line);
	ck_assert_int_eq(fence_answer_read(line, (size_t)n, &got, &output), n);
	ck_assert_str_eq(got.said, "");
	(void)memset(r.said, 'x', sizeof r.said - 1);
	n = (int)fence_answer_write(&r, FENCE_OUTPUT_MAX, line);
	ck_assert_int_lt(n, FENCE_ANSWER_LINE_MAX);
	ck_assert_int_eq(fence_answer_read(line, (size_t)n, &got, &output), n);
}
END_TEST

START_TEST(no_answer_is_not_one)
{
	static const char *const cases[] = {
		"",
		"\n",
		"answer ok code 0 took_ms 1 out 0 said ",
		"answer fine code 0 took_ms 1 out 0 said \n",
		"answer ok code 0 took_ms 1 out 70000 said \n",
		"answer ok code 0\n",
		"Segmentation fault\n",
	};
	struct fence_result got;
	size_t output;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_int_eq(fence_answer_read(cases[i], strlen(cases[i]), &got, &output), -EINVAL);
}
END_TEST

START_TEST(exit_codes_are_those_of_the_api)
{
	ck_assert_int_eq(fence_answer_of("status", 0), FENCE_ANSWER_OK);
	ck_assert_int_eq(fence_answer_of("status", 2), FENCE_ANSWER_OFF);
	ck_assert_int_eq(fence_answer_of("monitor", 2), FENCE_ANSWER_OFF);
	ck_assert_int_eq(fence_answer_of("off", 1), FENCE_ANSWER_FAILED);
	ck_assert_int_eq(fence_answer_of("off", 2), FENCE_ANSWER_BROKEN); /* a usage error */
	ck_assert_int_eq(fence_answer_of("status", 3), FENCE_ANSWER_BROKEN);
	ck_assert_int_eq(fence_answer_of("off", 127), FENCE_ANSWER_BROKEN);
}
END_TEST

START_TEST(secrets_become_stars)
{
	char text[] = "-P geheim geheimgeheim geh", said[FENCE_SAID_MAX];

	fence_mask(text, strlen(text), "geheim");
	ck_assert_str_eq(text, "-P ****** ************ geh");
	fence_mask(text, strlen(text), "");
	ck_assert_str_eq(text, "-P ****** ************ geh");
	fence_mask(text, strlen(text), "h");
	ck_assert_str_eq(text, "-P ****** ************ ge*");
	fence_said("\n\t a \x01 b\xc3\xa4\r\n\n", 11, said);
	ck_assert_str_eq(said, "a b??");
	ck_assert(fence_parameter_secret("password=x"));
	ck_assert(fence_parameter_secret("snmp_priv_passwd=x"));
	ck_assert(fence_parameter_secret("Community=x"));
	ck_assert(!fence_parameter_secret("ip=password"));
}
END_TEST

UNIT_MAIN("fence_wire", a_request_comes_back, a_newline_cannot_smuggle_a_line, a_request_too_long_is_refused,
	  bad_requests_are_refused_without_their_values, an_answer_comes_back, no_answer_is_not_one,
	  exit_codes_are_those_of_the_api, secrets_become_stars)
