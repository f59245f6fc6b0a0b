/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an operator may order: a shot, or that a node which nobody hears is taken for off.
 */
#include "fence_private.h"

enum fence_refusal fence_check_order(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	if (!node_in(f->nodes, n))
		return FENCE_REFUSED_UNKNOWN;
	if (n == f->self)
		return FENCE_REFUSED_SELF;
	if (f->config.target[n].levels_count == 0)
		return FENCE_REFUSED_NO_DEVICE;
	return fence_quorate(f, w) ? FENCE_ACCEPTED : FENCE_REFUSED_NOT_QUORATE;
}

enum fence_refusal fence_check_confirm(const struct fence *f, node_id_t n, const struct fence_world *w)
{
	if (!node_in(f->nodes, n))
		return FENCE_REFUSED_UNKNOWN;
	if (n == f->self)
		return FENCE_REFUSED_SELF;
	return fence_gone(f, n, w) ? FENCE_ACCEPTED : FENCE_REFUSED_ALIVE;
}

void fence_order_by_hand(struct fence *f, node_id_t n, const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };

	fence_order(&t, n, FENCE_WHY_OPERATOR, 0);
}

void fence_confirm_by_hand(struct fence *f, node_id_t n, const struct fence_world *w, struct core_plan *plan)
{
	struct fence_turn t = { f, w, plan };

	fence_send(&t, n, FENCE_MSG_CONFIRM, FENCE_CONFIRMED);
}
