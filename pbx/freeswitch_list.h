/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The answers of "sofia xmlstatus": registrations, profiles and gateways, read as they come and handed on one
 * record at a time. FreeSWITCH escapes some texts and not others, so a phone could write tags of its own into
 * its Call-ID; but every text stands on a line of its own, between one pair of tags. Lines are therefore
 * made well-formed first: a tag inside of a text is text. Refuses what is no XML afterwards. Pure.
 */
#ifndef RK_FREESWITCH_LIST_H
#define RK_FREESWITCH_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum list_record { LIST_REGISTRATION, LIST_PROFILE, LIST_GATEWAY, LIST_RECORDS };

enum list_field {
	LIST_CALL_ID,
	LIST_USER, /* user@host */
	LIST_CONTACT,
	LIST_AGENT,
	LIST_STATUS,
	LIST_NETWORK_IP,
	LIST_NETWORK_PORT,
	LIST_AUTH_USER, /* %XX */
	LIST_AUTH_REALM,
	LIST_MWI,
	LIST_NAME, /* of a profile or gateway */
	LIST_STATE,
	LIST_RETRY,
	LIST_PRESENCE_HOSTS,
	LIST_FIELDS
};

#define LIST_TEXT_MAX 1100 /* of one field: FreeSWITCH keeps 1024 of a contact */
#define LIST_LINE_MAX 8192

struct list_reader;

struct list_item {
	enum list_record record;
	const char *text[LIST_FIELDS]; /* "" = not there; bytes as FreeSWITCH has them */
	bool odd;		       /* a field was too long, or there twice: believe nothing of it */
};

struct list_reader *list_reader_new(void (*item)(void *ctx, const struct list_item *item), void *ctx);
void list_reader_free(struct list_reader *l);
/* For the next answer. */
void list_reader_reset(struct list_reader *l);
void list_reader_feed(struct list_reader *l, const char *data, size_t len);
/* The answer is complete. 0; -EBADMSG it cannot be read; -ENOENT it is no list: list_reader_said() is its
 * text. */
int list_reader_end(struct list_reader *l);
/* The first line that is no XML, cut; "" = none. */
const char *list_reader_said(const struct list_reader *l);

#endif
