/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One run of a program as the only guest of a PID namespace: whatever it starts, daemons and sessions of
 * their own included, is dead when the run has ended. What it writes is kept up to a limit and read on, so
 * that it never blocks. For ringkeep-fence-call, which does nothing else.
 */
#ifndef RK_FENCE_RUN_H
#define RK_FENCE_RUN_H

#include "fence_wire.h"

enum fence_end {
	FENCE_END_EXIT = 1, /* value: exit code */
	FENCE_END_SIGNAL,   /* value: its number */
	FENCE_END_TIMEOUT,
	FENCE_END_CANCELLED,	/* the cancel descriptor was closed at its other end */
	FENCE_END_NOT_STARTED,	/* value: errno of exec */
	FENCE_END_NO_NAMESPACE, /* value: errno */
};

struct fence_run {
	const char *path;
	const char *input;   /* its stdin, less than 64 KiB */
	int64_t deadline_ns; /* CLOCK_MONOTONIC */
	int cancel;	     /* descriptor */
	/* the result */
	enum fence_end end;
	int value;
	size_t out_len, err_len; /* together at most FENCE_OUTPUT_MAX */
	char out[FENCE_OUTPUT_MAX];
	char err[FENCE_OUTPUT_MAX];
};

int64_t fence_run_now_ns(void); /* CLOCK_MONOTONIC */
/* Waits for the end. */
void fence_run(struct fence_run *r);

#endif
