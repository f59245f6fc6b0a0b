/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp.h"

#include "cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

struct vrrp {
	struct vrrp_ops ops;
	void *ctx;
	int epoll;
	boot_t now;
	bool used[RK_GROUPS_MAX];
	struct vrrp_group_config group[RK_GROUPS_MAX];
};

int vrrp_open(const struct vrrp_config *config, const struct vrrp_ops *ops, void *ctx, boot_t now,
	      struct vrrp **ret, struct sentence *reterr)
{
	struct vrrp *v = calloc(1, sizeof *v);

	if (!v)
		return sentence_fail(reterr, -ENOMEM, "no memory for VRRP");
	v->ops = *ops;
	v->ctx = ctx;
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	(void)vrrp_update(v, config, now);
	*ret = v;
	return 0;
}

void vrrp_free(struct vrrp *v)
{
	if (!v)
		return;
	close_fd(&v->epoll);
	free(v);
}

int vrrp_remove(struct vrrp *v)
{
	return 0;
}

int vrrp_update(struct vrrp *v, const struct vrrp_config *config, boot_t now)
{
	v->now = now;
	memset(v->used, 0, sizeof v->used);
	for (size_t i = 0; i < config->group_count; i++) {
		v->used[config->groups[i].group] = true;
		v->group[config->groups[i].group] = config->groups[i];
	}
	return 0;
}

void vrrp_speak(struct vrrp *v, group_index_t group, bool on, boot_t now)
{
	v->now = now;
}

void vrrp_speak_again(struct vrrp *v, group_index_t group, boot_t now)
{
	v->now = now;
}

void vrrp_run(struct vrrp *v, group_index_t group, bool able, boot_t open_until, boot_t now)
{
	v->now = now;
}

void vrrp_penalty(struct vrrp *v, group_index_t group, uint8_t penalty, boot_t now)
{
	v->now = now;
}

int vrrp_yield(struct vrrp *v, group_index_t group, boot_t now)
{
	v->now = now;
	return -EAGAIN;
}

int vrrp_fd(const struct vrrp *v)
{
	return v->epoll;
}

void vrrp_readable(struct vrrp *v, boot_t now)
{
	v->now = now;
}

boot_t vrrp_next(const struct vrrp *v)
{
	return BOOT_NEVER;
}

void vrrp_tick(struct vrrp *v, boot_t now)
{
	v->now = now;
}

void vrrp_address_device(const struct vrrp_group_config *g, int family, char ret[IF_NAMESIZE])
{
	memcpy(ret, g->device, IF_NAMESIZE);
}

bool vrrp_status(const struct vrrp *v, group_index_t group, struct vrrp_status *ret)
{
	if (group >= RK_GROUPS_MAX || !v->used[group])
		return false;
	*ret = (struct vrrp_status){ .mode = v->group[group].mode,
				     .vrid = v->group[group].vrid,
				     .version = v->group[group].version,
				     .priority = v->group[group].priority,
				     .advert_ns = v->group[group].advert_ns };
	return true;
}
