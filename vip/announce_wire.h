/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ethernet frames that tell or ask the LAN who has an address: gratuitous ARP in its request and its reply
 * form (RFC 5227 §2.3, RFC 2002 §4.6; old phones and adapters update on one or the other), unsolicited
 * neighbour advertisement (RFC 4861 §7.2.6), and the questions: ARP request, neighbour solicitation. And the
 * other direction: does a frame claim an address, and for which MAC? Pure.
 */
#ifndef RK_ANNOUNCE_WIRE_H
#define RK_ANNOUNCE_WIRE_H

#include "ip_address.h"

#define ANNOUNCE_FRAME_MAX 86

struct announce_frame {
	int ifindex; /* by which it leaves: filled by who sends it, not by the functions below */
	uint16_t length;
	uint8_t bytes[ANNOUNCE_FRAME_MAX];
};

/* ip: IPv4. reply: the reply form, else the request form. */
void announce_arp(const struct ip_address *ip, const struct mac_address *mac, bool reply,
		  struct announce_frame *ret);
/* ip: IPv6. router: the node forwards IPv6; a wrong R flag would make hosts drop it as their router. */
void announce_na(const struct ip_address *ip, const struct mac_address *mac, bool router,
		 struct announce_frame *ret);
/* own: the asking node's own address; family 0: none (an ARP probe, RFC 5227). */
void announce_ask_arp(const struct ip_address *ip, const struct ip_address *own,
		      const struct mac_address *mac, struct announce_frame *ret);
void announce_ask_ns(const struct ip_address *ip, const struct ip_address *own, const struct mac_address *mac,
		     struct announce_frame *ret);

/* True if the frame, from anybody, says that an address is at a MAC: ARP of any kind with a sender address,
 * or a neighbour advertisement. Bounds are checked, checksums are not: a claim that the LAN would not believe
 * is still worth a look. */
bool announce_claim(const uint8_t *frame, size_t length, struct ip_address *ret_ip,
		    struct mac_address *ret_mac);

#endif
