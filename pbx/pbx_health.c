/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pbx_health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 4)))
judge(struct adapter_health *ret, enum pbx_health state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret->why, sizeof ret->why, format, args); /* cutting a sentence is fine */
	va_end(args);
	ret->state = state;
}

static const char *options_problem(const struct pbx_health_seen *s)
{
	if (s->options_error == EBUSY)
		return "answers 503";
	if (s->options_error == ETIMEDOUT)
		return "does not answer";
	return strerror(s->options_error);
}

static bool judge_process(const struct pbx_health_seen *s, struct adapter_health *ret)
{
	if (!s->pid_file || s->pid_error == 0)
		return false;
	ret->pid = 0;
	if (s->pid_error == -ESRCH)
		judge(ret, PBX_DEAD, "process %d of %s does not exist", (int)s->pid, s->pid_file);
	else if (s->pid_error == -EBADMSG)
		judge(ret, PBX_DEAD, "%s holds no process id", s->pid_file);
	else
		judge(ret, PBX_DEAD, "no process: %s: %s", s->pid_file, strerror(-s->pid_error));
	return true;
}

void pbx_health_judge(const struct pbx_health_seen *s, struct adapter_health *ret)
{
	bool starting = boot_diff_ns(s->pid_since, s->now) < s->start_ns_max;

	ret->pid = s->pid;
	if (judge_process(s, ret))
		return;
	if (!s->options_answered && (starting || s->options_failures < s->options_failures_max))
		judge(ret, PBX_STARTING, "no answer to OPTIONS at %s yet", s->target);
	else if (s->options_failures >= s->options_failures_max)
		judge(ret, PBX_SICK, "OPTIONS at %s: %u in a row failed: %s", s->target,
		      s->options_failures_max, options_problem(s));
	else if (s->rpc_used && !s->rpc_answered && (starting || s->rpc_failures < s->rpc_failures_max))
		judge(ret, PBX_STARTING, "OPTIONS answered, no answer on %s yet", s->rpc);
	else if (s->rpc_used && s->rpc_failures >= s->rpc_failures_max)
		judge(ret, PBX_SICK, "no answer on %s, %u times in a row", s->rpc, s->rpc_failures_max);
	else
		judge(ret, PBX_HEALTHY, "OPTIONS at %s answered with %d%s", s->target, s->options_status,
		      s->rpc_used ? ", RPC answers" : "");
}
