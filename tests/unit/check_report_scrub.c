/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each line with a secret, and what goes out; and lines that only look like one.
 */
#include "report_scrub.h"

#include "unit.h"

#include <string.h>

static char *scrubbed(const char *text)
{
	char *ret = NULL;
	size_t len;
	FILE *f = open_memstream(&ret, &len);

	scrub_text(text, strlen(text), f);
	(void)fclose(f);
	return ret;
}

static void becomes(const char *text, const char *expected)
{
	char *got = scrubbed(text);

	ck_assert_str_eq(got, expected);
	free(got);
}

START_TEST(secrets_go)
{
	becomes("    password = \"x y\" # my own\n", "    password = (removed) # my own\n");
	becomes("secret = a;b c\n", "secret = (removed)\n");
	becomes("# secret=abc\n", "# secret=(removed)\n");
	becomes("\tkey: 0011aabb\n", "\tkey: (removed)\n");
	becomes("totem.key (str) = abc\n", "totem.key (str) = (removed)\n");
	becomes("parameters = { \"login=admin\", \"passwd=hunter2\", \"x=1\" }\n",
		"parameters = { \"login=admin\", \"passwd=(removed)\", \"x=1\" }\n");
	becomes("{\"user\":\"a\",\"snmp_priv_passwd\":\"b\\\"c\",\"n\":1}\n",
		"{\"user\":\"a\",\"snmp_priv_passwd\":(removed),\"n\":1}\n");
	becomes("node community=public port=161\n", "node community=(removed) port=161\n");
	becomes("setting password { value = \"x\" } more\n", "setting password { (removed) }\n");
	becomes("setting ami-secret {\n value = \"x\"\n}\nnext = 1\n",
		"setting ami-secret { (removed)\n}\nnext = 1\n");
	becomes("value = \"http://user:pw@host/x\"\n", "value = \"http://(removed)@host/x\"\n");
	becomes("Authorization: Digest username=\"a\", response=\"b\"\n", "Authorization: (removed)\n");
	becomes("username=\"a\", nonce=\"q\", response=\"b\", uri=\"c\"\n",
		"username=\"a\", nonce=(removed), response=(removed), uri=\"c\"\n");
	becomes("-----BEGIN PRIVATE KEY-----\nabc\ndef\n-----END PRIVATE KEY-----\nnext\n",
		"(removed)\nnext\n");
}
END_TEST

START_TEST(the_rest_stays)
{
	static const char *const lines[] = {
		"token: 1000\n",
		"\tpassword-file = \"/etc/ringkeep/bmc.password\"\n",
		"password-parameter = community\n",
		"public-key = \"rk1:AAAA\"\n",
		"runtime.totem.members.1.status (str) = joined\n",
		"2026-12-01T00:00:00 n1 ringkeepd: R120 office: lease held\n",
		"inet6 fd77::1/64 scope global\n",
		"sip:+4930123@10.0.0.1:5060\n",
		"keyboard = us\n",
		"no newline",
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char expected[200];

		(void)snprintf(expected, sizeof expected, "%s%s", lines[i],
			       strchr(lines[i], '\n') ? "" : "\n");
		becomes(lines[i], expected);
	}
}
END_TEST

START_TEST(bytes_harm_no_terminal)
{
	char *ret = NULL;
	size_t len;
	FILE *f = open_memstream(&ret, &len);

	scrub_text("a\0b\033[1m\xff\n", 9, f);
	(void)fclose(f);
	ck_assert_str_eq(ret, "a?b?[1m\xff\n");
	free(ret);
}
END_TEST

UNIT_MAIN("report_scrub", secrets_go, the_rest_stays, bytes_harm_no_terminal)
