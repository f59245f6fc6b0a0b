/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Three nodes, and one heartbeat of each type, for the tests and the fuzzer of the heartbeat.
 */
#ifndef RK_HEARTBEAT_SAMPLE_H
#define RK_HEARTBEAT_SAMPLE_H

#include "heartbeat_session.h"
#include "pulse_sample.h"

static inline void sample_peers(struct peers_config *p, node_id_t self)
{
	*p = (struct peers_config){
		.cluster = SAMPLE_CLUSTER,
		.self = self,
		.incarnation = SAMPLE_INCARNATION + self,
		.nodes_count = 3,
		.groups_count = 2,
		.groups = { SAMPLE_GROUP, 0x5a1e5 },
	};
	for (node_id_t n = 1; n <= 3; n++) {
		p->nodes[n - 1].id = n;
		p->nodes[n - 1].public_key = sample_key(n).public_key;
	}
}

static inline void sample_intent(struct core_intent *i)
{
	*i = (struct core_intent){ .paused = true, .paused_stamp = 17, .paused_by = 2 };
	i->node[1].standby = true;
	i->node[1].stamp = 18;
	i->node[1].by = 3;
	i->node[NODE_ID_MAX].stamp = 19;
}

static inline void sample_state(struct heartbeat_state *s)
{
	*s = (struct heartbeat_state){
		.version = "0.1.0",
		.facts = {
			.config_hash = 0x0123456789abcdefULL,
			.config_accepted = true,
			.quorate = true,
			.loop_lag_us_max = 1234,
		},
	};
	s->facts.group[0] = (struct group_facts){
		.pbx = PBX_HEALTHY,
		.lan_up = true,
		.gate_ok = true,
		.addresses_ok = true,
		.registrations_in_step = true,
		.uplink = UPLINK_GOOD,
		.calls = HEARTBEAT_CALLS_UNKNOWN,
		.bindings_digest = 0xfeed,
		.bindings_count = 20,
	};
	s->facts.group[1] = (struct group_facts){ .pbx = PBX_DEAD, .uplink = UPLINK_BAD };
}

static inline void sample_heartbeat(struct heartbeat *h, enum heartbeat_type type)
{
	static const uint8_t opaque[] = "opaque";

	memset(h, 0, sizeof *h);
	h->type = type;
	switch (type) {
	case HEARTBEAT_STATE:
		sample_state(&h->state);
		break;
	case HEARTBEAT_COMMAND:
		h->command = (struct heartbeat_command){
			.command = { .type = COMMAND_SWITCHOVER,
				     .operation = 1ULL << 56 | 5,
				     .stamp = 21,
				     .group = 1,
				     .node = 2 },
			.uid = 1000,
			.user = "alice",
			.why = "maintenance of n1",
		};
		break;
	case HEARTBEAT_BINDINGS:
	case HEARTBEAT_HISTORY:
		h->opaque.data = opaque;
		h->opaque.len = sizeof opaque;
		break;
	case HEARTBEAT_SNAPSHOT_REQUEST:
		h->request = (struct heartbeat_snapshot_request){
			.request = 0xabc, .attempt = 1, .known = node_bit(1) | node_bit(3), .joining = true
		};
		sample_intent(&h->request.intent);
		break;
	case HEARTBEAT_SNAPSHOT:
		h->snapshot = (struct heartbeat_snapshot){ .request = 0xabc,
							   .known = node_bit(1),
							   .part = 3,
							   .section = SECTION_OPAQUE + 2,
							   .data = opaque,
							   .data_len = sizeof opaque };
		break;
	case HEARTBEAT_FENCE:
		h->fence = (struct heartbeat_fence){
			.fence = { .type = FENCE_MSG_END,
				   .target = 3,
				   .op = { 2, 7, FENCE_WHY_OPERATOR, 1 },
				   .boot = 0x1122334455667788,
				   .state = FENCE_FENCED,
				   .level = 1,
				   .device = 4 },
			.user = "alice",
			.why = "it smokes",
		};
		break;
	}
}

#endif
