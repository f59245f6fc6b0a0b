/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pulse_session.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>

#define TWIN_HEARD_MIN 8 /* stragglers of a process that was just replaced are fewer */

static const char *const pulse_outcome_names[] = {
	[PULSE_OK] = "ok",
	[PULSE_HELLO] = "hello",
	[PULSE_DUPLICATE] = "duplicate",
	[PULSE_OLD] = "old",
	[PULSE_RETIRED] = "retired",
	[PULSE_MALFORMED] = "malformed",
	[PULSE_VERSION] = "version",
	[PULSE_WRONG_CLUSTER] = "wrong-cluster",
	[PULSE_WRONG_RECEIVER] = "wrong-receiver",
	[PULSE_UNKNOWN_SENDER] = "unknown-sender",
	[PULSE_BAD_TAG] = "bad-tag",
};

const char *pulse_outcome_name(enum pulse_outcome o)
{
	return pulse_outcome_names[o];
}

/* ---- window (RFC 6479): a ring of words; the block of the newest number is only partly in use ---- */

enum pulse_outcome pulse_window_check(const struct pulse_window *w, uint64_t sequence)
{
	if (sequence == 0 || sequence == UINT64_MAX)
		return PULSE_OLD;
	if (sequence > w->newest)
		return PULSE_OK;
	if (w->newest - sequence >= PULSE_WINDOW_BITS)
		return PULSE_OLD;
	return w->bits[sequence / 64 % PULSE_WINDOW_WORDS] >> sequence % 64 & 1 ? PULSE_DUPLICATE : PULSE_OK;
}

void pulse_window_take(struct pulse_window *w, uint64_t sequence)
{
	uint64_t word = sequence / 64, newest_word = w->newest / 64;

	if (sequence > w->newest) {
		for (uint64_t i = 1; i <= word - newest_word && i <= PULSE_WINDOW_WORDS; i++)
			w->bits[(newest_word + i) % PULSE_WINDOW_WORDS] = 0;
		w->newest = sequence;
	}
	w->bits[word % PULSE_WINDOW_WORDS] |= 1ULL << sequence % 64;
}

/* ---- life ---- */

int pulse_session_init(struct pulse_session *s, const struct pulse_session_config *config)
{
	int r;

	*s = (struct pulse_session){
		.cluster = config->cluster,
		.self = config->self,
		.peer = config->peer,
		.incarnation = config->incarnation,
	};
	r = crypto_mac_new(config->send_key, &s->send_mac);
	if (r == 0)
		r = crypto_mac_new(config->receive_key, &s->receive_mac);
	if (r == 0)
		r = crypto_mac_new(config->challenge_secret, &s->challenge_mac);
	if (r)
		pulse_session_close(s);
	return r;
}

void pulse_session_close(struct pulse_session *s)
{
	crypto_mac_free(s->send_mac);
	crypto_mac_free(s->receive_mac);
	crypto_mac_free(s->challenge_mac);
	s->send_mac = s->receive_mac = s->challenge_mac = NULL;
}

/* ---- sending ---- */

/* What a not yet accepted incarnation has to echo. Nothing is remembered for it, so that a flood of replayed
 * hellos cannot displace an honest one. */
static uint64_t challenge_for(struct pulse_session *s, uint64_t incarnation)
{
	uint8_t text[32], mac[CRYPTO_MAC_SIZE];
	struct writer w = writer_init(text, sizeof text);
	struct reader r = reader_init(mac, sizeof mac);

	write_u8(&w, s->peer);
	write_u64(&w, incarnation);
	write_u64(&w, s->generation);
	if (crypto_mac_compute(s->challenge_mac, text, w.used, mac) != 0)
		return 0; /* no memory: the hello is lost, the next one will do */
	return read_u64(&r);
}

void pulse_session_address(struct pulse_session *s, bool answer, struct pulse *p)
{
	p->from = s->self;
	p->to = s->peer;
	p->cluster = s->cluster;
	p->incarnation = s->incarnation;
	p->sequence = ++s->sequence;
	if (s->theirs && (!answer || s->hello_incarnation == s->theirs)) {
		p->challenge = s->challenge;
		p->echo = answer ? s->hello_challenge : s->echo;
	} else {
		p->challenge = challenge_for(s, s->hello_incarnation);
		p->echo = s->hello_challenge;
	}
}

int pulse_session_seal(struct pulse_session *s, uint8_t *data, size_t len, size_t size)
{
	uint8_t mac[CRYPTO_MAC_SIZE];
	int r;

	if (len > size || size - len < PULSE_TAG_SIZE)
		return -EMSGSIZE;
	r = crypto_mac_compute(s->send_mac, data, len, mac);
	if (r)
		return r;
	memcpy(data + len, mac, PULSE_TAG_SIZE);
	return (int)(len + PULSE_TAG_SIZE);
}

/* ---- receiving ---- */

enum pulse_outcome pulse_session_triage(uint64_t cluster, node_id_t self, node_set_t configured,
					const void *data, size_t len, node_id_t *ret_sender)
{
	struct pulse p;
	int r = pulse_decode_header(data, len, &p);

	*ret_sender = NODE_NONE;
	if (r == -EPROTONOSUPPORT)
		return PULSE_VERSION;
	if (r)
		return PULSE_MALFORMED;
	if (p.cluster != cluster)
		return PULSE_WRONG_CLUSTER;
	*ret_sender = p.from;
	if (!node_in(configured, p.from) || p.from == self)
		return PULSE_UNKNOWN_SENDER;
	return p.to == self ? PULSE_OK : PULSE_WRONG_RECEIVER;
}

static bool tag_right(struct pulse_session *s, const uint8_t *data, size_t len)
{
	uint8_t mac[CRYPTO_MAC_SIZE];

	if (len < PULSE_TAG_SIZE || crypto_mac_compute(s->receive_mac, data, len - PULSE_TAG_SIZE, mac) != 0)
		return false;
	return crypto_equal(mac, data + len - PULSE_TAG_SIZE, PULSE_TAG_SIZE);
}

static bool retired(const struct pulse_session *s, uint64_t incarnation)
{
	for (int i = 0; i < PULSE_RETIRED_MAX; i++)
		if (s->retired[i] == incarnation)
			return true;
	return false;
}

static void accept_incarnation(struct pulse_session *s, const struct pulse *p)
{
	if (s->theirs)
		s->retired[s->retired_next++ % PULSE_RETIRED_MAX] = s->theirs;
	s->retired_heard = 0;
	s->theirs = p->incarnation;
	s->challenge = p->echo;
	s->echo = p->challenge;
	s->window = (struct pulse_window){ 0 };
	s->hello_incarnation = s->hello_challenge = 0;
	/* What was given out before is void; `theirs` keeps its own. */
	s->generation++;
}

static bool hello_newer(struct pulse_session *s, const struct pulse *p)
{
	struct pulse_hello *h = NULL;

	for (int i = 0; i < PULSE_HELLOS_MAX && !h; i++)
		if (s->hellos[i].incarnation == p->incarnation)
			h = &s->hellos[i];
	if (!h) {
		h = &s->hellos[s->hellos_next++ % PULSE_HELLOS_MAX];
		*h = (struct pulse_hello){ .incarnation = p->incarnation };
	}
	if (p->sequence <= h->newest)
		return false;
	h->newest = p->sequence;
	return true;
}

static void take_hello(struct pulse_session *s, const struct pulse *p, struct pulse_verdict *ret)
{
	s->hello_incarnation = p->incarnation;
	s->hello_challenge = p->challenge;
	ret->outcome = PULSE_HELLO;
	ret->answer = true;
	ret->alive = hello_newer(s, p);
}

static void take_retired(struct pulse_session *s, struct pulse_verdict *ret)
{
	ret->outcome = PULSE_RETIRED;
	ret->twin = ++s->retired_heard >= TWIN_HEARD_MIN;
}

static void take_sequence(struct pulse_session *s, const struct pulse *p, struct pulse_verdict *ret)
{
	ret->outcome = pulse_window_check(&s->window, p->sequence);
	if (ret->outcome != PULSE_OK)
		return;
	pulse_window_take(&s->window, p->sequence);
	if (p->sequence == s->window.newest)
		s->echo = p->challenge; /* another one, if the peer had taken a twin for us */
}

void pulse_session_receive(struct pulse_session *s, const void *data, size_t len, struct pulse *ret_pulse,
			   struct pulse_verdict *ret)
{
	struct pulse *p = ret_pulse;

	*ret = (struct pulse_verdict){ 0 };
	if (!tag_right(s, data, len)) {
		ret->outcome = PULSE_BAD_TAG;
		return;
	}
	if (pulse_decode(data, len, p) != 0) {
		ret->outcome = PULSE_MALFORMED;
		return;
	}
	if (retired(s, p->incarnation)) {
		take_retired(s, ret);
	} else if (p->incarnation == s->theirs) {
		if (p->echo == s->challenge)
			take_sequence(s, p, ret);
		else
			take_hello(s, p, ret);
	} else if (p->echo == challenge_for(s, p->incarnation)) {
		accept_incarnation(s, p);
		take_sequence(s, p, ret);
		ret->switched = true;
	} else {
		take_hello(s, p, ret);
	}
}

void pulse_session_forget_retired(struct pulse_session *s)
{
	memset(s->retired, 0, sizeof s->retired);
	s->retired_heard = 0;
}
