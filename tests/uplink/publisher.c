/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Publishes one name as the agent does (agent/publish.h), for tests/lab/test_publish.py.
 *
 *   publisher HOST ZONE SERVER PORT KEY-FILE ATTEMPTS A=ADDRESS AAAA=ADDRESS
 *
 * An empty address takes the record away, a family that is not named is left alone; an empty ZONE or KEY-FILE
 * is none. A line for each attempt: "ok", or "failed ERRNO WORDS". Ends with the first that is ok.
 */
#include "clock_read.h"
#include "publish.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct publish publish;

static bool take_address(const char *text, struct publish_addresses *ret)
{
	int f = !strncmp(text, "AAAA=", 5);
	const char *address = text + (f ? 5 : 2);

	if (!f && strncmp(text, "A=", 2))
		return false;
	ret->writes[f] = true;
	return !*address || ip_parse(address, &ret->address[f]) == 0;
}

static bool take_arguments(char **argv, struct config_publish *c, struct publish_addresses *want)
{
	(void)snprintf(c->name, sizeof c->name, "test");
	(void)snprintf(c->host, sizeof c->host, "%s", argv[1]);
	(void)snprintf(c->zone, sizeof c->zone, "%s", argv[2]);
	(void)snprintf(c->key_file, sizeof c->key_file, "%s", argv[5]);
	c->port = (uint32_t)strtoul(argv[4], NULL, 10);
	c->ttl_ms = 60000;
	if (ip_parse(argv[3], &c->server) < 0)
		return false;
	for (char **a = argv + 7; *a; a++)
		if (!take_address(*a, want))
			return false;
	return true;
}

/* Until an attempt has ended, however. */
static int attempt(void)
{
	int result = 0;

	while (publish_work(&publish, clock_now().boot, &result) < 0) {
		struct pollfd p = { .fd = publish_fd(&publish), .events = POLLIN };

		(void)poll(&p, 1, 50);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct config_publish c = { 0 };
	struct publish_addresses want = { 0 };
	char said[200];
	int result = -1;

	if (argc < 8 || !take_arguments(argv, &c, &want) || publish_init(&publish, "nsupdate") < 0)
		return 2;
	publish_want(&publish, 0, &c, &want, clock_now().boot);
	for (long left = strtol(argv[6], NULL, 10); left > 0 && result < 0; left--) {
		result = attempt();
		if (result < 0)
			(void)printf("failed %d %s\n", -result,
				     child_job_said(&publish.job, said, sizeof said));
		else
			(void)printf("ok\n");
		(void)fflush(stdout);
	}
	publish_close(&publish);
	return result < 0;
}
