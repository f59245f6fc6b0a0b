/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where our own helper programs are: RINGKEEP_LIBEXEC in the environment, else where they were installed.
 */
#ifndef RK_LIBEXEC_H
#define RK_LIBEXEC_H

#include <stddef.h>

/* "fence-call" to the path of ringkeep-fence-call, cut if it does not fit. Returns ret. */
const char *libexec_path(const char *name, char *ret, size_t size);

#endif
