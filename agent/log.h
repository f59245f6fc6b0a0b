/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's log: libqb's, to stderr or the journal. A line is a fact, an arrow, a decision; secrets and
 * unbounded text never get here. Cut at 400 bytes before libqb sees it (CVE-2023-39976 is open in Debian 12's
 * libqb).
 */
#ifndef RK_LOG_H
#define RK_LOG_H

#include "clock.h"

#include <syslog.h>

#define LOG_LINE_MAX 400

/* level as syslog(3). to_journal: native fields; else stderr with a time stamp. */
int log_open(const char *name, int level, bool to_journal);
void log_close(void);
void log_level(int level);

void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)

/* At most `burst` lines per second for one kind of thing; the number left out is said with the next. */
struct log_limit {
	int64_t window_s;
	uint32_t seen;
	uint32_t left_out;
};
/* False: leave it out. *ret_left_out: how many were left out before this one. */
bool log_allowed(struct log_limit *l, boot_t now, uint32_t burst, uint32_t *ret_left_out);

#endif
