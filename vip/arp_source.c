/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arp_source.h"

#include "cleanup.h"
#include "vmac_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ARP_ANNOUNCE 2

struct found {
	int ifindex;
	char name[IF_NAMESIZE];
	int32_t arp_announce;
};

struct look {
	size_t count;
	struct found link[VIP_LINKS_MAX];
};

static void look_at(void *ctx, const struct nlmsghdr *h)
{
	struct look *look = ctx;
	struct vmac_seen seen;

	if (vmac_parse(h, &seen) < 0 || !seen.has_ipv4 || look->count == VIP_LINKS_MAX)
		return;
	look->link[look->count] =
		(struct found){ .ifindex = seen.ifindex, .arp_announce = seen.settings.arp_announce };
	memcpy(look->link[look->count++].name, seen.name, sizeof seen.name);
}

static const struct found *look_find(const struct look *look, int ifindex)
{
	for (size_t i = 0; i < look->count; i++)
		if (look->link[i].ifindex == ifindex)
			return &look->link[i];
	return NULL;
}

/* ---- may it be set? ---- */

#define OWN_MAX 64 /* without room a device looks as if it did not suit */

struct own {
	char device[IF_NAMESIZE];
	uint32_t address, mask; /* in network order */
};

struct own_list {
	size_t count;
	struct own own[OWN_MAX];
};

static uint32_t sockaddr_v4(const struct sockaddr *a)
{
	struct sockaddr_in in;

	memcpy(&in, a, sizeof in);
	return in.sin_addr.s_addr;
}

/* A /32, as the virtual addresses are, is no subnet. A label ("eth0:1") begins with the name of its device.
 */
static void own_add(struct own_list *list, const struct ifaddrs *a)
{
	struct own *own = &list->own[list->count];

	if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !a->ifa_netmask ||
	    sockaddr_v4(a->ifa_netmask) == UINT32_MAX || list->count == OWN_MAX)
		return;
	*own = (struct own){ .address = sockaddr_v4(a->ifa_addr), .mask = sockaddr_v4(a->ifa_netmask) };
	(void)snprintf(own->device, sizeof own->device, "%.*s", (int)strcspn(a->ifa_name, ":"),
		       a->ifa_name); /* fits */
	list->count++;
}

static int own_read(struct own_list *ret)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		own_add(ret, a);
	freeifaddrs(all);
	return 0;
}

static bool in_own_subnet(const struct own_list *list, const char *device, const struct ip_address *ip)
{
	uint32_t address;

	memcpy(&address, ip->bytes, sizeof address);
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->own[i].device, device) &&
		    ((list->own[i].address ^ address) & list->own[i].mask) == 0)
			return true;
	return false;
}

static bool device_suits(const struct address_table *t, const struct own_list *own, const struct found *link)
{
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct address_entry *e = &t->entry[i];

		if (e->ifindex != link->ifindex || e->va.ip.family != AF_INET)
			continue;
		if (!in_own_subnet(own, link->name, &e->va.ip))
			return false;
		count++;
	}
	return count > 0;
}

/* ---- set, restore ---- */

static int device_set(struct arp_source *s, struct address_table *t, const struct found *link)
{
	int r;

	if (link->arp_announce >= ARP_ANNOUNCE || s->count == ARP_SOURCE_DEVICES_MAX)
		return 0;
	r = vmac_send_setting(&t->request, link->ifindex, IPV4_DEVCONF_ARP_ANNOUNCE, ARP_ANNOUNCE);
	if (r == 0)
		s->device[s->count++] = (struct arp_source_device){ link->ifindex, link->arp_announce };
	return r;
}

static int device_restore(struct arp_source *s, struct address_table *t, size_t i, const struct found *link)
{
	const struct arp_source_device gone = s->device[i];

	s->device[i] = s->device[--s->count];
	if (!link || link->arp_announce != ARP_ANNOUNCE)
		return 0;
	return vmac_send_setting(&t->request, gone.ifindex, IPV4_DEVCONF_ARP_ANNOUNCE, gone.before);
}

/* All are tried; the first error is told. */
static int source_update(struct arp_source *s, struct address_table *t, const struct own_list *own)
{
	_cleanup_(free_ptr) struct look *look = calloc(1, sizeof *look);
	int r = look ? link_info_dump(&t->request, look_at, look) : -ENOMEM, error = 0;

	if (r < 0)
		return r;
	for (size_t i = s->count; i-- > 0;) {
		const struct found *link = look_find(look, s->device[i].ifindex);

		r = link && device_suits(t, own, link) ? 0 : device_restore(s, t, i, link);
		error = error ? error : r;
	}
	for (size_t i = 0; i < look->count; i++) {
		r = device_suits(t, own, &look->link[i]) ? device_set(s, t, &look->link[i]) : 0;
		error = error ? error : r;
	}
	return error;
}

int arp_source_update(struct arp_source *s, struct address_table *t)
{
	struct own_list own = { 0 };
	int r = own_read(&own);

	return r < 0 ? r : source_update(s, t, &own);
}

int arp_source_restore(struct arp_source *s, struct address_table *t)
{
	const struct own_list none = { 0 };

	return s->count > 0 ? source_update(s, t, &none) : 0;
}
