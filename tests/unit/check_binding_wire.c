/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_wire.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static const boot_t now = { 1000 * NS_PER_S };

static struct binding phone(void)
{
	struct binding b;

	binding_init(&b);
	b.text[BINDING_AOR] = "1001";
	b.text[BINDING_CONTACT] = "sip:1001@192.168.5.5";
	b.text[BINDING_RECEIVED] = "sip:203.0.113.9:40123";
	b.text[BINDING_CALL_ID] = "c1";
	b.expires_at = boot_add(now, 300 * NS_PER_S);
	b.modified_at = boot_add(now, -2 * NS_PER_S);
	b.epoch = (struct epoch){ 41, 2 };
	b.cseq = 7;
	b.methods = 0x173f;
	b.cflags = 64;
	b.q_milli = 500;
	return b;
}

/* One put and one removal, byte for byte: what version 1 of every node reads. */
static const uint8_t golden[] = {
	1,    1,    0xde, 0xad, 0xbe, 0xef,				/* version, full list begins, group */
	0,    0,    0,	  0,	0,    0,    0,	 42,  1,		/* epoch of the sender 42.1 */
	0,    2,							/* two items */
	0,    95,   1,	  0,	0,    0,    0,	 0,   0,   0,	41,  2, /* put, epoch 41.2 */
	0x00, 0x04, 0x93, 0xe0,						/* 300,000 ms remain */
	0x00, 0x00, 0x07, 0xd0,						/* 2,000 ms old */
	0,    0,    0,	  7,						/* CSeq */
	0,    0,    0,	  0,						/* reg-id */
	0,    0,    0x17, 0x3f,						/* methods */
	0,    0,    0,	  0,						/* flags */
	0,    0,    0,	  64,						/* cflags */
	0x01, 0xf4,							/* q 0.5 */
	'1',  '0',  '0',  '1',	0,    's',  'i', 'p', ':', '1', '0', '0', '1', '@', '1', '9', '2', '.', '1',
	'6',  '8',  '.',  '5',	'.',  '5',  0,	 's', 'i', 'p', ':', '2', '0', '3', '.', '0', '.', '1', '1',
	'3',  '.',  '9',  ':',	'4',  '0',  '1', '2', '3', 0,	0,   0,	  'c', '1', 0,	 0,   0, /* texts */
	0,    23,   2,	  0,	0,    0,    0,	 0,   0,   0,	42,  1, /* remove, epoch 42.1 */
	'1',  '0',  '0',  '2',	0,    's',  'i', 'p', ':', 'x', '@', 'h', 0,
};

START_TEST(writes_the_golden_vector)
{
	const struct binding_batch_header h = { 0xdeadbeef, { 42, 1 }, true, false };
	uint8_t buf[BINDING_BATCH_BYTES_MAX];
	struct binding_batch_writer bw;
	struct binding b = phone();

	binding_batch_begin(&bw, &h, buf, sizeof buf);
	ck_assert_int_eq(binding_batch_put(&bw, &b, now), 0);
	ck_assert_int_eq(binding_batch_remove(&bw, "1002", "sip:x@h", h.epoch), 0);
	ck_assert_uint_eq(binding_batch_end(&bw, false), sizeof golden);
	ck_assert_mem_eq(buf, golden, sizeof golden);
}
END_TEST

START_TEST(reads_the_golden_vector)
{
	const boot_t then = { 5 * NS_PER_S }; /* another node's clock, just after boot */
	struct binding_batch_header h;
	struct binding_batch_reader br;
	struct binding_batch_item item;
	struct binding b = phone();

	ck_assert_int_eq(binding_batch_open(&br, golden, sizeof golden, &h), 0);
	ck_assert_uint_eq(h.group, 0xdeadbeef);
	ck_assert(h.full_begin && !h.full_end && h.epoch.counter == 42 && h.epoch.node == 1);
	ck_assert(binding_batch_next(&br, then, &item));
	ck_assert(!item.remove && binding_same_content(&item.b, &b));
	ck_assert_int_eq(item.b.expires_at.ns, 305 * NS_PER_S);
	ck_assert_int_eq(item.b.modified_at.ns, 3 * NS_PER_S);
	ck_assert(item.b.epoch.counter == 41 && item.b.epoch.node == 2);
	ck_assert(binding_batch_next(&br, then, &item));
	ck_assert(item.remove);
	ck_assert_str_eq(item.b.text[BINDING_AOR], "1002");
	ck_assert_str_eq(item.b.text[BINDING_CONTACT], "sip:x@h");
	ck_assert(!binding_batch_next(&br, then, &item));
}
END_TEST

START_TEST(refuses_every_truncation_and_other_versions)
{
	struct binding_batch_header h;
	struct binding_batch_reader br;
	uint8_t other[sizeof golden];

	for (size_t len = 0; len < sizeof golden; len++)
		ck_assert_int_eq(binding_batch_open(&br, golden, len, &h), -EBADMSG);
	memcpy(other, golden, sizeof golden);
	other[0] = 2;
	ck_assert_int_eq(binding_batch_open(&br, other, sizeof other, &h), -EPROTONOSUPPORT);
	memcpy(other, golden, sizeof golden);
	other[60] = '\n'; /* inside the AOR: a header could be injected */
	ck_assert_int_eq(binding_batch_open(&br, other, sizeof other, &h), -EBADMSG);
}
END_TEST

START_TEST(carries_what_not_every_phone_has)
{
	const struct binding_batch_header h = { 1, { 42, 1 }, false, false };
	uint8_t buf[BINDING_BATCH_BYTES_MAX];
	struct binding_batch_writer bw;
	struct binding_batch_header read;
	struct binding_batch_reader br;
	struct binding_batch_item item;
	struct binding b = phone(), bound = phone();
	size_t len;

	bound.text[BINDING_AOR] = "1002";
	bound.text[BINDING_CONNECTION] = "tcp:203.0.113.9:40123";
	bound.text[BINDING_DATA] = "endpoint=1002";
	bound.priority = BINDING_PRIORITY_MAX;
	binding_batch_begin(&bw, &h, buf, sizeof buf);
	ck_assert_int_eq(binding_batch_put(&bw, &bound, now), 0);
	ck_assert_int_eq(binding_batch_put(&bw, &b, now), 0);
	len = binding_batch_end(&bw, false);
	ck_assert_int_eq(binding_batch_open(&br, buf, len, &read), 0);
	ck_assert(binding_batch_next(&br, now, &item));
	ck_assert(binding_same_content(&item.b, &bound) && item.b.priority == BINDING_PRIORITY_MAX);
	ck_assert(binding_is_bound(&item.b));
	ck_assert(binding_batch_next(&br, now, &item));
	ck_assert(binding_same_content(&item.b, &b) && item.b.priority == 0 && !binding_is_bound(&item.b));
	for (size_t cut = 1; cut < len; cut++)
		ck_assert_int_eq(binding_batch_open(&br, buf, len - cut, &read), -EBADMSG);
}
END_TEST

START_TEST(skips_items_and_fields_of_later_versions)
{
	uint8_t data[] = {
		1, 2,  0, 0, 0, 1, 0, 0, 0, 0,	 0,   0, 0,   1, 1,   0, 2,   0,   12,	99,
		0, 0,  0, 0, 0, 0, 0, 1, 1, 'n', 'e',					/* unknown kind */
		0, 17, 2, 0, 0, 0, 0, 0, 0, 0,	 1,   1, 'a', 0, 'c', 0, 'n', 'e', 'w', /* remove with more
											   behind it */
	};
	struct binding_batch_header h;
	struct binding_batch_reader br;
	struct binding_batch_item item;

	ck_assert_int_eq(binding_batch_open(&br, data, sizeof data, &h), 0);
	ck_assert(h.full_end && !h.full_begin);
	ck_assert(binding_batch_next(&br, now, &item));
	ck_assert(item.remove);
	ck_assert_str_eq(item.b.text[BINDING_CONTACT], "c");
	ck_assert(!binding_batch_next(&br, now, &item));
}
END_TEST

START_TEST(fills_a_batch_to_its_limit_and_no_further)
{
	const struct binding_batch_header h = { 1, { 1, 1 }, false, false };
	uint8_t buf[BINDING_BATCH_BYTES_MAX];
	struct binding_batch_writer bw;
	struct binding_batch_header back;
	struct binding_batch_reader br;
	struct binding_batch_item item;
	struct binding b = phone();
	char path[BINDING_PATH_MAX + 2];
	size_t put = 0, got = 0, len;

	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = 0;
	b.text[BINDING_PATH] = path;
	binding_batch_begin(&bw, &h, buf, sizeof buf);
	ck_assert_int_eq(binding_batch_put(&bw, &b, now), -E2BIG); /* refused, not cut */
	path[BINDING_PATH_MAX] = 0;
	b.expires_at = BOOT_NEVER;
	while (binding_batch_put(&bw, &b, now) == 0)
		put++;
	ck_assert_int_eq(binding_batch_put(&bw, &b, now), -ENOSPC);
	len = binding_batch_end(&bw, true);
	ck_assert_uint_le(len, BINDING_BATCH_BYTES_MAX);
	ck_assert_uint_gt(put, 50);
	ck_assert_int_eq(binding_batch_open(&br, buf, len, &back), 0);
	ck_assert(back.full_end);
	while (binding_batch_next(&br, now, &item)) {
		ck_assert_int_eq(item.b.expires_at.ns, BOOT_NEVER.ns);
		got++;
	}
	ck_assert_uint_eq(got, put);
}
END_TEST

UNIT_MAIN("binding_wire", writes_the_golden_vector, reads_the_golden_vector, carries_what_not_every_phone_has,
	  refuses_every_truncation_and_other_versions, skips_items_and_fields_of_later_versions,
	  fills_a_batch_to_its_limit_and_no_further)
