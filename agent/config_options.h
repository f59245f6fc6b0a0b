/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one table of configuration options. Parser, defaults, range checks, `hactl config explain`, the
 * canonical form and the man page's list all read it; an option exists in no other place.
 */
#ifndef RK_CONFIG_OPTIONS_H
#define RK_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_STRING,	   /* char[size] */
	OPTION_NAME,	   /* char[size]: letters, digits, - _ . */
	OPTION_NUMBER,	   /* uint32_t */
	OPTION_BOOL,	   /* bool */
	OPTION_MSEC,	   /* uint32_t; "100ms", "2.5s", "5m", "1h" */
	OPTION_PPM,	   /* uint32_t; "10%" */
	OPTION_MILLI,	   /* uint32_t in thousandths: "3.9" */
	OPTION_ENUM,	   /* uint32_t; one of names */
	OPTION_ADDRESS,	   /* struct ip_address */
	OPTION_ADDRESSES,  /* list of them */
	OPTION_NAMES,	   /* list of char[size] */
	OPTION_STRINGS,	   /* list of char[size], as OPTION_STRING */
	OPTION_PRIORITIES, /* list of uint32_t: VRRP priorities, 1 to 255 */
	OPTION_PREFIXES,   /* list of struct ip_prefix: addresses, alone or with a prefix length */
	OPTION_BITS,	   /* uint32_t: "0xff00" */
};

enum option_flags {
	OPTION_REQUIRED = 1,
	OPTION_RELOAD = 2,   /* a change is applied by a reload; otherwise by a restart of the agent */
	OPTION_COMPUTED = 4, /* 0 means: from the profile or computed */
};

struct config_option {
	const char *section; /* "" is the top level */
	const char *key;
	enum option_type type;
	uint32_t min, max;	  /* of numbers; of a list: its length; of a string: its length */
	const char *default_text; /* as it would be written; NULL = none */
	const char *const *names; /* OPTION_ENUM, NULL-terminated */
	size_t offset, size;	  /* in the section's struct; size of one string */
	size_t count_offset;	  /* lists */
	unsigned flags;
	const char *help;
};

struct config_section {
	const char *name;   /* "" first; a child comes after its parent */
	const char *parent; /* NULL for "" */
	bool titled;
	uint32_t min, max;
	size_t offset, size,
		count_offset; /* array in the parent's struct; the title is its first member, name[] */
	const char *help;
	bool reload; /* a reload adds and takes away such sections; all their options are OPTION_RELOAD */
};

extern const struct config_option config_options[];
extern const size_t config_options_count;
extern const struct config_section config_sections[];
extern const size_t config_sections_count;

/* NULL if there is none. */
const struct config_option *config_option_find(const char *section, const char *key);
const struct config_section *config_section_find(const char *name);
/* The closest known key of the section (or section below it), or NULL: "did you mean". */
const char *config_option_suggest(const char *section, const char *key);

bool config_option_is_list(const struct config_option *o);
/* Text of one value to where it belongs (base is the section's struct). reterr gets what is wrong. */
int config_option_set(const struct config_option *o, void *base, const char *text, char *reterr, size_t size);
/* What a section that is not there would have had; base is its struct, all zero. */
void config_section_defaults(const char *section, void *base);
/* The value as it would be written, index-th element for lists. */
void config_option_text(const struct config_option *o, const void *base, uint32_t index, char *ret,
			size_t size);
/* Limits in words: "10ms..10s", "metal|lan|vm". */
void config_option_limits(const struct config_option *o, char *ret, size_t size);

#endif
