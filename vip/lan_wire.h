/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an Ethernet frame says about who has an address, more exactly than announce_claim(): an answer, a
 * claim that nobody asked for, or a question of somebody who has no address yet (RFC 5227 probe, RFC 4862
 * duplicate address detection). Pure; private to vip/.
 */
#ifndef RK_LAN_WIRE_H
#define RK_LAN_WIRE_H

#include "ip_address.h"

enum lan_saying {
	LAN_NOTHING,
	LAN_ANSWER, /* ARP reply, or a neighbour advertisement */
	LAN_CLAIM,  /* an ARP request whose sender has the address */
	LAN_PROBE,  /* does anybody have it? */
};

/* ip: the address that it is about. to: where the frame goes. from: whose MAC says it. Filled unless
 * LAN_NOTHING. Bounds are checked, checksums are not. */
enum lan_saying lan_wire_read(const uint8_t *frame, size_t length, struct ip_address *ret_ip,
			      struct mac_address *ret_to, struct mac_address *ret_from);

#endif
