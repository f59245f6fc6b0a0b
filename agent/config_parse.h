/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shared by the parts of the parser only: errors with their places.
 */
#ifndef RK_CONFIG_PARSE_H
#define RK_CONFIG_PARSE_H

#include "config.h"
#include "config_options.h"

/* Where a value of the struct came from. */
struct config_place {
	const void *base; /* the section's struct */
	const char *key;  /* of the table; NULL = the section itself */
	uint32_t index;	  /* of a list */
	int line;
};

struct config_parse {
	const char *file; /* borrowed */
	struct config_errors *errors;
	struct config_place *places;
	size_t places_count, places_size;
	size_t hint; /* where the last search ended */
	bool out_of_memory;
};

/* "FILE:LINE: key: text" */
void config_fail_line(struct config_parse *p, int line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with the line where this value was written, or of its section. */
void config_fail(struct config_parse *p, const void *base, const char *key, uint32_t index, const char *fmt,
		 ...) __attribute__((format(printf, 5, 6)));
/* Where this value was written, or its section. */
int config_place_line(struct config_parse *p, const void *base, const char *key, uint32_t index);
void config_place_add(struct config_parse *p, const void *base, const char *key, uint32_t index, int line);

/* What libconfuse would do silently or would never recover from: returns false after config_fail_line(). */
bool config_scan(struct config_parse *p, const char *text, size_t len);
/* Everything that takes more than one value to judge. */
void config_check(struct config_parse *p, struct config *c);
/* The VRRP of one group, against those before it. */
void config_check_vrrp(struct config_parse *p, const struct config *c, const struct config_group *g);
/* The trunks of all groups; fills in the carriers that were not named. */
void config_check_trunks(struct config_parse *p, struct config *c);
/* The fence devices, and the levels of all nodes. */
void config_check_fence(struct config_parse *p, struct config *c);
/* Two nodes and nothing else (two-node = best-effort). */
void config_check_alone(struct config_parse *p, const struct config *c);
/* What is only for these. */
void config_check_gateways(struct config_parse *p, const struct config *c);
/* Uplinks, lines, probes, voice and published names; fills in what was not written. */
void config_check_uplinks(struct config_parse *p, struct config *c);
/* Receivers of alerts, and certificates; fills in what was not written. */
void config_check_alerts(struct config_parse *p, struct config *c);
void config_check_api(struct config_parse *p, struct config *c);

#endif
