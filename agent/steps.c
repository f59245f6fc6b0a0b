/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takeover and let-go steps: each is started once and answered once. All are "make it so" operations, safe to
 * repeat after a crash.
 */
#include "agent.h"
#include "log.h"

#include <errno.h>

static void steps_answer(struct agent *a, group_index_t group, int error)
{
	struct agent_step *s = &a->group[group].step;
	struct core_event ev = { .type = CORE_STEP, .group = group };

	ev.step.seq = s->seq;
	ev.step.error = error;
	*s = (struct agent_step){ 0 };
	agent_feed(a, &ev);
}

static void steps_adapter(struct agent *a, group_index_t group, bool active)
{
	struct agent_group *g = &a->group[group];
	int r;

	if (!g->adapter) {
		steps_answer(a, group, 0);
		return;
	}
	r = active ? adapter_activate(g->adapter, a->now.boot, &g->step.request)
		   : adapter_standby(g->adapter, a->now.boot, &g->step.request);
	/* A child that is gone is told its role when it is back. */
	if (r == 0 && active)
		service_feed_all(g);
	if (r == -ENOTCONN)
		steps_answer(a, group, 0);
	else if (r < 0)
		steps_answer(a, group, r);
}

static void steps_destroy_sockets(struct agent *a, group_index_t group)
{
	size_t count = 0;
	int r = vip_destroy_sockets(a->vip, group, &count);

	if (count)
		log_info("%s: %zu TCP connections on the address ended", agent_group_name(a, group), count);
	steps_answer(a, group, r);
}

void steps_start(struct agent *a, group_index_t group, enum core_step_kind kind, uint32_t seq,
		 struct epoch epoch)
{
	struct agent_step *s = &a->group[group].step;

	(void)epoch; /* the core ignores answers of another sequence by their number */
	*s = (struct agent_step){ .kind = kind, .seq = seq, .deferred = !a->vip };
	if (s->deferred)
		return; /* an adopted lease is served before the addresses are looked at: steps_resume() */
	switch (kind) {
	case STEP_ANNOUNCE:
		rate_reset(&a->group[group].registering, a->now.boot);
		vip_announce(a->vip, group, a->now.boot); /* answered by announced() */
		vrrp_speak(a->vrrp, group, true, a->now.boot);
		break;
	case STEP_WAKE_PBX:
		steps_adapter(a, group, true);
		service_reset_start(&a->group[group]); /* behind: a walk over all phones */
		break;
	case STEP_VERIFY:
		vip_verify(a->vip, group, a->now.boot); /* answered by verified() */
		break;
	case STEP_ANNOUNCE_STOP:
		a->group[group].let_go_at = a->now.boot;
		service_reset_stop(&a->group[group]);
		vip_announce_stop(a->vip, group);
		vrrp_speak(a->vrrp, group, false, a->now.boot);
		steps_answer(a, group, 0);
		break;
	case STEP_DESTROY_SOCKETS:
		steps_destroy_sockets(a, group);
		break;
	case STEP_MUZZLE_PBX:
		steps_adapter(a, group, false);
		break;
	case STEP_NONE:
		break;
	}
}

void steps_ended(struct agent *a, group_index_t group, enum core_step_kind kind, int error)
{
	struct agent_group *g = &a->group[group];

	if (g->step.kind != kind)
		return;
	/* Nobody else answers for the address; does our PBX answer at it? Its OPTIONS go over loopback. */
	if (kind == STEP_VERIFY && error == 0 && g->adapter && g->health.state != PBX_HEALTHY)
		error = -EHOSTDOWN;
	steps_answer(a, group, error);
}

void steps_adapter_answered(struct agent_group *g, uint64_t request, int error)
{
	struct agent_step *s = &g->step;

	if ((s->kind == STEP_WAKE_PBX || s->kind == STEP_MUZZLE_PBX) && s->request == request)
		steps_answer(g->agent, g->index, error ? -error : 0);
}

void steps_resume(struct agent *a)
{
	for (uint8_t g = 0; g < a->core.config.groups_count; g++) {
		const struct agent_step s = a->group[g].step;

		if (s.deferred)
			steps_start(a, g, s.kind, s.seq, (struct epoch){ 0 });
	}
}
