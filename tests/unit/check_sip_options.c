/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sip_options.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

START_TEST(builds_an_options)
{
	const struct sip_options o = { "10.77.0.100:5060", "10.77.0.100:40000", "UDP", "rk1", 3 };
	char text[SIP_OPTIONS_MAX];
	int n = sip_options_build(&o, text, sizeof text);

	ck_assert_int_eq(n, (int)strlen(text));
	ck_assert_str_eq(text, "OPTIONS sip:10.77.0.100:5060 SIP/2.0\r\n"
			       "Via: SIP/2.0/UDP 10.77.0.100:40000;branch=z9hG4bKrk1;rport\r\n"
			       "Max-Forwards: 1\r\n"
			       "From: <sip:ringkeep@10.77.0.100:40000>;tag=rk1\r\n"
			       "To: <sip:10.77.0.100:5060>\r\n"
			       "Call-ID: rk1\r\n"
			       "CSeq: 3 OPTIONS\r\n"
			       "User-Agent: ringkeep\r\n"
			       "Content-Length: 0\r\n\r\n");
	ck_assert_int_eq(sip_options_build(&o, text, 100), -ENOSPC);
}
END_TEST

static int parse(const char *text, struct sip_response *ret)
{
	return sip_response_parse(text, strlen(text), ret);
}

START_TEST(reads_what_says_to_which_request_it_belongs)
{
	struct sip_response r;

	ck_assert_int_eq(parse("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
			       "h:5060;received=1.2.3.4;branch=z9hG4bKrk-7_x;rport=9\r\n"
			       "CSeq: 4294967295 OPTIONS\r\n\r\n",
			       &r),
			 0);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(r.branch, "rk-7_x");
	ck_assert_str_eq(r.method, "OPTIONS");
	ck_assert_uint_eq(r.cseq, UINT32_MAX);
	/* compact, blanks before the colon, LF only, two Vias in one header: the first counts */
	ck_assert_int_eq(parse("sip/2.0 404 Not Found\nV : SIP/2.0/UDP h;branch=z9hG4bKa,SIP/2.0/UDP "
			       "i;branch=z9hG4bKb\n"
			       "v: SIP/2.0/UDP j;branch=z9hG4bKc\ncseq:7  REGISTER\n\n",
			       &r),
			 0);
	ck_assert_int_eq(r.status, 404);
	ck_assert_str_eq(r.branch, "a");
	ck_assert_str_eq(r.method, "REGISTER");
}
END_TEST

START_TEST(refuses_what_is_no_response)
{
	static const char *const bad[] = {
		"",
		"SIP/2.0 200 OK",
		"OPTIONS sip:x SIP/2.0\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"SIP/2.0 99 Low\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"SIP/2.0 99999999999 High\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: x;branch=old\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 4294967296 OPTIONS\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 1\r\n\r\n",
		"SIP/2.0 200 OK\r\n\r\nVia: x;branch=z9hG4bKa\r\nCSeq: 1 OPTIONS\r\n",
	};
	struct sip_response r;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(parse(bad[i], &r) == -EBADMSG, "taken for a response: %s", bad[i]);
}
END_TEST

START_TEST(finds_the_end_of_a_message_in_a_stream)
{
	const char *text = "SIP/2.0 200 OK\r\nl: 3\r\n\r\nabcSIP/2.0 ";

	ck_assert_int_eq(sip_message_length(text, strlen(text)), 27);
	ck_assert_int_eq(sip_message_length(text, 26), 0);
	ck_assert_int_eq(sip_message_length("Content-Length: 999999\r\n\r\n", 26), -EBADMSG);
	ck_assert_int_eq(sip_message_length("Content-Length: x\r\n\r\n", 21), -EBADMSG);
}
END_TEST

UNIT_MAIN("sip_options", builds_an_options, reads_what_says_to_which_request_it_belongs,
	  refuses_what_is_no_response, finds_the_end_of_a_message_in_a_stream)
