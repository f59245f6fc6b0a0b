/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A file that holds one secret and nothing else.
 */
#ifndef RK_SECRET_FILE_H
#define RK_SECRET_FILE_H

#include <stddef.h>

#define SECRET_FILE_MAX 256 /* with the final NUL */

/* Its only line, without the newline.
 * @retval -EPERM  group or others may read or write it
 * @retval -ENODATA  it is empty
 * @retval -EMSGSIZE  longer than fits
 * @retval -EINVAL  more than one line, a carriage return, a NUL, or no regular file
 * @retval -errno  it cannot be read */
int secret_file_read(const char *path, char ret[SECRET_FILE_MAX]);
/* What is wrong and what to do, for each of these. */
const char *secret_file_error(int error);

#endif
