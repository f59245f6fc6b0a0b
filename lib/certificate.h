/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When certificates in a file end.
 */
#ifndef RK_CERTIFICATE_H
#define RK_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

/* Of all X.509 certificates (PEM) in the file, the one that ends first: seconds since 1970, and its subject.
 * @retval -errno  it cannot be read
 * @retval -ENODATA  there is none in it
 * @retval -EBADMSG  what is in it cannot be understood */
int certificate_ends(const char *path, int64_t *ret_s, char *ret_subject, size_t size);

#endif
