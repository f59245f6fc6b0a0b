/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a pulse and a heartbeat cost: microseconds per operation, on one core.
 */
#include "clock_read.h"
#include "heartbeat_session.h"
#include "pulse_sample.h"

#include <stdio.h>

#define ROUNDS 5000

static struct pulse out, in;
static struct pulse_session a, b;
static struct heartbeat_session h;
static struct heartbeat heartbeat, received;
static struct heartbeat_proof proof;
static uint8_t data[HEARTBEAT_SIZE_MAX];
static int length;

static void seal_pulse(void)
{
	pulse_session_address(&a, false, &out);
	length = pulse_encode(&out, data, PULSE_SIZE_MAX);
	length = pulse_session_seal(&a, data, (size_t)length, PULSE_SIZE_MAX);
}

static void open_pulse(void)
{
	struct pulse_verdict v;

	pulse_session_receive(&b, data, (size_t)length, &in, &v);
}

static void seal_heartbeat(void)
{
	length = heartbeat_session_encode(&h, &heartbeat, data, sizeof data);
	length = heartbeat_session_sign(&h, data, (size_t)length, sizeof data);
}

static void open_heartbeat(void)
{
	(void)heartbeat_session_receive(&h, 1, data, (size_t)length, &received);
}

static void both_pulse(void)
{
	seal_pulse();
	open_pulse();
}

static void both_heartbeat(void)
{
	seal_heartbeat();
	open_heartbeat();
}

static void measure(const char *what, void (*f)(void))
{
	boot_t start = clock_now().boot;

	for (int i = 0; i < ROUNDS; i++)
		f();
	printf("%-28s %7.2f us, %d bytes\n", what,
	       (double)boot_diff_ns(start, clock_now().boot) / NS_PER_US / ROUNDS, length);
}

int main(void)
{
	struct peers_config peers = {
		.cluster = SAMPLE_CLUSTER, .self = 1, .incarnation = 7, .nodes_count = 1
	};
	struct node_key key = sample_key(1);

	sample_pulse(&out);
	out.views_count = 1;
	out.messages_count = 1;
	if (sample_session(&a, 1, 2, 1, SAMPLE_CLUSTER) || sample_session(&b, 2, 1, 2, SAMPLE_CLUSTER))
		return 1;
	peers.nodes[0].id = 1;
	peers.nodes[0].public_key = key.public_key;
	if (heartbeat_session_init(&h, &peers, &key, &proof))
		return 1;
	heartbeat.type = HEARTBEAT_STATE;
	measure("pulse, encode and tag", seal_pulse);
	measure("pulse, both ends", both_pulse);
	measure("heartbeat, encode and sign", seal_heartbeat);
	measure("heartbeat, both ends", both_heartbeat);
	pulse_session_close(&a);
	pulse_session_close(&b);
	heartbeat_session_close(&h);
	return 0;
}
