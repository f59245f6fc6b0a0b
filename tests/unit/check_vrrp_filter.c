/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The filter runs in the kernel, on an ordinary socket pair: a datagram that it does not want never arrives.
 */
#include "unit.h"
#include "vrrp_filter.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct vrrp_filter_ids ids = { .count4 = 2, .id4 = { 51, 7 }, .count6 = 1, .id6 = { 52 } };

/* options: bytes of IP options, IPv4. */
static size_t frame4(uint8_t *f, uint8_t vrid, size_t options)
{
	size_t header = 20 + options;

	memset(f, 0, 14 + header + 12);
	f[12] = 0x08;
	f[14] = (uint8_t)(0x40 | header / 4);
	f[23] = 112;
	f[14 + header] = 0x31;
	f[14 + header + 1] = vrid;
	return 14 + header + 12;
}

static size_t frame6(uint8_t *f, uint8_t vrid)
{
	memset(f, 0, 14 + 40 + 24);
	f[12] = 0x86;
	f[13] = 0xdd;
	f[14] = 0x60;
	f[20] = 112;
	f[54] = 0x31;
	f[55] = vrid;
	return 14 + 40 + 24;
}

static bool passes(const struct vrrp_filter_ids *which, const uint8_t *f, size_t len)
{
	struct sock_filter code[VRRP_FILTER_INSTRUCTIONS_MAX];
	struct sock_fprog program = { .filter = code };
	char byte;
	int fd[2];
	bool passed;

	program.len = (uint16_t)vrrp_filter_build(which, code);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
	ck_assert_int_eq(setsockopt(fd[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
	(void)send(fd[0], f, len, 0); /* what the filter drops is an error for a unix socket */
	passed = recv(fd[1], &byte, 1, 0) == 1;
	close(fd[0]);
	close(fd[1]);
	return passed;
}

START_TEST(our_ids_pass_each_in_its_family)
{
	uint8_t f[128];

	ck_assert(passes(&ids, f, frame4(f, 51, 0)));
	ck_assert(passes(&ids, f, frame4(f, 7, 0)));
	ck_assert(!passes(&ids, f, frame4(f, 52, 0)));
	ck_assert(!passes(&ids, f, frame4(f, 0, 0)));
	ck_assert(passes(&ids, f, frame6(f, 52)));
	ck_assert(!passes(&ids, f, frame6(f, 51)));
}
END_TEST

START_TEST(the_message_is_found_behind_ip_options)
{
	uint8_t f[128];

	ck_assert(passes(&ids, f, frame4(f, 51, 8)));
	ck_assert(!passes(&ids, f, frame4(f, 50, 8)));
}
END_TEST

START_TEST(nothing_else_passes)
{
	uint8_t f[128];
	size_t len = frame4(f, 51, 0);

	f[23] = 17;
	ck_assert(!passes(&ids, f, len));
	len = frame6(f, 52);
	f[20] = 58;
	ck_assert(!passes(&ids, f, len));
	len = frame4(f, 51, 0);
	f[13] = 0x06; /* ARP */
	ck_assert(!passes(&ids, f, len));
	len = frame4(f, 51, 0);
	f[21] = 1; /* a later fragment */
	ck_assert(!passes(&ids, f, len));
	(void)frame4(f, 51, 0);
	ck_assert(!passes(&ids, f, 35)); /* ends before the id */
	(void)frame6(f, 52);
	ck_assert(!passes(&ids, f, 55));
}
END_TEST

START_TEST(a_family_without_ids_and_as_many_as_there_may_be)
{
	struct vrrp_filter_ids many = { .count4 = VRRP_FILTER_IDS_MAX };
	uint8_t f[128];

	for (uint8_t i = 0; i < VRRP_FILTER_IDS_MAX; i++)
		many.id4[i] = i + 100;
	ck_assert(passes(&many, f, frame4(f, 100, 0)));
	ck_assert(passes(&many, f, frame4(f, 100 + VRRP_FILTER_IDS_MAX - 1, 0)));
	ck_assert(!passes(&many, f, frame4(f, 100 + VRRP_FILTER_IDS_MAX, 0)));
	ck_assert(!passes(&many, f, frame6(f, 100)));
	many.count6 = VRRP_FILTER_IDS_MAX;
	memcpy(many.id6, many.id4, sizeof many.id6);
	ck_assert(passes(&many, f, frame6(f, 100 + VRRP_FILTER_IDS_MAX - 1)));
	ck_assert(passes(&many, f, frame4(f, 100 + VRRP_FILTER_IDS_MAX - 1, 0)));
}
END_TEST

START_TEST(the_id_is_read_where_the_filter_looks)
{
	uint8_t f[128], id;
	int family;
	size_t len = frame4(f, 51, 8);

	ck_assert(vrrp_filter_read_id(f, len, &family, &id));
	ck_assert(family == AF_INET && id == 51);
	ck_assert(!vrrp_filter_read_id(f, 14 + 28 + 1, &family, &id));
	len = frame6(f, 52);
	ck_assert(vrrp_filter_read_id(f, len, &family, &id));
	ck_assert(family == AF_INET6 && id == 52);
	ck_assert(!vrrp_filter_read_id(f, 55, &family, &id));
	ck_assert(!vrrp_filter_read_id(f, 0, &family, &id));
}
END_TEST

UNIT_MAIN("vrrp_filter", our_ids_pass_each_in_its_family, the_message_is_found_behind_ip_options,
	  nothing_else_passes, a_family_without_ids_and_as_many_as_there_may_be,
	  the_id_is_read_where_the_filter_looks)
