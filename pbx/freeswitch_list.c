/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeswitch_list.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX     120
#define DEPTH_MAX    8
#define ELEMENT_MAX  32
#define ENTITY_BYTES 5 /* of "&amp;", the longest that one byte becomes */

static const struct {
	const char *element;
	enum list_field field;
	bool escaped; /* by FreeSWITCH */
} list_fields[] = {
	{ "call-id", LIST_CALL_ID, false },
	{ "user", LIST_USER, false },
	{ "contact", LIST_CONTACT, true },
	{ "agent", LIST_AGENT, true },
	{ "status", LIST_STATUS, false },
	{ "network-ip", LIST_NETWORK_IP, false },
	{ "network-port", LIST_NETWORK_PORT, false },
	{ "sip-auth-user", LIST_AUTH_USER, false },
	{ "sip-auth-realm", LIST_AUTH_REALM, false },
	{ "mwi-account", LIST_MWI, false },
	{ "name", LIST_NAME, false },
	{ "state", LIST_STATE, false },
	{ "retry", LIST_RETRY, false },
	{ "pres-hosts", LIST_PRESENCE_HOSTS, false },
};

static const struct {
	const char *element;
	enum list_record record;
} list_records[] = {
	{ "registration", LIST_REGISTRATION },
	{ "profile", LIST_PROFILE },
	{ "profile-info", LIST_PROFILE },
	{ "gateway", LIST_GATEWAY },
};

struct list_reader {
	XML_Parser xml;
	void (*item)(void *ctx, const struct list_item *item);
	void *ctx;
	char line[LIST_LINE_MAX];
	size_t line_used;
	bool line_long;
	bool broken;
	bool any;
	int depth;
	int record_depth; /* 0 = in none */
	int field;	  /* -1 = in none */
	struct list_item now;
	char text[LIST_FIELDS][LIST_TEXT_MAX];
	size_t used[LIST_FIELDS];
	char said[SAID_MAX];
};

/* ---- records ---- */

static void record_begin(struct list_reader *l, enum list_record record)
{
	l->now = (struct list_item){ .record = record };
	for (int f = 0; f < LIST_FIELDS; f++) {
		l->text[f][0] = 0;
		l->used[f] = 0;
		l->now.text[f] = l->text[f];
	}
	l->record_depth = l->depth;
	l->field = -1;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct list_reader *l = ctx;

	l->depth++;
	l->any = true;
	if (l->depth > DEPTH_MAX) {
		l->broken = true;
		return;
	}
	l->field = -1;
	/* A profile's lists begin inside of it; a gateway only names its profile. */
	for (size_t i = 0; i < sizeof list_records / sizeof list_records[0]; i++)
		if ((!l->record_depth || l->now.record == LIST_PROFILE) &&
		    !strcmp(name, list_records[i].element)) {
			record_begin(l, list_records[i].record);
			return;
		}
	for (size_t i = 0; l->record_depth && i < sizeof list_fields / sizeof list_fields[0]; i++)
		if (l->depth == l->record_depth + 1 && !strcmp(name, list_fields[i].element))
			l->field = (int)list_fields[i].field;
	if (l->field >= 0 && l->used[l->field])
		l->now.odd = true;
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct list_reader *l = ctx;

	if (l->record_depth && l->depth == l->record_depth) {
		l->record_depth = 0;
		l->item(l->ctx, &l->now);
	}
	l->field = -1;
	l->depth--;
}

/* expat gives UTF-8 of what it read as Latin-1: back to the bytes that FreeSWITCH sent. */
static void on_text(void *ctx, const XML_Char *s, int len)
{
	struct list_reader *l = ctx;
	char *text = l->field >= 0 ? l->text[l->field] : NULL;

	for (int i = 0; text && i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c == 0xc2 || c == 0xc3) && i + 1 < len)
			c = (unsigned char)((c << 6) | (s[++i] & 0x3f));
		if (l->used[l->field] + 1 >= LIST_TEXT_MAX) {
			l->now.odd = true;
			return;
		}
		text[l->used[l->field]++] = (char)c;
		text[l->used[l->field]] = 0;
	}
}

/* ---- lines ---- */

static void xml_feed(struct list_reader *l, const char *data, size_t len)
{
	if (!l->broken && XML_Parse(l->xml, data, (int)len, 0) != XML_STATUS_OK)
		l->broken = true;
}

/* Text of a line as XML text; of one that FreeSWITCH has escaped, its entities stay. */
static void xml_feed_text(struct list_reader *l, const char *p, size_t len, bool escaped)
{
	char out[256];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *as = p[i] == '<'		   ? "&lt;"
				 : p[i] == '>'		   ? "&gt;"
				 : p[i] == '&' && !escaped ? "&amp;"
							   : NULL;

		if (n + ENTITY_BYTES > sizeof out) {
			xml_feed(l, out, n);
			n = 0;
		}
		if (as) {
			size_t bytes = strlen(as);

			memcpy(out + n, as, bytes);
			n += bytes;
		} else {
			out[n++] = (unsigned char)p[i] < 0x20 ? 0x7f : p[i]; /* no character of XML */
		}
	}
	xml_feed(l, out, n);
}

static bool name_character(char c)
{
	return (c >= 'a' && c <= 'z') || c == '-';
}

/* Bytes of "<name>" or "</name>" at p, 0 = there is none. */
static size_t tag_length(const char *p, size_t len)
{
	size_t n = len > 1 && p[0] == '<' && p[1] == '/' ? 2 : 1, start = n;

	if (len < 3 || p[0] != '<')
		return 0;
	while (n < len && n - start < ELEMENT_MAX && name_character(p[n]))
		n++;
	return n > start && n < len && p[n] == '>' ? n + 1 : 0;
}

static bool element_is_escaped(const char *tag, size_t len)
{
	for (size_t i = 0; i < sizeof list_fields / sizeof list_fields[0]; i++)
		if (strlen(list_fields[i].element) == len - 2 &&
		    !memcmp(list_fields[i].element, tag + 1, len - 2))
			return list_fields[i].escaped;
	return false;
}

/* "<x>text</x>": the close belongs to the open, and is the end of the line. */
static bool line_is_element(const char *p, size_t len, size_t open)
{
	size_t close = open + 1;

	return p[1] != '/' && len >= open + close && p[len - close] == '<' && p[len - close + 1] == '/' &&
	       !memcmp(p + len - close + 2, p + 1, open - 1);
}

static void line_say(struct list_reader *l, const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < sizeof l->said; i++)
		l->said[n++] = (unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e ? '?' : p[i];
	l->said[n] = 0;
}

static void line_done(struct list_reader *l)
{
	const char *p = l->line;
	size_t len = l->line_used, open;

	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\r'))
		len--;
	open = tag_length(p, len);
	if (len == 0 || (len > 5 && !memcmp(p, "<?xml", 5)))
		return; /* what it says of the encoding is not so */
	if (open && open == len) {
		xml_feed(l, p, len);
	} else if (open && line_is_element(p, len, open)) {
		xml_feed(l, p, open);
		xml_feed_text(l, p + open, len - open - open - 1, element_is_escaped(p, open));
		xml_feed(l, p + len - open - 1, open + 1);
	} else if (l->depth > 0) {
		xml_feed_text(l, p, len, false);
	} else if (!l->said[0]) {
		line_say(l, p, len);
	}
}

static void list_line(struct list_reader *l, const char *data, size_t len)
{
	size_t room = sizeof l->line - l->line_used;

	l->line_long |= len > room;
	memcpy(l->line + l->line_used, data, len < room ? len : room);
	l->line_used += len < room ? len : room;
}

/* ---- the whole ---- */

struct list_reader *list_reader_new(void (*item)(void *ctx, const struct list_item *item), void *ctx)
{
	struct list_reader *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->item = item;
	l->ctx = ctx;
	l->xml = XML_ParserCreate("ISO-8859-1"); /* every byte is a character: one odd phone breaks nothing */
	if (!l->xml) {
		free(l);
		return NULL;
	}
	list_reader_reset(l);
	return l;
}

void list_reader_free(struct list_reader *l)
{
	if (l)
		XML_ParserFree(l->xml);
	free(l);
}

void list_reader_reset(struct list_reader *l)
{
	(void)XML_ParserReset(l->xml, "ISO-8859-1"); /* fails only inside of a callback */
	XML_SetUserData(l->xml, l);
	XML_SetElementHandler(l->xml, on_start, on_end);
	XML_SetCharacterDataHandler(l->xml, on_text);
	l->line_used = 0;
	l->line_long = l->broken = l->any = false;
	l->depth = l->record_depth = 0;
	l->field = -1;
	l->said[0] = 0;
}

void list_reader_feed(struct list_reader *l, const char *data, size_t len)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		list_line(l, data, n);
		if (!end)
			return;
		if (!l->line_long)
			line_done(l); /* a longer one is left out, and its record lacks a field */
		l->line_used = 0;
		l->line_long = false;
		data += n + 1;
		len -= n + 1;
	}
}

int list_reader_end(struct list_reader *l)
{
	if (l->line_used && !l->line_long)
		line_done(l);
	if (!l->any && l->said[0])
		return -ENOENT;
	if (l->broken || XML_Parse(l->xml, "", 0, 1) != XML_STATUS_OK)
		return -EBADMSG;
	return 0;
}

const char *list_reader_said(const struct list_reader *l)
{
	return l->said;
}
