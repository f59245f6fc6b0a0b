/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A binding as the JSON object of docs/adapter-protocol.md, for both ends of the pipe.
 */
#ifndef RK_BINDING_JSON_H
#define RK_BINDING_JSON_H

#include "binding.h"

struct json_t;

/* A new object, NULL = no memory. The epoch stays inside the agent. */
struct json_t *binding_to_json(const struct binding *b, boot_t now);
/* ret borrows its texts from the object. 0; -EINVAL no object or a key of a wrong type; the error of
 * binding_check(). */
int binding_from_json(const struct json_t *object, boot_t now, struct binding *ret);
/* {"aor":..,"contact":..} */
struct json_t *binding_key_to_json(const char *aor, const char *contact);
int binding_key_from_json(const struct json_t *object, const char **ret_aor, const char **ret_contact);

#endif
