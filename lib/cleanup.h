/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Locals that own something: `_cleanup_(close_fd) int fd = -EBADF;`
 */
#ifndef RK_CLEANUP_H
#define RK_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing sensible follows a failed close of a descriptor that we drop */
}

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void fclose_ptr(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* readers only; writers check fclose themselves */
}

#endif
