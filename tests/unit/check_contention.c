/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The filter runs in the kernel, on an ordinary socket pair: a datagram that it does not want never arrives.
 */
#include "announce_wire.h"
#include "contention.h"
#include "unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct mac_address mac = { { 2, 0, 0, 0, 0, 1 } };
static struct address_table table;

static struct ip_address ip(const char *text)
{
	struct ip_address a;

	ck_assert_int_eq(ip_parse(text, &a), 0);
	return a;
}

static void table_add(const char *text, int ifindex)
{
	table.entry[table.count++] = (struct address_entry){ .va.ip = ip(text), .ifindex = ifindex };
}

static bool passes(bool exact, const struct announce_frame *f)
{
	static struct sock_filter code[CONTENTION_INSTRUCTIONS_MAX];
	struct sock_fprog program = { .filter = code };
	char byte;
	int fd[2];
	bool passed;

	program.len = (uint16_t)contention_filter(&table, 7, exact, code);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
	ck_assert_int_eq(setsockopt(fd[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
	(void)send(fd[0], f->bytes, f->length, 0); /* what the filter drops is an error for a unix socket */
	passed = recv(fd[1], &byte, 1, 0) == 1;
	close(fd[0]);
	close(fd[1]);
	return passed;
}

static bool garp_passes(bool exact, const char *text)
{
	struct ip_address a = ip(text);
	struct announce_frame f;

	announce_arp(&a, &mac, true, &f);
	return passes(exact, &f);
}

static bool na_passes(bool exact, const char *text)
{
	struct ip_address a = ip(text);
	struct announce_frame f;

	announce_na(&a, &mac, false, &f);
	return passes(exact, &f);
}

START_TEST(only_claims_of_the_devices_addresses_pass)
{
	table.count = 0;
	table_add("10.77.0.100", 7);
	table_add("10.77.0.101", 8); /* another device */
	table_add("fd77::100", 7);
	ck_assert(garp_passes(true, "10.77.0.100"));
	ck_assert(!garp_passes(true, "10.77.0.101"));
	ck_assert(!garp_passes(true, "10.77.0.102"));
	ck_assert(na_passes(true, "fd77::100"));
	ck_assert(!na_passes(true, "fd77::101"));
}
END_TEST

START_TEST(the_short_form_passes_all_claims_and_nothing_else)
{
	struct ip_address a = ip("fd77::100"), none = { 0 };
	struct announce_frame f;

	ck_assert(garp_passes(false, "192.0.2.1"));
	ck_assert(na_passes(false, "2001:db8::1"));
	announce_ask_ns(&a, &none, &mac, &f);
	ck_assert(!passes(false, &f));
	f.bytes[12] = 0x88; /* another EtherType */
	ck_assert(!passes(false, &f));
}
END_TEST

/* The jump over all IPv6 addresses to the ARP part is longer than a conditional jump can be. */
START_TEST(as_many_addresses_as_there_may_be)
{
	char text[IP_TEXT_MAX];

	table.count = 0;
	for (int i = 0; i < VIRTUAL_ADDRESSES_MAX / 2; i++) {
		snprintf(text, sizeof text, "10.1.%d.%d", i / 250, i % 250 + 1);
		table_add(text, 7);
		snprintf(text, sizeof text, "fd77::2:%x", i);
		table_add(text, 7);
	}
	for (int i = 0; i < VIRTUAL_ADDRESSES_MAX; i += 93) {
		struct ip_address *a = &table.entry[i].va.ip;

		ip_format(a, text);
		ck_assert(a->family == AF_INET ? garp_passes(true, text) : na_passes(true, text));
	}
	ck_assert(!garp_passes(true, "10.9.0.1"));
	ck_assert(!na_passes(true, "fd77::3:1"));
}
END_TEST

UNIT_MAIN("contention", only_claims_of_the_devices_addresses_pass,
	  the_short_form_passes_all_claims_and_nothing_else, as_many_addresses_as_there_may_be)
