/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The probes of every target over every uplink: probe_io asks, probe_window (within uplink_state) judges.
 */
#include "agent.h"
#include "uplinks_private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static void probe_told(void *ctx, const struct probe_result *r)
{
	struct uplink_probe *p = ctx;
	struct uplink_line *l = &p->uplinks->line[p->uplink];

	if (r->error != 0)
		return; /* it is lost when its time is over: that it was refused is no answer */
	if (uplink_state_answered(&l->state, p->target, r->sequence, r->at) == PROBE_ANSWER_STRAY)
		return;
	l->answered_at = r->at;
	if (r->public_address.family)
		l->stun = r->public_address;
}

static int probe_open(struct uplinks *u, struct uplink_probe *p)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };
	struct probe_target target;
	int r;

	config_uplink_target(u->config, &u->paths, p->uplink, p->probe, &target);
	r = probe_io_init(&p->io, &target, &u->route, probe_told, p);
	if (r < 0)
		return r;
	p->open = true;
	return epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, probe_io_fd(&p->io), &ev) < 0 ? -errno : 0;
}

static void probe_close(struct uplink_probe *p)
{
	if (p->open)
		probe_io_close(&p->io); /* its descriptor leaves the epoll set with that */
	p->open = false;
}

int uplink_probes_open(struct uplinks *u, uint8_t uplink)
{
	struct uplink_line *l = &u->line[uplink];
	int r = 0;

	for (uint8_t i = 0; i < l->targets.count && r == 0; i++) {
		struct uplink_probe *p = &l->probes[i];

		*p = (struct uplink_probe){
			.uplinks = u, .uplink = uplink, .target = i, .probe = l->targets.probe[i]
		};
		r = probe_open(u, p);
	}
	return r;
}

void uplink_probes_close(struct uplinks *u, uint8_t uplink)
{
	for (uint8_t i = 0; i < u->line[uplink].targets.count; i++)
		probe_close(&u->line[uplink].probes[i]);
}

void uplink_probes_renew(struct uplinks *u, uint8_t uplink)
{
	struct uplink_line *l = &u->line[uplink];

	for (uint8_t i = 0; i < l->targets.count; i++) {
		struct uplink_probe *p = &l->probes[i];

		if (!p->open)
			continue;
		config_uplink_target(u->config, &u->paths, uplink, p->probe, &p->io.target);
		probe_io_reset(&p->io);
	}
}

static void probe_send(struct uplinks *u, struct uplink_probe *p)
{
	struct uplink_state *s = &u->line[p->uplink].state;
	boot_t now = u->agent->now.boot;
	/* The number that it gets if it leaves; one that does not takes the number, too. */
	uint16_t sequence = (uint16_t)s->target[p->target].window.sent;

	if (!p->open || probe_io_send(&p->io, sequence, now) < 0)
		uplink_state_unsent(s, p->target, now);
	else
		(void)uplink_state_sent(s, p->target, now);
}

void uplink_probes_run(struct uplinks *u, uint8_t uplink)
{
	struct uplink_line *l = &u->line[uplink];
	boot_t now = u->agent->now.boot;

	for (uint8_t i = 0; i < l->targets.count; i++)
		if (l->probes[i].open)
			probe_io_ready(&l->probes[i].io, now);
	for (uint8_t i = 0; i < l->targets.count; i++)
		if (l->probes[i].open && !boot_before(now, probe_io_next(&l->probes[i].io)))
			probe_io_tick(&l->probes[i].io, now);
	uplink_state_tick(&l->state, now);
	for (uint8_t i = 0; i < l->targets.count; i++)
		if (uplink_state_due(&l->state, i, now))
			probe_send(u, &l->probes[i]);
}

boot_t uplink_probes_next(const struct uplinks *u, uint8_t uplink)
{
	const struct uplink_line *l = &u->line[uplink];
	boot_t next = uplink_state_next(&l->state);

	for (uint8_t i = 0; i < l->targets.count; i++)
		if (l->probes[i].open)
			next = boot_min(next, probe_io_next(&l->probes[i].io));
	return next;
}
