/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is known of this Asterisk's AORs and endpoints, by name: whether they exist, how an AOR is qualified,
 * whether an endpoint is busy. A hash table that only grows, up to ASTERISK_NAMES_MAX.
 */
#ifndef RK_ASTERISK_NAMES_H
#define RK_ASTERISK_NAMES_H

#include "asterisk_contact.h"

#define ASTERISK_NAMES_MAX (1u << 21)

enum asterisk_kind { ASTERISK_AOR, ASTERISK_ENDPOINT };
enum asterisk_presence { ASTERISK_UNKNOWN, ASTERISK_ASKED, ASTERISK_EXISTS, ASTERISK_MISSING };

struct asterisk_name {
	struct asterisk_name *next;
	uint32_t hash;
	enum asterisk_kind kind;
	enum asterisk_presence presence;
	bool asked;	   /* again; presence stays what it was */
	boot_t checked_at; /* when it was last answered */
	/* AOR */
	struct asterisk_qualify qualify;
	/* endpoint */
	char *aor; /* whose contact named it last, NULL = none yet */
	bool in_call;
	boot_t called_at; /* 0 = never */
	boot_t again_at;  /* when it was last asked again */
	uint32_t queue_round;
	char name[];
};

struct asterisk_names {
	struct asterisk_name **buckets;
	size_t buckets_count, count;
};

int asterisk_names_init(struct asterisk_names *n);
void asterisk_names_close(struct asterisk_names *n);
/* NULL: not there. */
struct asterisk_name *asterisk_names_find(const struct asterisk_names *n, enum asterisk_kind kind,
					  const char *name);
/* NULL: too many, or no memory. */
struct asterisk_name *asterisk_names_add(struct asterisk_names *n, enum asterisk_kind kind, const char *name);
/* Everything is to be asked again, and stays usable until it is. */
void asterisk_names_doubt(struct asterisk_names *n);
bool asterisk_name_qualified(const struct asterisk_name *aor);

#endif
