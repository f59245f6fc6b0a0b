/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The agent's side of one PBX adapter: a child process that speaks docs/adapter-protocol.md on its stdin and
 * stdout. Owns the child (its own process group), restarts it with backoff, kills it when it hangs, watches
 * the PBX's own process through a pidfd, and turns lines into callbacks. Refuses to wait: every write is
 * nonblocking into a bounded buffer; whatever the child does, no call here takes longer than a read, a write
 * or a spawn. Everything the child says is checked, counted and bounded.
 *
 * Drop policy: a request that finds the buffer full is refused with -EAGAIN and nothing of it is sent; lines
 * of the child over ADAPTER_LINE_MAX are dropped whole and counted; stderr lines beyond a rate are counted.
 *
 * When the child is lost the last health stays for health_stale_ms, then it is PBX_UNKNOWN: a crash of an
 * adapter moves nothing by itself. The death of the PBX is seen without the adapter.
 */
#ifndef RK_ADAPTER_H
#define RK_ADAPTER_H

#include "binding.h"
#include "ip_address.h"
#include "placement.h"
#include "trunk_state.h"

#include <errno.h>
#include <sys/types.h>

#define ADAPTER_PROTOCOL      1
#define ADAPTER_LINE_MAX      (256 * 1024)	/* bytes of one line, both ways */
#define ADAPTER_OUT_MAX	      (4 * 1024 * 1024) /* bytes waiting for the child to read them */
#define ADAPTER_REQUESTS_MAX  64		/* in flight */
#define ADAPTER_ADDRESSES_MAX 32
#define ADAPTER_SETTINGS_MAX  32
#define ADAPTER_TRUNKS_MAX    64
#define ADAPTER_WHY_MAX	      200
#define ADAPTER_APPLY_MAX     100 /* puts and removes of one apply */
#define ADAPTER_CALLS_UNKNOWN UINT32_MAX

struct adapter;

struct adapter_setting {
	const char *name;
	const char *value;
};

struct adapter_trunk_setting {
	const char *name;
	const char *registration;      /* the PBX's own name of it; "" = nothing to register */
	const struct ip_prefix *peers; /* the carrier's addresses, borrowed while configured */
	size_t peers_count;
};

/* Copied by adapter_new(). A zero number takes the default in brackets. */
struct adapter_config {
	const char *group;
	const char *node;
	const char *path; /* executable */
	const char *addresses[ADAPTER_ADDRESSES_MAX];
	size_t addresses_count;
	struct adapter_setting settings[ADAPTER_SETTINGS_MAX];
	size_t settings_count;
	struct adapter_trunk_setting trunks[ADAPTER_TRUNKS_MAX];
	size_t trunks_count;
	const char *pid_file; /* NULL = none */
	bool holder;	      /* this node holds the group now: adopted after a restart of the agent */
	uint32_t options_interval_ms; /* [500] */
	uint32_t options_failures;    /* [3] */
	uint32_t ping_interval_ms;    /* [1000] */
	uint32_t ping_deadline_ms;    /* [5000] no pong, or no hello, for that long: killed */
	uint32_t request_deadline_ms; /* [10000] no answer for that long: failed with ETIMEDOUT */
	uint32_t restart_ms_min;      /* [100] doubles up to ... */
	uint32_t restart_ms_max;      /* [10000] ... and starts over after a minute of good life */
	uint32_t health_stale_ms;     /* [10000] */
};

struct adapter_health {
	enum pbx_health state;
	char why[ADAPTER_WHY_MAX]; /* a sentence */
	uint32_t calls;		   /* ADAPTER_CALLS_UNKNOWN */
	pid_t pid;		   /* of the PBX, 0 = unknown */
	bool in_step;		   /* the PBX has what it was told; true without bindings */
	bool overloaded;	   /* it lives and drops requests: told apart from death */
	bool calling;		   /* somebody calls and is not answered yet, and his attempt would fail */
	uint32_t bindings;	   /* in the PBX, as last seen */
	uint32_t unmovable;	   /* of them, those that hang on a connection of the phone's own */
};

/* What the PBX says of one trunk. */
struct adapter_trunk {
	const char *name;
	enum trunk_state state;
	const char *why;	/* a sentence, or "" */
	int status;		/* the carrier's last SIP status, 0 = none or unknown */
	int64_t retry_after_ms; /* as the carrier asked for, -1 = it did not */
	bool retries;		/* failed, and the PBX tries again by itself */
};

/* Which uplink the PBX is to use, and what the world sees of it there. */
struct adapter_uplink {
	const char *name;    /* of the uplink */
	const char *public4; /* public address, NULL = not known, or no uplink of that family */
	const char *public6;
	bool drain; /* live calls stay on `from`, with their signalling; refused by a PBX that cannot tell
		       calls apart */
	const char *from; /* of a drain; else NULL */
};

/* What a PBX can do about uplinks; it says so when it is configured. */
enum adapter_uplink_support {
	ADAPTER_UPLINK_NONE, /* it cannot be told: only the route moves */
	ADAPTER_UPLINK_ONE,  /* one public address for all calls */
	ADAPTER_UPLINK_EACH, /* a transport per uplink: live calls may stay on another one than new ones */
};

/* What the other side of a live call reports by RTCP (RFC 3550) about what it got from us, since the report
 * before it of the same call. */
struct adapter_quality {
	const char *peer; /* address of the other side's media, as ip_format() writes it */
	const char *call; /* the PBX's name of the leg */
	uint32_t packets, lost;
	uint32_t rtt_us; /* 0: not known */
	uint32_t jitter_us;
};

enum adapter_request {
	ADAPTER_CONFIGURE, /* its answer goes to ready or alarm, not to answered */
	ADAPTER_ACTIVATE,
	ADAPTER_STANDBY,
	ADAPTER_APPLY,
	ADAPTER_DUMP,
	ADAPTER_TRUNK,
	ADAPTER_UPLINK,
	ADAPTER_REINVITE,
	ADAPTER_REQUESTS
};

enum adapter_alarm {
	ADAPTER_SPAWN_FAILED,
	ADAPTER_CRASHED,  /* it ended by itself */
	ADAPTER_HUNG,	  /* no pong or no hello: killed */
	ADAPTER_VERSION,  /* it speaks another protocol */
	ADAPTER_GARBAGE,  /* lines that are no messages */
	ADAPTER_OVERFLOW, /* a line too long, or our buffer towards it is full */
	ADAPTER_REFUSED,  /* bindings that break a limit */
	ADAPTER_CONFIG,	  /* it refused its configuration: it stays, and reports nothing */
	ADAPTER_ALARMS
};

/* Callbacks may call every adapter_x() but adapter_free(). Unused ones may be NULL. Pointers given are
 * borrowed for the call. */
struct adapter_ops {
	/* The child said hello and was configured (again after each restart): its PBX knows nothing of our
	 * store yet. The holder asks for a dump, a standby feeds a full list (binding_feed.h). */
	void (*ready)(void *ctx);
	void (*health)(void *ctx, const struct adapter_health *h); /* only when something changed */
	/* What the PBX has; epochs are none: the agent puts its own. */
	void (*put)(void *ctx, const struct binding *b);
	void (*remove)(void *ctx, const char *aor, const char *contact);
	void (*full_begin)(void *ctx); /* what comes is all it has ... */
	void (*full_end)(void *ctx);   /* ... up to here */
	void (*trunk)(void *ctx, const struct adapter_trunk *t);
	void (*quality)(void *ctx, const struct adapter_quality *q);
	/* One message of the child has been handed over: a good moment to send the batch. */
	void (*bindings_end)(void *ctx);
	/* Exactly once for every request that got an id. error: 0, ETIMEDOUT, ECONNRESET (child lost),
	 * EREMOTEIO (the adapter said failed; why says what). */
	void (*answered)(void *ctx, uint64_t id, enum adapter_request kind, int error, const char *why);
	void (*alarm)(void *ctx, enum adapter_alarm alarm, const char *text); /* bounded rate per kind */
	void (*log)(void *ctx, const char *line); /* stderr and log messages of the child, bounded rate */
};

/* Spawns at once; a failing spawn is an alarm and is tried again. -EINVAL, -ENOMEM, -errno of epoll. */
int adapter_new(const struct adapter_config *config, const struct adapter_ops *ops, void *ctx, boot_t now,
		struct adapter **ret);
/* Kills the child; requests in flight are not answered any more. */
void adapter_free(struct adapter *a);

/* One descriptor for the adapter's whole life, over all restarts: readable when adapter_readable() has work.
 */
int adapter_fd(const struct adapter *a);
void adapter_readable(struct adapter *a, boot_t now);
boot_t adapter_next(const struct adapter *a);
void adapter_tick(struct adapter *a, boot_t now);

/* Ready for requests: hello seen. */
bool adapter_ready(const struct adapter *a);
/* The pid of the child, 0 = none now. */
pid_t adapter_child_pid(const struct adapter *a);
const struct adapter_health *adapter_last_health(const struct adapter *a);

/* Each: 0 and an id that ops.answered() will get; -ENOTCONN no child now; -EBUSY too many in flight; -EAGAIN
 * buffer full. The role is remembered and told to a restarted child. */
int adapter_activate(struct adapter *a, boot_t now, uint64_t *ret_id);
int adapter_standby(struct adapter *a, boot_t now, uint64_t *ret_id);
int adapter_dump(struct adapter *a, boot_t now, uint64_t *ret_id);
/* Orders the PBX to register a trunk now, or to take its registration back; answered when it took the order.
 */
int adapter_trunk_order(struct adapter *a, const char *trunk, bool registered, boot_t now, uint64_t *ret_id);

/* Tells the PBX its public address and uplink; remembered, whatever this returns, and told to a restarted
 * child before ready() (an answer of that is none of ops.answered(); a failure of it is logged). Answered
 * when the PBX uses them. -EOPNOTSUPP it cannot be told; -EINVAL the PBX cannot drain. */
int adapter_uplink(struct adapter *a, const struct adapter_uplink *u, boot_t now, uint64_t *ret_id);
/* Live calls towards the trunks (their peers) get a re-INVITE with the address of now (RFC 3261, 14).
 * Answered when all were sent, with how many as the sentence of it. -EOPNOTSUPP the PBX cannot. */
int adapter_reinvite(struct adapter *a, boot_t now, uint64_t *ret_id);
/* As the child said when it was last configured; nothing before. */
enum adapter_uplink_support adapter_uplink_support(const struct adapter *a);
bool adapter_can_reinvite(const struct adapter *a);
const char *adapter_uplink_support_name(enum adapter_uplink_support support);
bool adapter_uplink_support_from_name(const char *name, enum adapter_uplink_support *ret);

/* Changes for the PBX, collected as the JSON they will travel as: nothing is borrowed from any store. */
struct adapter_apply {
	struct json_t *put; /* arrays; NULL = none yet */
	struct json_t *remove;
	size_t count;
	bool full_begin; /* first / last piece of all that the PBX should have */
	bool full_end;
};
/* -ENOSPC: ADAPTER_APPLY_MAX reached, send first. -ENOMEM. A removal is done before any put of the same
 * message. */
int adapter_apply_put(struct adapter_apply *apply, const struct binding *b, boot_t now);
int adapter_apply_remove(struct adapter_apply *apply, const char *aor, const char *contact);
void adapter_apply_clear(struct adapter_apply *apply);
/* Sent or refused, apply is empty afterwards. */
int adapter_send_apply(struct adapter *a, struct adapter_apply *apply, boot_t now, uint64_t *ret_id);

struct adapter_counters {
	uint64_t spawns;
	uint64_t crashes;
	uint64_t hangs;
	uint64_t lines;
	uint64_t garbage;   /* no JSON, no object, unknown type, missing field */
	uint64_t oversized; /* lines over ADAPTER_LINE_MAX */
	uint64_t late;	    /* answers to requests that were answered already */
	uint64_t timeouts;
	uint64_t refused_bindings; /* broke a limit of binding.h */
	uint64_t refused_requests; /* buffer full */
	uint64_t log_dropped;
};
const struct adapter_counters *adapter_counters(const struct adapter *a);
const char *adapter_alarm_name(enum adapter_alarm alarm);
const char *adapter_request_name(enum adapter_request kind);

#endif
