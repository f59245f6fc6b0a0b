/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hex.h"
#include "pulse_sample.h"
#include "unit.h"

#include <errno.h>

static uint8_t buf[PULSE_SIZE_MAX];
static struct pulse in, out;

/* The sample. To regenerate: run this test; it prints the bytes as they are now. */
static const char golden_pulse[] =
	"524b505501010102d188bf1f7708017f111100000000000100000000000022220000000000003333"
	"0000000000000009000000000000000c000000000000004d000003e8000001f4000000fa0801360f"
	"f1ce000500000003000000000000002901010000000000000029010000000035a4e9000200000000"
	"004c4b4000000000000000290111290ff1ce000000000000000029010000000000abcdef00000000"
	"0000000700000003000000002faf080012210ff1ce000000000000000029010000000000abcdef00"
	"000000000000070000000313340ff1ce000000000000000029010000000000abcdef000000000000"
	"00070000000304000000000000002803030000000000bc614e140e0ff1ce00000000000000002901"
	"02150d0ff1ce0000000000000000290116220ff1ce000000000401000000000000000e0000000000"
	"00001600000000000000280317220ff1ce000000000401000000000000000e000000000000001600"
	"000000000000280300000000000000000000000000000000";

/* The sample, encoded, with room for the tag behind it. */
static size_t encode_sample(void)
{
	int len;

	sample_pulse(&out);
	len = pulse_encode(&out, buf, sizeof buf);
	ck_assert_int_gt(len, 0);
	memset(buf + len, 0, PULSE_TAG_SIZE);
	return (size_t)len + PULSE_TAG_SIZE;
}

START_TEST(reads_back_what_it_wrote)
{
	size_t len = encode_sample();

	memset(&in, 0x5a, sizeof in);
	ck_assert_int_eq(pulse_decode(buf, len, &in), 0);
	ck_assert_uint_eq(in.incarnation, out.incarnation);
	ck_assert_uint_eq(in.challenge, out.challenge);
	ck_assert_uint_eq(in.echo, out.echo);
	ck_assert_uint_eq(in.heard, out.heard);
	ck_assert_uint_eq(in.heartbeat, 77);
	ck_assert_uint_eq(in.held_us, 250);
	ck_assert_uint_eq(in.views_count, 1);
	ck_assert_uint_eq(in.messages_count, LEASE_VSET_ACK);
	ck_assert_int_eq(epoch_cmp(in.views[0].view.holds, out.views[0].view.holds), 0);
	ck_assert_int_eq(in.views[0].view.promise_left_ns, out.views[0].view.promise_left_ns);
	ck_assert(request_id_eq(in.messages[0].msg.id, out.messages[0].msg.id));
	ck_assert_int_eq(in.messages[0].msg.lease_ns, 800 * NS_PER_MS);
	ck_assert_int_eq(in.messages[2].msg.refusal, LEASE_REFUSED_PROMISED);
	ck_assert_uint_eq(in.messages[3].msg.successor, 2);
	ck_assert_uint_eq(in.messages[5].msg.voters.new_set, 0x16);
	/* And all the rest: what was decoded encodes to the same bytes. */
	uint8_t again[PULSE_SIZE_MAX];
	ck_assert_int_eq(pulse_encode(&in, again, sizeof again), (int)(len - PULSE_TAG_SIZE));
	ck_assert_mem_eq(again, buf, len - PULSE_TAG_SIZE);
}
END_TEST

/* Changing this vector means another wire_major(), or nodes of two versions do not understand each
 * other during an upgrade. */
START_TEST(bytes_are_as_agreed)
{
	size_t len = encode_sample();

	hex_assert(golden_pulse, buf, len);
}
END_TEST

START_TEST(refuses_every_shorter_and_longer_one)
{
	size_t len = encode_sample();

	for (size_t n = 0; n < len; n++)
		ck_assert_int_lt(pulse_decode(buf, n, &in), 0);
	ck_assert_int_lt(pulse_decode(buf, len + 1, &in), 0);
}
END_TEST

START_TEST(all_views_fit_into_one)
{
	sample_pulse(&out);
	out.views_count = RK_GROUPS_MAX;
	out.messages_count = 2;
	for (int i = 0; i < RK_GROUPS_MAX; i++)
		out.views[i] = (struct pulse_view){ (uint32_t)i, sample_view() };
	ck_assert_int_gt(pulse_encode(&out, buf, sizeof buf - PULSE_TAG_SIZE), 0);
	ck_assert_uint_eq(pulse_view_size(), 56);
	ck_assert_uint_le(pulse_message_size(LEASE_REFUSE), 64);
}
END_TEST

START_TEST(sizes_are_those_of_the_bytes)
{
	sample_pulse(&out);
	size_t size = PULSE_HEADER_SIZE + pulse_view_size();

	for (int t = LEASE_REQUEST; t <= LEASE_VSET_ACK; t++)
		size += pulse_message_size((enum lease_msg_type)t);
	ck_assert_int_eq(pulse_encode(&out, buf, sizeof buf), (int)size);
	ck_assert_int_eq(pulse_encode(&out, buf, size - 1), -EMSGSIZE);
}
END_TEST

START_TEST(tells_another_version_apart)
{
	size_t len = encode_sample();

	buf[4] = wire_major() + 1;
	ck_assert_int_eq(pulse_decode(buf, len, &in), -EPROTONOSUPPORT);
	buf[4] = wire_major();
	buf[0] ^= 1;
	ck_assert_int_eq(pulse_decode(buf, len, &in), -EBADMSG);
}
END_TEST

START_TEST(skips_entries_of_unknown_types)
{
	size_t len = encode_sample();
	size_t at = PULSE_HEADER_SIZE;

	buf[at] = 3; /* the view becomes something of the future */
	ck_assert_int_eq(pulse_decode(buf, len, &in), 0);
	ck_assert_uint_eq(in.views_count, 0);
	ck_assert_uint_eq(in.skipped, 1);
	buf[at] = 255;
	ck_assert_int_eq(pulse_decode(buf, len, &in), 0);
}
END_TEST

/* Counts and lengths come from the packet: each wrong value of each must be refused or harmless. */
START_TEST(survives_every_count_and_length)
{
	size_t len = encode_sample();

	for (size_t at = PULSE_HEADER_SIZE - 1; at < PULSE_HEADER_SIZE + 2; at++) {
		uint8_t right = buf[at];

		for (int v = 0; v < 256; v++) {
			buf[at] = (uint8_t)v;
			int r = pulse_decode(buf, len, &in);
			if (at != PULSE_HEADER_SIZE && v != right)
				ck_assert_int_eq(r, -EBADMSG);
			ck_assert_uint_le(in.views_count, RK_GROUPS_MAX);
			ck_assert_uint_le(in.messages_count, PULSE_MESSAGES_MAX);
		}
		buf[at] = right;
	}
}
END_TEST

static void put_header(struct pulse *p, uint8_t entries)
{
	sample_pulse(p);
	p->views_count = p->messages_count = 0;
	ck_assert_int_eq(pulse_encode(p, buf, sizeof buf), PULSE_HEADER_SIZE);
	buf[PULSE_HEADER_SIZE - 1] = entries;
}

START_TEST(entries_of_length_zero_end)
{
	put_header(&out, 255);
	memset(buf + PULSE_HEADER_SIZE, 0, 510 + PULSE_TAG_SIZE);
	for (int i = 0; i < 255; i++)
		buf[PULSE_HEADER_SIZE + 2 * i] = 200;
	ck_assert_int_eq(pulse_decode(buf, PULSE_HEADER_SIZE + 510 + PULSE_TAG_SIZE, &in), 0);
	ck_assert_uint_eq(in.skipped, 255);
	buf[PULSE_HEADER_SIZE] = 1; /* a view without a body */
	ck_assert_int_eq(pulse_decode(buf, PULSE_HEADER_SIZE + 510 + PULSE_TAG_SIZE, &in), -EBADMSG);
}
END_TEST

START_TEST(refuses_more_than_fits)
{
	size_t ack = pulse_message_size(LEASE_RELEASE_ACK);
	size_t len = PULSE_HEADER_SIZE + (PULSE_MESSAGES_MAX + 1) * ack + PULSE_TAG_SIZE;

	sample_pulse(&out);
	out.views_count = 0;
	out.messages_count = PULSE_MESSAGES_MAX;
	for (int i = 0; i < PULSE_MESSAGES_MAX; i++)
		out.messages[i] = (struct pulse_message){ 1, sample_message(LEASE_RELEASE_ACK) };
	ck_assert_int_gt(pulse_encode(&out, buf, sizeof buf), 0);
	memcpy(buf + PULSE_HEADER_SIZE + PULSE_MESSAGES_MAX * ack, buf + PULSE_HEADER_SIZE, ack);
	buf[PULSE_HEADER_SIZE - 1] = PULSE_MESSAGES_MAX + 1;
	ck_assert_uint_le(len, sizeof buf);
	ck_assert_int_eq(pulse_decode(buf, len, &in), -EBADMSG);
	out.messages_count = PULSE_MESSAGES_MAX + 1;
	ck_assert_int_eq(pulse_encode(&out, buf, sizeof buf), -EINVAL);
}
END_TEST

START_TEST(refuses_two_views_of_a_group)
{
	sample_pulse(&out);
	out.views_count = 2;
	out.views[1] = out.views[0];
	int len = pulse_encode(&out, buf, sizeof buf);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(pulse_decode(buf, (size_t)len + PULSE_TAG_SIZE, &in), -EBADMSG);
}
END_TEST

#define REFUSED(change)                                                                 \
	do {                                                                            \
		sample_pulse(&out);                                                     \
		change;                                                                 \
		ck_assert_msg(pulse_encode(&out, buf, sizeof buf) == -EINVAL, #change); \
	} while (0)

/* The same function checks in both directions, so what cannot be encoded is refused when it comes, too. */
START_TEST(checks_every_field)
{
	struct lease_view *v = &out.views[0].view;
	struct pulse_message *m = out.messages;

	REFUSED(out.from = 0);
	REFUSED(out.from = NODE_ID_MAX + 1);
	REFUSED(out.to = 0);
	REFUSED(out.to = out.from);
	REFUSED(out.link = RK_LINKS_MAX);
	REFUSED(out.incarnation = 0);
	REFUSED(out.sequence = 0);
	REFUSED(out.heard = 1);
	REFUSED(v->promise_node = NODE_ID_MAX + 1);
	REFUSED(v->promise_left_ns = -1);
	REFUSED(v->promise_left_ns = PULSE_TIME_NS_MAX + 1);
	REFUSED(v->reserve_left_ns = INT64_MIN);
	REFUSED(v->holds.node = 0);
	REFUSED(v->holds.counter = 0);
	REFUSED(v->hi.node = 200);
	REFUSED(m[0].msg.epoch.node = 0);
	REFUSED((m[0].msg.epoch = (struct epoch){ 0, 0 }));
	REFUSED(m[0].msg.lease_ns = 0);
	REFUSED(m[0].msg.lease_ns = INT64_MAX);
	REFUSED(m[0].msg.type = (enum lease_msg_type)0);
	REFUSED(m[0].msg.type = (enum lease_msg_type)(LEASE_VSET_ACK + 1));
	REFUSED(m[2].msg.refusal = (enum lease_refusal)0);
	REFUSED(m[2].msg.refusal = (enum lease_refusal)(LEASE_REFUSED_NOT_VOTER + 1));
	REFUSED(m[2].msg.promise_left_ns = -1);
	REFUSED(m[3].msg.successor = NODE_ID_MAX + 1);
	REFUSED(m[5].msg.voters.phase = (enum voter_phase)2);
	REFUSED(m[5].msg.voters.phase = VOTERS_STABLE); /* with two different sets */
	REFUSED(m[5].msg.voters.old_set = 0);
	REFUSED(m[5].msg.voters.new_set |= 1);
}
END_TEST

START_TEST(minor_version_is_an_entry)
{
	size_t plain = encode_sample(), len;

	ck_assert_int_eq(pulse_decode(buf, plain, &in), 0);
	ck_assert_uint_eq(in.minor, 0);
	out.minor = 7;
	len = (size_t)pulse_encode(&out, buf, sizeof buf) + PULSE_TAG_SIZE;
	ck_assert_uint_eq(len, plain + PULSE_MINOR_SIZE);
	hex_assert("020107", buf + PULSE_HEADER_SIZE, PULSE_MINOR_SIZE);
	ck_assert_int_eq(pulse_decode(buf, len, &in), 0);
	ck_assert_uint_eq(in.minor, 7);
	ck_assert_uint_eq(in.messages_count, out.messages_count);
	buf[PULSE_HEADER_SIZE + 2] = 0; /* is not sent */
	ck_assert_int_eq(pulse_decode(buf, len, &in), -EBADMSG);
	ck_assert_uint_eq(pulse_version(buf, len), wire_major());
	buf[4] = 77;
	ck_assert_uint_eq(pulse_version(buf, 5), 77);
	ck_assert_uint_eq(pulse_version(buf, 4), 0);
	ck_assert_int_eq(pulse_decode(buf, len, &in), -EPROTONOSUPPORT);
}
END_TEST

/* No byte of a pulse, whatever its value, makes the decoder give out something that must not be. */
START_TEST(survives_every_single_byte)
{
	size_t len = encode_sample();

	for (size_t at = 0; at < len; at++) {
		uint8_t right = buf[at];

		for (int v = 0; v < 256; v++) {
			uint8_t again[PULSE_SIZE_MAX];

			buf[at] = (uint8_t)v;
			if (pulse_decode(buf, len, &in) == 0 && in.skipped == 0)
				ck_assert_int_eq(pulse_encode(&in, again, sizeof again),
						 (int)(len - PULSE_TAG_SIZE));
		}
		buf[at] = right;
	}
}
END_TEST

UNIT_MAIN("pulse_wire", reads_back_what_it_wrote, bytes_are_as_agreed, refuses_every_shorter_and_longer_one,
	  all_views_fit_into_one, sizes_are_those_of_the_bytes, tells_another_version_apart,
	  skips_entries_of_unknown_types, survives_every_count_and_length, entries_of_length_zero_end,
	  refuses_more_than_fits, refuses_two_views_of_a_group, checks_every_field, minor_version_is_an_entry,
	  survives_every_single_byte)
