/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sockets of VRRP. A receiver per base device: AF_PACKET, which sees a frame once and before the gate,
 * netfilter and a macvlan do, and who has sent it. A sender per virtual router: a raw IP socket, so that the
 * kernel finds the neighbour of a unicast peer and what leaves passes the gate; it also carries the multicast
 * memberships, which tell a snooping switch that we want to hear. Private to vip/.
 */
#ifndef RK_VRRP_SOCKET_H
#define RK_VRRP_SOCKET_H

#include "ip_address.h"
#include "vrrp_filter.h"

#define VRRP_FRAMES_PER_READ 64
#define VRRP_FRAME_MAX	     2048

/* ---- receiver ---- */

struct vrrp_frame {
	size_t len;
	uint8_t bytes[VRRP_FRAME_MAX];
};

/* Where frames are read to; one for all receivers. */
struct vrrp_frames {
	struct vrrp_frame frame[VRRP_FRAMES_PER_READ];
};

struct vrrp_receiver {
	int ifindex; /* 0 = unused */
	int fd;
	struct vrrp_filter_ids ids;
};

/* Adds it to the epoll. Nothing unwanted is ever queued. */
int vrrp_receiver_open(struct vrrp_receiver *r, int epoll, int ifindex, const struct vrrp_filter_ids *ids);
/* Other virtual router ids. */
int vrrp_receiver_filter(struct vrrp_receiver *r, const struct vrrp_filter_ids *ids);
void vrrp_receiver_close(struct vrrp_receiver *r);
/* Up to VRRP_FRAMES_PER_READ frames, without waiting. Returns how many. */
size_t vrrp_receiver_read(const struct vrrp_receiver *r, struct vrrp_frames *ret);

/* ---- sender ---- */

struct vrrp_sender {
	int fd;
	int family;
	int joined; /* device of the membership; 0 = none */
	int joined_mac;
};

int vrrp_sender_open(struct vrrp_sender *s, int family);
void vrrp_sender_close(struct vrrp_sender *s);
/* The memberships on the base device and that of the virtual MAC (0 = none); with `renew` left and joined
 * again, for a switch that was told nothing while the link was down. */
int vrrp_sender_join(struct vrrp_sender *s, int ifindex, int mac_ifindex, bool renew);
/* packet: with its IP header. */
int vrrp_sender_send(const struct vrrp_sender *s, int ifindex, const struct ip_address *from,
		     const struct ip_address *to, const uint8_t *packet, size_t len);

#endif
