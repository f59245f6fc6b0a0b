/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From what was seen of a PBX to one state and one sentence. Pure; every adapter of ours uses it.
 */
#ifndef RK_PBX_HEALTH_H
#define RK_PBX_HEALTH_H

#include "adapter.h"

struct pbx_health_seen {
	const char *pid_file; /* NULL = none configured: the process is not judged */
	int pid_error;	      /* of pid_file_read() */
	pid_t pid;
	boot_t pid_since;	   /* when this pid was first seen */
	const char *target;	   /* of OPTIONS, for the sentence */
	bool options_answered;	   /* since pid_since */
	uint32_t options_failures; /* in a row */
	uint32_t options_failures_max;
	int options_status;
	int options_error;
	bool rpc_used;
	bool rpc_answered; /* since pid_since */
	uint32_t rpc_failures;
	uint32_t rpc_failures_max;
	const char *rpc;
	boot_t now;
	int64_t start_ns_max; /* how long a PBX may take to answer for the first time */
};

/* Fills state, why and pid. */
void pbx_health_judge(const struct pbx_health_seen *s, struct adapter_health *ret);

#endif
