/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_dns_wire.h"

#include "bytes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define DNS_FLAG_RESPONSE  0x8000U
#define DNS_OPCODE_MASK	   0x7800U
#define DNS_FLAG_RECURSION 0x0100U
#define DNS_TYPE_A	   1
#define DNS_CLASS_IN	   1
#define DNS_LABEL_MAX	   63
#define DNS_NAME_MAX	   255

static int dns_write_name(struct writer *w, const char *name)
{
	size_t start = w->used;

	if (!strcmp(name, "."))
		name = "";
	while (*name) {
		size_t len = strcspn(name, ".");

		if (len == 0 || len > DNS_LABEL_MAX)
			return -EINVAL;
		write_u8(w, (uint8_t)len);
		write_bytes(w, name, len);
		name += len;
		if (*name)
			name++; /* a dot at the end is allowed */
	}
	write_u8(w, 0);
	return w->failed || w->used - start > DNS_NAME_MAX ? -EINVAL : 0;
}

int probe_dns_write(const char *name, uint16_t id, uint8_t ret[PROBE_DNS_QUERY_MAX])
{
	struct writer w = writer_init(ret, PROBE_DNS_QUERY_MAX);
	int r;

	write_u16(&w, id);
	write_u16(&w, DNS_FLAG_RECURSION);
	write_u16(&w, 1); /* questions */
	write_u16(&w, 0);
	write_u16(&w, 0);
	write_u16(&w, 0);
	r = dns_write_name(&w, name);
	if (r < 0)
		return r;
	write_u16(&w, DNS_TYPE_A);
	write_u16(&w, DNS_CLASS_IN);
	return w.failed ? -EINVAL : (int)w.used;
}

static bool dns_same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	/* Lengths are below 64 and so no letters: comparing without case is right for them, too. The name
	 * ends with the only NUL; type and class come after it. */
	return strncasecmp((const char *)a, (const char *)b, len - 4) == 0 &&
	       memcmp(a + len - 4, b + len - 4, 4) == 0;
}

int probe_dns_read(const char *name, const void *data, size_t len, uint16_t *ret_id, uint8_t *ret_rcode)
{
	uint8_t query[PROBE_DNS_QUERY_MAX];
	int query_len = probe_dns_write(name, 0, query);
	struct reader r = reader_init(data, len);
	uint16_t id = read_u16(&r), flags = read_u16(&r), questions = read_u16(&r);
	const uint8_t *question;

	(void)read_span(&r, 6);
	question = query_len > 0 ? read_span(&r, (size_t)query_len - 12) : NULL;
	if (r.failed || !question || !(flags & DNS_FLAG_RESPONSE) || (flags & DNS_OPCODE_MASK) ||
	    questions != 1 || !dns_same_question(query + 12, question, (size_t)query_len - 12))
		return -EBADMSG;
	*ret_id = id;
	*ret_rcode = flags & 15;
	return 0;
}
