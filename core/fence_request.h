/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One call of a fence agent in words, between the configuration, which has them, and the one who runs the
 * agent (fencing). Every text is borrowed.
 */
#ifndef RK_FENCE_REQUEST_H
#define RK_FENCE_REQUEST_H

#include "fence_types.h"

#define FENCE_PARAMETERS_MAX 32

struct fence_request {
	const char *agent;	   /* a path, or a name that is looked for in FENCE_AGENT_DIR */
	const char *action;	   /* "off", "metadata", ... */
	const char *plug;	   /* NULL = none */
	const char *password_file; /* NULL = none; read at the time of the call */
	const char *password_parameter;
	size_t parameters_count;
	const char *parameter[FENCE_PARAMETERS_MAX]; /* "name=value" */
	uint32_t timeout_ms;
};

/* Fence agents take - and _ for the same. name_len bytes of name count, known ends with NUL. */
static inline bool fence_parameter_same(const char *name, size_t name_len, const char *known)
{
	size_t i = 0;

	while (i < name_len && known[i] &&
	       (name[i] == '-' ? '_' : name[i]) == (known[i] == '-' ? '_' : known[i]))
		i++;
	return i == name_len && !known[i];
}

#endif
