/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmac.h"

#include "cleanup.h"
#include "link_info.h"
#include "vmac_wire.h"
#include "vrrp_wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEVICE_WHOLE_MAX 8 /* "v4.255." and so many characters fit into an interface's name */
#define LEFTOVERS_MAX	 (4 * VMACS_MAX)

/* What the base interface is set to while a virtual MAC for IPv4 is on it: no answer for an address that is
 * on another interface, and no question with one. Else both would tell the LAN the base's own MAC. */
#define BASE_ARP_IGNORE	  1
#define BASE_ARP_ANNOUNCE 2
/* Answers leave by the base interface, so a strict check of the way back would drop what comes in. Loose and
 * not off: the larger of this and "all" counts, and 1 there would be strict again. */
#define RP_FILTER_LOOSE 2

void vmac_name(int family, uint8_t vrid, const char *device, char ret[IF_NAMESIZE])
{
	int n = snprintf(ret, IF_NAMESIZE, "v%c.%u.", family == AF_INET6 ? '6' : '4', vrid);
	size_t left = IF_NAMESIZE - (size_t)n;

	if (strlen(device) <= DEVICE_WHOLE_MAX)
		(void)snprintf(ret + n, left, "%s", device);
	else
		(void)snprintf(ret + n, left, "%08" PRIx32, group_wire_id(device));
}

/* ---- what is there ---- */

static bool seen_macvlan(const struct vmac_seen *s)
{
	return !strcmp(s->kind, "macvlan") || !strcmp(s->kind, "macvtap");
}

/* Without alias: made by an agent that died before its next message. Not up, so nobody uses it. */
static bool seen_unfinished(const struct vmac_seen *s)
{
	const struct mac_address v4 = vrrp_virtual_mac(AF_INET, 0), v6 = vrrp_virtual_mac(AF_INET6, 0);
	const struct mac_address *mac = !strncmp(s->name, "v4.", 3)   ? &v4
					: !strncmp(s->name, "v6.", 3) ? &v6
								      : NULL;

	return mac && !s->up && !s->alias[0] && !memcmp(s->mac.bytes, mac->bytes, sizeof mac->bytes - 1);
}

static bool seen_ours(const struct vmac_seen *s)
{
	return !strcmp(s->kind, "macvlan") &&
	       (!strncmp(s->alias, VMAC_ALIAS, strlen(VMAC_ALIAS)) || seen_unfinished(s));
}

struct look {
	const char *name;   /* whose macvlan to look for, or NULL */
	const char *device; /* its base, by name */
	int ifindex;	    /* or by index */
	struct vmac_seen base;
	struct vmac_seen self;
	size_t count;
	struct vmac_seen ours[LEFTOVERS_MAX];
};

static void look_at(void *ctx, const struct nlmsghdr *h)
{
	struct look *look = ctx;
	struct vmac_seen seen;

	if (vmac_parse(h, &seen) < 0)
		return;
	if (look->device ? !strcmp(seen.name, look->device) : seen.ifindex == look->ifindex)
		look->base = seen;
	if (look->name && !strcmp(seen.name, look->name))
		look->self = seen;
	if (seen_ours(&seen) && look->count < LEFTOVERS_MAX)
		look->ours[look->count++] = seen;
}

static int look_again(struct netlink *n, struct look *look)
{
	int r = -EAGAIN;

	for (int i = 0; i < 5 && r == -EAGAIN; i++) {
		look->base.ifindex = look->self.ifindex = 0;
		look->count = 0;
		r = link_info_dump(n, look_at, look);
	}
	return r;
}

/* ---- the base interface's own settings ---- */

#define ALIAS_FORMAT VMAC_ALIAS "; the base had arp_ignore %d arp_announce %d"

static bool settings_of_alias(const struct vmac_seen *s, struct vmac_settings *ret)
{
	struct vmac_settings found = { 0 };

	if (sscanf(s->alias, ALIAS_FORMAT, &found.arp_ignore, &found.arp_announce) != 2)
		return false;
	*ret = found;
	return true;
}

/* What the base had before the first of ours came: another one on it remembers, or it is what it has now. */
static struct vmac_settings settings_before(const struct look *look)
{
	struct vmac_settings found;

	for (size_t i = 0; i < look->count; i++)
		if (look->ours[i].base == look->base.ifindex && settings_of_alias(&look->ours[i], &found))
			return found;
	return look->base.settings;
}

static int base_ensure(struct netlink *n, const struct vmac_seen *base)
{
	int r = 0;

	if (base->settings.arp_ignore == 0)
		r = vmac_send_setting(n, base->ifindex, IPV4_DEVCONF_ARP_IGNORE, BASE_ARP_IGNORE);
	if (r == 0 && base->settings.arp_announce < BASE_ARP_ANNOUNCE)
		r = vmac_send_setting(n, base->ifindex, IPV4_DEVCONF_ARP_ANNOUNCE, BASE_ARP_ANNOUNCE);
	return r;
}

/* The last virtual MAC has left it. What somebody has set meanwhile stays. */
static int base_restore(struct netlink *n, int ifindex, const struct vmac_settings *before)
{
	_cleanup_(free_ptr) struct look *look = calloc(1, sizeof *look);
	int r;

	if (!look)
		return -ENOMEM;
	look->ifindex = ifindex;
	r = look_again(n, look);
	if (r < 0 || !look->base.ifindex)
		return r;
	if (look->base.settings.arp_ignore == BASE_ARP_IGNORE)
		r = vmac_send_setting(n, ifindex, IPV4_DEVCONF_ARP_IGNORE, before->arp_ignore);
	if (r == 0 && look->base.settings.arp_announce == BASE_ARP_ANNOUNCE)
		r = vmac_send_setting(n, ifindex, IPV4_DEVCONF_ARP_ANNOUNCE, before->arp_announce);
	return r;
}

/* ---- the interface ---- */

/* IPv6's settings cannot be set over netlink. Where they are right already, they need not be writable. */
static int ipv6_ensure(const char *name, const char *setting, char value)
{
	char path[128], now = '\0';
	_cleanup_(close_fd) int look = -EBADF, fd = -EBADF;

	(void)snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", name, setting);
	look = open(path, O_RDONLY | O_CLOEXEC);
	if (look >= 0 && read(look, &now, 1) == 1 && now == value)
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, &value, 1) < 0 ? -errno : 0;
}

/* IPv6 on the one for IPv4 would only chatter. On the one for IPv6 a router advertisement would still make an
 * address out of the MAC, whatever the address generation mode. What is forwarded comes in here, and
 * neighbour advertisements say by this interface's setting whether the node is a router. */
static int self_ensure_ipv6(struct netlink *n, const struct vmac *want, const struct look *look)
{
	const struct vmac_seen *self = &look->self;
	int r = 0;

	if (!self->has_ipv6)
		return want->family == AF_INET6 ? -EAFNOSUPPORT : 0;
	if (self->address_mode != IN6_ADDR_GEN_MODE_NONE)
		r = vmac_send_address_mode_none(n, self->ifindex);
	if (r < 0 || want->family == AF_INET)
		return r < 0 ? r : ipv6_ensure(self->name, "disable_ipv6", '1');
	r = ipv6_ensure(self->name, "accept_ra", '0');
	if (r == 0)
		r = ipv6_ensure(self->name, "autoconf", '0');
	return r < 0 ? r : ipv6_ensure(self->name, "forwarding", look->base.forwards_ipv6 ? '1' : '0');
}

static int self_ensure_alias(struct netlink *n, const struct vmac *want, const struct look *look)
{
	const struct vmac_settings before = settings_before(look);
	char alias[sizeof look->self.alias] = VMAC_ALIAS;

	if (want->family == AF_INET)
		(void)snprintf(alias, sizeof alias, ALIAS_FORMAT, before.arp_ignore, before.arp_announce);
	return look->self.alias[0] ? 0 : vmac_send_alias(n, look->self.ifindex, alias);
}

static int self_ensure_ipv4(struct netlink *n, const struct vmac_seen *self, const struct vmac_seen *base)
{
	int r = 0;

	if (self->settings.arp_ignore != BASE_ARP_IGNORE)
		r = vmac_send_setting(n, self->ifindex, IPV4_DEVCONF_ARP_IGNORE, BASE_ARP_IGNORE);
	if (r == 0 && self->settings.rp_filter != RP_FILTER_LOOSE)
		r = vmac_send_setting(n, self->ifindex, IPV4_DEVCONF_RP_FILTER, RP_FILTER_LOOSE);
	if (r == 0 && self->settings.forwarding != base->settings.forwarding)
		r = vmac_send_setting(n, self->ifindex, IPV4_DEVCONF_FORWARDING, base->settings.forwarding);
	return r;
}

/* First the mark; up when all else is right. */
static int self_ensure(struct netlink *n, const struct vmac *want, const struct look *look)
{
	int r = self_ensure_alias(n, want, look);

	if (r == 0)
		r = self_ensure_ipv6(n, want, look);
	if (r == 0)
		r = self_ensure_ipv4(n, &look->self, &look->base);
	if (r == 0 && want->family == AF_INET)
		r = base_ensure(n, &look->base);
	if (r == 0 && !look->self.up)
		r = vmac_send_up(n, look->self.ifindex);
	/* For answers from a link-local address of the virtual router to its neighbours. */
	if (r == 0 && want->family == AF_INET6)
		r = vmac_send_link_local_route(n, look->self.ifindex);
	return r;
}

static uint32_t macvlan_mode(enum vrrp_mac_mode mode)
{
	return mode == VRRP_MAC_PRIVATE ? MACVLAN_MODE_PRIVATE : MACVLAN_MODE_BRIDGE;
}

static bool self_fits(const struct vmac *want, const struct look *look)
{
	const struct mac_address mac = vrrp_virtual_mac(want->family, want->vrid);

	return look->self.base == look->base.ifindex && !look->self.base_elsewhere &&
	       look->self.mode == macvlan_mode(want->mode) && !memcmp(&look->self.mac, &mac, sizeof mac);
}

static int self_create(struct netlink *n, const struct vmac *want, struct look *look)
{
	const struct mac_address mac = vrrp_virtual_mac(want->family, want->vrid);
	int r = vmac_send_create(n, look->name, look->base.ifindex, &mac, macvlan_mode(want->mode));

	if (r < 0)
		return r;
	r = look_again(n, look);
	return r == 0 && !look->self.ifindex ? -ENODEV : r;
}

/* ---- for the caller ---- */

static int explain(int error, const struct netlink *n, const struct vmac *want, const char *name,
		   struct sentence *reterr)
{
	const char *words = n->error_text;

	switch (error) {
	case -EADDRINUSE:
		return sentence_fail(reterr, error,
				     "%s: another interface on %s has the virtual MAC of VRID %u: does "
				     "another VRRP program run here?",
				     name, want->device, want->vrid);
	case -EBUSY:
		return sentence_fail(reterr, error,
				     "%s cannot be put on %s, which is a port of a bridge or bond: put it on "
				     "that one",
				     name, want->device);
	case -EAFNOSUPPORT:
		return sentence_fail(reterr, error, "%s: there is no IPv6 on %s", name, want->device);
	default:
		return sentence_fail(reterr, error,
				     "the virtual MAC interface %s cannot be made on %s: %s%s%s", name,
				     want->device, strerror(-error), words[0] ? ": " : "", words);
	}
}

static int base_check(const struct look *look, struct sentence *reterr)
{
	if (!look->base.ifindex)
		return sentence_fail(reterr, -ENODEV, "%s, for %s, is not there", look->device, look->name);
	/* The kernel would put it beside such an interface, not on it, and the gate below would be passed
	 * by. */
	if (seen_macvlan(&look->base) || !look->base.ethernet)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "%s cannot carry a virtual MAC: it is a macvlan or has no MAC itself",
				     look->device);
	if (look->self.ifindex && !seen_ours(&look->self))
		return sentence_fail(reterr, -EEXIST, "an interface %s is there that is not ringkeep's",
				     look->name);
	return 0;
}

static int ensure(struct netlink *n, const struct vmac *want, struct look *look)
{
	int r = 0;

	if (look->self.ifindex && !self_fits(want, look)) {
		r = vmac_send_delete(n, look->self.ifindex);
		look->self.ifindex = 0;
	}
	if (r == 0 && !look->self.ifindex)
		r = self_create(n, want, look);
	return r < 0 ? r : self_ensure(n, want, look);
}

int vmac_ensure(struct netlink *request, const struct vmac *want, int *ret_ifindex, struct sentence *reterr)
{
	_cleanup_(free_ptr) struct look *look = calloc(1, sizeof *look);
	char name[IF_NAMESIZE];
	int r;

	assert(want->mode != VRRP_MAC_NONE);
	vmac_name(want->family, want->vrid, want->device, name);
	if (!look)
		return explain(-ENOMEM, request, want, name, reterr);
	look->name = name;
	look->device = want->device;
	r = look_again(request, look);
	if (r < 0)
		return explain(r, request, want, name, reterr);
	r = base_check(look, reterr);
	if (r < 0)
		return r;
	r = ensure(request, want, look);
	if (r < 0)
		return explain(r, request, want, name, reterr);
	*ret_ifindex = look->self.ifindex;
	return 0;
}

/* ---- leftovers ---- */

static bool kept(const struct vmac *keep, size_t count, const char *name)
{
	char wanted[IF_NAMESIZE];

	for (size_t i = 0; i < count; i++) {
		vmac_name(keep[i].family, keep[i].vrid, keep[i].device, wanted);
		if (!strcmp(wanted, name))
			return true;
	}
	return false;
}

/* Is there another one for IPv4 on the same base, behind entry `from`? Those before it are kept or gone. */
static bool base_needed(const struct look *look, size_t at, const struct vmac *keep, size_t count)
{
	struct vmac_settings unused;

	for (size_t i = 0; i < look->count; i++)
		if (i != at && look->ours[i].base == look->ours[at].base &&
		    (i > at || kept(keep, count, look->ours[i].name)) &&
		    settings_of_alias(&look->ours[i], &unused))
			return true;
	return false;
}

static int leftover_remove(struct netlink *n, const struct look *look, size_t at, const struct vmac *keep,
			   size_t count)
{
	const struct vmac_seen *s = &look->ours[at];
	struct vmac_settings before;
	int r = vmac_send_delete(n, s->ifindex);

	if (r < 0 || !settings_of_alias(s, &before) || base_needed(look, at, keep, count))
		return r;
	return base_restore(n, s->base, &before);
}

int vmac_sweep(struct netlink *request, const struct vmac *keep, size_t count)
{
	_cleanup_(free_ptr) struct look *look = calloc(1, sizeof *look);
	int error = 0, r = look ? look_again(request, look) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < look->count; i++) {
		if (kept(keep, count, look->ours[i].name))
			continue;
		r = leftover_remove(request, look, i, keep, count);
		error = error ? error : r;
	}
	return error;
}
