/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a monitoring plugin says: findings with a state each, measured values, and the limits that the command
 * line puts on them. Owns the format of the monitoring plugins' guidelines (Nagios, Icinga): exit codes, one
 * line, performance data, long output. Knows nothing of ringkeep.
 */
#ifndef RK_CHECK_VERDICT_H
#define RK_CHECK_VERDICT_H

#include <stdbool.h>
#include <stdio.h>

enum check_state { CHECK_OK = 0, CHECK_WARNING = 1, CHECK_CRITICAL = 2, CHECK_UNKNOWN = 3 };

#define CHECK_FINDINGS_MAX 256
#define CHECK_VALUES_MAX   512
#define CHECK_LIMITS_MAX   32
#define CHECK_TEXT_MAX	   240
#define CHECK_LABEL_MAX	   80

/* "[@]low:high", a value outside is told, with @ one inside. */
struct check_range {
	bool given, inside;
	double low, high;
	char text[40];
};

struct check_limit {
	char name[24]; /* of the values that it is for: what follows the last dot of a label */
	struct check_range range[CHECK_CRITICAL + 1];
};

struct check_value {
	char label[CHECK_LABEL_MAX];
	const char *unit; /* "", "s", "%", "c" */
	bool known;
	double value;
	const char *min, *max; /* "" if there is none; borrowed for the verdict's life */
};

struct check_verdict {
	struct check_finding {
		enum check_state state;
		char text[CHECK_TEXT_MAX];
	} finding[CHECK_FINDINGS_MAX];
	size_t findings_count, findings_more;
	struct check_value value[CHECK_VALUES_MAX];
	size_t values_count;
	struct check_limit limit[CHECK_LIMITS_MAX];
	size_t limits_count;
};

const char *check_state_name(enum check_state s);
/* "mos=3.6:,loss=5": limits for a state. False: reterr has what is wrong with it. */
bool check_limits_parse(struct check_verdict *v, enum check_state state, const char *list, char *reterr,
			size_t size);
/* What is the case, as a sentence without a full stop; cut if too long. Beyond the maximum only the worst
 * state counts. */
void check_find(struct check_verdict *v, enum check_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A measured value, with a finding if a limit is passed; label is "OBJECT.NAME" or "NAME". known false: U. */
void check_measure(struct check_verdict *v, const struct check_value *value);
/* A limit for values that no agent ever gives is a mistake of the caller: the first such name, or NULL. */
const char *check_limit_unused(const struct check_verdict *v);
enum check_state check_worst(const struct check_verdict *v);
/* title: "RINGKEEP". fine: what the line says if all is well. */
void check_print(const struct check_verdict *v, const char *title, const char *fine, FILE *out);

#endif
