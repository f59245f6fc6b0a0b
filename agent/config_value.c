/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One value of the option table: text to bytes and back, and its limits in words.
 */
#include "config_options.h"

#include "ip_address.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *unit;
	uint32_t ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

/* Digits with an optional fraction of at most six, scaled by 10^6. */
static int parse_decimal(const char *text, uint64_t *ret_micro, const char **ret_end)
{
	uint64_t whole = 0, fraction = 0;
	uint32_t scale = 1000000;
	const char *p = text;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		whole = whole * 10 + (uint64_t)(*p - '0');
		if (whole > UINT32_MAX)
			return -ERANGE;
	}
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++) {
			if (scale == 1)
				return -EINVAL;
			scale /= 10;
			fraction += (uint64_t)(*p - '0') * scale;
		}
	}
	*ret_micro = whole * 1000000 + fraction;
	*ret_end = p;
	return 0;
}

/* micro * per, if it is a whole number of them. */
static int scale_exact(uint64_t micro, uint32_t per, uint32_t *ret)
{
	unsigned __int128 v = (unsigned __int128)micro * per;

	if (v % 1000000)
		return -EINVAL;
	if (v / 1000000 > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)(v / 1000000);
	return 0;
}

bool config_option_is_list(const struct config_option *o)
{
	return o->type == OPTION_ADDRESSES || o->type == OPTION_NAMES || o->type == OPTION_STRINGS ||
	       o->type == OPTION_PRIORITIES || o->type == OPTION_PREFIXES;
}

/* After the 0x: up to eight digits. */
static int parse_bits(const char *text, uint32_t *ret)
{
	size_t digits = strlen(text);

	if (!digits || digits > 8 || strspn(text, "0123456789abcdefABCDEF") != digits)
		return -EINVAL;
	*ret = (uint32_t)strtoul(text, NULL, 16);
	return 0;
}

static int parse_number(const struct config_option *o, const char *text, uint32_t *ret)
{
	uint64_t micro;
	const char *unit;
	int r;

	if (o->type == OPTION_BITS && !strncmp(text, "0x", 2))
		return parse_bits(text + 2, ret);
	r = parse_decimal(text, &micro, &unit);
	if (r < 0)
		return r;
	if (o->type == OPTION_NUMBER || o->type == OPTION_PRIORITIES || o->type == OPTION_BITS)
		return *unit ? -EINVAL : scale_exact(micro, 1, ret);
	if (o->type == OPTION_MILLI)
		return *unit ? -EINVAL : scale_exact(micro, 1000, ret);
	if (o->type == OPTION_PPM)
		return strcmp(unit, "%") ? -EINVAL : scale_exact(micro, 10000, ret);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (!strcmp(unit, units[i].unit))
			return scale_exact(micro, units[i].ms, ret);
	return -EINVAL;
}

static int set_number(const struct config_option *o, uint32_t *field, const char *text, char *reterr,
		      size_t size)
{
	static const char *const forms[] = {
		[OPTION_NUMBER] = "a whole number",
		[OPTION_MSEC] = "a duration with its unit, such as 100ms, 2.5s or 5m",
		[OPTION_PPM] = "a percentage, such as 10% or 0.05%",
		[OPTION_PRIORITIES] = "a whole number",
		[OPTION_BITS] = "a number in hexadecimal, such as 0xff00",
		[OPTION_MILLI] = "a number with up to three decimals, such as 3.9",
	};
	/* min and max of a list are its length. */
	uint32_t min = o->type == OPTION_PRIORITIES ? 1 : o->min,
		 max = o->type == OPTION_PRIORITIES ? 255 : o->max, v = 0;
	char limits[80];
	int r = parse_number(o, text, &v);

	if (r == -EINVAL) {
		(void)snprintf(reterr, size, "\"%.60s\" is not %s; write one", text, forms[o->type]);
		return r;
	}
	config_option_limits(o, limits, sizeof limits);
	if (r == -ERANGE || v < min || v > max) {
		(void)snprintf(reterr, size, "%.60s is out of range; choose %s", text, limits);
		return -ERANGE;
	}
	*field = v;
	return 0;
}

static int set_string(const struct config_option *o, char *field, const char *text, char *reterr, size_t size)
{
	bool string = o->type == OPTION_STRING || o->type == OPTION_STRINGS;
	size_t len = strlen(text);

	/* o->min and max are the length of a list for lists. */
	if (len >= o->size || (!len && (o->type != OPTION_STRING || o->min))) {
		(void)snprintf(reterr, size, "\"%.60s\" is %zu characters long; use 1 to %zu", text, len,
			       o->size - 1);
		return -ERANGE;
	}
	for (const char *p = text; *p; p++) {
		bool name_ok = isalnum((unsigned char)*p) || (p != text && strchr("-_.", *p));

		if (string ? !isprint((unsigned char)*p) || *p == '"' || *p == '\\' : !name_ok) {
			(void)snprintf(reterr, size, "\"%.60s\" has a character that is not allowed; use %s",
				       text,
				       string ? "printable ASCII without quotes and backslashes"
					      : "letters, digits and, not first, - _ .");
			return -EINVAL;
		}
	}
	memset(field, 0, o->size);
	memcpy(field, text, len);
	return 0;
}

static int set_enum(const struct config_option *o, uint32_t *field, const char *text, char *reterr,
		    size_t size)
{
	char limits[120];

	for (uint32_t i = 0; o->names[i]; i++) {
		if (!strcmp(o->names[i], text)) {
			*field = i;
			return 0;
		}
	}
	config_option_limits(o, limits, sizeof limits);
	(void)snprintf(reterr, size, "\"%.60s\" is none of its words; choose %s", text, limits);
	return -EINVAL;
}

static int set_bool(bool *field, const char *text, char *reterr, size_t size)
{
	bool yes = !strcmp(text, "yes") || !strcmp(text, "true") || !strcmp(text, "on");

	if (!yes && strcmp(text, "no") && strcmp(text, "false") && strcmp(text, "off")) {
		(void)snprintf(reterr, size, "\"%.60s\" is neither; write yes or no", text);
		return -EINVAL;
	}
	*field = yes;
	return 0;
}

static int set_address(struct ip_address *field, const char *text, char *reterr, size_t size)
{
	struct ip_address a;

	if (ip_parse(text, &a) < 0) {
		(void)snprintf(reterr, size,
			       "\"%.60s\" is not an IPv4 or IPv6 address; write it in numbers%s", text,
			       strchr(text, '/') ? ", without a prefix length" : "");
		return -EINVAL;
	}
	*field = a;
	return 0;
}

static int set_prefix(struct ip_prefix *field, const char *text, char *reterr, size_t size)
{
	struct ip_prefix p;
	int r = ip_prefix_parse(text, &p);

	if (r == -ERANGE)
		(void)snprintf(reterr, size,
			       "\"%.60s\" has bits set behind its prefix length; write the first address of "
			       "the network, or one address without a length",
			       text);
	else if (r < 0)
		(void)snprintf(reterr, size,
			       "\"%.60s\" is neither an IPv4 or IPv6 address nor a network; write it in "
			       "numbers, such as 203.0.113.10 or 203.0.113.16/28",
			       text);
	else
		*field = p;
	return r;
}

/* The place for one more element of a list, and its count; NULL if it is full. */
static void *list_next(const struct config_option *o, void *base, uint32_t **ret_count)
{
	uint32_t *count = (uint32_t *)((char *)base + o->count_offset);

	*ret_count = count;
	return *count < o->max ? (char *)base + o->offset + *count * o->size : NULL;
}

int config_option_set(const struct config_option *o, void *base, const char *text, char *reterr, size_t size)
{
	void *field = (char *)base + o->offset;
	uint32_t *count = NULL;
	int r = -EINVAL;

	if (config_option_is_list(o)) {
		field = list_next(o, base, &count);
		if (!field) {
			(void)snprintf(reterr, size, "more than %u entries; leave some out", o->max);
			return -ERANGE;
		}
	}
	switch (o->type) {
	case OPTION_STRING:
	case OPTION_NAME:
	case OPTION_NAMES:
	case OPTION_STRINGS:
		r = set_string(o, field, text, reterr, size);
		break;
	case OPTION_NUMBER:
	case OPTION_MSEC:
	case OPTION_PPM:
	case OPTION_PRIORITIES:
	case OPTION_BITS:
	case OPTION_MILLI:
		r = set_number(o, field, text, reterr, size);
		break;
	case OPTION_BOOL:
		r = set_bool(field, text, reterr, size);
		break;
	case OPTION_ENUM:
		r = set_enum(o, field, text, reterr, size);
		break;
	case OPTION_ADDRESS:
	case OPTION_ADDRESSES:
		r = set_address(field, text, reterr, size);
		break;
	case OPTION_PREFIXES:
		r = set_prefix(field, text, reterr, size);
		break;
	}
	if (r == 0 && count)
		++*count;
	return r;
}

static void duration_text(uint32_t ms, char *ret, size_t size)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (ms % units[i].ms == 0 && (ms || units[i].ms == 1)) {
			(void)snprintf(ret, size, "%u%s", ms / units[i].ms, units[i].unit);
			return;
		}
	}
}

/* v / 10^places, without zeros at the end. */
static void decimal_text(uint32_t v, int places, const char *unit, char *ret, size_t size)
{
	uint32_t scale = places == 4 ? 10000 : 1000;
	char fraction[12];
	int len = snprintf(fraction, sizeof fraction, "%0*u", places, v % scale);

	while (len > 0 && fraction[len - 1] == '0')
		fraction[--len] = 0;
	(void)snprintf(ret, size, "%u%s%s%s", v / scale, len ? "." : "", fraction, unit);
}

static void number_text(enum option_type type, uint32_t v, char *ret, size_t size)
{
	if (type == OPTION_MSEC)
		duration_text(v, ret, size);
	else if (type == OPTION_PPM)
		decimal_text(v, 4, "%", ret, size);
	else if (type == OPTION_MILLI)
		decimal_text(v, 3, "", ret, size);
	else if (type == OPTION_BITS)
		(void)snprintf(ret, size, "0x%x", v);
	else
		(void)snprintf(ret, size, "%u", v);
}

void config_option_text(const struct config_option *o, const void *base, uint32_t index, char *ret,
			size_t size)
{
	bool list = config_option_is_list(o);
	const void *field = (const char *)base + o->offset + (list ? index * o->size : 0);
	char ip[IP_PREFIX_TEXT_MAX];

	switch (o->type) {
	case OPTION_STRING:
	case OPTION_NAME:
	case OPTION_NAMES:
	case OPTION_STRINGS:
		(void)snprintf(ret, size, "%s", (const char *)field);
		break;
	case OPTION_NUMBER:
	case OPTION_MSEC:
	case OPTION_PPM:
	case OPTION_PRIORITIES:
	case OPTION_BITS:
	case OPTION_MILLI:
		number_text(o->type, *(const uint32_t *)field, ret, size);
		break;
	case OPTION_BOOL:
		(void)snprintf(ret, size, "%s", *(const bool *)field ? "yes" : "no");
		break;
	case OPTION_ENUM:
		(void)snprintf(ret, size, "%s", o->names[*(const uint32_t *)field]);
		break;
	case OPTION_ADDRESS:
	case OPTION_ADDRESSES:
		(void)snprintf(ret, size, "%s", ip_format(field, ip));
		break;
	case OPTION_PREFIXES:
		(void)snprintf(ret, size, "%s", ip_prefix_format(field, ip));
		break;
	}
}

void config_option_limits(const struct config_option *o, char *ret, size_t size)
{
	char low[24], high[24];
	size_t used = 0;

	switch (o->type) {
	case OPTION_NUMBER:
	case OPTION_MSEC:
	case OPTION_PPM:
	case OPTION_BITS:
	case OPTION_MILLI:
		number_text(o->type, o->min, low, sizeof low);
		number_text(o->type, o->max, high, sizeof high);
		(void)snprintf(ret, size, "%s to %s", low, high);
		break;
	case OPTION_BOOL:
		(void)snprintf(ret, size, "yes or no");
		break;
	case OPTION_ENUM:
		ret[0] = 0;
		for (uint32_t i = 0; o->names[i] && used < size; i++)
			used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "", o->names[i]);
		break;
	case OPTION_STRING:
	case OPTION_NAME:
		(void)snprintf(ret, size, "up to %zu characters", o->size - 1);
		break;
	case OPTION_ADDRESS:
		(void)snprintf(ret, size, "an IPv4 or IPv6 address");
		break;
	case OPTION_ADDRESSES:
		(void)snprintf(ret, size, "%u to %u addresses", o->min, o->max);
		break;
	case OPTION_NAMES:
		(void)snprintf(ret, size, "%u to %u names", o->min, o->max);
		break;
	case OPTION_STRINGS:
		(void)snprintf(ret, size, "%u to %u texts", o->min, o->max);
		break;
	case OPTION_PRIORITIES:
		(void)snprintf(ret, size, "%u to %u numbers of 1 to 255", o->min, o->max);
		break;
	case OPTION_PREFIXES:
		(void)snprintf(ret, size, "%u to %u addresses or networks", o->min, o->max);
		break;
	}
}
