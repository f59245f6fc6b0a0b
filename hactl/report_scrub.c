/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_scrub.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 64

struct scrub {
	FILE *out;
	bool in_key;	 /* between BEGIN and END of a private key */
	bool in_setting; /* in the braces behind "setting password" */
};

/* ---- which names ---- */

static bool has(const char *name, const char *word)
{
	return strcasestr(name, word) != NULL;
}

static bool ends_with(const char *name, const char *word)
{
	size_t n = strlen(name), w = strlen(word);

	return n >= w && !strcasecmp(name + n - w, word);
}

/* A name that only points to a secret, or is public, is what a reader needs. */
static bool name_is_harmless(const char *name)
{
	static const char *const ends[] = { "file", "path", "parameter", "dir", "public-key", "public_key" };

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

static bool name_is_secret(const char *name)
{
	static const char *const parts[] = { "pass",	   "secret",	 "credential", "community",
					     "authkey",	   "private",	 "apikey",     "api-key",
					     "api_key",	   "auth-token", "auth_token", "access-tok",
					     "access_tok", "psk",	 "pwd" };
	/* corosync's "token" is a time, so only these as a whole. */
	static const char *const whole[] = { "key",    "ha1",	   "ha1b",	    "pin",
					     "bearer", "auth",	   "cookie",	    "nonce",
					     "cnonce", "response", "authorization", "proxy-authorization" };
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;

	if (name_is_harmless(name))
		return false;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (has(name, parts[i]))
			return true;
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (!strcasecmp(last, whole[i]))
			return true;
	return false;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || strchr("-_.", c);
}

/* The name that stands before the separator: name =, "name": or name (type) =. Returns where it begins. */
static const char *name_before(const char *line, const char *separator, char ret[NAME_MAX_BYTES])
{
	const char *end = separator;

	ret[0] = 0;
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	if (end > line && end[-1] == ')') { /* corosync-cmapctl: totem.key (str) = */
		while (end > line && end[-1] != '(')
			end--;
		end -= end > line;
		while (end > line && isspace((unsigned char)end[-1]))
			end--;
	}
	end -= end > line && strchr("\"'\\", end[-1]);
	end -= end > line && end[-1] == '\\';
	const char *begin = end;

	while (begin > line && is_name_char(begin[-1]))
		begin--;
	if (end - begin >= NAME_MAX_BYTES)
		begin = end - NAME_MAX_BYTES + 1;
	memcpy(ret, begin, (size_t)(end - begin));
	ret[end - begin] = 0;
	return begin;
}

/* ---- which values ---- */

/* Nothing but space, comment signs and quotes stands before the name: the value is the rest of the line. */
static bool is_whole_line(const char *line, const char *name)
{
	for (; line < name; line++)
		if (!strchr(" \t#;>\"'/", *line))
			return false;
	return true;
}

static const char *value_end(const char *value, bool whole_line)
{
	char quote = *value == '"' || *value == '\'' ? *value : 0;

	if (quote) {
		for (value++; *value && *value != quote; value++)
			if (*value == '\\' && value[1])
				value++;
		return value + (*value != 0);
	}
	if (whole_line)
		return value + strlen(value);
	return value + strcspn(value, " \t\"'\\,;})&|<>");
}

/* "://user:password@": the end of what has to go, or NULL. */
static const char *userinfo_end(const char *at)
{
	size_t len = strcspn(at, " \t\"'/<>");
	const char *sign = memrchr(at, '@', len);

	return sign && memchr(at, ':', (size_t)(sign - at)) ? sign : NULL;
}

static void put(struct scrub *s, const char *from, const char *to)
{
	for (; from < to; from++)
		(void)fputc((unsigned char)*from >= 0x20 || *from == '\t' ? *from : '?', s->out);
}

/* Is there a separator here, with a secret's name before it? Writes what stays and returns where to go on. */
static const char *scrub_value(struct scrub *s, const char *line, const char *at)
{
	char name[NAME_MAX_BYTES];
	const char *begin = name_before(line, at, name), *value = at + 1;

	if (!name_is_secret(name))
		return NULL;
	while (isspace((unsigned char)*value) || *value == '\\')
		value++;
	if (!*value || *value == '{' || *value == '[')
		return NULL; /* a section, or a list whose members have names of their own */
	put(s, at, value);
	(void)fputs(SCRUB_REMOVED, s->out);
	/* A header or an assignment of its own: what follows a quoted word may belong to it, too. */
	return value_end(value, is_whole_line(line, begin) && *value != '"' && *value != '\'');
}

static void scrub_words(struct scrub *s, const char *line)
{
	const char *p = line, *end;

	while (*p) {
		if (!strncmp(p, "://", 3) && (end = userinfo_end(p + 3))) {
			(void)fputs("://" SCRUB_REMOVED, s->out);
			p = end;
		} else if ((*p == '=' || *p == ':') && (end = scrub_value(s, line, p))) {
			p = end;
		} else {
			put(s, p, p + 1);
			p++;
		}
	}
}

/* "setting password { value = "x" }", on one line or several. */
static bool opens_secret_setting(const char *line)
{
	const char *at = strstr(line, "setting");
	char name[NAME_MAX_BYTES];

	if (!at || sscanf(at, "setting %63[A-Za-z0-9_.-]", name) != 1)
		return false;
	return name_is_secret(name) && strchr(at, '{');
}

static void scrub_setting(struct scrub *s, const char *line)
{
	const char *brace = strchr(strstr(line, "setting"), '{') + 1;

	put(s, line, brace);
	(void)fputs(" " SCRUB_REMOVED, s->out);
	s->in_setting = !strchr(brace, '}');
	if (!s->in_setting)
		(void)fputs(" }", s->out);
	(void)fputc('\n', s->out);
}

static void scrub_line(struct scrub *s, const char *line)
{
	const char *begin = strstr(line, "-----BEGIN ");

	if (s->in_key) {
		s->in_key = !strstr(line, "-----END ");
	} else if (s->in_setting) {
		s->in_setting = !strchr(line, '}');
		if (!s->in_setting)
			(void)fputs("}\n", s->out);
	} else if (begin && strstr(begin, "PRIVATE KEY")) {
		put(s, line, begin);
		s->in_key = !strstr(begin, "-----END ");
		(void)fputs(SCRUB_REMOVED "\n", s->out);
	} else if (opens_secret_setting(line)) {
		scrub_setting(s, line);
	} else {
		scrub_words(s, line);
		(void)fputc('\n', s->out);
	}
}

void scrub_text(const char *text, size_t len, FILE *out)
{
	struct scrub s = { .out = out };
	const char *end = text + len;
	char *line = NULL;
	size_t size = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t bytes = (size_t)((newline ? newline : end) - text);

		if (bytes + 1 > size) {
			char *more = realloc(line, bytes + 1);

			if (!more)
				break; /* what cannot be looked at does not go out */
			line = more;
			size = bytes + 1;
		}
		for (size_t i = 0; i < bytes; i++)
			line[i] = text[i] ? text[i] : '?';
		line[bytes] = 0;
		scrub_line(&s, line);
		text = newline ? newline + 1 : end;
	}
	free(line);
}
