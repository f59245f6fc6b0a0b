/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_group.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void vrrp_groups_init(struct vrrp_group groups[RK_GROUPS_MAX])
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		for (size_t f = 0; f < VRRP_FAMILIES; f++)
			groups[i].router[f].sender.fd = -EBADF;
}

int vrrp_group_configure(struct vrrp_group *g, const struct vrrp_group_config *config)
{
	static const int families[VRRP_FAMILIES] = { AF_INET, AF_INET6 };
	size_t absent = 0;
	int error;

	*g = (struct vrrp_group){ .used = true, .config = *config };
	g->config.addresses = NULL;
	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		error = vrrp_router_configure(&g->router[f], families[f], config);
		if (error == -ENOENT) {
			g->router[f].family = 0;
			absent++;
		} else if (error < 0) {
			return error;
		}
		g->router[f].place.check_mac = true;
	}
	return absent == VRRP_FAMILIES ? -ENOENT : 0;
}

void vrrp_group_keep(struct vrrp_group *g, const struct vrrp_group *old)
{
	if (!old->used || old->config.mode != g->config.mode)
		return;
	g->speaker = old->speaker;
	g->seen = old->seen;
	g->asked = old->asked;
	g->able = old->able;
	g->penalty = old->penalty;
	g->adopt = old->adopt;
}

void vrrp_group_leave(struct vrrp_group *old, const struct vrrp_group *g)
{
	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		struct vrrp_router *r = &old->router[f];

		if (old->speaker.speaking && r->family &&
		    !(g->used && vrrp_router_same(r, old->config.device, &g->router[f], g->config.device)))
			(void)vrrp_router_send(r, VRRP_PRIORITY_RELEASE, false, &old->seen.counters);
		vrrp_sender_close(&r->sender);
	}
}

void vrrp_groups_close(struct vrrp_group groups[RK_GROUPS_MAX])
{
	for (size_t i = 0; i < RK_GROUPS_MAX; i++)
		for (size_t f = 0; f < VRRP_FAMILIES; f++)
			vrrp_sender_close(&groups[i].router[f].sender);
}

int vrrp_group_send(struct vrrp_group *g, uint8_t priority, bool virtual_mac)
{
	int error = 0, e;

	for (size_t f = 0; f < VRRP_FAMILIES; f++) {
		if (!g->router[f].family)
			continue;
		e = vrrp_router_send(&g->router[f], priority, virtual_mac, &g->seen.counters);
		error = error ? error : e;
	}
	return error;
}
