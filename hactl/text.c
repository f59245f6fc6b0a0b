/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text for people: colours, padding, durations, and safe reading of JSON that an agent of another version
 * sent.
 */
#include "hactl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void hactl_put(const struct hactl *h, FILE *out, enum hactl_style style, int width, const char *text)
{
	static const char *const codes[STYLES_COUNT] = {
		[STYLE_PLAIN] = "",	   [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
		[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};
	int pad = width - (int)strlen(text);

	if (h->colour && style != STYLE_PLAIN)
		(void)fprintf(out, "%s%s\033[0m", codes[style], text);
	else
		(void)fputs(text, out);
	(void)fprintf(out, "%*s", pad > 0 ? pad : 0, "");
}

int hactl_complain(const struct hactl *h, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)fprintf(h->err, "hactl: %s\n", text);
	return HACTL_REFUSED;
}

void hactl_duration(int64_t ms, char *ret, size_t size)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" } };

	if (ms < 0) {
		(void)snprintf(ret, size, "?");
		return;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		int64_t n = ms / units[i].ms, rest = i + 1 < 4 ? ms % units[i].ms / units[i + 1].ms : 0;

		if (!n)
			continue;
		if (rest)
			(void)snprintf(ret, size, "%" PRId64 " %s %" PRId64 " %s", n, units[i].unit, rest,
				       units[i + 1].unit);
		else
			(void)snprintf(ret, size, "%" PRId64 " %s", n, units[i].unit);
		return;
	}
	(void)snprintf(ret, size, "%" PRId64 " ms", ms);
}

const char *hactl_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int64_t hactl_number(const json_t *o, const char *key, int64_t otherwise)
{
	json_t *v = json_object_get(o, key);

	return json_is_number(v) ? (int64_t)json_number_value(v) : otherwise;
}

bool hactl_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

int hactl_width(const json_t *list, const char *key, int min)
{
	size_t i;
	json_t *o;

	json_array_foreach((json_t *)list, i, o)
	{
		int len = (int)strlen(hactl_text(o, key));

		min = len > min ? len : min;
	}
	return min;
}

void hactl_print_candidates(const struct hactl *h, FILE *out, const json_t *list, int indent)
{
	int node_width = hactl_width(list, "node", 2), reason_width = hactl_width(list, "reason", 2);
	size_t i;
	json_t *o;

	json_array_foreach((json_t *)list, i, o)
	{
		bool chosen = !strcmp(hactl_text(o, "reason"), "chosen");

		(void)fprintf(out, "%*s", indent, "");
		hactl_put(h, out, STYLE_BOLD, node_width, hactl_text(o, "node"));
		(void)fputs("  ", out);
		hactl_put(h, out,
			  chosen		      ? STYLE_GOOD
			  : hactl_true(o, "eligible") ? STYLE_PLAIN
						      : STYLE_BAD,
			  reason_width, hactl_text(o, "reason"));
		(void)fprintf(out, "  %s\n", hactl_text(o, "text"));
	}
}
