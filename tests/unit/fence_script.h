/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shell scripts for fence agents, in a folder of their own for each test.
 */
#ifndef RK_UNIT_FENCE_SCRIPT_H
#define RK_UNIT_FENCE_SCRIPT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rk-fence-XXXXXX";

static inline void folder_make(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/rk-fence-XXXXXX"); /* fits */
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Fails if something is left in it. */
static inline void folder_remove(void)
{
	ck_assert_int_eq(rmdir(folder), 0);
}

static inline void write_file(const char *path, mode_t mode, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

#endif
