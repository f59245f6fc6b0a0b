/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Heartbeats, twice: the bytes as they came, to the decoder; and, every so often, properly signed, to a
 * session, as a node with a valid key and bad intentions could send them. What is accepted must be fit to be
 * said again.
 */
#include "fuzz.h"
#include "heartbeat_sample.h"

#include <stdlib.h>

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void decode_raw(const struct peers_config *peers, const uint8_t *data, size_t size)
{
	static struct heartbeat h;
	static uint8_t again[HEARTBEAT_SIZE_MAX];
	uint32_t skipped;

	if (heartbeat_decode(data, size, peers, &h, &skipped) == 0)
		must(heartbeat_encode(&h, peers, again, sizeof again) > 0);
}

static void receive(struct heartbeat_session *s, const uint8_t *data, size_t size)
{
	static uint8_t message[HEARTBEAT_SIZE_MAX];
	static struct heartbeat h;
	uint64_t before = s->node[1].sequence;
	enum heartbeat_outcome o;
	int len;

	if (size < HEARTBEAT_HEADER_SIZE || size > sizeof message - CRYPTO_SIGNATURE_SIZE)
		return;
	memcpy(message, data, size);
	message[6] = 1;
	len = heartbeat_session_sign(s, message, size, sizeof message);
	must(len > 0);
	o = heartbeat_session_receive(s, 1, message, (size_t)len, &h);
	must(o != HEARTBEAT_BAD_SIGNATURE && o != HEARTBEAT_REPLAYED);
	must(s->node[1].sequence >= before);
	if (o == HEARTBEAT_OK)
		must(heartbeat_session_receive(s, 1, message, (size_t)len, &h) == HEARTBEAT_REPLAYED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heartbeat_session s;
	static struct heartbeat_proof proof;
	static struct peers_config peers;

	if (!s.signer) {
		struct node_key key = sample_key(1);

		sample_peers(&peers, 1);
		must(heartbeat_session_init(&s, &peers, &key, &proof) == 0);
	}
	decode_raw(&peers, data, size);
	if (size > CRYPTO_SIGNATURE_SIZE && data[size - 1] % 16 == 0) /* signing is slow */
		receive(&s, data, size - CRYPTO_SIGNATURE_SIZE);
	return 0;
}
