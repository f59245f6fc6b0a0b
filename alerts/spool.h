/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The queue of one receiver on disk: a directory with one file for each alert that was not delivered, named
 * by its number. A file is there whole or not at all; it is removed after delivery, and not before. Bounded.
 */
#ifndef RK_SPOOL_H
#define RK_SPOOL_H

#include "alert.h"

#include <stdint.h>

struct spool_entry {
	uint64_t number;
	uint64_t id_hash; /* of the alert's id */
};

struct spool {
	int dir_fd;
	size_t count, max;
	uint64_t next;
	struct spool_entry *entry; /* by number; room for max */
	uint64_t damaged;	   /* files that were no alerts: removed */
};

/* Makes and reads the directory `name` below dir_fd (borrowed). Files of an interrupted write go. */
int spool_open(struct spool *ret, int dir_fd, const char *name, size_t max);
void spool_close(struct spool *s);
/* On disk when it returns 0.
 * @retval 1  one of the same id waits already
 * @retval -ENOBUFS  it is full */
int spool_put(struct spool *s, const struct alert *a);
/* The oldest one. @retval -ENOENT nothing waits. */
int spool_first(struct spool *s, struct alert *ret);
/* Removes the index-th, 0 being the oldest. */
int spool_remove(struct spool *s, size_t index);

#endif
