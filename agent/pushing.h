/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `hactl config push`: the agent's side of config_push.h. Parcels go over the pulse links, so to witnesses,
 * too; the text is sealed; the recorder process writes it. A witness takes part and never begins one.
 */
#ifndef RK_PUSHING_H
#define RK_PUSHING_H

#include "clock.h"
#include "config_file.h"
#include "control.h"
#include "ids.h"
#include "sentence.h"

struct agent;
struct pushing;

int pushing_open(struct agent *a, struct pushing **ret, struct sentence *reterr);
void pushing_close(struct pushing *p);
void pushing_tick(struct pushing *p);
boot_t pushing_next(const struct pushing *p);
void pushing_parcel(struct pushing *p, node_id_t from, const uint8_t *data, size_t len);
/* How the recorder's step went: 0 or errno. */
void pushing_wrote(struct pushing *p, enum config_file_step step, int error);
/* ... or nobody will ever know. */
void pushing_recorder_gone(struct pushing *p);
/* The command: answers now (*ret_reply) or when the push has ended. */
enum control_answer pushing_command(struct pushing *p, const struct control_request *req, json_t **ret_reply);

#endif
