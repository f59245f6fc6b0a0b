/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pulses, twice: the bytes as they came, to the decoder; and with a right address and tag put on them, to a
 * session, as a peer with a valid key and bad intentions could send them. What is accepted must be fit to be
 * said again, byte by byte.
 */
#include "fuzz.h"
#include "pulse_sample.h"

#include <stdlib.h>

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void decode_raw(const uint8_t *data, size_t size)
{
	static struct pulse p;
	uint8_t again[PULSE_SIZE_MAX];
	int len;

	if (pulse_decode(data, size, &p) != 0)
		return;
	must(p.views_count <= RK_GROUPS_MAX && p.messages_count <= PULSE_MESSAGES_MAX);
	len = pulse_encode(&p, again, sizeof again);
	must(len > 0);
	if (p.skipped == 0)
		must((size_t)len == size - PULSE_TAG_SIZE && memcmp(again, data, (size_t)len) == 0);
}

/* Bytes 6 to 16 are from, to and the cluster. */
static void address(const struct pulse_session *from, uint8_t *data)
{
	data[6] = from->self;
	data[7] = from->peer;
	for (int i = 0; i < 8; i++)
		data[8 + i] = (uint8_t)(from->cluster >> (56 - 8 * i));
}

static void receive(struct pulse_session *from, struct pulse_session *to, const uint8_t *data, size_t size)
{
	static struct pulse p;
	uint8_t packet[PULSE_SIZE_MAX];
	struct pulse_verdict v;
	node_id_t sender;
	uint64_t newest = to->window.newest;
	int len;

	if (size < 16 || size > PULSE_SIZE_MAX - PULSE_TAG_SIZE)
		return;
	memcpy(packet, data, size);
	address(from, packet);
	len = pulse_session_seal(from, packet, size, sizeof packet);
	must(len > 0);
	if (pulse_session_triage(to->cluster, to->self, node_bit(to->peer), packet, (size_t)len, &sender) !=
	    PULSE_OK)
		return;
	pulse_session_receive(to, packet, (size_t)len, &p, &v);
	must(v.outcome != PULSE_BAD_TAG);
	must(v.outcome == PULSE_OK || to->window.newest == newest);
	if (v.outcome == PULSE_OK) {
		pulse_session_receive(to, packet, (size_t)len, &p, &v);
		must(v.outcome == PULSE_DUPLICATE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pulse_session a, b;

	decode_raw(data, size);
	if (!a.send_mac) {
		must(sample_session(&a, 1, 2, SAMPLE_INCARNATION + 1, SAMPLE_CLUSTER) == 0);
		must(sample_session(&b, 2, 1, SAMPLE_INCARNATION + 2, SAMPLE_CLUSTER) == 0);
	}
	/* As if they had met, with what the corpus echoes. */
	b.theirs = a.incarnation;
	b.challenge = 0x3333;
	b.window = (struct pulse_window){ 0 };
	memset(b.retired, 0, sizeof b.retired);
	receive(&a, &b, data, size > PULSE_TAG_SIZE ? size - PULSE_TAG_SIZE : 0);
	return 0;
}
