/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <qb/qblog.h>
#include <stdarg.h>
#include <stdio.h>

int log_open(const char *name, int level, bool to_journal)
{
	qb_log_init(name, LOG_DAEMON, LOG_EMERG);
	(void)qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_ENABLED, QB_FALSE);
	(void)qb_log_ctl(QB_LOG_STDERR, QB_LOG_CONF_ENABLED, QB_FALSE);
	int target = to_journal ? QB_LOG_SYSLOG : QB_LOG_STDERR;

	if (!to_journal)
		(void)qb_log_format_set(QB_LOG_STDERR, "%T %7p %b");
	else
		(void)qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_USE_JOURNAL, QB_TRUE);
	log_level(level);
	return qb_log_ctl(target, QB_LOG_CONF_ENABLED, QB_TRUE) < 0 ? -EIO : 0;
}

void log_level(int level)
{
	static const int targets[] = { QB_LOG_SYSLOG, QB_LOG_STDERR };

	for (int i = 0; i < 2; i++) {
		(void)qb_log_filter_ctl(targets[i], QB_LOG_FILTER_CLEAR_ALL, QB_LOG_FILTER_FILE, "*",
					LOG_DEBUG);
		(void)qb_log_filter_ctl(targets[i], QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE, "*", level);
	}
}

void log_close(void)
{
	qb_log_fini();
}

void log_line(int level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap); /* a longer line is cut, on purpose */
	va_end(ap);
	qb_log_from_external_source("ringkeep", "log.c", "%s", (uint8_t)level, 0, 0, line);
}

bool log_allowed(struct log_limit *l, boot_t now, uint32_t burst, uint32_t *ret_left_out)
{
	int64_t window_s = now.ns / NS_PER_S;

	*ret_left_out = 0;
	if (window_s != l->window_s) {
		l->window_s = window_s;
		l->seen = 0;
	}
	if (l->seen >= burst) {
		l->left_out++;
		return false;
	}
	l->seen++;
	*ret_left_out = l->left_out;
	l->left_out = 0;
	return true;
}
