/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between a binding and the words of FreeSWITCH: a row of its list of registrations, the events that put one
 * into another FreeSWITCH and take it out, the states of a gateway, the count of calls. Pure. An account is
 * user@host. What a row has beyond a binding's fields (display name, the login of the digest, mailbox,
 * presence) travels in `data`, as far as it is not what is usual.
 */
#ifndef RK_FREESWITCH_TEXT_H
#define RK_FREESWITCH_TEXT_H

#include "binding.h"
#include "freeswitch_list.h"
#include "trunk_state.h"

#define FREESWITCH_EVENT_MAX (BINDING_TEXT_MAX * 3 + 2048)

/* Texts that a binding made of a row borrows. */
struct freeswitch_row {
	char contact[BINDING_CONTACT_MAX + 1];
	char received[BINDING_RECEIVED_MAX + 1];
	char connection[BINDING_CONNECTION_MAX + 1];
	char data[BINDING_DATA_MAX + 1];
};

/* ret borrows from item and room. 0; -ENOENT it has run out; -EINVAL, -E2BIG it cannot be a binding. */
int freeswitch_row_parse(const struct list_item *item, boot_t now, struct freeswitch_row *room,
			 struct binding *ret);

/* Who gets the events: what they say of where they come from. */
struct freeswitch_target {
	const char *profile;
	const char *hostname; /* the switchname of this FreeSWITCH, or it does not ping the phone */
	const char *address;
	const char *presence_hosts;
};
/* "sendevent" commands. Bytes, or -ENOSPC. */
int freeswitch_put_build(const struct freeswitch_target *t, const struct binding *b, boot_t now, char *ret,
			 size_t size);
int freeswitch_remove_build(const struct freeswitch_target *t, const char *aor, const char *call_id,
			    char *ret, size_t size);

/* What it has (have) is what it should have (want), as far as it can be given. */
bool freeswitch_in_step(const struct binding *want, const struct binding *have);
/* An account that can be asked for alone: FreeSWITCH would read quotes in its name as its own. */
bool freeswitch_account_plain(const char *aor);

/* -1: no count. */
int64_t freeswitch_calls_parse(const char *data, size_t len);
/* status: of the last answer of the carrier, 0 = unknown. ret_why is a constant sentence. */
enum trunk_state freeswitch_gateway_state(const char *state, int status, const char **ret_why);

#endif
