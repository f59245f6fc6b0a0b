/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The picture of hactl top: groups, alarms, nodes, uplinks and the latest records in as many rows and columns
 * as there are. Pure: JSON in, text out. Nothing that an agent says can reach the terminal as a control
 * character.
 */
#ifndef RK_TOP_VIEW_H
#define RK_TOP_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct top_view {
	bool colour;
	int rows, columns;
	const json_t *status; /* borrowed; NULL: never heard */
	const json_t *records;
	const char *time;    /* "14:39:31" */
	const char *trouble; /* why there is no fresh status, or "" */
};

/* At most rows lines of at most columns characters, each with '\n'. */
void top_view_print(const struct top_view *v, FILE *out);

#endif
