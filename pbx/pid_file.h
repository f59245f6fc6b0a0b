/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pid that a PBX wrote into its pid file, and whether that process exists.
 */
#ifndef RK_PID_FILE_H
#define RK_PID_FILE_H

#include <sys/types.h>

/* 0; -ENOENT no file; -EBADMSG no number in it; -ESRCH no such process (ret_pid is filled); -errno. */
int pid_file_read(const char *path, pid_t *ret_pid);

#endif
