/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kinds of probes as one table: which socket, what to say, what an answer is. Private to uplink/probe_*.
 */
#ifndef RK_PROBE_CODEC_H
#define RK_PROBE_CODEC_H

#include "probe_io.h"

#define PROBE_CODEC_REQUEST_MAX 1024

struct probe_codec {
	const char *name;
	int type; /* SOCK_... */
	/* What to send. self: our end, as SIP writes it. Bytes, or -errno; NULL: being connected is all. */
	int (*request)(const struct probe_io *p, uint16_t sequence, const char *self, uint8_t *ret,
		       size_t size);
	/* 1: an answer, ret is filled but for `at`. 0: a part of one. @retval -EBADMSG not one. */
	int (*answer)(const struct probe_io *p, const uint8_t *data, size_t len, struct probe_result *ret);
};

extern const struct probe_codec probe_codecs[PROBE_KINDS_COUNT];

#endif
