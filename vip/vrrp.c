/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp.h"

#include "cleanup.h"
#include "clock_read.h"
#include "vmac.h"
#include "vrrp_native.h"
#include "vrrp_place.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* After a pause of our own all that has queued up meanwhile is heard before a timer may fire: more than the
 * buffer of a socket holds. */
#define ROUNDS_LATE 16

#define AT_MAC	     6 /* in a frame: the sender */
#define AT_IP	     14
#define AT_HOP_LIMIT 7 /* in an IPv6 header */

struct vrrp {
	struct vrrp_ops ops;
	void *ctx;
	int epoll;
	boot_t now; /* of the call that is being served */
	struct vrrp_places places;
	struct vrrp_frames frames;
	struct vrrp_group group[RK_GROUPS_MAX];
	struct vrrp_native native;
};

static struct vrrp_group *vrrp_group_of(struct vrrp *v, group_index_t group, enum vrrp_mode mode)
{
	struct vrrp_group *g = group < RK_GROUPS_MAX ? &v->group[group] : NULL;

	return g && g->used && g->config.mode == mode ? g : NULL;
}

/* ---- mode announce ---- */

static void vrrp_speak_due(struct vrrp *v, struct vrrp_group *g)
{
	/* What is not sent is counted, and the schedule goes on. */
	if (vrrp_speaker_due(&g->speaker, g->config.advert_ns, v->now))
		(void)vrrp_group_send(g, g->config.priority, true);
}

static void vrrp_report(struct vrrp *v, const struct vrrp_group *g, const struct vrrp_advert *a,
			uint32_t suppressed)
{
	struct vrrp_rogue rogue = { .group = g->config.group,
				    .from = a->from,
				    .mac = g->seen.rogue_mac,
				    .priority = a->priority,
				    .version = a->version,
				    .suppressed = suppressed };

	memcpy(rogue.device, g->config.device, sizeof rogue.device);
	v->ops.rogue(v->ctx, &rogue);
}

static void vrrp_heard_announce(struct vrrp *v, struct vrrp_group *g, const struct vrrp_advert *a)
{
	struct vrrp_reaction reaction;

	vrrp_speaker_heard(&g->speaker, a->priority, v->now, &reaction);
	if (reaction.rogue) {
		g->seen.counters.rogue++;
		g->seen.rogue_at = v->now;
		g->seen.rogue_from = a->from;
		g->seen.rogue_mac = g->seen.heard_mac;
	}
	vrrp_speak_due(v, g);
	if (reaction.report)
		vrrp_report(v, g, a, reaction.suppressed);
}

/* ---- receiving ---- */

static struct vrrp_router *vrrp_router_of(struct vrrp *v, int ifindex, int family, uint8_t vrid,
					  struct vrrp_group **ret_group)
{
	for (struct vrrp_group *g = v->group; g < v->group + RK_GROUPS_MAX; g++) {
		struct vrrp_router *r = &g->router[family == AF_INET ? VRRP_ROUTER4 : VRRP_ROUTER6];

		if (!g->used || r->family != family || r->vrid != vrid || r->place.ifindex != ifindex)
			continue;
		*ret_group = g;
		return r;
	}
	return NULL;
}

static void vrrp_count(struct vrrp_counters *c, const struct vrrp_router *r, const struct vrrp_advert *a)
{
	c->received++;
	if (a->version == 3 && r->family == AF_INET && a->checksum_rfc9568)
		c->checksum_rfc9568++;
	else if (a->version == 3 && r->family == AF_INET)
		c->checksum_rfc5798++;
	if (a->interval_ns != r->advert_ns)
		c->interval_mismatch++;
	if (vrrp_router_digest(r->family, a->addresses, a->count) != r->digest)
		c->addresses_mismatch++;
}

static void vrrp_note(struct vrrp *v, struct vrrp_group *g, const struct vrrp_advert *a,
		      const struct mac_address *mac)
{
	g->seen.heard_at = v->now;
	g->seen.heard_priority = a->priority;
	g->seen.heard_from = a->from;
	g->seen.heard_mac = *mac;
}

static void vrrp_heard(struct vrrp *v, struct vrrp_group *g, const struct vrrp_router *r,
		       const struct vrrp_advert *a, const struct mac_address *mac)
{
	struct vrrp_counters *c = &g->seen.counters;

	if (g->config.mode == VRRP_ANNOUNCE) {
		vrrp_note(v, g, a, mac);
		vrrp_heard_announce(v, g, a);
	} else if (r->peers_count && !vrrp_router_is_peer(r, &a->from)) {
		c->not_a_peer++;
	} else if (a->version != r->version) {
		c->dropped[VRRP_BAD_VERSION]++;
	} else if (a->version == 3 || a->interval_ns == r->advert_ns) {
		/* RFC 3768 section 7.1: "MUST verify that the Adver Interval in the packet is the same as the
		 * locally configured"; VRRPv3 learns it. */
		vrrp_note(v, g, a, mac);
		vrrp_native_heard(&v->native, g, r, a, v->now);
	}
}

/* A hop limit of 255 shows that a multicast comes from the link. A configured unicast peer may be routers
 * away, and keepalived sends 64 to one over IPv6 unless told otherwise: dropping that would make two Actives
 * of one node of ours and one of keepalived's. */
static enum vrrp_verdict vrrp_parse(const struct vrrp_router *r, struct vrrp_frame *f,
				    struct vrrp_advert *ret)
{
	enum vrrp_verdict verdict = vrrp_advert_parse(f->bytes + AT_IP, f->len - AT_IP, ret);

	if (verdict != VRRP_BAD_TTL || r->family != AF_INET6 || !vrrp_router_is_peer(r, &ret->from))
		return verdict;
	f->bytes[AT_IP + AT_HOP_LIMIT] = VRRP_TTL;
	return vrrp_advert_parse(f->bytes + AT_IP, f->len - AT_IP, ret);
}

static void vrrp_frame_look(struct vrrp *v, int ifindex, struct vrrp_frame *f)
{
	struct vrrp_router *r;
	struct vrrp_group *g;
	struct vrrp_advert a;
	struct mac_address mac;
	enum vrrp_verdict verdict;
	uint8_t vrid;
	int family;

	if (!vrrp_filter_read_id(f->bytes, f->len, &family, &vrid))
		return;
	r = vrrp_router_of(v, ifindex, family, vrid, &g);
	if (!r)
		return; /* queued before a reload */
	memcpy(mac.bytes, f->bytes + AT_MAC, sizeof mac.bytes);
	verdict = vrrp_parse(r, f, &a);
	if (vrrp_places_sent(&v->places, &mac, &a.from))
		return;
	if (verdict != VRRP_GOOD) {
		g->seen.counters.dropped[verdict]++;
		return;
	}
	vrrp_count(&g->seen.counters, r, &a);
	vrrp_heard(v, g, r, &a, &mac);
}

/* Returns false once nothing is left to read. */
static bool vrrp_receive(struct vrrp *v)
{
	bool more = false;

	for (size_t i = 0; i < RK_GROUPS_MAX; i++) {
		const struct vrrp_receiver *r = &v->places.receiver[i];
		size_t count = r->ifindex ? vrrp_receiver_read(r, &v->frames) : 0;
		int ifindex = r->ifindex;

		/* When it was heard at the latest: had we stood still since `now` was read, timers set from
		 * then would have fired already. */
		if (count)
			v->now = boot_max(v->now, clock_now().boot);
		for (size_t j = 0; j < count; j++)
			vrrp_frame_look(v, ifindex, &v->frames.frame[j]);
		more |= count == VRRP_FRAMES_PER_READ;
	}
	return more;
}

/* ---- places ---- */

static void vrrp_settle(struct vrrp *v)
{
	bool was_ready[RK_GROUPS_MAX][VRRP_FAMILIES];

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		for (size_t f = 0; f < VRRP_FAMILIES; f++)
			was_ready[i][f] = vrrp_router_ready(&v->group[i].router[f]);
	vrrp_places_settle(&v->places, v->group, v->now);
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		for (size_t f = 0; f < VRRP_FAMILIES; f++)
			if (!was_ready[i][f] && vrrp_router_ready(&v->group[i].router[f]))
				vrrp_speaker_again(&v->group[i].speaker, v->now);
	vrrp_native_settle(&v->native, v->now);
}

int vrrp_fd(const struct vrrp *v)
{
	return v->epoll;
}

/* Returns true if more may be waiting. */
static bool vrrp_read(struct vrrp *v)
{
	if (vrrp_places_read(&v->places, v->group))
		vrrp_settle(v);
	return vrrp_receive(v);
}

void vrrp_readable(struct vrrp *v, boot_t now)
{
	v->now = now;
	(void)vrrp_read(v);
}

boot_t vrrp_next(const struct vrrp *v)
{
	boot_t next = boot_min(vrrp_places_next(&v->places), vrrp_native_next(&v->native));

	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		next = boot_min(next, vrrp_speaker_next(&v->group[i].speaker));
	return next;
}

void vrrp_tick(struct vrrp *v, boot_t now)
{
	v->now = now;
	if (!boot_before(now, vrrp_places_next(&v->places)))
		vrrp_settle(v);
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		vrrp_speak_due(v, &v->group[i]);
	if (boot_before(now, vrrp_native_next(&v->native)))
		return;
	for (int i = 0; i < ROUNDS_LATE && vrrp_read(v); i++)
		;
	vrrp_native_tick(&v->native, now);
}

/* ---- configuration ---- */

/* What was told of a router that stays is told again when it changes; with the router its trouble goes. */
static void vrrp_pass_trouble(struct vrrp *v, const struct vrrp_group *old, struct vrrp_group *g)
{
	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		const struct vrrp_place *was = &old->router[f].place;

		if (g->used && g->router[f].family) {
			g->router[f].place.trouble = was->trouble;
			g->router[f].place.trouble_error = was->trouble_error;
			g->router[f].place.sourceless = was->sourceless;
		} else if (was->trouble) {
			v->ops.trouble(v->ctx, old->config.group, was->trouble, 0);
		}
	}
}

static void vrrp_groups_replace(struct vrrp *v, struct vrrp_group *next)
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++) {
		vrrp_pass_trouble(v, &v->group[i], &next[i]);
		vrrp_group_leave(&v->group[i], &next[i]);
		v->group[i] = next[i];
	}
}

/* Nothing is changed unless all of it can be taken. */
static int vrrp_configure(struct vrrp *v, const struct vrrp_config *config)
{
	_cleanup_(free_ptr) struct vrrp_group *next = calloc(RK_GROUPS_MAX, sizeof *next);
	int error = 0;

	if (!next)
		return -ENOMEM;
	vrrp_groups_init(next);
	for (size_t i = 0; i < config->group_count && error == 0; i++) {
		const struct vrrp_group_config *c = &config->groups[i];

		if (c->group >= RK_GROUPS_MAX || next[c->group].used)
			return -EINVAL;
		error = vrrp_group_configure(&next[c->group], c);
		if (error == 0)
			vrrp_group_keep(&next[c->group], &v->group[c->group]);
	}
	if (error < 0)
		return error;
	vrrp_native_replace(&v->native, next, v->now);
	vrrp_groups_replace(v, next);
	vrrp_settle(v);
	return 0;
}

int vrrp_update(struct vrrp *v, const struct vrrp_config *config, boot_t now)
{
	int error;

	v->now = now;
	error = vrrp_configure(v, config);
	return error < 0 ? error : vrrp_places_sweep(&v->places, v->group);
}

/* ---- start and end ---- */

static int vrrp_start(struct vrrp *v, const struct vrrp_config *config, struct sentence *reterr)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct vrrp_sender probe;
	int error;

	error = vrrp_sender_open(&probe, AF_INET);
	if (error < 0)
		return sentence_fail(reterr, error, "VRRP cannot send: %s%s", strerror(-error),
				     error == -EPERM ? ": CAP_NET_RAW is needed" : "");
	vrrp_sender_close(&probe);
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	error = v->epoll < 0 ? -errno : vrrp_places_open(&v->places);
	v->places.epoll = v->epoll;
	if (error == 0 && epoll_ctl(v->epoll, EPOLL_CTL_ADD, netlink_fd(&v->places.events), &event) < 0)
		error = -errno;
	if (error < 0)
		return sentence_fail(reterr, error, "the network cannot be watched: %s", strerror(-error));
	error = vrrp_update(v, config, v->now);
	if (error < 0)
		return sentence_fail(reterr, error, "the virtual routers cannot be set up: %s",
				     strerror(-error));
	return 0;
}

int vrrp_open(const struct vrrp_config *config, const struct vrrp_ops *ops, void *ctx, boot_t now,
	      struct vrrp **ret, struct sentence *reterr)
{
	struct vrrp *v = calloc(1, sizeof *v);
	int error;

	if (!v)
		return sentence_fail(reterr, -ENOMEM, "no memory for VRRP");
	v->ops = *ops;
	v->ctx = ctx;
	v->now = now;
	v->epoll = -EBADF;
	v->places.ops = &v->ops;
	v->places.ctx = ctx;
	v->native.ops = &v->ops;
	v->native.ctx = ctx;
	v->native.groups = v->group;
	vrrp_groups_init(v->group);
	error = vrrp_start(v, config, reterr);
	if (error < 0) {
		vrrp_free(v);
		return error;
	}
	*ret = v;
	return 0;
}

void vrrp_free(struct vrrp *v)
{
	if (!v)
		return;
	vrrp_groups_close(v->group);
	vrrp_places_close(&v->places);
	close_fd(&v->epoll);
	free(v);
}

int vrrp_remove(struct vrrp *v)
{
	return vrrp_places_sweep(&v->places, NULL);
}

/* ---- orders ---- */

void vrrp_speak(struct vrrp *v, group_index_t group, bool on, boot_t now)
{
	struct vrrp_group *g = vrrp_group_of(v, group, VRRP_ANNOUNCE);

	v->now = now;
	if (!g || g->speaker.speaking == on)
		return;
	if (on) {
		vrrp_speaker_start(&g->speaker, now);
		vrrp_speak_due(v, g);
		return;
	}
	vrrp_speaker_stop(&g->speaker);
	/* The gate is shut by now, for the virtual MAC as well; a failure is counted. */
	(void)vrrp_group_send(g, VRRP_PRIORITY_RELEASE, false);
}

void vrrp_speak_again(struct vrrp *v, group_index_t group, boot_t now)
{
	struct vrrp_group *g = vrrp_group_of(v, group, VRRP_ANNOUNCE);

	v->now = now;
	if (!g)
		return;
	vrrp_speaker_again(&g->speaker, now);
	vrrp_speak_due(v, g);
}

void vrrp_run(struct vrrp *v, group_index_t group, bool able, boot_t open_until, boot_t now)
{
	struct vrrp_group *g = vrrp_group_of(v, group, VRRP_NATIVE);

	v->now = now;
	if (!g)
		return;
	if (!g->asked)
		g->adopt = open_until;
	g->asked = true;
	g->able = able;
	vrrp_native_settle(&v->native, now);
}

void vrrp_penalty(struct vrrp *v, group_index_t group, uint8_t penalty, boot_t now)
{
	struct vrrp_group *g = vrrp_group_of(v, group, VRRP_NATIVE);

	v->now = now;
	if (!g)
		return;
	g->penalty = penalty;
	vrrp_native_settle(&v->native, now);
}

int vrrp_yield(struct vrrp *v, group_index_t group, boot_t now)
{
	v->now = now;
	return vrrp_native_yield(&v->native, group, now);
}

/* ---- questions ---- */

void vrrp_address_device(const struct vrrp_group_config *g, int family, char ret[IF_NAMESIZE])
{
	if (g->mac == VRRP_MAC_NONE)
		memcpy(ret, g->device, IF_NAMESIZE);
	else
		vmac_name(family, g->vrid, g->device, ret);
}

bool vrrp_status(const struct vrrp *v, group_index_t group, struct vrrp_status *ret)
{
	const struct vrrp_group *g = group < RK_GROUPS_MAX ? &v->group[group] : NULL;
	const struct vrrp_unit *unit;
	uint8_t member;

	if (!g || !g->used)
		return false;
	*ret = g->seen;
	ret->mode = g->config.mode;
	ret->vrid = g->config.vrid;
	ret->version = g->config.version;
	ret->priority = g->config.priority;
	ret->advert_ns = g->config.advert_ns;
	ret->speaking = g->speaker.speaking;
	unit = vrrp_native_unit(&v->native, group, &member);
	if (unit) {
		ret->priority = unit->fsm.priority;
		ret->state = unit->fsm.state;
		ret->down_ns = vrrp_fsm_down_ns(&unit->fsm, member);
	}
	return true;
}

bool vrrp_link_up(const struct vrrp *v, const char *device)
{
	const struct link_info *link = vip_links_named(&v->places.links, device);

	return link && link->carrier;
}
