/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as an IP packet with a VRRP advertisement. What is found good and is built again is found good
 * again and says the same. Most mutations fail a checksum, so each input is also tried with right ones.
 */
#include "fuzz.h"
#include "vrrp_wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define IPV6_HEADER 40

static uint32_t sum_up(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_sum(uint8_t *p, size_t len, size_t at, uint32_t more)
{
	p[at] = p[at + 1] = 0;
	more = ~sum_up(p, len, more);
	p[at] = (uint8_t)(more >> 8);
	p[at + 1] = (uint8_t)more;
}

/* The checksums of the IP header and of the message, as far as there is room for them. */
static void mend(uint8_t *p, size_t len)
{
	size_t header = len ? 4 * (p[0] & 0xfU) : 0, end;

	if (len >= 20 && p[0] >> 4 == 4 && header >= 20 && header <= len) {
		put_sum(p, header, 10, 0);
		end = (size_t)p[2] << 8 | p[3];
		if (end >= header + 8 && end <= len)
			put_sum(p + header, end - header, 6, 0);
	} else if (len >= IPV6_HEADER + 8 && p[0] >> 4 == 6) {
		end = IPV6_HEADER + ((size_t)p[4] << 8 | p[5]);
		if (end >= IPV6_HEADER + 8 && end <= len)
			put_sum(p + IPV6_HEADER, end - IPV6_HEADER, 6,
				sum_up(p + 8, 32, VRRP_PROTOCOL + (uint32_t)(end - IPV6_HEADER)));
	}
}

static size_t build(const struct vrrp_advert *a, uint8_t ret[IPV6_HEADER + VRRP_PDU_MAX])
{
	size_t len;

	if (a->to.family == AF_INET)
		return vrrp_packet4_build(a, 48, ret);
	len = vrrp_advert_build(a, ret + IPV6_HEADER);
	memset(ret, 0, IPV6_HEADER);
	ret[0] = 0x60;
	ret[4] = (uint8_t)(len >> 8);
	ret[5] = (uint8_t)len;
	ret[6] = VRRP_PROTOCOL;
	ret[7] = VRRP_TTL;
	memcpy(ret + 8, a->from.bytes, 16);
	memcpy(ret + 24, a->to.bytes, 16);
	return IPV6_HEADER + len;
}

static void check(const uint8_t *data, size_t size)
{
	static uint8_t packet[IPV6_HEADER + VRRP_PDU_MAX];
	struct vrrp_advert a, b;
	size_t len;

	_Static_assert(sizeof packet >= VRRP_PACKET4_MAX, "both families fit");
	if (vrrp_advert_parse(data, size, &a) != VRRP_GOOD)
		return;
	assert(a.count > 0 && a.interval_ns >= VRRP_INTERVAL_NS_MIN);
	assert(a.addresses >= data && a.addresses + a.count * ip_length(&a.to) <= data + size);
	if (a.to.family == AF_INET6 && a.count > VRRP_ADDRESSES6_MAX)
		return; /* came in a jumbo frame; we would not send it */
	len = build(&a, packet);
	assert(vrrp_advert_parse(packet, len, &b) == VRRP_GOOD);
	assert(memcmp(a.addresses, b.addresses, a.count * ip_length(&a.to)) == 0);
	assert(a.version == b.version && a.vrid == b.vrid && a.priority == b.priority && a.count == b.count);
	assert(a.interval_ns == b.interval_ns && a.checksum_rfc9568 == b.checksum_rfc9568);
	assert(ip_equal(&a.from, &b.from) && ip_equal(&a.to, &b.to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	check(data, size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	mend(copy, size);
	check(copy, size);
	free(copy);
	return 0;
}
