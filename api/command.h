/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A request's arguments as a command of the control protocol. Pure.
 */
#ifndef RK_COMMAND_H
#define RK_COMMAND_H

#include "access.h"
#include "route.h"

#include <jansson.h>

#define COMMAND_BODY_MAX 8192

/* Of a POST: its body, a JSON object or nothing. New reference; NULL with a sentence. */
json_t *command_of_body(const struct route *r, const char *body, size_t len, struct sentence *reterr);
/* Of a GET: its query by name, called for each argument of the route; NULL: not given. */
json_t *command_of_query(const struct route *r, const char *(*value)(void *ctx, const char *name), void *ctx,
			 struct sentence *reterr);
/* The line for the agent, with its newline; malloc. who: NULL for what needs no role. */
char *command_line(const struct route *r, const json_t *args, const struct access_entry *who);

#endif
