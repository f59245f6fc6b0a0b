/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "address.h"

#include "address_wire.h"
#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ADDRESS_RETRY_NS NS_PER_S
/* Put back at once, but no war: after so many times within a second, only once a second. */
#define ADDRESS_REPAIRS_MAX 20

static void address_tell(struct address_table *t, const struct address_entry *e, enum vip_address_event event,
			 int error)
{
	t->ops->address(t->ctx, &e->va, event, error);
}

static struct address_entry *entry_find(struct address_table *t, const struct ip_address *ip)
{
	for (size_t i = 0; i < t->count; i++)
		if (ip_equal(&t->entry[i].va.ip, ip))
			return &t->entry[i];
	return NULL;
}

const struct address_entry *address_table_find(const struct address_table *t, const struct ip_address *ip)
{
	for (size_t i = 0; i < t->count; i++)
		if (ip_equal(&t->entry[i].va.ip, ip))
			return &t->entry[i];
	return NULL;
}

/* ---- one address ---- */

/* The device it can be put on now: IPv6 addresses leave with IFF_UP, and cannot stay on one that is down. */
static const struct link_info *entry_link(const struct address_table *t, const struct address_entry *e)
{
	const struct link_info *link = e->ifindex ? vip_links_find(t->links, e->ifindex) : NULL;

	return link && (link->up || e->va.ip.family == AF_INET) ? link : NULL;
}

static void entry_place(struct address_table *t, struct address_entry *e, int ifindex)
{
	if (e->ifindex == ifindex)
		return;
	e->ifindex = ifindex;
	e->state = ADDRESS_ABSENT;
	t->placements++;
}

static void entry_find_device(struct address_table *t, struct address_entry *e)
{
	const struct link_info *link = vip_links_named(t->links, e->va.device);

	if (link) {
		entry_place(t, e, link->ifindex);
		return;
	}
	if (e->ifindex && vip_links_find(t->links, e->ifindex))
		return; /* renamed under us: it stays where it is until another device takes the name */
	entry_place(t, e, 0);
	if (!e->missing_told)
		address_tell(t, e, VIP_ADDRESS_NO_DEVICE, -ENODEV);
	e->missing_told = true;
}

/* Adds it, if it can and has to be added. */
static int entry_ensure(struct address_table *t, struct address_entry *e, boot_t now)
{
	const struct link_info *link = entry_link(t, e);
	bool missed;
	int r;

	if (e->state != ADDRESS_ABSENT || !link)
		return 0;
	r = address_add(&t->request, &e->va.ip, e->ifindex, link->name, ADDRESS_TAG);
	if (r == -ENODEV)
		return 0; /* its RTM_DELLINK is on the way */
	if (r < 0 && r != -EEXIST) {
		if (e->error != r)
			address_tell(t, e, VIP_ADDRESS_FAILED, r);
		e->error = r;
		t->next_retry = boot_min(t->next_retry, boot_add(now, ADDRESS_RETRY_NS));
		return r;
	}
	missed = e->missing_told || e->error;
	e->state = ADDRESS_OURS; /* if it is not, the event of whoever put it there tells */
	e->error = 0;
	e->missing_told = false;
	if (missed)
		address_tell(t, e, VIP_ADDRESS_READY, 0);
	return r;
}

static void entry_leave(struct address_table *t, struct address_entry *e)
{
	if (e->state == ADDRESS_OURS && e->ifindex)
		(void)address_delete(&t->request, &e->va.ip,
				     e->ifindex); /* at worst an orphan, removed at start */
	e->state = ADDRESS_ABSENT;
}

/* Somebody removed it. */
static void entry_put_back(struct address_table *t, struct address_entry *e, boot_t now)
{
	int r;

	e->state = ADDRESS_ABSENT;
	if (!entry_link(t, e))
		return;
	if (boot_diff_ns(e->repaired_at, now) > NS_PER_S) {
		e->repaired_at = now;
		e->repairs = 0;
	}
	if (e->repairs++ >= ADDRESS_REPAIRS_MAX) {
		t->next_retry = boot_min(t->next_retry, boot_add(now, ADDRESS_RETRY_NS));
		return;
	}
	r = entry_ensure(t, e, now);
	if (r == -EEXIST || e->state == ADDRESS_ABSENT)
		return; /* an old event, or the device itself is going */
	t->removed_by_others++;
	address_tell(t, e, VIP_ADDRESS_REMOVED, r);
}

/* ---- what is there ---- */

static bool seen_whole(const struct address_seen *seen)
{
	return seen->prefix_length == ip_length(&seen->ip) * 8;
}

static void entry_seen_here(struct address_table *t, struct address_entry *e, const struct address_seen *seen)
{
	bool ours = seen->tag == ADDRESS_TAG && seen_whole(seen);

	e->seen = true;
	e->error = 0;
	if (!ours && e->state != ADDRESS_FOREIGN)
		address_tell(t, e, VIP_ADDRESS_ADOPTED, 0);
	e->state = ours ? ADDRESS_OURS : ADDRESS_FOREIGN;
}

/* On a device where it does not belong. */
static void entry_seen_elsewhere(struct address_table *t, const struct address_seen *seen,
				 const struct virtual_address *va)
{
	bool ours = seen->tag == ADDRESS_TAG && seen_whole(seen);
	const struct link_info *link = vip_links_find(t->links, seen->ifindex);
	struct virtual_address where = *va;

	if (link)
		memcpy(where.device, link->name, sizeof where.device);
	if (!ours) {
		t->ops->address(t->ctx, &where, VIP_ADDRESS_ELSEWHERE, 0);
		return;
	}
	t->ops->address(t->ctx, &where, VIP_ADDRESS_ORPHAN,
			address_delete(&t->request, &seen->ip, seen->ifindex));
}

struct address_look {
	size_t count;
	struct address_seen seen[VIRTUAL_ADDRESSES_MAX * 2];
	const struct address_table *table;
};

/* Only collects: the socket of the dump cannot carry requests meanwhile. Of interest is what is configured,
 * and what is tagged. */
static void look_at(void *ctx, const struct nlmsghdr *h)
{
	struct address_look *look = ctx;
	struct address_seen seen;

	if (h->nlmsg_type != RTM_NEWADDR || address_parse(h, &seen) < 0)
		return;
	if (seen.tag != ADDRESS_TAG && !address_table_find(look->table, &seen.ip))
		return;
	if (look->count < sizeof look->seen / sizeof look->seen[0])
		look->seen[look->count++] = seen;
}

static int address_look(struct address_table *t, struct address_look **ret)
{
	_cleanup_(free_ptr) struct address_look *look = malloc(sizeof *look);
	int r;

	if (!look)
		return -ENOMEM;
	look->table = t;
	look->count = 0;
	r = address_dump(&t->request, look_at, look);
	if (r < 0)
		return r;
	*ret = look;
	look = NULL;
	return 0;
}

/* Compares what is there with what should be: the start, and after lost events. */
static int address_reconcile(struct address_table *t)
{
	_cleanup_(free_ptr) struct address_look *look = NULL;
	int r = address_look(t, &look);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->count; i++) {
		t->entry[i].seen = false;
		entry_find_device(t, &t->entry[i]);
	}
	for (size_t i = 0; i < look->count; i++) {
		const struct address_seen *seen = &look->seen[i];
		struct address_entry *e = entry_find(t, &seen->ip);
		const struct virtual_address unknown = { .ip = seen->ip };

		if (e && seen->ifindex == e->ifindex)
			entry_seen_here(t, e, seen);
		else
			entry_seen_elsewhere(t, seen, e ? &e->va : &unknown);
	}
	return 0;
}

static void address_ensure_all(struct address_table *t, boot_t now)
{
	for (size_t i = 0; i < t->count; i++)
		(void)entry_ensure(t, &t->entry[i], now); /* told by VIP_ADDRESS_FAILED, tried again */
}

/* ---- start, reload, end ---- */

static void entry_take(struct address_entry *e, const struct virtual_address *va)
{
	*e = (struct address_entry){ .va = *va };
}

/* An unknown attribute is ignored by the kernel: whether the tag has stuck shows only afterwards. */
static int address_check_tag(struct address_table *t, struct sentence *reterr)
{
	_cleanup_(free_ptr) struct address_look *look = NULL;
	int r = address_look(t, &look);

	if (r < 0)
		return sentence_fail(reterr, r, "the addresses of this node cannot be listed: %s",
				     strerror(-r));
	for (size_t i = 0; i < look->count; i++) {
		const struct address_entry *e = entry_find(t, &look->seen[i].ip);

		if (!e || e->state != ADDRESS_OURS || e->ifindex != look->seen[i].ifindex ||
		    look->seen[i].tag)
			continue;
		for (size_t j = 0; j < t->count; j++)
			entry_leave(t, &t->entry[j]);
		return sentence_fail(
			reterr, -EOPNOTSUPP,
			"this kernel cannot tag addresses (IFA_PROTO, Linux 5.18): ringkeep could not "
			"tell its addresses from others");
	}
	return 0;
}

int address_table_start(struct address_table *t, const struct vip_config *config, boot_t now,
			struct sentence *reterr)
{
	int r;

	assert(config->address_count <= VIRTUAL_ADDRESSES_MAX);
	t->next_retry = BOOT_NEVER;
	t->count = config->address_count;
	for (size_t i = 0; i < t->count; i++)
		entry_take(&t->entry[i], &config->addresses[i]);
	r = address_reconcile(t);
	if (r < 0)
		return sentence_fail(reterr, r, "the addresses of this node cannot be listed: %s",
				     strerror(-r));
	address_ensure_all(t, now);
	return address_check_tag(t, reterr);
}

/* Keeps the state of what stays. */
static size_t address_merge(struct address_table *t, const struct vip_config *config,
			    struct address_entry *next)
{
	for (size_t i = 0; i < config->address_count; i++) {
		const struct virtual_address *va = &config->addresses[i];
		struct address_entry *e = entry_find(t, &va->ip);

		if (e && !strncmp(e->va.device, va->device, sizeof va->device)) {
			next[i] = *e;
			next[i].va = *va;
			e->state = ADDRESS_FOREIGN; /* so that leaving does not touch it */
		} else {
			entry_take(&next[i], va);
		}
	}
	return config->address_count;
}

int address_table_update(struct address_table *t, const struct vip_config *config, boot_t now)
{
	_cleanup_(free_ptr) struct address_entry *next = calloc(VIRTUAL_ADDRESSES_MAX, sizeof *next);
	size_t count;
	int r;

	assert(config->address_count <= VIRTUAL_ADDRESSES_MAX);
	if (!next)
		return -ENOMEM;
	count = address_merge(t, config, next);
	for (size_t i = 0; i < t->count; i++)
		entry_leave(t, &t->entry[i]);
	memcpy(t->entry, next, count * sizeof *next);
	t->count = count;
	t->placements++;
	r = address_reconcile(t);
	address_ensure_all(t, now);
	return r;
}

int address_table_remove(struct address_table *t)
{
	_cleanup_(free_ptr) struct address_look *look = NULL;
	int r = address_look(t, &look), error = 0;

	t->count = 0; /* from here on nothing is put back */
	if (r < 0)
		return r;
	for (size_t i = 0; i < look->count; i++) {
		if (look->seen[i].tag != ADDRESS_TAG)
			continue;
		r = address_delete(&t->request, &look->seen[i].ip, look->seen[i].ifindex);
		error = error ? error : r;
	}
	return error;
}

int address_table_resync(struct address_table *t, boot_t now)
{
	int r = address_reconcile(t);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->count; i++)
		if (!t->entry[i].seen && t->entry[i].state != ADDRESS_ABSENT)
			entry_put_back(t, &t->entry[i], now);
	address_ensure_all(t, now);
	return 0;
}

/* ---- events ---- */

void address_table_event(struct address_table *t, const struct nlmsghdr *h, boot_t now)
{
	struct address_entry *e;
	struct address_seen seen;

	if (address_parse(h, &seen) < 0)
		return;
	e = entry_find(t, &seen.ip);
	if (!e)
		return;
	if (h->nlmsg_type == RTM_NEWADDR) {
		if (seen.ifindex == e->ifindex)
			entry_seen_here(t, e, &seen);
		else
			entry_seen_elsewhere(t, &seen, &e->va);
		return;
	}
	if (seen.ifindex == e->ifindex && e->state != ADDRESS_ABSENT &&
	    (e->state == ADDRESS_FOREIGN || seen_whole(&seen)))
		entry_put_back(t, e, now);
}

void address_table_link_seen(struct address_table *t, const struct link_info *link, boot_t now)
{
	for (size_t i = 0; i < t->count; i++) {
		struct address_entry *e = &t->entry[i];

		if (!strncmp(link->name, e->va.device, sizeof link->name) && link->ifindex != e->ifindex) {
			entry_leave(t, e); /* the name has moved to another device */
			entry_place(t, e, link->ifindex);
		}
		if (e->ifindex != link->ifindex)
			continue;
		if (!link->up && e->va.ip.family == AF_INET6 && e->state == ADDRESS_OURS)
			e->state = ADDRESS_ABSENT; /* the kernel has taken it away, or will: nobody's fault */
		(void)entry_ensure(t, e, now);
	}
}

void address_table_link_gone(struct address_table *t, int ifindex)
{
	for (size_t i = 0; i < t->count; i++) {
		struct address_entry *e = &t->entry[i];

		if (e->ifindex != ifindex)
			continue;
		entry_place(t, e, 0);
		entry_find_device(t, e);
	}
}

boot_t address_table_next(const struct address_table *t)
{
	return t->next_retry;
}

void address_table_tick(struct address_table *t, boot_t now)
{
	if (boot_before(now, t->next_retry))
		return;
	t->next_retry = BOOT_NEVER;
	address_ensure_all(t, now);
}

/* ---- the node's own addresses ---- */

struct own_look {
	const struct address_table *table;
	int ifindex;
	struct ip_address v4;
	struct ip_address v6;
};

static void own_at(void *ctx, const struct nlmsghdr *h)
{
	struct own_look *own = ctx;
	struct address_seen seen;
	const uint8_t *b = seen.ip.bytes;

	if (h->nlmsg_type != RTM_NEWADDR || address_parse(h, &seen) < 0 || seen.ifindex != own->ifindex ||
	    seen.tag == ADDRESS_TAG || address_table_find(own->table, &seen.ip))
		return;
	if (seen.ip.family == AF_INET && !own->v4.family)
		own->v4 = seen.ip;
	if (seen.ip.family == AF_INET6 && b[0] == 0xfe && (b[1] & 0xc0) == 0x80 && !own->v6.family)
		own->v6 = seen.ip;
}

int address_table_own(struct address_table *t, int ifindex, struct ip_address *ret_v4,
		      struct ip_address *ret_v6)
{
	struct own_look own = { .table = t, .ifindex = ifindex };
	int r = address_dump(&t->request, own_at, &own);

	if (r < 0)
		return r;
	*ret_v4 = own.v4;
	*ret_v6 = own.v6;
	return 0;
}
