/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * FreeSWITCH's gateways as the group's trunks: a trunk's `registration` is the name of a gateway. Its state
 * is in the status that is read each second; what the carrier answered is only in the event of the change.
 */
#include "freeswitch_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trunks_init(struct freeswitch *f, const struct adapter_main_config *c)
{
	for (size_t i = 0; i < c->trunks_count; i++)
		f->trunks[f->trunks_count++] =
			(struct freeswitch_trunk){ .name = c->trunks[i].name,
						   .gateway = c->trunks[i].registration };
}

static struct freeswitch_trunk *trunk_of(struct freeswitch *f, const char *gateway)
{
	for (size_t i = 0; i < f->trunks_count; i++)
		if (!strcmp(f->trunks[i].gateway, gateway))
			return &f->trunks[i];
	return NULL;
}

static void trunk_tell(struct freeswitch *f, struct freeswitch_trunk *t, enum trunk_state state,
		       const char *why)
{
	struct adapter_trunk said = {
		.name = t->name, .state = state, .why = why, .status = t->status, .retry_after_ms = -1
	}; /* FreeSWITCH does not pass it on */

	t->state = state;
	t->told = true;
	t->leaving &=
		state == TRUNK_REGISTERED || state == TRUNK_REGISTERING || !strcmp(t->word, "UNREGISTER");
	adapter_main_trunk(f->m, &said);
}

static void trunk_set(struct freeswitch *f, struct freeswitch_trunk *t, const char *word)
{
	const char *why;
	enum trunk_state state;

	state = freeswitch_gateway_state(word, t->status, &why);
	if (state == TRUNK_REGISTERING && f->pause && !f->active) {
		state = TRUNK_UNREGISTERED; /* paused, it looks after no gateway */
		why = "not registered: FreeSWITCH is paused";
	}
	if (t->told && !strcmp(t->word, word) && t->state == state)
		return;
	(void)snprintf(t->word, sizeof t->word, "%s", word); /* a longer one is unknown anyway */
	trunk_tell(f, t, state, why);
}

/* ---- orders ---- */

void trunks_order(struct freeswitch *f, uint64_t id, size_t trunk, bool registered)
{
	char why[ADAPTER_WHY_MAX];
	struct freeswitch_trunk *t = &f->trunks[trunk];

	t->leaving = !registered && (t->state == TRUNK_REGISTERED || t->state == TRUNK_REGISTERING);
	if (fs_api(f, CMD_TRUNK, id, "", "sofia profile %s %s %s", f->profile,
		   registered ? "register" : "unregister", t->gateway) == 0)
		return;
	(void)snprintf(why, sizeof why, "event socket %s %.100s", f->socket_text,
		       f->link.problem); /* cutting a sentence is fine */
	adapter_main_answer(f->m, id, why);
}

void trunks_ordered(struct freeswitch *f, const struct link_command *c, bool ok, const char *text)
{
	char why[ADAPTER_WHY_MAX];

	if (ok && !strncmp(text, "+OK", 3)) {
		adapter_main_answer(f->m, c->tag, NULL);
		return;
	}
	(void)snprintf(why, sizeof why, "FreeSWITCH says: %.*s", (int)strcspn(text, "\r\n"), text);
	adapter_main_answer(f->m, c->tag, why);
}

/* ---- states ---- */

void trunks_event(struct freeswitch *f, const char *body, size_t len)
{
	char gateway[FREESWITCH_NAME_MAX], word[32], status[8];
	struct freeswitch_trunk *t;

	if (!esl_event_get(body, len, "Gateway", gateway, sizeof gateway, NULL) ||
	    !esl_event_get(body, len, "State", word, sizeof word, NULL))
		return;
	t = trunk_of(f, gateway);
	if (!t)
		return;
	if (esl_event_get(body, len, "Status", status, sizeof status, NULL)) {
		long code = strtol(status, NULL, 10);

		t->status = code >= 100 && code <= 699 ? (int)code : 0; /* 9xx are FreeSWITCH's own */
	} else if (!strcmp(word, "TIMEOUT")) {
		t->status = 0;
	}
	trunk_set(f, t, word);
}

void trunks_status_begin(struct freeswitch *f)
{
	for (size_t i = 0; i < f->trunks_count; i++)
		f->trunks[i].listed = false;
}

void trunks_status_item(struct freeswitch *f, const struct list_item *item)
{
	struct freeswitch_trunk *t = trunk_of(f, item->text[LIST_NAME]);

	if (!t)
		return;
	t->listed = true;
	trunk_set(f, t, item->text[LIST_STATE]);
}

void trunks_status_end(struct freeswitch *f)
{
	for (size_t i = 0; i < f->trunks_count; i++) {
		struct freeswitch_trunk *t = &f->trunks[i];

		if (t->listed || (t->told && !t->word[0]))
			continue;
		t->word[0] = 0;
		trunk_tell(f, t, TRUNK_UNKNOWN,
			   "FreeSWITCH has no gateway of this name, or its profile does not run");
	}
}

bool trunks_leaving(const struct freeswitch *f)
{
	for (size_t i = 0; i < f->trunks_count; i++)
		if (f->trunks[i].leaving)
			return true;
	return false;
}
