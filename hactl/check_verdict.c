/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check_verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FINDINGS 3 /* the rest is in the long output */

const char *check_state_name(enum check_state s)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return names[s];
}

/* UNKNOWN is worse than WARNING, and better than CRITICAL: something may be wrong, there something is. */
static int rank(enum check_state s)
{
	static const int ranks[] = { 0, 1, 3, 2 };

	return ranks[s];
}

enum check_state check_worst(const struct check_verdict *v)
{
	enum check_state worst = CHECK_OK;

	for (size_t i = 0; i < v->findings_count; i++)
		if (rank(v->finding[i].state) > rank(worst))
			worst = v->finding[i].state;
	return worst;
}

/* '|' begins performance data, a line's end the long output. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text == '|' || (unsigned char)*text < ' ')
			*text = *text == '|' ? '/' : ' ';
}

void check_find(struct check_verdict *v, enum check_state state, const char *fmt, ...)
{
	va_list ap;

	if (v->findings_count == CHECK_FINDINGS_MAX) {
		v->findings_more++;
		if (rank(state) > rank(check_worst(v)))
			v->finding[CHECK_FINDINGS_MAX - 1].state = state;
		return;
	}
	struct check_finding *f = &v->finding[v->findings_count++];

	f->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof f->text, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	make_plain(f->text);
}

/* ---- limits ---- */

/* One end of a range: a number; empty or "~" is the default. */
static bool parse_end(const char *text, size_t len, double otherwise, double *ret)
{
	char copy[24], *end = NULL;

	*ret = otherwise;
	if (len == 0)
		return true;
	if (len >= sizeof copy)
		return false;
	(void)snprintf(copy, sizeof copy, "%.*s", (int)len, text);
	*ret = strtod(copy, &end);
	return !*end && isfinite(*ret);
}

static bool parse_range(const char *text, struct check_range *ret)
{
	const char *p = text + (*text == '@'), *colon = strchr(p, ':');
	bool good;

	*ret = (struct check_range){ .given = true, .inside = *text == '@' };
	if (!*p || (colon && p == colon && !colon[1]) || strlen(text) >= sizeof ret->text)
		return false;
	(void)snprintf(ret->text, sizeof ret->text, "%s", text);
	if (!colon) {
		good = parse_end(p, strlen(p), 0, &ret->high);
	} else {
		size_t len = (size_t)(colon - p);

		good = *p == '~' && len == 1 ? (ret->low = -INFINITY, true) : parse_end(p, len, 0, &ret->low);
		good &= parse_end(colon + 1, strlen(colon + 1), INFINITY, &ret->high);
	}
	return good && ret->low <= ret->high;
}

static struct check_limit *limit_of(struct check_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->limits_count; i++)
		if (!strcmp(v->limit[i].name, name))
			return &v->limit[i];
	if (v->limits_count == CHECK_LIMITS_MAX || !*name || strlen(name) >= sizeof v->limit[0].name)
		return NULL;
	struct check_limit *l = &v->limit[v->limits_count++];

	*l = (struct check_limit){ 0 };
	memcpy(l->name, name, strlen(name) + 1);
	return l;
}

bool check_limits_parse(struct check_verdict *v, enum check_state state, const char *list, char *reterr,
			size_t size)
{
	char item[80];

	while (*list) {
		size_t len = strcspn(list, ",");
		char *equals;

		(void)snprintf(item, sizeof item, "%.*s", (int)len, list);
		equals = strchr(item, '=');
		if (len >= sizeof item || !equals || equals == item) {
			(void)snprintf(reterr, size, "\"%s\" is not NAME=RANGE, such as mos=3.6: or loss=5",
				       item);
			return false;
		}
		*equals = 0;
		struct check_limit *l = limit_of(v, item);

		if (!l || !parse_range(equals + 1, &l->range[state])) {
			(void)snprintf(reterr, size, "%s: \"%s\" is not a range, such as 10, 3.6: or @0:1",
				       item, equals + 1);
			return false;
		}
		list += len + (list[len] == ',');
	}
	return true;
}

/* ---- values ---- */

static const struct check_limit *limit_for(const struct check_verdict *v, const char *label)
{
	const char *dot = strrchr(label, '.'), *name = dot ? dot + 1 : label;

	for (size_t i = 0; i < v->limits_count; i++)
		if (!strcmp(v->limit[i].name, name))
			return &v->limit[i];
	return NULL;
}

static bool passed(const struct check_range *r, double value)
{
	bool inside = value >= r->low && value <= r->high;

	return r->given && inside == r->inside;
}

const char *check_limit_unused(const struct check_verdict *v)
{
	for (size_t i = 0; i < v->limits_count; i++) {
		bool used = false;

		for (size_t k = 0; k < v->values_count; k++)
			used |= limit_for(v, v->value[k].label) == &v->limit[i];
		if (!used)
			return v->limit[i].name;
	}
	return NULL;
}

void check_measure(struct check_verdict *v, const struct check_value *value)
{
	const struct check_limit *l = limit_for(v, value->label);

	if (v->values_count < CHECK_VALUES_MAX)
		v->value[v->values_count++] = *value;
	for (int s = CHECK_CRITICAL; l && value->known && s >= CHECK_WARNING; s--) {
		if (!passed(&l->range[s], value->value))
			continue;
		check_find(v, (enum check_state)s, "%s is %.6g%s, the limit is %s", value->label,
			   value->value, value->unit, l->range[s].text);
		return;
	}
}

/* 'label'=value[unit];warning;critical;min;max */
static void print_value(const struct check_verdict *v, const struct check_value *p, FILE *out)
{
	const struct check_limit *l = limit_for(v, p->label);
	bool quoted = strcspn(p->label, " ='") < strlen(p->label);

	(void)fputs(quoted ? " '" : " ", out);
	for (const char *c = p->label; *c; c++)
		(void)fputc(*c == '=' || *c == '\'' || *c == '|' ? '_' : *c, out);
	(void)fputs(quoted ? "'=" : "=", out);
	if (p->known)
		(void)fprintf(out, "%.9g%s", p->value, p->unit);
	else
		(void)fputc('U', out);
	(void)fprintf(out, ";%s;%s;%s;%s", l ? l->range[CHECK_WARNING].text : "",
		      l ? l->range[CHECK_CRITICAL].text : "", p->min, p->max);
}

static void print_findings(const struct check_verdict *v, enum check_state state, FILE *out)
{
	size_t shown = 0, more = v->findings_more;

	for (int r = 3; r > 0; r--) /* worst first */
		for (size_t i = 0; i < v->findings_count; i++) {
			if (rank(v->finding[i].state) != r)
				continue;
			if (shown == LINE_FINDINGS) {
				more++;
				continue;
			}
			(void)fprintf(out, "%s%s%s%s", shown ? "; " : "",
				      v->finding[i].state == state ? ""
								   : check_state_name(v->finding[i].state),
				      v->finding[i].state == state ? "" : ": ", v->finding[i].text);
			shown++;
		}
	if (more)
		(void)fprintf(out, "; and %zu more", more);
}

void check_print(const struct check_verdict *v, const char *title, const char *fine, FILE *out)
{
	enum check_state worst = check_worst(v);

	(void)fprintf(out, "%s %s - ", title, check_state_name(worst));
	if (worst == CHECK_OK)
		(void)fputs(fine, out);
	else
		print_findings(v, worst, out);
	if (v->values_count)
		(void)fputs(" |", out);
	for (size_t i = 0; i < v->values_count; i++)
		print_value(v, &v->value[i], out);
	(void)fputc('\n', out);
	for (size_t i = 0; i < v->findings_count; i++)
		(void)fprintf(out, "[%s] %s\n", check_state_name(v->finding[i].state), v->finding[i].text);
	if (v->findings_more)
		(void)fprintf(out, "and %zu more\n", v->findings_more);
}
