/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The names of all AORs that Kamailio has, through its RPC FIFO. Only names: a whole dump of 50,000 contacts
 * keeps Kamailio's FIFO process busy for 40 s (the names for 3 s), and looking up each name afterwards costs
 * 0.15 ms. Refuses an answer of more than KAMAILIO_LIST_MAX bytes and one that takes too long.
 */
#ifndef RK_KAMAILIO_LIST_H
#define RK_KAMAILIO_LIST_H

#include "clock.h"

#include <stddef.h>
#include <stdint.h>

#define KAMAILIO_LIST_MAX (64 * 1024 * 1024)

struct json_t;

struct kamailio_list {
	char fifo[256];	 /* Kamailio's */
	char reply[300]; /* ours, beside it or in reply-dir */
	char name[40];
	int fd; /* -EBADF: idle */
	boot_t deadline;
	char *buf;
	size_t used, size;
};

/* reply_dir NULL: the directory of the FIFO. */
int kamailio_list_init(struct kamailio_list *l, const char *fifo, const char *reply_dir, uint64_t nonce);
void kamailio_list_close(struct kamailio_list *l);
/* 0: watch its fd; -errno: nothing follows. */
int kamailio_list_start(struct kamailio_list *l, boot_t now);
/* 1: *ret_answer is the new reference of the whole answer; 0: goes on; -errno: over. */
int kamailio_list_ready(struct kamailio_list *l, struct json_t **ret_answer);
/* An array of {"AoR":name} in an answer of ul.dump brief, borrowed; NULL if it is none. */
struct json_t *kamailio_list_names(const struct json_t *result);

#endif
