/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A keepalived configuration as one of ours: each vrrp_instance becomes a group in mode native, several
 * become one where they are the two families of one virtual router. Owns what corresponds to what; what has
 * no counterpart is a finding. Reads no files and asks nobody; the result passes `hactl config check`.
 */
#ifndef RK_IMPORT_H
#define RK_IMPORT_H

#include "config.h"
#include "findings.h"
#include "keepalived_read.h"

#include <stdio.h>

struct import_group {
	char name[RK_NAME_MAX];
	uint32_t instances_count; /* that it comes from */
	const struct keepalived_instance *instances[2];
	uint32_t fate; /* groups of the same number hold together */
	bool has_v4, has_v6;
	uint32_t vrid, version, advert_ms, priority, preempt_delay_ms;
	bool preempt, rfc9568, vmac, unicast;
	char device[CONFIG_DEVICE_MAX];
	uint32_t addresses_count;
	struct ip_address addresses[CONFIG_ADDRESSES_MAX]; /* link-local ones first */
	uint32_t peers_count, sources_count, tracked_count;
	struct ip_address peers[CONFIG_VRRP_PEERS_MAX];
	struct ip_address sources[CONFIG_VRRP_PEERS_MAX];
	char sync[RK_NAME_MAX]; /* "": none */
	char tracked[CONFIG_TRACKED_MAX][CONFIG_DEVICE_MAX];
	uint32_t interface_weight;
	const struct keepalived_script *pbx; /* a check that an adapter could do; NULL: none */
	uint32_t pbx_weight;
};

struct import {
	char node[RK_NAME_MAX];
	uint32_t node_id;
	const char *public_key; /* borrowed; NULL: there is none yet */
	uint32_t groups_count;
	struct import_group groups[RK_GROUPS_MAX];
};

/* A heap struct because it is large; import_free(NULL) does nothing. */
struct import *import_new(void);
void import_free(struct import *i);
static inline void import_free_ptr(struct import **i)
{
	import_free(*i);
}

/* Fills the groups; ret borrows from k. */
void import_map(struct keepalived *k, struct findings *f, struct import *ret);
void import_print(const struct import *i, const struct findings *f, FILE *out);
/* A name as ringkeep.conf(5) takes it, made of any text. */
void import_name(const char *text, char ret[RK_NAME_MAX]);

/* The adapter that looks after the same PBX as this script does; NULL: it does not look so. */
const char *import_pbx_adapter(const struct keepalived_script *s);

/* ---- between the parts of the mapping ---- */

struct import_mapping {
	struct keepalived *k;
	struct findings *findings;
	struct import *import;
	uint32_t addresses_total;
};

/* Has it peers of that family? */
bool import_unicast(const struct keepalived_instance *in, uint8_t family);
/* The instance's addresses of that family, and what they are advertised to and from. */
void import_take_addresses(struct import_mapping *m, const struct keepalived_instance *in, uint8_t family,
			   struct import_group *g);
void import_take_peers(const struct import_mapping *m, const struct keepalived_instance *in, uint8_t family,
		       struct import_group *g);
/* Link-local addresses first, one made up where a virtual IPv6 router has none. */
void import_link_local(struct import_mapping *m, struct import_group *g);
/* What track_interface, track_script and track_process make of priority and weights; faults: whatever weight
 * is given. */
void import_take_tracks(const struct import_mapping *m, const struct keepalived_tracks *tracks, bool faults,
			struct import_group *g);
/* False: there are too many. */
bool import_track_add(struct import_group *g, const char *device, uint32_t weight);

#endif
