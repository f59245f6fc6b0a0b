/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A host with two guests, and what one of them may send to it or as a host of its own: parcels with a length
 * byte before each, the first byte's top bit says to whom. Nobody ever takes what was not checked and staged.
 */
#include "config_push.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

struct place {
	struct config_push push;
	bool staged, checked;
};

static void op_send(void *ctx, node_id_t to, const uint8_t *data, uint8_t len)
{
	(void)ctx, (void)to, (void)data;
	assert(len > 0 && len <= CONFIG_PUSH_PARCEL_MAX);
}

static int op_seal(void *ctx, node_id_t to, const uint8_t *about, size_t about_len, const char *text,
		   size_t len, uint8_t *ret)
{
	(void)ctx, (void)to, (void)about, (void)about_len;
	memcpy(ret + CRYPTO_SEAL_OVERHEAD, text, len);
	return 0;
}

static int op_open(void *ctx, node_id_t from, const uint8_t *about, size_t about_len, const uint8_t *sealed,
		   size_t len, char *ret)
{
	(void)ctx, (void)from, (void)about, (void)about_len;
	memcpy(ret, sealed + CRYPTO_SEAL_OVERHEAD, len - CRYPTO_SEAL_OVERHEAD);
	return 0;
}

static bool op_check(void *ctx, const char *text, size_t len, enum config_push_mode mode,
		     char why[CONFIG_PUSH_WHY_MAX])
{
	struct place *p = ctx;

	assert(len > 0 && len <= CONFIG_PUSH_TEXT_MAX && mode < CONFIG_PUSH_MODES);
	p->checked = len == 1 || text[0] != '!';
	(void)memcpy(why, "no", 3);
	return p->checked;
}

static void op_stage(void *ctx, const char *text, size_t len)
{
	struct place *p = ctx;

	(void)text, (void)len;
	assert(p->checked);
	p->staged = true;
}

static void op_take(void *ctx, enum config_push_mode mode)
{
	struct place *p = ctx;

	assert(p->staged && mode != CONFIG_PUSH_CHECK);
}

static void op_drop(void *ctx)
{
	struct place *p = ctx;

	p->staged = false;
}

static void op_ended(void *ctx, const struct config_push_host *host, bool taken)
{
	(void)ctx;
	assert(!taken || host->mode != CONFIG_PUSH_CHECK);
}

static const struct config_push_ops ops = { op_send,  op_seal, op_open, op_check,
					    op_stage, op_take, op_drop, op_ended };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const node_id_t others[] = { 2, 3 };
	static struct place host, guest;
	char why[CONFIG_PUSH_WHY_MAX];
	boot_t now = { NS_PER_S };

	host = guest = (struct place){ .staged = false };
	config_push_init(&host.push, 1, &ops, &host);
	config_push_init(&guest.push, 2, &ops, &guest);
	(void)config_push_begin(&host.push, 0, CONFIG_PUSH_APPLY, others, 2, "text", 4, now, why);
	for (size_t at = 0; at < size;) {
		struct place *to = data[at] & 0x80 ? &host : &guest;
		size_t len = data[at++] & 0x7f;

		if (len > size - at)
			len = size - at;
		now = boot_add(now, 30 * NS_PER_MS);
		(void)config_push_parcel(&to->push, to == &host ? 2 : 1, data + at, len, now);
		at += len;
		config_push_staged(&to->push, len % 8 != 0, "disk", now);
		config_push_took(&to->push, len % 8 != 1, "disk", now);
		config_push_tick(&host.push, now);
		config_push_tick(&guest.push, now);
	}
	config_push_close(&host.push);
	config_push_close(&guest.push);
	return 0;
}
