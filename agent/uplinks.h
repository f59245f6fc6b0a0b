/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's uplinks: how good each one is, which one voice takes, and how a switch is carried out.
 * Everything here belongs to one node; nothing shared moves.
 *
 *   uplinks.c            configuration -> paths, targets and policies; events of the kernel; the choice
 *   uplink_probes.c      the probes of every target over every uplink
 *   uplink_switch.c      one switch as one transaction: route, flows, sockets, PBX, trunks, live calls
 *   uplink_pbx.c         what the PBXs are told
 *   uplink_marks.c       the nftables rules that mark a flow at its start, and pin those of a drain
 *   uplinks_json.c       what status says of them
 */
#ifndef RK_UPLINKS_H
#define RK_UPLINKS_H

#include "adapter.h"
#include "config.h"
#include "path.h"
#include "path_flush.h"
#include "path_watch.h"
#include "probe_io.h"
#include "sentence.h"
#include "uplink_choice.h"
#include "uplink_state.h"

struct agent;
struct json_t;
struct uplinks;

/* ---- uplinks.c ---- */

/* NULL in *ret, and 0: no uplink is configured. Adopts what a former agent left in the kernel; writes nothing
 * that is right already. */
int uplinks_open(struct agent *a, struct uplinks **ret, struct sentence *reterr);
/* Forwarding stays as it is. */
void uplinks_close(struct uplinks *u);
/* The configuration was read again; what it says of uplinks is as it was. */
void uplinks_update(struct uplinks *u, const struct config *c);
boot_t uplinks_next(const struct uplinks *u);
void uplinks_tick(struct uplinks *u);
/* Fills uplinks_count, uplink[] and uplink_in_use. u may be NULL: none. */
void uplinks_facts(const struct uplinks *u, struct node_facts *ret);
/* The best class among them, for group_facts.uplink; UPLINK_UNKNOWN if u is NULL. */
enum uplink_class uplinks_class(const struct uplinks *u);
/* An adapter is ready that may never have been told. u may be NULL. */
void uplinks_pbx_ready(struct uplinks *u);
/* An adapter's answer to what it was told of uplinks. u may be NULL. */
void uplinks_answered(struct uplinks *u, uint32_t group, uint64_t request, int error, const char *why);
/* A live call's report; where it went is decided by the peer's address and the uplink in use. */
void uplinks_quality(struct uplinks *u, group_index_t group, const struct adapter_quality *q);

/* An operator's `use` and `auto`. `use` of an IPv4 uplink says nothing of IPv6.
 * `auto` returns 1 if that ends an order, 0 if there was none.
 * @retval -ENOENT no such uplink. -EBUSY a switch is being carried out. -ENETUNREACH it has no route. */
int uplinks_use(struct uplinks *u, const char *name, const char *who, struct sentence *reterr);
int uplinks_auto(struct uplinks *u, const char *who, struct sentence *reterr);

/* Public address of the uplink that voice takes in that family; none: not known, or a stun probe is yet to
 * tell. u may be NULL. */
struct ip_address uplinks_public(const struct uplinks *u, enum path_family f);

/* ---- uplinks_json.c: docs of the shape in docs/man/hactl.8 ---- */
struct json_t *uplinks_json(const struct uplinks *u);
/* What a node's heartbeat says of its own. */
struct json_t *uplinks_of_node_json(const struct config *c, const struct node_facts *f, boot_t now);
/* Which uplink voice takes, by family, by which row and why. */
struct json_t *uplinks_voice_json(const struct uplinks *u);

#endif
