/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A file of a receiver's queue, or of what was seen, as a damaged disk may give it back: refused, or an alert
 * that comes back the same and can be said to every kind of receiver.
 */
#include "conditions.h"
#include "fuzz.h"
#include "limiter.h"
#include "message.h"
#include "record_window.h"
#include "stand_in.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void say(const struct alert *a)
{
	static const char *const to[] = { "noc@example.com" };
	char vars[MESSAGE_VARS][MESSAGE_VAR_MAX], line[MESSAGE_LINE_MAX];
	char *mail = message_mail(a, "a@b", to, 1, 1), *json = message_json(a);
	json_t *element = message_alertmanager(a, 1, 1000);
	struct alert again;

	message_environment(a, vars);
	message_syslog(a, 1, line);
	assert(strlen(line) < sizeof line && !strchr(line, '\n'));
	message_syslog_local(a, 1, line);
	assert(!strchr(line, '\n'));
	assert(mail && element && json && strlen(json) < ALERT_JSON_MAX * 3);
	assert(alert_parse(json, strlen(json), &again) == 0 && !memcmp(&again, a, sizeof again));
	json_decref(element);
	free(mail);
	free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record_window window;
	static struct conditions known;
	static struct stand_in others;
	json_t *j = json_loadb((const char *)data, size, 0, NULL);
	boot_t now = { NS_PER_S };
	struct limiter limiter;
	struct alert a;

	if (alert_parse((const char *)data, size, &a) == 0)
		say(&a);
	record_window_load(&window, json_object_get(j, "seen"));
	conditions_load(&known, json_object_get(j, "states"), now);
	stand_in_load(&others, json_object_get(j, "stand_in"), now, NS_PER_S);
	limiter_init(&limiter, 1, 1, now);
	limiter_load(&limiter, json_object_get(j, "held_back"), now);
	(void)limiter_summary(&limiter, boot_add(now, LIMITER_WINDOW_NS), 0, &a);
	assert(known.count <= CONDITIONS_MAX && others.count <= STAND_IN_MAX);
	json_decref(j);
	return 0;
}
