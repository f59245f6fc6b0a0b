/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration of a cluster: the same file on every node. Owns parsing (libconfuse, driven by the table
 * of config_options.h), cross checks, the canonical form and its hash. It is parsed into a fresh struct,
 * whole or not at all; every error found is reported with file, line and key. It opens nothing but the one
 * file, and knows neither the agent nor the cluster's state.
 */
#ifndef RK_CONFIG_H
#define RK_CONFIG_H

#include "config_timing.h"
#include "fence_types.h"
#include "ip_address.h"
#include "placement.h"

#include <stdio.h>

struct core_config;
struct fence_request;

#define CONFIG_VRRP_PEERS_MAX 16
#define CONFIG_TRACKED_MAX    8
#define CONFIG_ADDRESSES_MAX  1024 /* virtual addresses of one group */
#define CONFIG_SETTINGS_MAX   16
#define CONFIG_TRUNKS_MAX     32   /* of one group */
#define CONFIG_PEERS_MAX      16   /* of one trunk */
#define CONFIG_PEERS_ALL_MAX  1024 /* of all trunks */
#define CONFIG_REG_NAME_MAX   80
#define CONFIG_GATEWAYS_MAX   8	 /* of one group: VIP_GATEWAYS_MAX */
#define CONFIG_PARAMETERS_MAX 32 /* of a fence agent: FENCE_PARAMETERS_MAX */
#define CONFIG_PLUG_MAX	      64
#define CONFIG_ROLES_MAX      3
#define CONFIG_ROLE_USERS_MAX 32
#define CONFIG_PATH_MAX	      200
#define CONFIG_PUBLIC_KEY_MAX 96 /* "rk1:" + base64url of 64 bytes, and room */
#define CONFIG_DEVICE_MAX     16 /* IFNAMSIZ */
#define CONFIG_WATCHDOG_MAX   64
#define CONFIG_UPLINKS_MAX    8 /* PATH_UPLINKS_MAX; IPv4 and IPv6 of one ISP are two */
#define CONFIG_PROBES_MAX     8 /* of one family: UPLINK_TARGETS_MAX */
#define CONFIG_PROBES_ALL_MAX 16
#define CONFIG_PROBE_PATH_MAX 128 /* PROBE_PATH_MAX */
#define CONFIG_WINDOW_MAX     12  /* "02:00-05:00" */
#define CONFIG_VOICE_TO_MAX   64  /* PATH_VOICE_MAX */
#define CONFIG_PUBLISH_MAX    4
#define CONFIG_HOST_MAX	      254 /* of a name in DNS, with its NUL */
#define CONFIG_FILE_BYTES_MAX (1 << 20)
#define CONFIG_ERRORS_MAX     32
#define CONFIG_ERROR_TEXT_MAX 320

#define CONFIG_ALERTS_MAX	16
#define CONFIG_ALERT_EVENTS_MAX 40
#define CONFIG_ALERT_TO_MAX	16
#define CONFIG_CERTIFICATES_MAX 16

#define CONFIG_API_LISTEN_MAX 8

#define CONFIG_ALERT_USER "ringkeep-alert" /* may look where there is somebody to alert */
#define CONFIG_API_USER \
	"ringkeep-api" /* may look where there is a section api; more only by a section role */

enum config_role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
const char *config_role_name(enum config_role r);

struct config_link {
	char name[RK_NAME_MAX];
	struct ip_address address;
};

struct config_fence_level {
	char name[RK_NAME_MAX]; /* its number, from "1" */
	uint32_t devices_count;
	char devices[FENCE_LEVEL_DEVICES_MAX][RK_NAME_MAX];
};

/* What is different about an uplink on one node; the title is the uplink's name. */
struct config_line {
	char name[RK_NAME_MAX];
	char device[CONFIG_DEVICE_MAX];	  /* "" = the uplink's */
	struct ip_address gateway;	  /* none = the uplink's */
	struct ip_address public_address; /* none = the uplink's */
};

struct config_node {
	char name[RK_NAME_MAX];
	uint32_t id;
	bool witness;
	char public_key[CONFIG_PUBLIC_KEY_MAX];
	uint32_t fence_action; /* enum fence_action */
	uint32_t fence_delay_ms;
	uint32_t fence_levels_count; /* by number */
	struct config_fence_level fence_levels[FENCE_LEVELS_MAX];
	uint32_t links_count;
	struct config_link links[RK_LINKS_MAX];
	uint32_t lines_count; /* by name */
	struct config_line lines[CONFIG_UPLINKS_MAX];
};

struct config_setting {
	char name[RK_NAME_MAX];
	char value[CONFIG_PATH_MAX];
};

struct config_pbx {
	char name[RK_NAME_MAX];	       /* unused: the section has no title */
	char adapter[CONFIG_PATH_MAX]; /* "kamailio" and the like, or "exec:/path"; "" = group without a PBX
					*/
	char pid_file[CONFIG_PATH_MAX];
	uint32_t options_interval_ms;
	uint32_t options_failures;
	uint32_t unseen_calls_ms;
	uint32_t settings_count;
	struct config_setting settings[CONFIG_SETTINGS_MAX];
};

enum config_vrrp_mode { CONFIG_VRRP_ANNOUNCE, CONFIG_VRRP_NATIVE };
enum config_vrrp_checksum { CONFIG_CHECKSUM_RFC5798, CONFIG_CHECKSUM_RFC9568 };
enum config_virtual_mac { CONFIG_VIRTUAL_MAC_NO, CONFIG_VIRTUAL_MAC_BRIDGE, CONFIG_VIRTUAL_MAC_PRIVATE };
#define CONFIG_WEIGHT_FAULT 255 /* not a matter of priority: out of the election */

struct config_vrrp {
	char name[RK_NAME_MAX]; /* unused: the section has no title */
	uint32_t mode;		/* enum config_vrrp_mode */
	uint32_t vrid;
	uint32_t version; /* 2, 3 */
	uint32_t advert_ms;
	uint32_t priorities_count; /* one per candidate, or none: by their order */
	uint32_t priorities[RK_NODES_MAX];
	bool preempt;
	uint32_t preempt_delay_ms;
	uint32_t checksum; /* enum config_vrrp_checksum */
	uint32_t dscp;
	uint32_t virtual_mac; /* enum config_virtual_mac */
	uint32_t unicast_peers_count;
	struct ip_address unicast_peers[CONFIG_VRRP_PEERS_MAX];
	uint32_t source_addresses_count;
	struct ip_address source_addresses[CONFIG_VRRP_PEERS_MAX];
	char sync_group[RK_NAME_MAX]; /* "": none */
	uint32_t track_interfaces_count;
	char track_interfaces[CONFIG_TRACKED_MAX][CONFIG_DEVICE_MAX];
	uint32_t interface_weight; /* 0: ignored, CONFIG_WEIGHT_FAULT: fault, else off the priority */
	uint32_t pbx_weight;
	uint32_t uplink_weight;
};

struct config_watchdog {
	char name[RK_NAME_MAX]; /* unused: the section has no title */
	char device[CONFIG_WATCHDOG_MAX];
	uint32_t timeout_ms;
	bool required;
	bool quorum;
};

/* Whom the carrier knows: the group's address, which the next holder takes over, or each node by its own. */
enum config_contact { CONFIG_CONTACT_ADDRESS, CONFIG_CONTACT_NODE };

struct config_trunk {
	char name[RK_NAME_MAX];
	char registration[CONFIG_REG_NAME_MAX]; /* the PBX's name of it; "" = none: IP-authenticated */
	uint32_t peers_count;
	struct ip_prefix peers[CONFIG_PEERS_MAX];
	uint32_t contact;	   /* enum config_contact */
	char carrier[RK_NAME_MAX]; /* the trunk's name if none was given */
	uint32_t rate;		   /* registrations per second at this carrier, burst at once */
	uint32_t burst;
};

enum config_family { CONFIG_IPV4, CONFIG_IPV6 }; /* numbers of enum path_family */

/* A way to the outside that each PBX node has. Its number in the configuration is the same on all nodes. */
struct config_uplink {
	char name[RK_NAME_MAX];
	char isp[RK_NAME_MAX]; /* the uplink's name if none was given; the same ISP on all nodes and families
				*/
	uint32_t family;       /* enum config_family */
	char device[CONFIG_DEVICE_MAX];	  /* "" = each node's line says it */
	struct ip_address gateway;	  /* none = learned from the kernel (DHCP, PPP, RA) */
	struct ip_address public_address; /* none = STUN tells, else the device's own */
	uint32_t table;
	uint32_t mark;	     /* within voice.mark_mask */
	uint32_t preference; /* lower is preferred */
	uint32_t cost;
	bool metered;
	int line; /* in the file that was read, for those who judge more than the file */
};

/* One target, asked over every uplink of its address's family. */
struct config_probe {
	char name[RK_NAME_MAX];
	uint32_t kind; /* enum probe_kind */
	struct ip_address address;
	uint32_t port;			  /* 0 = the kind's own */
	char host[CONFIG_HOST_MAX];	  /* dns: the name to ask for; http: the Host; "" = the kind's own */
	char path[CONFIG_PROBE_PATH_MAX]; /* http */
	uint32_t status;		  /* http; 0 = any 2xx */
	char operator[RK_NAME_MAX]; /* targets of one operator are one witness; the probe's name if none was
				       given */
};

enum config_uplink_failback {
	CONFIG_UPLINK_MANUAL,
	CONFIG_UPLINK_IDLE,
	CONFIG_UPLINK_DELAY,
	CONFIG_UPLINK_WINDOW
};
enum config_live_calls { CONFIG_CALLS_REINVITE, CONFIG_CALLS_LEAVE };

/* Which uplink the node's voice takes; present once if there are uplinks. */
struct config_voice {
	char name[RK_NAME_MAX]; /* unused: the section has no title */
	uint32_t to_count;	/* 0 = the peers of all trunks */
	struct ip_prefix to[CONFIG_VOICE_TO_MAX];
	uint32_t table, nexthop, rule_priority, mark_mask;
	bool mark_flows; /* we keep the nftables rules that set the mark at a flow's start */
	uint32_t quorum;
	uint32_t interval_ms, slow_interval_ms, timeout_ms;
	uint32_t fall, rise;
	uint32_t codec; /* enum emodel_codec */
	uint32_t mos_good_milli, mos_degraded_milli;
	uint32_t failback; /* enum config_uplink_failback, numbers of enum uplink_failback */
	uint32_t failback_after_ms, failback_wait_ms;
	char failback_window[CONFIG_WINDOW_MAX];	/* as written: "02:00-05:00" */
	uint32_t failback_from_min, failback_until_min; /* of it: minutes since local midnight */
	uint32_t confirm_ms, hold_ms;
	bool drain;
	uint32_t calls;		    /* enum config_live_calls */
	char hook[CONFIG_PATH_MAX]; /* "" = none */
	uint32_t hook_timeout_ms;
	uint32_t settle_ms, together_ms; /* before the group moves for the uplinks' sake */
};

/* A name in DNS that follows the group and its holder's uplink (RFC 2136). */
struct config_publish {
	char name[RK_NAME_MAX];
	char host[CONFIG_HOST_MAX];
	char zone[CONFIG_HOST_MAX]; /* "" = the server is asked */
	struct ip_address server;
	uint32_t port;
	uint32_t ttl_ms;
	char key_file[CONFIG_PATH_MAX]; /* TSIG, as nsupdate -k wants it; "" = none */
};

struct config_group {
	char name[RK_NAME_MAX];
	uint32_t wire_id; /* group_wire_id(name) */
	uint32_t addresses_count;
	struct ip_address addresses[CONFIG_ADDRESSES_MAX];
	char device[CONFIG_DEVICE_MAX];
	uint32_t candidates_count; /* best first */
	node_id_t candidates[RK_NODES_MAX];
	uint32_t candidates_names_count; /* the same as written */
	char candidates_names[RK_NODES_MAX][RK_NAME_MAX];
	uint32_t failback; /* enum failback */
	uint32_t failback_after_ms;
	uint32_t damping_penalty;
	uint32_t damping_suppress;
	uint32_t damping_reuse;
	uint32_t damping_max;
	uint32_t damping_half_life_ms;
	uint32_t fence; /* enum fence_policy */
	uint32_t gateways_count;
	struct ip_address gateways[CONFIG_GATEWAYS_MAX];
	uint32_t gateways_needed;
	uint32_t pbx_count; /* 0 or 1 */
	struct config_pbx pbx[1];
	uint32_t vrrp_count; /* 0 or 1 */
	struct config_vrrp vrrp[1];
	uint32_t trunks_count; /* by name */
	struct config_trunk trunks[CONFIG_TRUNKS_MAX];
	uint32_t publishes_count; /* by name */
	struct config_publish publishes[CONFIG_PUBLISH_MAX];
};

enum config_fence_kind { CONFIG_FENCE_POWER, CONFIG_FENCE_FABRIC, CONFIG_FENCE_WATCHDOG };

struct config_fence_target {
	char name[RK_NAME_MAX];	    /* of a node */
	char plug[CONFIG_PLUG_MAX]; /* what the device calls it; "" = the device is that node's own */
};

struct config_fence_device {
	char name[RK_NAME_MAX];
	uint32_t kind;		     /* enum config_fence_kind */
	char agent[CONFIG_PATH_MAX]; /* a name, or a path; "" = the target's own watchdog */
	uint32_t parameters_count;
	char parameters[CONFIG_PARAMETERS_MAX][CONFIG_PATH_MAX]; /* "name=value" */
	char password_file[CONFIG_PATH_MAX];			 /* "" = none */
	char password_parameter[RK_NAME_MAX];
	uint32_t off_timeout_ms; /* of off, on and reboot */
	uint32_t status_timeout_ms;
	uint32_t monitor_timeout_ms;
	uint32_t monitor_interval_ms;
	uint32_t retries;
	uint32_t targets_count;
	struct config_fence_target targets[RK_NODES_MAX];
	int line; /* in the file that was read, for those who judge more than the file */
	int parameters_line[CONFIG_PARAMETERS_MAX];
};

/* Two nodes without a third voter: what may become of them. */
enum config_two_node { CONFIG_TWO_NODE_WITNESS, CONFIG_TWO_NODE_FENCED, CONFIG_TWO_NODE_BEST_EFFORT };

struct config_role_users {
	char name[RK_NAME_MAX];
	uint32_t users_count;
	char users[CONFIG_ROLE_USERS_MAX][RK_NAME_MAX]; /* user names or numeric uids */
};

enum config_alert_type {
	CONFIG_ALERT_EXEC,
	CONFIG_ALERT_WEBHOOK,
	CONFIG_ALERT_ALERTMANAGER,
	CONFIG_ALERT_MAIL,
	CONFIG_ALERT_SYSLOG
};

/* One receiver of alerts, for ringkeep-alertd. */
struct config_alert {
	char name[RK_NAME_MAX];
	uint32_t type; /* enum config_alert_type */
	char url[CONFIG_PATH_MAX];
	char program[CONFIG_PATH_MAX];
	uint32_t events_count; /* 0 = all */
	char events[CONFIG_ALERT_EVENTS_MAX][RK_NAME_MAX];
	uint32_t severity; /* the least, enum alert_severity */
	bool resolved;
	char from[CONFIG_PATH_MAX];
	uint32_t to_count;
	char to[CONFIG_ALERT_TO_MAX][CONFIG_PATH_MAX];
	char user[CONFIG_PATH_MAX];
	char password_file[CONFIG_PATH_MAX], token_file[CONFIG_PATH_MAX];
	char secret_file[CONFIG_PATH_MAX]; /* signs the body */
	char ca_file[CONFIG_PATH_MAX];	   /* "" = the system's */
	struct ip_address address;	   /* syslog; none = this machine's */
	uint32_t port;
	uint32_t timeout_ms, retry_ms_max;
	uint32_t rate_per_min, burst;
	uint32_t queue_max;
	uint32_t repeat_ms; /* alertmanager */
};

/* What ringkeep-alertd looks at by itself; present once if there are receivers. */
struct config_alerting {
	char name[RK_NAME_MAX]; /* unused: the section has no title */
	uint32_t interval_ms;
	uint32_t settle_ms;
	uint32_t stand_in_ms;
	uint32_t lag_ms;
};

struct config_certificate {
	char name[RK_NAME_MAX];
	char file[CONFIG_PATH_MAX];
	uint32_t warning_days, critical_days;
};

/* ringkeep-api. */
struct config_api {
	char name[RK_NAME_MAX]; /* unused: the section has no title */
	uint32_t listen_count;
	char listen[CONFIG_API_LISTEN_MAX][CONFIG_PATH_MAX]; /* ADDRESS:PORT: config_api_listen() */
	bool plain;					     /* without TLS, on loopback only */
	char certificate_file[CONFIG_PATH_MAX], key_file[CONFIG_PATH_MAX], client_ca_file[CONFIG_PATH_MAX];
	char access_file[CONFIG_PATH_MAX];
	uint32_t connections_max, connections_per_address;
	uint32_t rate_per_s; /* requests of one address, twice that at once */
	uint32_t idle_ms;
};

struct config {
	char cluster[RK_NAME_MAX];
	struct config_timing timing;
	uint32_t pulse_port;
	uint32_t operation_timeout_ms;
	uint32_t facts_timeout_ms;
	uint32_t realtime_priority; /* 0 = none */
	bool lock_memory;
	uint32_t log_level; /* enum config_log_level, same numbers as syslog(3) */
	uint32_t history_kib;
	uint32_t journal_kib;
	uint32_t two_node; /* enum config_two_node */
	uint32_t gateway_interval_ms;
	uint32_t gateway_timeout_ms;
	uint32_t fence_timeout_ms;    /* of one operation */
	uint32_t fence_devices_count; /* by name: a fence_device_t is the same on every node */
	struct config_fence_device fence_devices[FENCE_DEVICES_MAX];
	uint32_t nodes_count;
	struct config_node nodes[RK_NODES_MAX];
	uint32_t groups_count;
	struct config_group groups[RK_GROUPS_MAX];
	uint32_t watchdog_count; /* 0 or 1 */
	struct config_watchdog watchdog[1];
	uint32_t uplinks_count; /* by name */
	struct config_uplink uplinks[CONFIG_UPLINKS_MAX];
	uint32_t probes_count; /* by name */
	struct config_probe probes[CONFIG_PROBES_ALL_MAX];
	uint32_t voice_count; /* 0 or 1 */
	struct config_voice voice[1];
	uint32_t alerts_count; /* by name */
	struct config_alert alerts[CONFIG_ALERTS_MAX];
	uint32_t alerting_count; /* 0 or 1 */
	struct config_alerting alerting[1];
	uint32_t certificates_count; /* by name */
	struct config_certificate certificates[CONFIG_CERTIFICATES_MAX];
	uint32_t api_count; /* 0 or 1 */
	struct config_api api[1];
	uint32_t roles_count;
	struct config_role_users roles[CONFIG_ROLES_MAX];
	uint64_t hash; /* of the canonical form; filled by parsing */
};

struct config_error {
	int line;			  /* 0: of the whole file */
	char text[CONFIG_ERROR_TEXT_MAX]; /* "FILE:LINE: key: what is wrong; what to do" */
};

struct config_errors {
	uint32_t count;				      /* may be more than are kept */
	struct config_error error[CONFIG_ERRORS_MAX]; /* by line */
};

/* A heap struct because it is large (about 700 KiB); config_free(NULL) does nothing. */
struct config *config_new(void);
void config_free(struct config *c);
static inline void config_free_ptr(struct config **c)
{
	config_free(*c);
}

/* Fills ret only if nothing at all is wrong.
 * @retval -EINVAL errors has at least one entry
 * @retval -errno  the file cannot be read (errors says so, too) */
int config_parse_file(const char *path, struct config *ret, struct config_errors *errors);
/* The same from memory; name is what errors call the file. text need not end in NUL. */
int config_parse_text(const char *name, const char *text, size_t len, struct config *ret,
		      struct config_errors *errors);

/* Who am I: the node with this public key ("rk1:..."). NODE_NONE if none. */
node_id_t config_self(const struct config *c, const char *public_key);
/* NULL if there is none. */
const struct config_node *config_node(const struct config *c, node_id_t id);
const struct config_node *config_node_named(const struct config *c, const char *name);
/* -1 if there is none. */
int config_group_index(const struct config *c, const char *name);
int config_group_index_wire(const struct config *c, uint32_t wire_id);
/* VRRP decides who holds the group, not the lease. */
bool config_group_native(const struct config_group *g);
/* May others count on the reset of a node that they lost? Only where a lost node is one that is not fed: with
 * quorum = yes, and from three PBX nodes on (of two, corosync calls each half quorate). */
bool config_watchdog_counts(const struct config *c);
/* Is there a group that needs the lease, and with it corosync and links to other nodes? */
bool config_needs_lease(const struct config *c);
/* VRRP priority of a candidate: as configured, else 200, 190, 180, ... in their order. 0: not a candidate. */
uint8_t config_vrrp_priority(const struct config_group *g, node_id_t node);
/* Node and witness ids; ids of nodes that are voters are all of them. */
node_set_t config_voters(const struct config *c);
/* What the core wants of it. process: random per process. */
void config_core(const struct config *c, node_id_t self, uint64_t process, struct core_config *ret);
/* What the decider wants of the fence devices, levels and delays. */
void config_fence(const struct config *c, struct fence_config *ret);
/* A number for each device and each of its targets that changes with everything on which it depends what the
 * device does to that node, its names and times excepted; 0 = not a target, or nothing to ask. */
void config_fence_digests(const struct config *c, uint64_t ret[FENCE_DEVICES_MAX][NODE_ID_MAX + 1]);
/* The same words for the one who calls its agent; ret borrows from c. target: NODE_NONE for what is about the
 * device alone. False for a device without an agent (the watchdog). */
bool config_fence_request(const struct config *c, fence_device_t device, node_id_t target,
			  enum fence_verb verb, struct fence_request *ret);
/* The highest role this user has; root is always admin. user may be NULL (uid without a name). */
enum config_role config_role_of(const struct config *c, uint32_t uid, const char *user);
/* Two nodes, and a proof that one is off stands for its vote. */
bool config_proof_votes(const struct config *c);
/* Two nodes and nothing else: the absence of one stands for its vote. */
bool config_alone_votes(const struct config *c);
/* ... for so long has an idle node heard nothing of the other when it takes over ... */
uint32_t config_silence_ms(const struct config *c);
/* ... and for so long does a holder go on that reaches neither the other nor a gateway, at most. */
uint32_t config_cut_off_ms(const struct config *c);
/* A dead node is replaced within config_timing_takeover_ms(): the lease alone decides, and the voters that
 * are left are a majority. How long a shot and its proof take, no inequality says. */
bool config_replaces_in_time(const struct config *c);
/* The safety level that these voters give ("leased"), and what it promises in words. */
const char *config_safety(const struct config *c);
const char *config_safety_note(const struct config *c);
/* First 8 bytes of the SHA-256 of the canonical form. */
uint64_t config_hash(const struct config *c);

/* Prints the canonical form: every option with its value in force; parses back to the same hash. */
void config_print(const struct config *c, FILE *out);
/* Prints every option with its value, default, limits and help, and every inequality with its numbers. */
void config_explain(const struct config *c, FILE *out);
/* First key whose change needs a restart ("pulse-port"), or NULL if new can replace old by a reload. */
const char *config_restart_needed(const struct config *old_config, const struct config *new_config);

/* "10.0.0.1:8443", "[fd00::1]:8443". @retval -EINVAL not of that form. */
int config_api_listen(const char *text, struct ip_address *ret, uint16_t *ret_port);

#endif
