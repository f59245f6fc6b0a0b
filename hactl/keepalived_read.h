/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blocks of a keepalived configuration as structs: what an import of ours can use, with the place of
 * each value. Owns the meaning of keepalived's keywords, its defaults and the corrections that it makes by
 * itself; everything that has no counterpart becomes a finding (keepalived_left_out.h). Knows nothing of our
 * configuration.
 */
#ifndef RK_KEEPALIVED_READ_H
#define RK_KEEPALIVED_READ_H

#include "findings.h"
#include "ip_address.h"

#include <stddef.h>

struct keepalived_scan;
struct keepalived_statement;

#define KEEPALIVED_INSTANCES_MAX 64
#define KEEPALIVED_SYNCS_MAX	 32
#define KEEPALIVED_SCRIPTS_MAX	 64
#define KEEPALIVED_ADDRESSES_MAX 1024 /* of one instance, excluded ones too */
#define KEEPALIVED_PEERS_MAX	 64
#define KEEPALIVED_TRACKED_MAX	 16
#define KEEPALIVED_MEMBERS_MAX	 32
#define KEEPALIVED_NAME_MAX	 64
#define KEEPALIVED_COMMAND_MAX	 200

struct keepalived_address {
	struct ip_address ip;
	struct place at;
	bool excluded;		  /* in virtual_ipaddress_excluded: not advertised */
	char device[IF_NAMESIZE]; /* "": the instance's */
};

/* An entry of track_interface, track_script or track_process. */
struct keepalived_track {
	char name[KEEPALIVED_NAME_MAX];
	struct place at;
	bool weighted; /* a weight is given here */
	int weight;    /* 0: fault */
	bool reverse;
};

/* track_interface, track_script and track_process of one instance or sync group. */
struct keepalived_tracks {
	uint32_t interfaces_count, scripts_count;
	struct keepalived_track interfaces[KEEPALIVED_TRACKED_MAX];
	struct keepalived_track scripts[KEEPALIVED_TRACKED_MAX];
};

struct keepalived_instance {
	char name[KEEPALIVED_NAME_MAX];
	struct place at;
	char interface[IF_NAMESIZE];
	bool state_master;
	uint32_t vrid; /* 0: missing or wrong */
	struct place vrid_at;
	uint32_t priority; /* 0: not given */
	uint32_t advert_us;
	struct place advert_at;
	uint32_t version; /* 0: not given */
	struct place version_at;
	bool preempt;
	struct place preempt_at;
	uint64_t preempt_delay_us;
	struct place preempt_delay_at;
	bool checksum_as_v2, checksum_given;
	bool vmac, vmac_base;
	struct place vmac_at;
	bool has_authentication;
	struct place authentication_at;
	bool has_strict, strict;
	struct place strict_at;
	bool unicast; /* unicast_src_ip or unicast_peer is given */
	bool has_source;
	struct ip_address source; /* unicast_src_ip or mcast_src_ip */
	uint32_t peers_count;
	struct ip_address peers[KEEPALIVED_PEERS_MAX];
	uint32_t addresses_count, addresses_size;
	struct keepalived_address *addresses;
	struct keepalived_tracks tracks;
};

struct keepalived_sync {
	char name[KEEPALIVED_NAME_MAX];
	struct place at;
	bool members_weigh; /* else weights of its members' tracks are ignored: faults */
	uint32_t members_count;
	char members[KEEPALIVED_MEMBERS_MAX][KEEPALIVED_NAME_MAX];
	struct keepalived_tracks tracks;
};

/* vrrp_script and vrrp_track_process */
struct keepalived_script {
	char name[KEEPALIVED_NAME_MAX];
	struct place at;
	char command[KEEPALIVED_COMMAND_MAX];
	bool process;
	int weight;
	bool reverse;
	bool used; /* set by whoever meets it in a track */
};

struct keepalived {
	char router_id[KEEPALIVED_NAME_MAX];
	uint32_t version; /* vrrp_version; 0: not given */
	bool strict;
	struct place strict_at;
	bool checksum_as_v2;
	uint32_t instances_count, syncs_count, scripts_count;
	struct keepalived_instance instances[KEEPALIVED_INSTANCES_MAX];
	struct keepalived_sync syncs[KEEPALIVED_SYNCS_MAX];
	struct keepalived_script scripts[KEEPALIVED_SCRIPTS_MAX];
};

/* A heap struct because it is large; keepalived_free(NULL) does nothing. */
struct keepalived *keepalived_new(void);
void keepalived_free(struct keepalived *k);
static inline void keepalived_free_ptr(struct keepalived **k)
{
	keepalived_free(*k);
}

/* Everything that is not understood is a finding of the scan's list. */
void keepalived_read(const struct keepalived_scan *s, struct keepalived *ret);
/* NULL if there is none. */
struct keepalived_script *keepalived_script_named(struct keepalived *k, const char *name);

#endif
