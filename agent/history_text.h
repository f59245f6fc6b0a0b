/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * History records as sentences, for `hactl history` and `hactl watch`.
 */
#ifndef RK_HISTORY_TEXT_H
#define RK_HISTORY_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* "n2 took office over from n1: its lease expired (epoch 42.2, 812 ms to announce)". */
void history_sentence(const json_t *record, char *ret, size_t size);
/* One aligned line with local time. */
void history_print_line(const json_t *record, FILE *out);

#endif
