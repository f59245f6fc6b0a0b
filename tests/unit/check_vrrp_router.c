/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a virtual router takes from its configuration, and to whom it sends. The socket is replaced:
 * vrrp_sender_send() is the one below.
 */
#include "unit.h"
#include "vrrp_router.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static struct ip_address addresses[300];
static struct vrrp_group_config config;
static struct vrrp_router router;
static size_t sent;
static struct ip_address sent_to[VRRP_PEERS_MAX];
static int sent_on;
static int send_error;

int vrrp_sender_send(const struct vrrp_sender *s, int ifindex, const struct ip_address *from,
		     const struct ip_address *to, const uint8_t *packet, size_t len)
{
	sent_to[sent++] = *to;
	sent_on = ifindex;
	return sent == 1 ? send_error : 0;
}

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static void begin(size_t count, const char *const *texts)
{
	for (size_t i = 0; i < count; i++)
		addresses[i] = ip(texts[i]);
	config = (struct vrrp_group_config){ .device = "eth0",
					     .vrid = 51,
					     .version = 3,
					     .priority = 100,
					     .advert_ns = NS_PER_S,
					     .addresses_count = count,
					     .addresses = addresses };
	sent = 0;
	send_error = 0;
}

static void place(void)
{
	router.sender = (struct vrrp_sender){ .fd = 0, .family = router.family };
	router.place = (struct vrrp_place){ .ifindex = 1, .carrier = true, .from = ip("10.86.0.1") };
}

START_TEST(the_link_local_address_is_said_first)
{
	const char *const texts[] = { "fd86::100", "10.86.0.100", "fe80::100", "fd86::101" };

	begin(4, texts);
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET6, &config), 0);
	ck_assert_uint_eq(router.count, 3);
	for (size_t i = 0; i < 3; i++) {
		static const size_t order[] = { 2, 0, 3 };

		ck_assert(!memcmp(router.addresses + 16 * i, addresses[order[i]].bytes, 16));
	}
	ck_assert(vrrp_router_has_address(&router, &addresses[0]));
	ck_assert(!vrrp_router_has_address(&router, &addresses[1]));
}
END_TEST

START_TEST(vrrp_2_is_for_ipv4_only)
{
	const char *const texts[] = { "10.86.0.100", "fe80::100" };

	begin(2, texts);
	config.version = 2;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), 0);
	ck_assert_uint_eq(router.version, 2);
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET6, &config), 0);
	ck_assert_uint_eq(router.version, 3);
}
END_TEST

START_TEST(what_the_protocol_cannot_say_is_refused)
{
	const char *const texts[] = { "10.86.0.100" };

	begin(1, texts);
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET6, &config), -ENOENT);
	config.vrid = 0;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), -EINVAL);
	begin(1, texts);
	config.advert_ns = 9 * NS_PER_MS;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), -EINVAL);
	config.advert_ns = 41 * NS_PER_S;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), -EINVAL);
	config.version = 2;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), 0);
	config.advert_ns = 500 * NS_PER_MS;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), -EINVAL);
}
END_TEST

START_TEST(more_addresses_than_a_packet_takes_are_refused)
{
	const char *const texts[] = { "10.86.0.100" };

	begin(1, texts);
	for (size_t i = 0; i < 256; i++) {
		addresses[i] = ip("10.86.1.0");
		addresses[i].bytes[3] = (uint8_t)i;
	}
	config.addresses_count = 255;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), 0);
	config.addresses_count = 256;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), -E2BIG);
	for (size_t i = 0; i < 91; i++) {
		addresses[i] = ip("fe80::1:0");
		addresses[i].bytes[15] = (uint8_t)i;
	}
	config.addresses_count = 90;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET6, &config), 0);
	config.addresses_count = 91;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET6, &config), -E2BIG);
}
END_TEST

START_TEST(the_digest_knows_no_order)
{
	const uint8_t one[] = { 10, 86, 0, 100, 10, 86, 0, 101 }, two[] = { 10, 86, 0, 101, 10, 86, 0, 100 };
	const uint8_t other[] = { 10, 86, 0, 100, 10, 86, 0, 102 };

	ck_assert_uint_eq(vrrp_router_digest(AF_INET, one, 2), vrrp_router_digest(AF_INET, two, 2));
	ck_assert_uint_ne(vrrp_router_digest(AF_INET, one, 2), vrrp_router_digest(AF_INET, other, 2));
	ck_assert_uint_ne(vrrp_router_digest(AF_INET, one, 2), vrrp_router_digest(AF_INET, one, 1));
}
END_TEST

START_TEST(unicast_goes_to_each_peer_but_ourselves_and_from_the_base_device)
{
	const char *const texts[] = { "10.86.0.100" };
	struct vrrp_counters c = { 0 };

	begin(1, texts);
	config.peers_count = 4;
	config.peers[0] = ip("10.86.0.1");
	config.peers[1] = ip("10.86.0.2");
	config.peers[2] = ip("fd86::2");
	config.peers[3] = ip("10.86.0.3");
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), 0);
	place();
	router.place.mac_ifindex = 101;
	send_error = -ENETUNREACH;
	ck_assert_int_eq(vrrp_router_send(&router, 100, true, &c), -ENETUNREACH); /* and goes on */
	ck_assert_uint_eq(sent, 2);
	ck_assert(ip_equal(&sent_to[0], &config.peers[1]) && ip_equal(&sent_to[1], &config.peers[3]));
	ck_assert_int_eq(sent_on, 1);
	ck_assert_uint_eq(c.sent, 1);
	ck_assert_uint_eq(c.send_errors, 1);
}
END_TEST

START_TEST(multicast_leaves_from_the_virtual_mac_if_that_is_open)
{
	const char *const texts[] = { "10.86.0.100" };
	const struct ip_address group = vrrp_multicast(AF_INET);
	struct vrrp_counters c = { 0 };

	begin(1, texts);
	config.mac = VRRP_MAC_BRIDGE;
	ck_assert_int_eq(vrrp_router_configure(&router, AF_INET, &config), 0);
	ck_assert_str_eq(router.mac_device, "v4.51.eth0");
	place();
	ck_assert_int_eq(vrrp_router_send(&router, 100, true, &c),
			 -ENETDOWN); /* its interface is not there */
	router.place.mac_ifindex = 101;
	ck_assert_int_eq(vrrp_router_send(&router, 100, true, &c), 0);
	ck_assert(sent_on == 101 && ip_equal(&sent_to[0], &group));
	ck_assert_int_eq(vrrp_router_send(&router, 0, false, &c), 0);
	ck_assert_int_eq(sent_on, 1);
	router.place.carrier = false;
	ck_assert_int_eq(vrrp_router_send(&router, 100, true, &c), -ENETDOWN);
	ck_assert_uint_eq(c.sent, 2);
}
END_TEST

UNIT_MAIN("vrrp_router", the_link_local_address_is_said_first, vrrp_2_is_for_ipv4_only,
	  what_the_protocol_cannot_say_is_refused, more_addresses_than_a_packet_takes_are_refused,
	  the_digest_knows_no_order, unicast_goes_to_each_peer_but_ourselves_and_from_the_base_device,
	  multicast_leaves_from_the_virtual_mac_if_that_is_open)
