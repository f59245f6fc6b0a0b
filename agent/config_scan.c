/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A look at the bytes before libconfuse 3.3 sees them. Its scanner keeps its state in globals, so a string or
 * comment that never ends would break the next parse, too; it expands ${ENVIRONMENT}, which would make the
 * same file mean something else on each node; and it skips bytes that it does not know without a word.
 */
#include "config_parse.h"

#include <string.h>

enum scan_state { SCAN_PLAIN, SCAN_LINE_COMMENT, SCAN_COMMENT, SCAN_DOUBLE, SCAN_SINGLE };

struct scan {
	const char *p, *end;
	enum scan_state state;
	int line, opened_line;
};

static bool scan_at(const struct scan *s, const char *what)
{
	size_t len = strlen(what);

	return (size_t)(s->end - s->p) >= len && !memcmp(s->p, what, len);
}

static void scan_open(struct scan *s, enum scan_state state)
{
	s->state = state;
	s->opened_line = s->line;
}

/* One step outside of strings and comments. */
static void scan_plain(struct scan *s)
{
	if (*s->p == '#' || scan_at(s, "//"))
		scan_open(s, SCAN_LINE_COMMENT);
	else if (scan_at(s, "/*"))
		scan_open(s, SCAN_COMMENT);
	else if (*s->p == '"')
		scan_open(s, SCAN_DOUBLE);
	else if (*s->p == '\'')
		scan_open(s, SCAN_SINGLE);
	if (s->state == SCAN_COMMENT)
		s->p++;
}

static void scan_inside(struct scan *s)
{
	if (s->state == SCAN_COMMENT && scan_at(s, "*/")) {
		s->state = SCAN_PLAIN;
		s->p++;
	} else if ((s->state == SCAN_DOUBLE && *s->p == '"') || (s->state == SCAN_SINGLE && *s->p == '\'')) {
		s->state = SCAN_PLAIN;
	} else if (s->state == SCAN_LINE_COMMENT && *s->p == '\n') {
		s->state = SCAN_PLAIN;
	}
}

static const char *scan_refuses(const struct scan *s)
{
	unsigned char c = (unsigned char)*s->p;
	bool comment = s->state == SCAN_COMMENT || s->state == SCAN_LINE_COMMENT;

	if (c == 0x7f || (c < 0x20 && !strchr("\t\n\r", c)) || !c)
		return "a control character; is this a text file?";
	if (comment)
		return NULL;
	if (c == '\\')
		return "a backslash; write the character itself";
	if (scan_at(s, "${"))
		return "${...}: environment variables are not expanded; write the value itself";
	if ((s->state == SCAN_DOUBLE || s->state == SCAN_SINGLE) && c == '\n')
		return "a string that does not end on its line; close the quote";
	if (s->state == SCAN_PLAIN && (c >= 0x80 || strchr("()+", c)))
		return "a character that means nothing here; put the value in double quotes";
	return NULL;
}

bool config_scan(struct config_parse *p, const char *text, size_t len)
{
	struct scan s = { .p = text, .end = text + len, .line = 1 };

	for (; s.p < s.end; s.p++) {
		const char *why = scan_refuses(&s);

		if (why) {
			config_fail_line(p, s.line, "syntax", "%s", why);
			return false;
		}
		if (s.state == SCAN_PLAIN)
			scan_plain(&s);
		else
			scan_inside(&s);
		if (s.p < s.end && *s.p == '\n')
			s.line++;
	}
	if (s.state != SCAN_PLAIN && s.state != SCAN_LINE_COMMENT) {
		config_fail_line(p, s.opened_line, "syntax", "what is opened here never ends; close the %s",
				 s.state == SCAN_COMMENT ? "comment" : "quote");
		return false;
	}
	return true;
}
