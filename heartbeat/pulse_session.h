/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Is this datagram from that node, made for us, made now, and new? One session per peer; no socket, no clock.
 *
 * A pulse counts only if it echoes the challenge that we gave to the incarnation (process) that sent it. A
 * challenge is a keyed hash of that incarnation and of a generation that grows whenever a peer's new
 * incarnation is accepted; its key is random per process. So nothing recorded before either side restarted is
 * ever accepted, and a challenge given to one incarnation is of no use to another. A pulse that is authentic
 * but does not echo the right challenge is a hello: it is answered at once, with the challenge for its sender
 * and an echo of its own, and changes nothing else. Within an incarnation a window (RFC 6479) over all links
 * lets each sequence number in once. State changes only after the tag was verified.
 */
#ifndef RK_PULSE_SESSION_H
#define RK_PULSE_SESSION_H

#include "clock.h"
#include "crypto.h"
#include "pulse_wire.h"

enum pulse_outcome {
	PULSE_OK,
	PULSE_HELLO,	 /* authentic, not fresh: to be answered */
	PULSE_DUPLICATE, /* authentic, fresh, already here by another link (or replayed) */
	PULSE_OLD,	 /* authentic, fresh, too far behind the window */
	PULSE_RETIRED,	 /* authentic, of an incarnation that was replaced by a newer one */
	PULSE_MALFORMED,
	PULSE_VERSION, /* a wire version that this one does not speak */
	PULSE_WRONG_CLUSTER,
	PULSE_WRONG_RECEIVER,
	PULSE_UNKNOWN_SENDER,
	PULSE_BAD_TAG,
};
#define PULSE_OUTCOMES_COUNT 11
const char *pulse_outcome_name(enum pulse_outcome o);

/* 64-bit sequence numbers, the newest PULSE_WINDOW_BITS of them remembered. */
#define PULSE_WINDOW_WORDS 17
#define PULSE_WINDOW_BITS  ((PULSE_WINDOW_WORDS - 1) * 64)
struct pulse_window {
	uint64_t newest;
	uint64_t bits[PULSE_WINDOW_WORDS];
};
/* PULSE_OK once for each number that is not too old; never for 0 and UINT64_MAX. */
enum pulse_outcome pulse_window_check(const struct pulse_window *w, uint64_t sequence);
void pulse_window_take(struct pulse_window *w, uint64_t sequence);

struct pulse_session_config {
	uint64_t cluster;
	node_id_t self;
	node_id_t peer;
	uint64_t incarnation;			   /* mine, never 0 */
	uint8_t send_key[CRYPTO_KEY_SIZE];	   /* self -> peer */
	uint8_t receive_key[CRYPTO_KEY_SIZE];	   /* peer -> self */
	uint8_t challenge_secret[CRYPTO_KEY_SIZE]; /* random per process */
};

#define PULSE_RETIRED_MAX 8
#define PULSE_HELLOS_MAX  8

/* A hello may be a recorded one. Each counts once as a sign of life, as long as no more than so many
 * processes of the peer are played in turn; beyond that, and once per process of ours, it cannot be told. */
struct pulse_hello {
	uint64_t incarnation;
	uint64_t newest; /* sequence */
};

struct pulse_session {
	uint64_t cluster;
	node_id_t self;
	node_id_t peer;
	uint64_t incarnation;
	struct crypto_mac *send_mac;
	struct crypto_mac *receive_mac;
	struct crypto_mac *challenge_mac;
	uint64_t sequence; /* last one sent */
	/* the peer */
	uint64_t theirs;    /* its accepted incarnation; 0 = none yet */
	uint64_t challenge; /* what `theirs` has to echo */
	uint64_t echo;	    /* what `theirs` wants echoed */
	uint64_t generation;
	struct pulse_window window;
	uint64_t retired[PULSE_RETIRED_MAX]; /* replaced ones: of two living processes the newer one counts */
	uint64_t retired_next;
	uint64_t retired_heard; /* since the latest switch */
	/* the sender of the latest unanswered hello */
	uint64_t hello_incarnation;
	uint64_t hello_challenge;
	struct pulse_hello hellos[PULSE_HELLOS_MAX];
	uint64_t hellos_next;
};

/* Copies config. */
int pulse_session_init(struct pulse_session *s, const struct pulse_session_config *config);
void pulse_session_close(struct pulse_session *s);

/* Fills the header fields of a pulse to the peer: a normal one, or the answer to the latest hello. */
void pulse_session_address(struct pulse_session *s, bool answer, struct pulse *p);
/* Appends the tag to `len` encoded bytes; size is the room of data. Returns the whole length or -errno. */
int pulse_session_seal(struct pulse_session *s, uint8_t *data, size_t len, size_t size);

struct pulse_verdict {
	enum pulse_outcome outcome;
	bool alive;    /* a hello that is newer than any that came of its sender's process */
	bool answer;   /* send an answer now */
	bool switched; /* a new incarnation was accepted: send a normal pulse now */
	bool twin;     /* more than stragglers of a replaced incarnation */
};

/* Which session is a datagram for? Checks what needs no key; fills ret_sender on PULSE_OK (= go on), else it
 * is the claimed one or NODE_NONE. */
enum pulse_outcome pulse_session_triage(uint64_t cluster, node_id_t self, node_set_t configured,
					const void *data, size_t len, node_id_t *ret_sender);
/* ret_pulse is filled with PULSE_OK, PULSE_DUPLICATE and PULSE_HELLO. */
void pulse_session_receive(struct pulse_session *s, const void *data, size_t len, struct pulse *ret_pulse,
			   struct pulse_verdict *ret);

/* The peer has been silent for long: whoever was replaced may speak for it again, after a new hello. */
void pulse_session_forget_retired(struct pulse_session *s);

#endif
