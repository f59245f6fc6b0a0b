/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the kernel says about the uplinks, as typed events: device, carrier, the gateway that somebody learned
 * (DHCP, PPP, router advertisement: any default route over the device that is not ours), addresses, whether
 * the gateway answers ARP or ND, and that something of ours was taken away. These are known at once, before
 * any probe is lost.
 *
 * Only changes are told; opening tells what there is. After lost events everything is looked at again.
 */
#ifndef RK_PATH_WATCH_H
#define RK_PATH_WATCH_H

#include "link_info.h"
#include "path_plan.h"

enum path_event_kind {
	PATH_EVENT_DEVICE,    /* on: it is there, and may be another one than before */
	PATH_EVENT_CARRIER,   /* on: it has one */
	PATH_EVENT_GATEWAY,   /* on: a default route is there, off: gone */
	PATH_EVENT_ADDRESS,   /* on: it has some; sockets bound to an old one are to be made anew */
	PATH_EVENT_NEIGHBOUR, /* off: the gateway does not answer ARP or ND; on: it does */
	PATH_EVENT_TOUCHED,   /* routes, rules or nexthops of ours may be gone: path_ensure() */
	PATH_EVENTS_COUNT
};

struct path_event {
	enum path_event_kind kind;
	int8_t uplink; /* TOUCHED: -1 */
	bool on;
};

typedef void path_event_handler(void *ctx, const struct path_event *e);

struct path_watched {
	char device[IF_NAMESIZE];
	uint8_t family;
	int ifindex; /* 0: not there */
	bool carrier;
	bool routed;
	struct ip_address gateway; /* none: the device itself */
	bool neighbour_failed;
	uint8_t address_count;
	struct ip_address address[PATH_ADDRESSES_MAX]; /* global ones, the first that the kernel has */
};

struct path_watch {
	struct netlink events, request;
	path_event_handler *handler;
	void *ctx;
	bool look, touched;
	uint8_t count;
	struct path_watched uplink[PATH_UPLINKS_MAX];
	uint64_t overruns;
};

/* Takes device and family of each uplink of the configuration; indexes are the same. Borrows ctx. */
int path_watch_open(struct path_watch *w, const struct path_config *c, path_event_handler *handler,
		    void *ctx);
void path_watch_close(struct path_watch *w);
int path_watch_fd(const struct path_watch *w);
/* What has come. */
int path_watch_read(struct path_watch *w);

/* Fills in what is known: ifindex and addresses, and the gateway where `learn` is set. */
void path_watch_fill(const struct path_watch *w, int8_t uplink, bool learn, struct path_uplink *u);
const char *path_event_name(enum path_event_kind kind);

#endif
