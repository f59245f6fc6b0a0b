/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Questions and answers of the service network, over an ordinary socket pair in place of the packet socket.
 */
#include "announce_wire.h"
#include "lan.h"
#include "unit.h"
#include "vrrp_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BASE	    7
#define VIRTUAL	    8
#define INTERVAL_NS (250 * NS_PER_MS)
#define TIMEOUT_NS  (1500 * NS_PER_MS)

static const struct mac_address own = { { 2, 0, 0, 0, 0, 1 } }, others = { { 2, 0, 0, 0, 0, 2 } };
static const struct ip_address v4 = { AF_INET, { 10, 77, 0, 100 } };
static const struct ip_address v6 = { AF_INET6, { 0xfd, 0x77, [15] = 100 } };
static const struct ip_address gateway = { AF_INET, { 10, 77, 0, 200 } };
static const boot_t start = { 1000 * NS_PER_S };

static struct vip_links links;
static struct address_table table;
static struct lan lan;
static struct lan_group *const group = &lan.group[0];
static int wire;

static void link_add(int ifindex, const struct mac_address *mac, int base)
{
	links.link[links.count++] = (struct link_info){
		.ifindex = ifindex, .ethernet = true, .up = true, .carrier = true, .mac = *mac, .base = base
	};
}

static void address_add(const struct ip_address *ip, int ifindex)
{
	table.entry[table.count++] = (struct address_entry){ .va.ip = *ip, .ifindex = ifindex };
}

/* The group asks for its addresses from now on. */
static void begin(void)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
	wire = fd[1];
	links.count = table.count = 0;
	link_add(BASE, &own, 0);
	memset(&lan, 0, sizeof lan);
	lan_init(&lan, -EBADF);
	lan.links = &links;
	lan.addresses = &table;
	*group = (struct lan_group){
		.used = true,
		.config = { .gateways_count = 1,
			    .gateways = { gateway },
			    .needed = 1,
			    .interval_ns = INTERVAL_NS,
			    .timeout_ns = TIMEOUT_NS },
		.fd = fd[0],
		.ifindex = BASE,
		.rounds = 1, /* its own addresses are not looked up */
		.next = start,
	};
	lan_ask(&lan, 0, true, start);
}

static void end(void)
{
	lan_close(&lan);
	close(wire);
}

static void says(const struct announce_frame *f, boot_t now)
{
	ck_assert_int_eq(send(wire, f->bytes, f->length, 0), f->length);
	lan_read(&lan, now);
}

static void announced_by(const struct mac_address *mac)
{
	struct announce_frame f;

	announce_arp(&v4, mac, true, &f);
	says(&f, start);
}

/* So many frames can leave, and then none. */
static void room_for(int count)
{
	uint8_t frame[42] = { 0 };

	while (send(group->fd, frame, sizeof frame, 0) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	for (int i = 0; i < count; i++)
		ck_assert_int_gt(recv(wire, frame, sizeof frame, 0), 0);
}

START_TEST(nobody_answers_until_somebody_does)
{
	begin();
	address_add(&v4, BASE);
	lan_tick(&lan, start);
	ck_assert(group->word.quiet && group->word.quiet_since.ns == start.ns);
	announced_by(&own); /* an echo */
	ck_assert(group->word.quiet);
	announced_by(&others);
	ck_assert(!group->word.quiet && boot_before(start, group->word.other_until));
	end();
}
END_TEST

/* Both nodes have an interface with the MAC, and only the holder may use it. */
START_TEST(who_speaks_from_a_virtual_mac_is_another)
{
	const struct mac_address mac = vrrp_virtual_mac(AF_INET, 51);

	begin();
	link_add(VIRTUAL, &mac, BASE);
	address_add(&v4, VIRTUAL);
	lan_tick(&lan, start);
	ck_assert(group->word.quiet);
	announced_by(&mac);
	ck_assert(!group->word.quiet && boot_before(start, group->word.other_until));
	end();
}
END_TEST

/* The gate of the interface below a VLAN or a bond takes the IPv6 one. */
START_TEST(one_question_that_leaves_is_enough)
{
	begin();
	address_add(&v4, BASE);
	address_add(&v6, BASE);
	room_for(2); /* the gateway's, IPv4 */
	lan_tick(&lan, start);
	ck_assert(group->word.quiet);
	room_for(1);
	lan_tick(&lan, boot_add(start, INTERVAL_NS));
	ck_assert(!group->word.quiet);
	end();
}
END_TEST

START_TEST(a_gateway_is_good_from_the_first_question_that_its_answer_can_be_for)
{
	struct announce_frame f;

	begin();
	address_add(&v4, BASE);
	lan_tick(&lan, start);
	lan_tick(&lan, boot_add(start, INTERVAL_NS));
	ck_assert_int_eq(group->word.gateway_until.ns, 0);
	announce_arp(&gateway, &others, true, &f);
	says(&f, boot_add(start, INTERVAL_NS)); /* to all: no answer */
	ck_assert_int_eq(group->word.gateway_until.ns, 0);
	memcpy(f.bytes, own.bytes, sizeof own.bytes);
	says(&f, boot_add(start, INTERVAL_NS));
	ck_assert_int_eq(group->word.gateway_until.ns, boot_add(start, TIMEOUT_NS).ns);
	says(&f, boot_add(start, INTERVAL_NS)); /* of no question that is open */
	ck_assert_int_eq(group->word.gateway_until.ns, boot_add(start, TIMEOUT_NS).ns);
	end();
}
END_TEST

UNIT_MAIN("lan", nobody_answers_until_somebody_does, who_speaks_from_a_virtual_mac_is_another,
	  one_question_that_leaves_is_enough,
	  a_gateway_is_good_from_the_first_question_that_its_answer_can_be_for)
