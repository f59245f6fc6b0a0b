/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_stun_wire.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define STUN_COOKIE 0x2112a442U

enum stun_type { STUN_REQUEST = 0x0001, STUN_SUCCESS = 0x0101, STUN_ERROR = 0x0111 };

enum stun_attribute {
	STUN_MAPPED_ADDRESS = 0x0001,
	STUN_ERROR_CODE = 0x0009,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
};

size_t probe_stun_write(const uint8_t id[PROBE_STUN_ID_SIZE], uint8_t ret[PROBE_STUN_REQUEST_SIZE])
{
	struct writer w = writer_init(ret, PROBE_STUN_REQUEST_SIZE);

	write_u16(&w, STUN_REQUEST);
	write_u16(&w, 0);
	write_u32(&w, STUN_COOKIE);
	write_bytes(&w, id, PROBE_STUN_ID_SIZE);
	return w.used;
}

/* mask: cookie and id, for the xor; NULL: the address is as it is. */
static bool stun_address(struct reader *r, const uint8_t *mask, struct probe_stun *s)
{
	uint8_t family, bytes[16];
	uint16_t port;

	(void)read_u8(r);
	family = read_u8(r);
	port = read_u16(r);
	if (family != 1 && family != 2)
		return false;
	read_bytes(r, bytes, family == 1 ? 4 : 16);
	if (!reader_done(r))
		return false;
	for (size_t i = 0; mask && i < (family == 1 ? 4 : 16); i++)
		bytes[i] ^= mask[i];
	s->address = ip_make(family == 1 ? AF_INET : AF_INET6, bytes);
	s->port = mask ? port ^ (STUN_COOKIE >> 16) : port;
	return true;
}

static bool stun_error(struct reader *r, struct probe_stun *s)
{
	uint32_t word = read_u32(r), class = word >> 8 & 7, number = word & 0xff;

	if (r->failed || class < 3 || class > 6 || number > 99)
		return false;
	s->error = (uint16_t)(class * 100 + number);
	return true;
}

/* "Comprehension-required" ones that a response may carry and that change nothing for us: what RFC 3489 sends
 * (0x0002..0x000b), realm, nonce, and the other integrity attributes. */
static bool stun_known(uint16_t type)
{
	return type >= 0x8000 || (type >= 0x0001 && type <= 0x000b) || type == 0x0014 || type == 0x0015 ||
	       (type >= 0x001c && type <= 0x001e) || type == STUN_XOR_MAPPED_ADDRESS;
}

static bool stun_take(struct reader *body, const uint8_t mask[16], struct probe_stun *s, bool *xored)
{
	uint16_t type = read_u16(body), len = read_u16(body);
	const uint8_t *value = read_span(body, len);
	struct reader r = reader_init(value, value ? len : 0);

	(void)read_span(body, (4U - len % 4) % 4);
	if (body->failed || !value || !stun_known(type))
		return false;
	if (type == STUN_ERROR_CODE)
		return stun_error(&r, s);
	if (type == STUN_XOR_MAPPED_ADDRESS && !*xored) {
		*xored = true;
		return stun_address(&r, mask, s);
	}
	if (type == STUN_MAPPED_ADDRESS && !*xored)
		return stun_address(&r, NULL, s);
	return true;
}

int probe_stun_id(const void *data, size_t len, uint8_t ret[PROBE_STUN_ID_SIZE])
{
	if (len < PROBE_STUN_REQUEST_SIZE)
		return -EBADMSG;
	memcpy(ret, (const uint8_t *)data + 8, PROBE_STUN_ID_SIZE);
	return 0;
}

int probe_stun_read(const uint8_t id[PROBE_STUN_ID_SIZE], const void *data, size_t len,
		    struct probe_stun *ret)
{
	struct reader r = reader_init(data, len);
	uint16_t type = read_u16(&r), body = read_u16(&r);
	uint8_t mask[16];
	struct probe_stun s = { 0 };
	bool xored = false;

	read_bytes(&r, mask, sizeof mask); /* cookie and id are the mask */
	if (r.failed || (type != STUN_SUCCESS && type != STUN_ERROR) || body % 4 || body != r.left ||
	    memcmp(mask, "\x21\x12\xa4\x42", 4) != 0 || memcmp(mask + 4, id, PROBE_STUN_ID_SIZE) != 0)
		return -EBADMSG;
	while (r.left > 0)
		if (!stun_take(&r, mask, &s, &xored))
			return -EBADMSG;
	if (type == STUN_ERROR ? !s.error : !s.address.family)
		return -EBADMSG;
	if (type == STUN_SUCCESS)
		s.error = 0;
	*ret = s;
	return 0;
}
