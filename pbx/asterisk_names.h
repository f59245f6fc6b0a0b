/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is known of this Asterisk's AORs and endpoints, by name: whether they exist, how an AOR is qualified,
 * how many channels an endpoint has. A hash table that only grows, up to ASTERISK_NAMES_MAX.
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
	uint32_t channels, listed, list_round;
	boot_t called_at; /* when a channel of it last came or went; 0 = never */
	boot_t again_at;  /* when it was last asked again */
	uint32_t queue_round;
	char name[];
};

struct asterisk_names {
	struct asterisk_name **buckets;
	size_t buckets_count, count;
	uint32_t list_round;
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

/* "PJSIP/NAME-0000002a". False: a channel of another kind, or one that a transfer has left behind. */
bool asterisk_channel_endpoint(const char *channel, char ret[ASTERISK_ENDPOINT_MAX + 1]);
/* Events count; what they missed (renamed channels, a lost connection) is put right by the list, which comes
 * between begin and end. An endpoint may be seen here first: its contact is learnt later. */
void asterisk_names_channel(struct asterisk_names *n, const char *channel, bool up, boot_t now);
void asterisk_names_list_begin(struct asterisk_names *n);
void asterisk_names_listed(struct asterisk_names *n, const char *channel);
void asterisk_names_list_end(struct asterisk_names *n, boot_t now);

#endif
