/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One program at a time that has to end within its time, and is killed otherwise, with all that it started.
 * Never blocks: the caller's loop polls one descriptor and comes back at child_job_next().
 */
#ifndef RK_CHILD_JOB_H
#define RK_CHILD_JOB_H

#include "clock.h"
#include "guard_child.h"

struct child_job {
	struct guard_child child; /* child.said: the beginning of what it said, also after its end */
	int epoll_fd;
	boot_t kill_at;
};

/* 0 or -errno. */
int child_job_init(struct child_job *j);
/* Kills what runs. */
void child_job_close(struct child_job *j);

/* argv[0]: a path, or a name in our PATH. env: NULL for none of its own. Borrows text, its standard input.
 * @retval -EBUSY one runs. Other -errno: it does not start. */
int child_job_start(struct child_job *j, char *const argv[], char *const env[], const char *text, boot_t now,
		    int64_t timeout_ns);
bool child_job_runs(const struct child_job *j);
int child_job_fd(const struct child_job *j);
boot_t child_job_next(const struct child_job *j);
/* When the descriptor is readable or child_job_next() has come. True once when it has ended: 0 if with exit
 * code 0, -EIO if not, -ETIMEDOUT if it was killed. */
bool child_job_work(struct child_job *j, boot_t now, int *ret_result);
/* The beginning of what the latest one said, as one line of printable ASCII. Fills ret and returns it. */
const char *child_job_said(const struct child_job *j, char *ret, size_t size);

#endif
