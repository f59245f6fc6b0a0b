/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heartbeat_sample.h"
#include "hex.h"
#include "unit.h"

#include <errno.h>

static uint8_t buf[HEARTBEAT_SIZE_MAX + 16];
static struct heartbeat out, in;
static struct peers_config peers;
static uint32_t skipped;

/* With room for the signature behind it. */
static size_t encode(void)
{
	int len;

	out.sender = 1;
	out.cluster = node_cluster_hash(SAMPLE_CLUSTER);
	out.incarnation = SAMPLE_INCARNATION + 1;
	out.sequence = 9;
	len = heartbeat_encode(&out, &peers, buf, sizeof buf);
	ck_assert_int_gt(len, 0);
	memset(buf + len, 0, CRYPTO_SIGNATURE_SIZE);
	return (size_t)len + CRYPTO_SIGNATURE_SIZE;
}

static size_t encode_sample(enum heartbeat_type type)
{
	sample_peers(&peers, 1);
	sample_heartbeat(&out, type);
	return encode();
}

static int decode(size_t len)
{
	return heartbeat_decode(buf, len, &peers, &in, &skipped);
}

/* To regenerate: run this test; it prints the bytes as they are now. Another vector means another
 * wire_major(), or nodes of two versions do not understand each other during an upgrade. */
static const char *const golden[HEARTBEAT_TYPES_COUNT] = {
	[HEARTBEAT_STATE] = "524b484201010100d188bf1f7708017f1111000000000001000000000000000905302e312e300123"
			    "456789abcdef05000004d2020ff1ce00020f01ffffffff000000000000feed000000140005a1e504"
			    "000300000000000000000000000000000000",
	[HEARTBEAT_COMMAND] =
		"524b484201020100d188bf1f7708017f111100000000000100000000000000090501000000000000"
		"0500000000000000150005a1e502000003e805616c696365116d61696e74656e616e6365206f6620"
		"6e31",
	[HEARTBEAT_BINDINGS] =
		"524b484201030100d188bf1f7708017f111100000000000100000000000000096f706171756500",
	[HEARTBEAT_HISTORY] =
		"524b484201040100d188bf1f7708017f111100000000000100000000000000096f706171756500",
	[HEARTBEAT_SNAPSHOT_REQUEST] =
		"524b484201050100d188bf1f7708017f111100000000000100000000000000090000000000000abc"
		"01000000000000000a01010000000000000011020201010000000000000012033f00000000000000"
		"001300",
	[HEARTBEAT_SNAPSHOT] =
		"524b484201060100d188bf1f7708017f111100000000000100000000000000090000000000000abc"
		"00000000000000020003126f706171756500",
	[HEARTBEAT_FENCE] = "524b484201070100d188bf1f7708017f111100000000000100000000000000090303020000000702"
			    "01112233445566778805010405616c69636509697420736d6f6b6573",
};

static void check_golden(enum heartbeat_type t)
{
	size_t len = encode_sample(t) - CRYPTO_SIGNATURE_SIZE;

	hex_assert(golden[t], buf, len);
}

START_TEST(bytes_of_state)
{
	check_golden(HEARTBEAT_STATE);
}
END_TEST

/* The field of an armed watchdog, then one of a later version, then what no version may send. */
START_TEST(bytes_of_fields)
{
	static const uint8_t later[] = { 9, 2, 0xab, 0xcd };
	size_t plain = encode_sample(HEARTBEAT_STATE) - CRYPTO_SIGNATURE_SIZE, len;

	out.state.facts.watchdog_ns = 10000 * NS_PER_MS;
	len = encode() - CRYPTO_SIGNATURE_SIZE;
	ck_assert_uint_eq(len, plain + 6);
	hex_assert("010400002710", buf + plain, 6);
	ck_assert_int_eq(decode(len + CRYPTO_SIGNATURE_SIZE), 0);
	ck_assert_int_eq(in.state.facts.watchdog_ns, 10000 * NS_PER_MS);

	memcpy(buf + len, later, sizeof later);
	ck_assert_int_eq(decode(len + sizeof later + CRYPTO_SIGNATURE_SIZE), 0);
	ck_assert_int_eq(in.state.facts.watchdog_ns, 10000 * NS_PER_MS);
	ck_assert_int_eq(decode(len + 3 + CRYPTO_SIGNATURE_SIZE), -EBADMSG); /* cut */
	ck_assert_int_eq(decode(len + 1 + CRYPTO_SIGNATURE_SIZE), -EBADMSG);
	memcpy(buf + len, buf + plain, 6); /* twice */
	ck_assert_int_eq(decode(len + 6 + CRYPTO_SIGNATURE_SIZE), -EBADMSG);
	buf[plain + 1] = 3; /* of another length */
	ck_assert_int_eq(decode(len - 1 + CRYPTO_SIGNATURE_SIZE), -EBADMSG);
}
END_TEST

/* The minor version: a field like others, so that any 1.x reads it, and 0 if it does not come. */
START_TEST(bytes_of_the_minor_version)
{
	size_t plain = encode_sample(HEARTBEAT_STATE) - CRYPTO_SIGNATURE_SIZE, len;

	in.state.minor = 9;
	ck_assert_int_eq(decode(plain + CRYPTO_SIGNATURE_SIZE), 0);
	ck_assert_uint_eq(in.state.minor, 0);
	out.state.minor = 7;
	len = encode() - CRYPTO_SIGNATURE_SIZE;
	ck_assert_uint_eq(len, plain + 3);
	hex_assert("050107", buf + plain, 3);
	ck_assert_int_eq(decode(len + CRYPTO_SIGNATURE_SIZE), 0);
	ck_assert_uint_eq(in.state.minor, 7);
	buf[len - 1] = 0; /* is not sent */
	ck_assert_int_eq(decode(len + CRYPTO_SIGNATURE_SIZE), -EBADMSG);
	ck_assert_uint_eq(heartbeat_version(buf, len), wire_major());
	buf[4] = 77;
	ck_assert_uint_eq(heartbeat_version(buf, 5), 77);
	ck_assert_uint_eq(heartbeat_version(buf, 4), 0);
	ck_assert_int_eq(decode(len), -EPROTONOSUPPORT);
	buf[0] ^= 1;
	ck_assert_uint_eq(heartbeat_version(buf, len), 0);
}
END_TEST

static void sample_uplinks(struct node_facts *f)
{
	f->uplinks_count = 2;
	f->uplink_in_use = 1;
	f->uplink[0] = (struct node_uplink){ 0x11223344, UPLINK_BAD, { 4000 * NS_PER_MS } };
	f->uplink[1] = (struct node_uplink){ 0x55667788, UPLINK_DEGRADED, { 86400000 * NS_PER_MS } };
	f->group[1].uplink_moves =
		(struct uplink_moves){ 2, { { 60000 * NS_PER_MS }, { 1500 * NS_PER_MS } } };
}

/* Behind the golden state, which stays as it was: who does not know the fields skips them. */
START_TEST(bytes_of_uplinks)
{
	size_t plain = encode_sample(HEARTBEAT_STATE) - CRYPTO_SIGNATURE_SIZE, len;
	const struct node_facts *f = &in.state.facts;

	sample_uplinks(&out.state.facts);
	len = encode() - CRYPTO_SIGNATURE_SIZE;
	ck_assert_uint_eq(len, plain + 21 + 15);
	hex_assert(golden[HEARTBEAT_STATE], buf, plain);
	hex_assert("0313"
		   "01"
		   "11223344"
		   "03"
		   "00000fa0"
		   "55667788"
		   "02"
		   "05265c00"
		   "040d"
		   "0005a1e5"
		   "02"
		   "0000ea60"
		   "000005dc",
		   buf + plain, len - plain);
	ck_assert_int_eq(decode(len + CRYPTO_SIGNATURE_SIZE), 0);
	ck_assert_int_eq(f->uplinks_count, 2);
	ck_assert_int_eq(f->uplink_in_use, 1);
	ck_assert_int_eq(f->uplink[0].class, UPLINK_BAD);
	ck_assert_uint_eq(f->uplink[1].isp, 0x55667788);
	ck_assert_int_eq(f->uplink[1].since.ns, 86400000 * NS_PER_MS);
	ck_assert_int_eq(f->group[0].uplink_moves.count, 0);
	ck_assert_int_eq(f->group[1].uplink_moves.count, 2);
	ck_assert_int_eq(f->group[1].uplink_moves.at[1].ns, 1500 * NS_PER_MS);
	for (size_t n = 1; n < len - plain; n++)
		ck_assert(n == 21 || decode(plain + n + CRYPTO_SIGNATURE_SIZE) == -EBADMSG);
	out.state.facts.uplink_in_use = -1;
	out.state.facts.uplink[0].since.ns = -1; /* an age that is none, and one beyond 49 days */
	out.state.facts.uplink[1].since.ns = INT64_MAX;
	ck_assert_int_eq(decode(encode()), 0);
	ck_assert_int_eq(f->uplink_in_use, -1);
	ck_assert_int_eq(f->uplink[0].since.ns, 0);
	ck_assert_int_eq(f->uplink[1].since.ns, UINT32_MAX * NS_PER_MS);
}
END_TEST

/* Each byte of the two fields with every value: refused, or within bounds. */
START_TEST(uplinks_are_within_bounds)
{
	size_t plain = encode_sample(HEARTBEAT_STATE) - CRYPTO_SIGNATURE_SIZE, len;
	const struct node_facts *f = &in.state.facts;

	sample_uplinks(&out.state.facts);
	len = encode();
	for (size_t at = plain; at < len - CRYPTO_SIGNATURE_SIZE; at++) {
		uint8_t right = buf[at];

		for (int v = 0; v < 256; v++) {
			buf[at] = (uint8_t)v;
			if (decode(len) != 0)
				continue;
			ck_assert_int_le(f->uplinks_count, RK_UPLINKS_MAX);
			ck_assert_int_lt(f->uplink_in_use, f->uplinks_count);
			ck_assert_int_ge(f->uplink_in_use, -1);
			for (int i = 0; i < f->uplinks_count; i++)
				ck_assert_int_le((int)f->uplink[i].class, UPLINK_BAD);
			ck_assert_int_le(f->group[1].uplink_moves.count, UPLINK_MOVES_KEPT);
		}
		buf[at] = right;
	}
}
END_TEST

START_TEST(bytes_of_command)
{
	check_golden(HEARTBEAT_COMMAND);
}
END_TEST

static size_t encode_command(struct core_command c)
{
	(void)encode_sample(HEARTBEAT_COMMAND);
	c.origin = out.command.command.origin;
	c.group = 1;
	out.command.command = c;
	return (size_t)heartbeat_encode(&out, &peers, buf, sizeof buf) + CRYPTO_SIGNATURE_SIZE;
}

START_TEST(bytes_of_a_drain_and_of_its_end)
{
	const struct core_command drain = {
		.type = COMMAND_SWITCHOVER, .operation = 5, .stamp = 21, .node = 2, .drain_ns = 600 * NS_PER_S
	};
	const struct core_command cancel = {
		.type = COMMAND_CANCEL, .operation = 6, .stamp = 22, .cancels = 0x0102030405060708
	};
	size_t len = encode_command(drain);

	hex_assert("524b484201020100d188bf1f7708017f111100000000000100000000000000090800000000000000"
		   "0500000000000000150005a1e502000927c0000003e805616c696365116d61696e74656e616e6365"
		   "206f66206e31",
		   buf, len - CRYPTO_SIGNATURE_SIZE);
	ck_assert_int_eq(decode(len), 0);
	ck_assert_int_eq(in.command.command.type, COMMAND_SWITCHOVER);
	ck_assert_int_eq(in.command.command.drain_ns, 600 * NS_PER_S);
	len = encode_command(cancel);
	hex_assert("524b484201020100d188bf1f7708017f111100000000000100000000000000090700000000000000"
		   "0600000000000000160005a1e5000102030405060708000003e805616c696365116d61696e74656e"
		   "616e6365206f66206e31",
		   buf, len - CRYPTO_SIGNATURE_SIZE);
	ck_assert_int_eq(decode(len), 0);
	ck_assert_int_eq(in.command.command.type, COMMAND_CANCEL);
	ck_assert_uint_eq(in.command.command.cancels, cancel.cancels);
	ck_assert_uint_eq(in.command.command.group, 1);
}
END_TEST

START_TEST(bytes_of_opaque)
{
	check_golden(HEARTBEAT_BINDINGS);
	check_golden(HEARTBEAT_HISTORY);
}
END_TEST

START_TEST(bytes_of_request)
{
	check_golden(HEARTBEAT_SNAPSHOT_REQUEST);
}
END_TEST

START_TEST(bytes_of_snapshot)
{
	check_golden(HEARTBEAT_SNAPSHOT);
}
END_TEST

START_TEST(bytes_of_fence)
{
	check_golden(HEARTBEAT_FENCE);
}
END_TEST

START_TEST(reads_back_what_it_wrote)
{
	static uint8_t again[HEARTBEAT_SIZE_MAX];

	for (int t = HEARTBEAT_STATE; t < HEARTBEAT_TYPES_COUNT; t++) {
		size_t len = encode_sample((enum heartbeat_type)t);

		ck_assert_int_eq(decode(len), 0);
		ck_assert_uint_eq(skipped, 0);
		ck_assert_int_eq(heartbeat_encode(&in, &peers, again, sizeof again),
				 (int)(len - CRYPTO_SIGNATURE_SIZE));
		ck_assert_mem_eq(again, buf, len - CRYPTO_SIGNATURE_SIZE);
	}
	ck_assert_int_eq(decode(encode_sample(HEARTBEAT_STATE)), 0);
	ck_assert_int_eq(in.state.facts.group[0].pbx, PBX_HEALTHY);
	ck_assert_uint_eq(in.state.facts.group[0].calls, UINT32_MAX);
	ck_assert(in.state.facts.quorate && !in.state.facts.joining);
	ck_assert_int_eq(decode(encode_sample(HEARTBEAT_COMMAND)), 0);
	ck_assert_uint_eq(in.command.command.origin, 1);
	ck_assert_uint_eq(in.command.command.group, 1);
	ck_assert_str_eq(in.command.why, "maintenance of n1");
	ck_assert_int_eq(decode(encode_sample(HEARTBEAT_SNAPSHOT_REQUEST)), 0);
	ck_assert_uint_eq(in.request.intent.node[NODE_ID_MAX].stamp, 19);
}
END_TEST

START_TEST(refuses_every_shorter_and_longer_one)
{
	for (int t = HEARTBEAT_STATE; t < HEARTBEAT_TYPES_COUNT; t++) {
		size_t len = encode_sample((enum heartbeat_type)t);
		bool opaque = t == HEARTBEAT_BINDINGS || t == HEARTBEAT_HISTORY || t == HEARTBEAT_SNAPSHOT;

		for (size_t n = 0; n < len; n++)
			if (!opaque || n < len - sizeof "opaque")
				ck_assert_int_eq(decode(n), -EBADMSG);
		if (!opaque)
			ck_assert_int_eq(decode(len + 1), -EBADMSG);
	}
	ck_assert_int_eq(decode(HEARTBEAT_SIZE_MAX + 1), -EBADMSG);
}
END_TEST

/* Every value of every byte: refused, or something that can be said again. */
START_TEST(survives_every_single_byte)
{
	static uint8_t again[HEARTBEAT_SIZE_MAX];

	for (int t = HEARTBEAT_STATE; t < HEARTBEAT_TYPES_COUNT; t++) {
		size_t len = encode_sample((enum heartbeat_type)t);

		for (size_t at = 0; at < len - CRYPTO_SIGNATURE_SIZE; at++) {
			uint8_t right = buf[at];

			for (int v = 0; v < 256; v++) {
				buf[at] = (uint8_t)v;
				if (decode(len) == 0)
					ck_assert_int_gt(heartbeat_encode(&in, &peers, again, sizeof again),
							 0);
			}
			buf[at] = right;
		}
	}
}
END_TEST

START_TEST(groups_are_mapped_and_unknown_ones_skipped)
{
	size_t len = encode_sample(HEARTBEAT_STATE);

	peers.groups[0] = 0x5a1e5; /* the other way round, and one is gone */
	peers.groups_count = 1;
	ck_assert_int_eq(decode(len), 0);
	ck_assert_int_eq(in.state.facts.group[0].pbx, PBX_DEAD);
	ck_assert_uint_eq(skipped, 1);
	len = encode_sample(HEARTBEAT_COMMAND);
	peers.groups_count = 1;
	ck_assert_int_eq(decode(len), -ENOENT);
	len = encode_sample(HEARTBEAT_COMMAND);
	peers.nodes[1].id = 9; /* node 2, whom it is about */
	ck_assert_int_eq(decode(len), -ENOENT);
}
END_TEST

START_TEST(refuses_two_facts_of_a_group)
{
	size_t len = encode_sample(HEARTBEAT_STATE);

	peers.groups[1] = SAMPLE_GROUP;
	ck_assert_int_gt(heartbeat_encode(&out, &peers, buf, sizeof buf), 0);
	ck_assert_int_eq(decode(len), -EBADMSG);
}
END_TEST

START_TEST(tells_versions_and_types_apart)
{
	size_t len = encode_sample(HEARTBEAT_STATE);

	buf[5] = HEARTBEAT_TYPES_COUNT;
	ck_assert_int_eq(decode(len), -ENOMSG);
	buf[5] = 0;
	ck_assert_int_eq(decode(len), -ENOMSG);
	buf[4] = 2;
	ck_assert_int_eq(decode(len), -EPROTONOSUPPORT);
	buf[3] = 0;
	ck_assert_int_eq(decode(len), -EBADMSG);
}
END_TEST

#define REFUSED(type, change)                                                                       \
	do {                                                                                        \
		sample_peers(&peers, 1);                                                            \
		sample_heartbeat(&out, type);                                                       \
		out.sender = 1;                                                                     \
		out.incarnation = 1;                                                                \
		change;                                                                             \
		ck_assert_msg(heartbeat_encode(&out, &peers, buf, sizeof buf) == -EINVAL, #change); \
	} while (0)

/* The same function checks in both directions, so what cannot be encoded is refused when it comes, too. */
START_TEST(checks_every_field)
{
	static uint8_t big[HEARTBEAT_OPAQUE_MAX + 1];
	struct group_facts *g = out.state.facts.group;
	struct core_command *c = &out.command.command;

	REFUSED(HEARTBEAT_STATE, out.sender = 0);
	REFUSED(HEARTBEAT_STATE, out.sender = NODE_ID_MAX + 1);
	REFUSED(HEARTBEAT_STATE, out.incarnation = 0);
	REFUSED(HEARTBEAT_STATE, out.type = (enum heartbeat_type)HEARTBEAT_TYPES_COUNT);
	REFUSED(HEARTBEAT_STATE, g[0].pbx = (enum pbx_health)(PBX_DEAD + 1));
	REFUSED(HEARTBEAT_STATE, g[0].uplink = (enum uplink_class)(UPLINK_BAD + 1));
	REFUSED(HEARTBEAT_STATE, out.state.facts.uplinks_count = RK_UPLINKS_MAX + 1);
	REFUSED(HEARTBEAT_STATE, sample_uplinks(&out.state.facts); out.state.facts.uplink_in_use = 2);
	REFUSED(HEARTBEAT_STATE, sample_uplinks(&out.state.facts);
		out.state.facts.uplink[1].class = (enum uplink_class)(UPLINK_BAD + 1));
	REFUSED(HEARTBEAT_STATE, g[1].uplink_moves.count = UPLINK_MOVES_KEPT + 1);
	REFUSED(HEARTBEAT_COMMAND, c->type = (enum core_command_type)0);
	REFUSED(HEARTBEAT_COMMAND, c->type = (enum core_command_type)(COMMAND_CANCEL + 2));
	REFUSED(HEARTBEAT_COMMAND, c->drain_ns = -NS_PER_MS);
	REFUSED(HEARTBEAT_COMMAND, c->drain_ns = 1);
	REFUSED(HEARTBEAT_COMMAND, c->drain_ns = CORE_DRAIN_NS_MAX + NS_PER_MS);
	REFUSED(HEARTBEAT_COMMAND, c->group = 2);
	REFUSED(HEARTBEAT_COMMAND, c->node = 4); /* possible, but not configured */
	REFUSED(HEARTBEAT_COMMAND, c->stamp = 1ULL << 63);
	REFUSED(HEARTBEAT_COMMAND, (c->type = COMMAND_STANDBY, c->node = 0));
	REFUSED(HEARTBEAT_BINDINGS, out.opaque.len = 0);
	REFUSED(HEARTBEAT_BINDINGS, (out.opaque.data = big, out.opaque.len = sizeof big));
	REFUSED(HEARTBEAT_SNAPSHOT_REQUEST, out.request.known = 1 | node_bit(1));
	REFUSED(HEARTBEAT_SNAPSHOT_REQUEST, out.request.known = node_bit(2)); /* lacks the sender */
	REFUSED(HEARTBEAT_SNAPSHOT_REQUEST, out.request.intent.paused_by = NODE_ID_MAX + 1);
	REFUSED(HEARTBEAT_SNAPSHOT_REQUEST, out.request.intent.node[1].stamp = UINT64_MAX);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.type = (enum fence_msg_type)0);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.type = (enum fence_msg_type)(FENCE_MSG_TELL + 1));
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.target = 0);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.target = 4); /* possible, but not configured */
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.level = FENCE_LEVELS_MAX);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.device = FENCE_DEVICES_MAX);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.op.first_level = FENCE_LEVELS_MAX);
	REFUSED(HEARTBEAT_FENCE, out.fence.fence.state = (enum fence_state)FENCE_STATES_COUNT);
	REFUSED(HEARTBEAT_SNAPSHOT, out.snapshot.section = 2);
	REFUSED(HEARTBEAT_SNAPSHOT, out.snapshot.data_len = 0);
}
END_TEST

START_TEST(intents_come_in_order)
{
	size_t len = encode_sample(HEARTBEAT_SNAPSHOT_REQUEST);
	size_t first = HEARTBEAT_HEADER_SIZE + 8 + 1 + 8 + 1 + 1 + 8 + 1 + 1; /* id of the first node */

	ck_assert_uint_eq(buf[first], 1);
	ck_assert_uint_eq(buf[first + 11], NODE_ID_MAX);
	buf[first + 11] = 1;
	ck_assert_int_eq(decode(len), -EBADMSG);
	buf[first + 11] = NODE_ID_MAX + 1;
	ck_assert_int_eq(decode(len), -EBADMSG);
	buf[first + 11] = NODE_ID_MAX;
	buf[first - 1] = 255; /* count */
	ck_assert_int_eq(decode(len), -EBADMSG);
}
END_TEST

START_TEST(text_harms_no_log)
{
	sample_peers(&peers, 1);
	sample_heartbeat(&out, HEARTBEAT_COMMAND);
	strcpy(out.command.why, "a\nb\x1b[31m gr\xc3\xbc\xc3\x9f \xff \xc0\xaf \xed\xa0\x80 \xc3");
	size_t len = encode();

	ck_assert_int_eq(decode(len), 0);
	ck_assert_str_eq(in.command.why, "a?b?[31m gr\xc3\xbc\xc3\x9f ? ?? ??? ?");
}
END_TEST

UNIT_MAIN("heartbeat_wire", bytes_of_state, bytes_of_fields, bytes_of_the_minor_version, bytes_of_uplinks,
	  uplinks_are_within_bounds, bytes_of_command, bytes_of_a_drain_and_of_its_end, bytes_of_opaque,
	  bytes_of_request, bytes_of_snapshot, bytes_of_fence, reads_back_what_it_wrote,
	  refuses_every_shorter_and_longer_one, survives_every_single_byte,
	  groups_are_mapped_and_unknown_ones_skipped, refuses_two_facts_of_a_group,
	  tells_versions_and_types_apart, checks_every_field, intents_come_in_order, text_harms_no_log)
