/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files that are there whole or not at all, also after kill -9 or a power cut: written beside, synced,
 * renamed.
 */
#ifndef RK_WHOLE_FILE_H
#define RK_WHOLE_FILE_H

#include <stddef.h>

#define WHOLE_FILE_BESIDE ".new" /* the name's end while it is written; what is left of it is nothing */

/* On disk when it returns 0. */
int whole_file_write(int dir_fd, const char *name, const char *text, size_t len);
/* The text is the caller's to free, with a NUL behind it.
 * @retval -ENOENT there is none. @retval -EFBIG more than max bytes. */
int whole_file_read(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_len);

#endif
