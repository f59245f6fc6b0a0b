/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vip_links.h"

#include <string.h>

const struct link_info *vip_links_find(const struct vip_links *l, int ifindex)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->link[i].ifindex == ifindex)
			return &l->link[i];
	return NULL;
}

const struct link_info *vip_links_named(const struct vip_links *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strncmp(l->link[i].name, name, sizeof l->link[i].name))
			return &l->link[i];
	return NULL;
}

bool vip_links_own(const struct vip_links *l, const struct mac_address *mac)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->link[i].ethernet && !memcmp(&l->link[i].mac, mac, sizeof *mac))
			return true;
	return false;
}

bool vip_links_set(struct vip_links *l, const struct link_info *info)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->link[i].ifindex == info->ifindex)
			break;
	if (i == VIP_LINKS_MAX)
		return false;
	l->link[i] = *info;
	if (i == l->count)
		l->count++;
	return true;
}

void vip_links_remove(struct vip_links *l, int ifindex)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->link[i].ifindex != ifindex)
			continue;
		l->link[i] = l->link[--l->count];
		return;
	}
}
