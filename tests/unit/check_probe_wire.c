/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What probes say and what they take for an answer.
 */
#include "probe_dns_wire.h"
#include "probe_http_wire.h"
#include "probe_icmp_wire.h"
#include "probe_stun_wire.h"
#include "unit.h"

#include "inet_sum.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t nonce[PROBE_NONCE_SIZE] = "0123456789abcdef";

/* ---- ICMP ---- */

static size_t echo_reply(uint8_t *packet, uint16_t sequence)
{
	static const uint8_t header[20] = { 0x45 };

	memcpy(packet, header, sizeof header);
	(void)probe_icmp_write(AF_INET, nonce, sequence, packet + sizeof header);
	packet[sizeof header] = 0; /* ICMP_ECHOREPLY */
	return sizeof header + PROBE_ICMP_ECHO_SIZE;
}

START_TEST(an_echo_has_a_right_sum)
{
	uint8_t echo[PROBE_ICMP_ECHO_SIZE];

	ck_assert_uint_eq(probe_icmp_write(AF_INET, nonce, 0x1234, echo), sizeof echo);
	ck_assert_uint_eq(echo[0], 8);
	ck_assert_uint_eq(inet_sum(echo, sizeof echo, 0), 0xffff);
	ck_assert_uint_eq(probe_icmp_write(AF_INET6, nonce, 0x1234, echo), sizeof echo);
	ck_assert_uint_eq(echo[0], 128);
	ck_assert(echo[6] == 0x12 && echo[7] == 0x34);
}
END_TEST

START_TEST(an_echo_reply_is_ours_or_none)
{
	uint8_t packet[64], six[PROBE_ICMP_ECHO_SIZE];
	size_t len = echo_reply(packet, 77);
	uint16_t sequence;

	ck_assert_int_eq(probe_icmp_read(AF_INET, nonce, packet, len, &sequence), 0);
	ck_assert_uint_eq(sequence, 77);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(probe_icmp_read(AF_INET, nonce, packet, i, &sequence), -EBADMSG);
	packet[20] = 8; /* our own question, back from a loop */
	ck_assert_int_eq(probe_icmp_read(AF_INET, nonce, packet, len, &sequence), -EBADMSG);
	(void)echo_reply(packet, 77);
	packet[len - 1] ^= 1;
	ck_assert_int_eq(probe_icmp_read(AF_INET, nonce, packet, len, &sequence), -EBADMSG);
	(void)probe_icmp_write(AF_INET6, nonce, 78, six);
	six[0] = 129;
	ck_assert_int_eq(probe_icmp_read(AF_INET6, nonce, six, sizeof six, &sequence), 0);
	ck_assert_uint_eq(sequence, 78);
}
END_TEST

/* ---- DNS ---- */

START_TEST(a_name_becomes_a_question_or_is_refused)
{
	static const uint8_t wanted[] =
		"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02rk\x04test\x00\x00\x01\x00\x01";
	char long_name[320], label[80];
	uint8_t query[PROBE_DNS_QUERY_MAX];

	ck_assert_int_eq(probe_dns_write("rk.test", 0x1234, query), sizeof wanted - 1);
	ck_assert_mem_eq(query, wanted, sizeof wanted - 1);
	ck_assert_int_eq(probe_dns_write("rk.test.", 0x1234, query), sizeof wanted - 1);
	ck_assert_int_eq(probe_dns_write(".", 1, query), 12 + 5);
	ck_assert_int_eq(probe_dns_write("a..b", 1, query), -EINVAL);
	memset(label, 'a', sizeof label);
	label[64] = 0;
	ck_assert_int_eq(probe_dns_write(label, 1, query), -EINVAL);
	label[63] = 0;
	ck_assert_int_eq(probe_dns_write(label, 1, query), 12 + 65 + 4);
	(void)snprintf(long_name, sizeof long_name, "%s.%s.%s.%.61s", label, label, label, label);
	ck_assert_int_eq(probe_dns_write(long_name, 1, query), PROBE_DNS_QUERY_MAX);
	(void)snprintf(long_name, sizeof long_name, "%s.%s.%s.%.62s", label, label, label, label);
	ck_assert_int_eq(probe_dns_write(long_name, 1, query), -EINVAL);
}
END_TEST

START_TEST(an_answer_has_our_question_in_it)
{
	uint8_t a[PROBE_DNS_QUERY_MAX], rcode;
	int len = probe_dns_write("rk.test", 0x1234, a);
	uint16_t id;

	ck_assert_int_eq(probe_dns_read("rk.test", a, (size_t)len, &id, &rcode), -EBADMSG); /* a question */
	a[2] |= 0x80;
	a[3] |= 3;
	ck_assert_int_eq(probe_dns_read("rk.test", a, (size_t)len, &id, &rcode), 0);
	ck_assert(id == 0x1234 && rcode == PROBE_DNS_NXDOMAIN);
	ck_assert_int_eq(probe_dns_read("RK.Test", a, (size_t)len, &id, &rcode), 0);
	ck_assert_int_eq(probe_dns_read("rk.tesu", a, (size_t)len, &id, &rcode), -EBADMSG);
	ck_assert_int_eq(probe_dns_read("rk.test.x", a, (size_t)len, &id, &rcode), -EBADMSG);
	for (int i = 0; i < len; i++)
		ck_assert_int_eq(probe_dns_read("rk.test", a, (size_t)i, &id, &rcode), -EBADMSG);
	a[len - 3] = 28; /* asked for IPv6 */
	ck_assert_int_eq(probe_dns_read("rk.test", a, (size_t)len, &id, &rcode), -EBADMSG);
}
END_TEST

/* ---- HTTP ---- */

START_TEST(an_http_request_is_clean)
{
	uint8_t text[PROBE_HTTP_REQUEST_MAX];
	int n = probe_http_write("probe.test", "/ok", text, sizeof text);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(memcmp(text, "GET /ok HTTP/1.1\r\nHost: probe.test\r\n", 36), 0);
	ck_assert_int_eq(memcmp(text + n - 4, "\r\n\r\n", 4), 0);
	ck_assert_int_eq(probe_http_write("a\r\nX: y", "/", text, sizeof text), -EINVAL);
	ck_assert_int_eq(probe_http_write("a", "/ b", text, sizeof text), -EINVAL);
	ck_assert_int_eq(probe_http_write("a", "b", text, sizeof text), -EINVAL);
	ck_assert_int_eq(probe_http_write("a", "/", text, 20), -ENOSPC);
}
END_TEST

START_TEST(a_status_line_comes_in_pieces)
{
	static const char line[] = "HTTP/1.1 204 No Content\r\n";

	for (size_t i = 0; i < PROBE_HTTP_STATUS_LINE; i++)
		ck_assert_int_eq(probe_http_read(line, i), 0);
	ck_assert_int_eq(probe_http_read(line, sizeof line - 1), 204);
	ck_assert_int_eq(probe_http_read("HTTP/1.0 302\r\n", 14), 302);
	ck_assert_int_eq(probe_http_read("SSH-2.0-x", 9), -EBADMSG);
	ck_assert_int_eq(probe_http_read("H", 1), 0);
	ck_assert_int_eq(probe_http_read("HTTP/1.1 600 x", 14), -EBADMSG);
	ck_assert_int_eq(probe_http_read("HTTP/1.1 2000 x", 15), -EBADMSG);
	ck_assert_int_eq(probe_http_read("HTTP/2 200 ab", 13), -EBADMSG);
}
END_TEST

/* ---- STUN ---- */

static const uint8_t stun_test_id[PROBE_STUN_ID_SIZE] = { 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
							  0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };

/* RFC 5769 section 2.2, without the attributes that check its integrity: 192.0.2.1:32853. */
static const uint8_t stun_v4[] = {
	0x01, 0x01, 0x00, 0x1c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
	0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
};
/* Section 2.3, the same: [2001:db8:1234:5678:11:2233:4455:6677]:32853. */
static const uint8_t stun_v6[] = {
	0x01, 0x01, 0x00, 0x18, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
	0x86, 0xfa, 0x87, 0xdf, 0xae, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13,
	0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
};

static void stun_is(const uint8_t *data, size_t len, const char *address)
{
	struct probe_stun s;
	char text[IP_TEXT_MAX];

	ck_assert_int_eq(probe_stun_read(stun_test_id, data, len, &s), 0);
	ck_assert_str_eq(ip_format(&s.address, text), address);
	ck_assert_uint_eq(s.port, 32853);
	ck_assert_uint_eq(s.error, 0);
}

START_TEST(the_public_address_is_read)
{
	struct probe_stun s;
	uint8_t id[PROBE_STUN_ID_SIZE] = { 1 }, request[PROBE_STUN_REQUEST_SIZE];

	stun_is(stun_v4, sizeof stun_v4, "192.0.2.1");
	stun_is(stun_v6, sizeof stun_v6, "2001:db8:1234:5678:11:2233:4455:6677");
	ck_assert_int_eq(probe_stun_read(id, stun_v4, sizeof stun_v4, &s), -EBADMSG);
	for (size_t i = 0; i < sizeof stun_v4; i++)
		ck_assert_int_eq(probe_stun_read(stun_test_id, stun_v4, i, &s), -EBADMSG);
	ck_assert_uint_eq(probe_stun_write(stun_test_id, request), sizeof request);
	ck_assert_int_eq(probe_stun_read(stun_test_id, request, sizeof request, &s), -EBADMSG);
}
END_TEST

/* RFC 8489 section 6.3.3: with an attribute that must be understood and is not, the response is discarded. */
START_TEST(a_response_that_is_not_understood_is_none)
{
	uint8_t data[sizeof stun_v4];
	struct probe_stun s;

	memcpy(data, stun_v4, sizeof data);
	data[20] = 0x00;
	data[21] = 0x7f;
	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), -EBADMSG);
	data[21] = 0x04; /* RFC 3489's SOURCE-ADDRESS */
	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), 0);
	data[37] = 0x01; /* MAPPED-ADDRESS, as it is */
	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), 0);
	ck_assert_uint_eq(s.port, 0xa147);
	data[41] = 3; /* no such family */
	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), -EBADMSG);
}
END_TEST

START_TEST(an_error_response_is_an_answer)
{
	uint8_t data[] = {
		0x01, 0x11, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
		0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x00, 0x09, 0x00, 0x04, 0x00, 0x00, 0x04, 0x14
	};
	struct probe_stun s;

	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), 0);
	ck_assert_uint_eq(s.error, 420);
	data[sizeof data - 2] = 2;
	ck_assert_int_eq(probe_stun_read(stun_test_id, data, sizeof data, &s), -EBADMSG);
}
END_TEST

UNIT_MAIN("probe_wire", an_echo_has_a_right_sum, an_echo_reply_is_ours_or_none,
	  a_name_becomes_a_question_or_is_refused, an_answer_has_our_question_in_it, an_http_request_is_clean,
	  a_status_line_comes_in_pieces, the_public_address_is_read,
	  a_response_that_is_not_understood_is_none, an_error_response_is_an_answer)
