/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A set of equal-sized byte strings, each with a number from 0 in order of arrival. Exact: whole keys are
 * compared.
 */
#ifndef RK_SEARCH_TABLE_H
#define RK_SEARCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

struct table *table_new(size_t key_size);
void table_free(struct table *t);
/* The number of the key; *ret_fresh tells if it was not there before. Keys move when the table grows. */
uint32_t table_add(struct table *t, const void *key, bool *ret_fresh);
const void *table_key(const struct table *t, uint32_t number);
uint32_t table_count(const struct table *t);

#endif
