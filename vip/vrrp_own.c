/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_own.h"

#include "address.h"
#include "address_wire.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static struct vrrp_own_address *own_find(struct vrrp_own *o, int ifindex, const struct ip_address *ip)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->address[i].ifindex == ifindex && ip_equal(&o->address[i].ip, ip))
			return &o->address[i];
	return NULL;
}

bool vrrp_own_set(struct vrrp_own *o, const struct vrrp_own_address *a)
{
	struct vrrp_own_address *old = own_find(o, a->ifindex, &a->ip);

	if (old && old->usable == a->usable)
		return false;
	if (!old && o->count == VRRP_OWN_MAX)
		return false; /* as if it were not there */
	if (!old)
		old = &o->address[o->count++];
	*old = *a;
	return true;
}

static void own_drop(struct vrrp_own *o, size_t at)
{
	o->count--;
	for (; at < o->count; at++)
		o->address[at] = o->address[at + 1];
}

bool vrrp_own_remove(struct vrrp_own *o, int ifindex, const struct ip_address *ip)
{
	struct vrrp_own_address *old = own_find(o, ifindex, ip);

	if (!old)
		return false;
	own_drop(o, (size_t)(old - o->address));
	return true;
}

void vrrp_own_remove_device(struct vrrp_own *o, int ifindex)
{
	for (size_t i = o->count; i-- > 0;)
		if (o->address[i].ifindex == ifindex)
			own_drop(o, i);
}

bool vrrp_own_event(struct vrrp_own *o, const struct nlmsghdr *h)
{
	struct vrrp_own_address a;
	struct address_seen seen;

	if (address_parse(h, &seen) < 0 || seen.tag == ADDRESS_TAG)
		return false;
	if (h->nlmsg_type == RTM_DELADDR)
		return vrrp_own_remove(o, seen.ifindex, &seen.ip);
	a = (struct vrrp_own_address){ .ip = seen.ip, .ifindex = seen.ifindex };
	/* An optimistic address is tentative, too, and may be sent from. */
	a.usable = !(seen.flags & IFA_F_DADFAILED) &&
		   (!(seen.flags & IFA_F_TENTATIVE) || seen.flags & IFA_F_OPTIMISTIC);
	return vrrp_own_set(o, &a);
}

bool vrrp_own_has(const struct vrrp_own *o, const struct ip_address *ip)
{
	for (size_t i = 0; i < o->count; i++)
		if (ip_equal(&o->address[i].ip, ip))
			return true;
	return false;
}

bool vrrp_own_has_on(const struct vrrp_own *o, int ifindex, const struct ip_address *ip)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->address[i].ifindex == ifindex && o->address[i].usable &&
		    ip_equal(&o->address[i].ip, ip))
			return true;
	return false;
}

bool vrrp_own_link_local(const struct ip_address *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

struct ip_address vrrp_own_first(const struct vrrp_own *o, int ifindex, int family,
				 bool (*skip)(const void *ctx, const struct ip_address *ip), const void *ctx)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct vrrp_own_address *a = &o->address[i];

		if (a->ifindex != ifindex || !a->usable || a->ip.family != family || skip(ctx, &a->ip))
			continue;
		if (family == AF_INET || vrrp_own_link_local(&a->ip))
			return a->ip;
	}
	return (struct ip_address){ 0 };
}
