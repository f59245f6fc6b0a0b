/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What comes to the API from outside and is parsed by us: the access file, bodies of POSTs, and what the
 * agent says.
 */
#include "command.h"
#include "fuzz.h"
#include "health.h"
#include "metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void bodies(const uint8_t *data, size_t size)
{
	struct sentence why;

	for (size_t i = 0; i < routes_count; i++) {
		struct access_entry who = { .name = "fuzz", .role = ROLE_VIEWER };
		json_t *args;
		char *line;

		if (strcmp(routes[i].method, "POST") != 0)
			continue;
		args = command_of_body(&routes[i], (const char *)data, size, &why);
		line = args ? command_line(&routes[i], args, &who) : NULL;
		/* One line, whatever the texts in it. */
		assert(!line || strchr(line, '\n') == line + strlen(line) - 1);
		free(line);
		json_decref(args);
	}
}

static void said(const uint8_t *data, size_t size)
{
	json_t *status = json_loadb((const char *)data, size, 0, NULL);
	struct metrics_own own = { .status_age_s = 1 };
	char *text = NULL;
	struct health h;
	size_t len;
	FILE *f;

	if (!json_is_object(status)) {
		json_decref(status);
		return;
	}
	health_node(status, "", &h);
	health_active(status, "", "", &h);
	f = open_memstream(&text, &len);
	metrics_write(f, METRICS_OPENMETRICS, status, &own);
	(void)fclose(f);
	free(text);
	json_decref(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct access a;
	struct sentence why;

	if (access_parse((const char *)data, size, &a, &why) == 0)
		for (size_t i = 0; i < a.count; i++)
			assert(a.entry[i].role >= ROLE_VIEWER && a.entry[i].role <= ROLE_ADMIN &&
			       *a.entry[i].name);
	bodies(data, size);
	said(data, size);
	return 0;
}
