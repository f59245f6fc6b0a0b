/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "libexec.h"

#include <stdio.h>
#include <stdlib.h>

const char *libexec_path(const char *name, char *ret, size_t size)
{
	const char *folder = getenv("RINGKEEP_LIBEXEC");

	(void)snprintf(ret, size, "%s/ringkeep-%s", folder ? folder : RINGKEEP_LIBEXECDIR, name);
	return ret;
}
