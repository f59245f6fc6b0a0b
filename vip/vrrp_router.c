/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_router.h"

#include "bytes.h"
#include "vmac.h"
#include "vrrp_own.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define IPV6_HEADER 40

/* ---- configuration ---- */

uint32_t vrrp_router_digest(int family, const uint8_t *addresses, size_t count)
{
	size_t length = family == AF_INET ? 4 : 16;
	uint32_t sum = (uint32_t)count;

	for (size_t i = 0; i < count; i++) {
		uint32_t hash = 2166136261u;

		for (size_t j = 0; j < length; j++)
			hash = (hash ^ addresses[i * length + j]) * 16777619u;
		sum += hash; /* no order */
	}
	return sum;
}

static int router_add_address(struct vrrp_router *r, const struct ip_address *ip)
{
	size_t length = ip_length(ip);

	if (r->count == (r->family == AF_INET ? VRRP_ADDRESSES4_MAX : VRRP_ADDRESSES6_MAX))
		return -E2BIG;
	memcpy(r->addresses + r->count++ * length, ip->bytes, length);
	return 0;
}

/* RFC 9568 section 5.2.9: "the first address MUST be the IPv6 link-local address associated with the virtual
 * router". */
static int router_add_addresses(struct vrrp_router *r, const struct vrrp_group_config *g, bool link_local)
{
	int error = 0;

	for (size_t i = 0; i < g->addresses_count && error == 0; i++) {
		const struct ip_address *ip = &g->addresses[i];

		if (ip->family == r->family && vrrp_own_link_local(ip) == link_local)
			error = router_add_address(r, ip);
	}
	return error;
}

static void router_take_peers(struct vrrp_router *r, const struct vrrp_group_config *g)
{
	for (size_t i = 0; i < g->peers_count; i++)
		if (g->peers[i].family == r->family)
			r->peers[r->peers_count++] = g->peers[i];
}

static bool interval_good(uint8_t version, int64_t ns)
{
	if (version == 2)
		return ns >= NS_PER_S && ns <= VRRP2_INTERVAL_NS_MAX;
	return ns >= VRRP_INTERVAL_NS_MIN && ns <= VRRP_INTERVAL_NS_MAX;
}

int vrrp_router_configure(struct vrrp_router *r, int family, const struct vrrp_group_config *g)
{
	int error;

	*r = (struct vrrp_router){
		.family = family,
		.vrid = g->vrid,
		.version = family == AF_INET6 ? 3 : g->version, /* VRRPv2 knows IPv4 only */
		.dscp = g->dscp,
		.checksum_rfc9568 = g->checksum_rfc9568,
		.advert_ns = g->advert_ns,
		.mac = g->mac,
		.sender.fd = -EBADF,
	};
	if (!g->vrid || !g->priority || g->dscp > 63 || (g->version != 2 && g->version != 3) ||
	    !interval_good(r->version, g->advert_ns) || g->peers_count > VRRP_PEERS_MAX)
		return -EINVAL;
	error = router_add_addresses(r, g, true);
	if (error == 0)
		error = router_add_addresses(r, g, false);
	if (error < 0)
		return error;
	if (!r->count)
		return -ENOENT;
	r->digest = vrrp_router_digest(family, r->addresses, r->count);
	router_take_peers(r, g);
	vmac_name(family, g->vrid, g->device, r->mac_device);
	return 0;
}

bool vrrp_router_same(const struct vrrp_router *a, const char *device_a, const struct vrrp_router *b,
		      const char *device_b)
{
	return a->family && a->family == b->family && a->vrid == b->vrid && a->version == b->version &&
	       !strcmp(device_a, device_b);
}

/* ---- questions ---- */

bool vrrp_router_ready(const struct vrrp_router *r)
{
	const struct vrrp_place *p = &r->place;

	return p->ifindex && p->carrier && p->from.family && r->sender.fd >= 0 &&
	       (r->mac == VRRP_MAC_NONE || p->mac_ifindex);
}

bool vrrp_router_is_peer(const struct vrrp_router *r, const struct ip_address *ip)
{
	for (size_t i = 0; i < r->peers_count; i++)
		if (ip_equal(&r->peers[i], ip))
			return true;
	return false;
}

bool vrrp_router_has_address(const struct vrrp_router *r, const struct ip_address *ip)
{
	size_t length = ip_length(ip);

	for (size_t i = 0; r->family == ip->family && i < r->count; i++)
		if (!memcmp(r->addresses + i * length, ip->bytes, length))
			return true;
	return false;
}

/* ---- sending ---- */

static size_t packet6_build(const struct vrrp_advert *a, uint8_t dscp, uint8_t *ret, size_t size)
{
	struct writer w = writer_init(ret, size);
	uint8_t message[VRRP_PDU_MAX];
	size_t len = vrrp_advert_build(a, message);

	write_u32(&w, 6u << 28 | (uint32_t)dscp << 22);
	write_u16(&w, (uint16_t)len);
	write_u8(&w, VRRP_PROTOCOL);
	write_u8(&w, VRRP_TTL);
	write_bytes(&w, a->from.bytes, 16);
	write_bytes(&w, a->to.bytes, 16);
	write_bytes(&w, message, len);
	assert(!w.failed);
	return w.used;
}

/* The virtual MAC never talks to a single peer: it would ask for the peer's MAC with our own address, and so
 * move that to the virtual MAC. */
static int router_device(const struct vrrp_router *r, bool virtual_mac)
{
	bool mac = virtual_mac && !r->peers_count && r->place.mac_ifindex;

	return mac ? r->place.mac_ifindex : r->place.ifindex;
}

static int router_send_to(const struct vrrp_router *r, const struct ip_address *to, uint8_t priority,
			  bool virtual_mac)
{
	const struct vrrp_advert a = { .version = r->version,
				       .vrid = r->vrid,
				       .priority = priority,
				       .checksum_rfc9568 = r->checksum_rfc9568,
				       .interval_ns = r->advert_ns,
				       .from = r->place.from,
				       .to = *to,
				       .count = r->count,
				       .addresses = r->addresses };
	uint8_t packet[IPV6_HEADER + VRRP_PDU_MAX];
	size_t len;

	_Static_assert(sizeof packet >= VRRP_PACKET4_MAX, "room for both families");
	len = r->family == AF_INET ? vrrp_packet4_build(&a, r->dscp, packet)
				   : packet6_build(&a, r->dscp, packet, sizeof packet);
	return vrrp_sender_send(&r->sender, router_device(r, virtual_mac), &r->place.from, to, packet, len);
}

static int router_count(int error, struct vrrp_counters *counters)
{
	if (error < 0)
		counters->send_errors++;
	else
		counters->sent++;
	return error;
}

int vrrp_router_send(const struct vrrp_router *r, uint8_t priority, bool virtual_mac,
		     struct vrrp_counters *counters)
{
	const struct ip_address everybody = vrrp_multicast(r->family);
	int error = 0, e;

	if (!vrrp_router_ready(r))
		return -ENETDOWN;
	if (!r->peers_count)
		return router_count(router_send_to(r, &everybody, priority, virtual_mac), counters);
	for (size_t i = 0; i < r->peers_count; i++) {
		if (ip_equal(&r->peers[i], &r->place.from))
			continue;
		e = router_count(router_send_to(r, &r->peers[i], priority, virtual_mac), counters);
		error = error ? error : e;
	}
	return error;
}
