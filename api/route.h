/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What can be asked of the API: a table of method, path, role and what answers. A path is one of these, byte
 * by byte: nothing is decoded in it, and nothing of it names a file. Pure.
 */
#ifndef RK_ROUTE_H
#define RK_ROUTE_H

#include "config.h"

enum route_kind {
	ROUTE_HEALTH,
	ROUTE_LIVE,
	ROUTE_READY,
	ROUTE_ACTIVE,
	ROUTE_STANDBY,
	ROUTE_METRICS,
	ROUTE_OPENAPI,
	ROUTE_AGENT, /* a question to the agent, or a command */
};

/* Arguments of an agent's command that a request may carry: of a GET in its query, of a POST in its JSON
 * object. */
struct route_argument {
	const char *name;	/* here */
	const char *agent_name; /* in the control protocol */
	char type;		/* s text, i number, b true or false */
	bool required;
};
#define ROUTE_ARGUMENTS_MAX 5

struct route {
	const char *method, *path;
	enum config_role role; /* ROLE_NONE: whoever reaches the API */
	enum route_kind kind;
	const char *command; /* ROUTE_AGENT */
	const char *action;  /* ... its argument "action", or NULL */
	struct route_argument arguments[ROUTE_ARGUMENTS_MAX];
	const char *summary;
};

extern const struct route routes[];
extern const size_t routes_count;

/* NULL: none. *ret_other: the path is there, with another method. HEAD is GET. */
const struct route *route_find(const char *method, const char *path, bool *ret_other);
/* The OpenAPI 3.0 description of the table, as JSON. New reference. */
struct json_t *route_openapi(void);

#endif
