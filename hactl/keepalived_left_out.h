/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What becomes of the keywords of keepalived.conf(5) that an import does not turn into anything: a table of
 * where, keyword, level and the sentence that says why, or what to do instead.
 */
#ifndef RK_KEEPALIVED_LEFT_OUT_H
#define RK_KEEPALIVED_LEFT_OUT_H

#include "findings.h"

enum keepalived_where { IN_TOP, IN_GLOBAL, IN_INSTANCE, IN_SYNC, KEEPALIVED_WHERES_COUNT };

struct keepalived_left_out {
	const char *keyword; /* a last "*" stands for any rest */
	enum finding_level level;
	const char *text; /* NULL: nothing to say */
};

/* Rows that are told once for the whole import, whatever number of places they stand in: notes.
 * NULL: no row, the keyword is not known. */
const struct keepalived_left_out *keepalived_left_out(enum keepalived_where where, const char *keyword);

#endif
