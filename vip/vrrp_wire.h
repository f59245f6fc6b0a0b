/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VRRP advertisements as bytes: VRRPv3 for IPv4 and IPv6 (RFC 9568, RFC 5798) and VRRPv2 (RFC 3768). Parses
 * whole IP packets, since the IP header is part of what must be checked, and builds what goes behind one.
 * Pure; decides nothing about the election.
 */
#ifndef RK_VRRP_WIRE_H
#define RK_VRRP_WIRE_H

#include "ip_address.h"

#define VRRP_PROTOCOL	      112
#define VRRP_TTL	      255
#define VRRP_PRIORITY_RELEASE 0
#define VRRP_PRIORITY_OWNER   255
#define VRRP_INTERVAL_NS_MIN  (10 * 1000000LL) /* 1 cs; 0 is refused (erratum 8301) */
#define VRRP_INTERVAL_NS_MAX  (40950 * 1000000LL)
#define VRRP2_INTERVAL_NS_MAX (255 * 1000000000LL)
#define VRRP_ADDRESSES4_MAX   255 /* Count is one byte */
#define VRRP_ADDRESSES6_MAX   90  /* what an Ethernet frame takes */
#define VRRP_PDU_MAX	      (8 + 16 * VRRP_ADDRESSES6_MAX + 8)

/* Why a packet was dropped: in the order of the checks (RFC 9568 section 7.1 and its verified errata). */
enum vrrp_verdict {
	VRRP_GOOD,
	VRRP_BAD_PACKET, /* no whole IP packet of protocol 112: truncated, a fragment, header checksum */
	VRRP_BAD_TTL,
	VRRP_BAD_VERSION,
	VRRP_BAD_TYPE,
	VRRP_BAD_LENGTH, /* shorter or longer than Count says */
	VRRP_BAD_CHECKSUM,
	VRRP_BAD_AUTH,	   /* VRRPv2 with an Auth Type other than 0 */
	VRRP_BAD_COUNT,	   /* 0 (erratum 8299) */
	VRRP_BAD_INTERVAL, /* 0 (erratum 8301) */
	VRRP_BAD_ADDRESS,  /* IPv6: the first one is not link-local (erratum 8300) */
	VRRP_VERDICTS_COUNT
};

/* One advertisement, parsed or to be sent. */
struct vrrp_advert {
	uint8_t version; /* 2, 3 */
	uint8_t vrid;
	uint8_t priority;
	bool checksum_rfc9568; /* VRRPv3 over IPv4: the checksum covers the message alone, no pseudo-header */
	int64_t interval_ns;   /* Max Advertise Interval */
	struct ip_address from; /* source of the packet */
	struct ip_address to;	/* destination */
	uint8_t count;
	const uint8_t *addresses; /* count times 4 or 16 bytes; parsed: points into the packet */
};

/* packet: from its IP header on, as long as it came (an Ethernet frame's padding may follow). Fills ret as
 * far as it got; all of it only with VRRP_GOOD. */
enum vrrp_verdict vrrp_advert_parse(const uint8_t *packet, size_t len, struct vrrp_advert *ret);
/* The VRRP message without an IP header. addresses borrowed. Returns its length. */
size_t vrrp_advert_build(const struct vrrp_advert *a, uint8_t ret[VRRP_PDU_MAX]);
/* The same behind an IPv4 header with these TTL 255 and DSCP values, for a socket with IP_HDRINCL. */
#define VRRP_PACKET4_MAX (20 + 8 + 4 * VRRP_ADDRESSES4_MAX + 8)
size_t vrrp_packet4_build(const struct vrrp_advert *a, uint8_t dscp, uint8_t ret[VRRP_PACKET4_MAX]);

/* 224.0.0.18, ff02::12. */
struct ip_address vrrp_multicast(int family);
/* 00-00-5E-00-01-{VRID}, 00-00-5E-00-02-{VRID} (RFC 9568 section 7.3). */
struct mac_address vrrp_virtual_mac(int family, uint8_t vrid);
/* "bad-checksum", for counters and logs. */
const char *vrrp_verdict_name(enum vrrp_verdict v);

#endif
