/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The probes of one target over one uplink: which are under way, which were answered, which are lost or came
 * too late; whether the target answers (fall and rise in a row), how well (loss, round trip, jitter over the
 * last so many), and when the next probe is due. Round-trip times as RFC 6298, jitter as RFC 3550.
 *
 * READ WHAT HAS COME BEFORE probe_window_tick(): a process that stood still finds its time-outs due and the
 * answers in its socket. `at` of an answer is when the kernel got it.
 */
#ifndef RK_PROBE_WINDOW_H
#define RK_PROBE_WINDOW_H

#include "brownout.h"
#include "clock.h"

#define PROBE_WINDOW_MAX 128 /* divides 2^16 */

struct probe_policy {
	int64_t interval_ns;	  /* 200 ms */
	uint8_t jitter_percent;	  /* of an interval, more or less: what comes and goes in step with the
				   * probes would be missed */
	int64_t slow_interval_ns; /* 1 s: standby and metered uplinks */
	int64_t burst_interval_ns;
	int64_t burst_pause_ns; /* from the beginning of one burst to that of the next */
	uint8_t burst;		/* probes, after the first loss: is it only one? */
	int64_t timeout_ns_min; /* a probe is lost after srtt + 4 rttvar, but not before this */
	int64_t timeout_ns_max;
	uint8_t fall, known, rise; /* in a row: until DOWN; until UP for the first time; until UP again */
	int64_t fall_ns; /* and the lost ones span at least this: longer than most re-routing takes */
	uint8_t window;	 /* judged probes that quality is taken from, 1..PROBE_WINDOW_MAX */
	enum brownout_test brownout;
};

enum probe_fate { PROBE_NONE, PROBE_OUT, PROBE_ANSWERED, PROBE_LATE, PROBE_LOST, PROBE_UNSENT };
enum probe_state { PROBE_UNKNOWN, PROBE_DOWN, PROBE_UP };
enum probe_answer { PROBE_ANSWER_GOOD, PROBE_ANSWER_LATE, PROBE_ANSWER_TWICE, PROBE_ANSWER_STRAY };

struct probe_slot {
	uint32_t number;
	enum probe_fate fate;
	boot_t sent_at, lost_at;
};

struct probe_window {
	const struct probe_policy *policy; /* borrowed */
	enum probe_state state;
	bool slow;
	uint32_t seed;
	bool unsent; /* the latest could not be sent */
	uint32_t sent;
	uint32_t undecided;	/* no older probe is under way */
	uint32_t answered_next; /* number after the newest that was answered, in time or late */
	uint32_t lost_run;	/* lost, all newer than that */
	boot_t lost_since;	/* the first of them was sent */
	uint32_t answered_run;	/* in time, since the latest that was not */
	boot_t next_at, burst_from;
	uint8_t burst_left;
	/* RFC 6298; srtt_us 0: none yet */
	int64_t srtt_us, rttvar_us;
	int64_t jitter_16th_us, rtt_before_us;
	uint32_t loss_ewma_ppm; /* over about 16 probes */
	struct brownout brownout;
	struct probe_slot slot[PROBE_WINDOW_MAX];
	/* what was judged, newest at judged - 1 */
	uint32_t judged, kept;
	int32_t outcome_us[PROBE_WINDOW_MAX]; /* round trip; -1: lost */
	uint32_t kept_lost;
	int64_t kept_rtt_us;
	struct {
		uint64_t answered, late, lost, unsent, twice, stray;
	} counters;
};

/* In state UNKNOWN, the first probe due at once. seed: of the jitter. */
void probe_window_init(struct probe_window *w, const struct probe_policy *policy, uint32_t seed, boot_t now);
/* Nothing that was measured holds any more (the link was gone): DOWN, until `rise` answers have come. */
void probe_window_down(struct probe_window *w, boot_t now);
/* Slow or not; takes effect with the next probe, a sooner one at once. */
void probe_window_pace(struct probe_window *w, bool slow, boot_t now);
/* A burst without a loss: somebody wants to know now. Not more often than bursts are. */
void probe_window_hurry(struct probe_window *w, boot_t now);

bool probe_window_due(const struct probe_window *w, boot_t now);
/* The sequence number of the probe that leaves now. */
uint16_t probe_window_sent(struct probe_window *w, boot_t now);
/* It did not leave: a failed bind or send is a failed probe. */
void probe_window_unsent(struct probe_window *w, boot_t now);
enum probe_answer probe_window_answered(struct probe_window *w, uint16_t sequence, boot_t at);
void probe_window_tick(struct probe_window *w, boot_t now);
/* The next probe or time-out. */
boot_t probe_window_next(const struct probe_window *w);

int64_t probe_window_timeout_ns(const struct probe_window *w);

struct probe_quality {
	uint32_t judged; /* 0: the rest means nothing */
	uint32_t rtt_us; /* mean of those answered in time */
	uint32_t jitter_us;
	uint32_t loss_ppm;	    /* late ones are lost */
	uint32_t believed_loss_ppm; /* what the sequential test vouches for: not more than normal before it
				     * has found a brown-out */
};
void probe_window_quality(const struct probe_window *w, struct probe_quality *ret);

#endif
