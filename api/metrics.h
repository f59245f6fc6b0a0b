/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's status as metrics, in Prometheus' text format 0.0.4 or OpenMetrics 1.0.0: names ringkeep_*,
 * base units, counters that end in _total, one sample for each thing of the configuration, so that their
 * number is bounded by it. Pure.
 */
#ifndef RK_METRICS_H
#define RK_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };
/* What Accept asks for; NULL: no such header. */
enum metrics_format metrics_negotiate(const char *accept);
const char *metrics_content_type(enum metrics_format f);

/* Of this process, which the agent does not know. */
struct metrics_own {
	double status_age_s; /* of the status below; < 0: there is none */
	unsigned connections;
	unsigned long long requests, refused, limited;
	double start_time_s; /* since the epoch */
};

/* status: what the agent answered last; NULL: it does not answer, which is a metric, too. */
void metrics_write(FILE *out, enum metrics_format f, const json_t *status, const struct metrics_own *own);

#endif
