/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Inside of adapter.c (life of the child), adapter_request.c (what is said to it) and adapter_input.c (what
 * it says). Nobody else includes this.
 */
#ifndef RK_ADAPTER_PRIVATE_H
#define RK_ADAPTER_PRIVATE_H

#include "adapter.h"
#include "adapter_child.h"
#include "line_reader.h"
#include "process_watch.h"

#include <jansson.h>

enum adapter_state {
	ADAPTER_DOWN,	 /* no child; waiting for restart_at */
	ADAPTER_STARTED, /* spawned, no hello yet */
	ADAPTER_GREETED, /* hello seen, configure under way */
	ADAPTER_READY,
	ADAPTER_DYING, /* killed, not yet reaped */
};

#define ADAPTER_LOG_MAX 512 /* of a line of the child's */

struct adapter_pending {
	uint64_t id; /* 0 = free */
	enum adapter_request kind;
	bool again; /* by ourselves, after a restart: nobody waits for the answer */
	boot_t deadline;
};

/* At most `max` events in each period; the rest is only counted. */
struct adapter_rate {
	boot_t period_end;
	uint32_t used;
};

struct adapter {
	struct adapter_ops ops;
	void *ctx;
	char *path;
	json_t *configure; /* all but id and holder */
	json_t *uplink;	   /* the last one told, without id; NULL: none */
	enum adapter_uplink_support uplink_support;
	bool can_reinvite;
	uint32_t ping_interval_ms, ping_deadline_ms, request_deadline_ms;
	uint32_t restart_ms_min, restart_ms_max, health_stale_ms;

	enum adapter_state state;
	bool holder;
	struct adapter_child child;
	int epoll_fd;
	struct line_reader out_lines;
	struct line_reader err_lines;
	char *out; /* towards the child */
	size_t out_start, out_used, out_size;
	bool out_watched; /* EPOLLOUT is asked for */

	boot_t started_at, restart_at;
	uint32_t restart_ms; /* the next wait */
	boot_t ping_at;	     /* when to send the next ping */
	boot_t pong_until;   /* BOOT_NEVER: no ping in flight; also the deadline of hello */

	uint64_t next_id;
	struct adapter_pending pending[ADAPTER_REQUESTS_MAX];

	struct process_watch pbx;
	struct adapter_health health;
	boot_t stale_at; /* BOOT_NEVER while the child lives */

	struct adapter_rate alarm_rate[ADAPTER_ALARMS];
	struct adapter_rate log_rate;
	struct adapter_counters counters;
};

/* adapter.c */
bool adapter_rate_allow(struct adapter_rate *rate, uint32_t max, int64_t period_ns, boot_t now);
void adapter_alarm(struct adapter *a, enum adapter_alarm alarm, boot_t now, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* For people: what would end a line of the log, or steer a terminal, becomes a question mark; cut to size. */
void adapter_sentence(char *ret, size_t size, const char *text);
void adapter_log(struct adapter *a, const char *line, boot_t now);
void adapter_kill(struct adapter *a);
void adapter_set_health(struct adapter *a, const struct adapter_health *h);
void adapter_watch_pbx(struct adapter *a, struct adapter_health *h);

/* adapter_request.c */
/* Takes the object. -EAGAIN: buffer full, nothing sent. */
int adapter_send(struct adapter *a, json_t *object, boot_t now);
void adapter_flush(struct adapter *a);
/* Takes the object, puts the id in. -EBUSY, -EAGAIN, -ENOMEM. */
int adapter_request(struct adapter *a, enum adapter_request kind, json_t *object, boot_t now,
		    uint64_t *ret_id);
/* Requests of a type only. -ENOTCONN */
int adapter_simple(struct adapter *a, enum adapter_request kind, boot_t now, uint64_t *ret_id);
int adapter_send_configure(struct adapter *a, boot_t now);
int adapter_send_ping(struct adapter *a, boot_t now);
/* Answers one pending request; false if the id is none. */
bool adapter_answer(struct adapter *a, uint64_t id, int error, const char *why, boot_t now);
void adapter_fail_all(struct adapter *a, int error, const char *why, boot_t now);
void adapter_fail_late(struct adapter *a, boot_t now);
boot_t adapter_request_next(const struct adapter *a);

/* adapter_uplink.c */
void adapter_read_support(struct adapter *a, const json_t *done);
/* The uplink of before the restart; ready() comes after. */
void adapter_uplink_again(struct adapter *a, boot_t now);
/* A quality message; false: it is none. */
bool adapter_read_quality(struct adapter *a, const json_t *o);

/* adapter_input.c */
void adapter_handle_line(struct adapter *a, const char *line, boot_t now);

#endif
