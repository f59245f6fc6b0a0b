/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_links.h"

#include "clock_read.h"

#include <errno.h>
#include <string.h>

static struct gate_link *link_find(struct gate_links *l, int ifindex)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->link[i].ifindex == ifindex)
			return &l->link[i];
	return NULL;
}

static struct gate_link *link_new(struct gate_links *l)
{
	struct gate_link *link = link_find(l, 0);

	if (!link && l->count < GATE_LINKS_MAX)
		link = &l->link[l->count++];
	return link;
}

static void link_rename(struct gate_links *l, struct gate_link *link, const char *name)
{
	memcpy(link->name, name, sizeof link->name);
	if (!link->attached)
		return;
	l->ops.detached(l->ctx, link->ifindex, link->name);
	l->ops.attached(l->ctx, link->ifindex, link->name);
}

void gate_links_seen(struct gate_links *l, const struct link_info *info)
{
	struct gate_link *link = link_find(l, info->ifindex);

	if (info->loopback)
		return;
	if (link) {
		if (strncmp(link->name, info->name, sizeof link->name))
			link_rename(l, link, info->name);
		return;
	}
	link = link_new(l);
	if (!link)
		return; /* without a gate, so the guard lets nothing through there */
	*link = (struct gate_link){ .ifindex = info->ifindex, .ethernet = info->ethernet, .suspect = true };
	memcpy(link->name, info->name, sizeof link->name);
}

void gate_links_gone(struct gate_links *l, int ifindex)
{
	struct gate_link *link = link_find(l, ifindex);

	if (!link)
		return;
	if (link->attached)
		l->ops.detached(l->ctx, link->ifindex, link->name);
	if (link->lost_told)
		l->ops.repaired(l->ctx, link->ifindex, link->name, 0, 0);
	if (link->preceded)
		l->ops.repaired(l->ctx, link->ifindex, link->name, 0, 0);
	*link = (struct gate_link){ 0 };
}

void gate_links_suspect(struct gate_links *l, int ifindex, uint32_t port_id)
{
	struct gate_link *link = ifindex > 0 ? link_find(l, ifindex) : NULL;

	if (!link)
		return;
	link->suspect = true;
	if (port_id)
		link->port_id = port_id;
}

void gate_links_suspect_all(struct gate_links *l)
{
	for (size_t i = 0; i < l->count; i++)
		l->link[i].suspect = l->link[i].ifindex != 0;
}

/* ---- one interface, one direction ---- */

static uint32_t wanted_program(const struct gate_links *l, const struct gate_link *link,
			       enum gate_direction d)
{
	return l->program_id[link->ethernet][d];
}

static bool filter_right(const struct gate_links *l, const struct gate_link *link, enum gate_direction d,
			 const struct gate_filter_state *s)
{
	return s->first >= 0 && s->program[s->first] == wanted_program(l, link, d) &&
	       !s->program[1 - s->first];
}

static enum gate_loss_kind filter_loss(const struct gate_links *l, const struct gate_link *link,
				       enum gate_direction d, const struct gate_filter_state *s)
{
	uint32_t wanted = wanted_program(l, link, d);

	if (s->program[0] == wanted || s->program[1] == wanted)
		return GATE_LOSS_OVERTAKEN;
	return s->program[0] || s->program[1] ? GATE_LOSS_REPLACED : GATE_LOSS_FILTER;
}

/* Puts the program in front of all filters, without a moment in which one of ours is missing. */
static int filter_put_first(struct gate_links *l, const struct gate_link *link, enum gate_direction d,
			    const struct gate_filter_state *s)
{
	int handle = s->first >= 0 ? s->first : s->program[0] ? 1 : 0;
	int r;

	if (s->first < 0 && s->program[handle]) { /* both there, neither first: only a new one comes first */
		r = gate_filter_remove(&l->request, link->ifindex, d, handle);
		if (r < 0)
			return r;
	}
	r = gate_filter_put(&l->request, link->ifindex, d, handle,
			    gate_program_fd(l->program, link->ethernet, d));
	if (r < 0 || !s->program[1 - handle])
		return r;
	return gate_filter_remove(&l->request, link->ifindex, d, 1 - handle);
}

static int filter_repair(struct gate_links *l, const struct gate_link *link, enum gate_direction d,
			 const struct gate_filter_state *before)
{
	struct gate_filter_state after;
	int r = filter_put_first(l, link, d, before);

	if (r == 0)
		r = gate_filter_look(&l->request, link->ifindex, d, &after);
	if (r == 0 && !filter_right(l, link, d, &after))
		r = -EBUSY; /* somebody is quicker: again at the next tick */
	return r;
}

/* ---- one interface ---- */

static void link_report(struct gate_links *l, struct gate_link *link, struct gate_loss *loss)
{
	loss->ifindex = link->ifindex;
	loss->port_id = link->port_id;
	memcpy(loss->device, link->name, sizeof loss->device);
	l->counters.losses++;
	l->ops.lost(l->ctx, loss);
}

static int link_repair(struct gate_links *l, struct gate_link *link, const bool missing[2],
		       const struct gate_filter_state state[2])
{
	int r = 0;

	for (int d = GATE_IN; d <= GATE_OUT && r == 0; d++)
		if (missing[d])
			r = filter_repair(l, link, d, &state[d]);
	return r;
}

/* The gate could not be put on at all: reported once, then tried again until it works. */
static void link_blocked(struct gate_links *l, struct gate_link *link, const bool missing[2], int error)
{
	struct gate_loss loss = { .kind = GATE_LOSS_BLOCKED,
				  .ingress = missing[GATE_IN],
				  .egress = missing[GATE_OUT] };

	(void)sentence_fail(&loss.text, error, "the gate cannot be put on %s: %s%s%s", link->name,
			    strerror(-error), l->request.error_text[0] ? ": " : "", l->request.error_text);
	link->lost_told = true;
	link_report(l, link, &loss);
}

static void link_attached(struct gate_links *l, struct gate_link *link)
{
	link->error = 0;
	if (link->attached)
		return;
	link->attached = true;
	l->ops.attached(l->ctx, link->ifindex, link->name);
}

static void link_repaired(struct gate_links *l, struct gate_link *link, int error, int64_t took_ns)
{
	*(error == 0 ? &l->counters.repairs : &l->counters.repair_failures) += 1;
	if (error == 0)
		link->lost_told = false;
	else if (link->error == error)
		return; /* told already, and tried again each second */
	link->error = error;
	l->ops.repaired(l->ctx, link->ifindex, link->name, error, took_ns);
}

static void link_detached(struct gate_links *l, struct gate_link *link)
{
	if (!link->attached)
		return;
	link->attached = false;
	l->ops.detached(l->ctx, link->ifindex, link->name);
}

static void link_lost(struct gate_links *l, struct gate_link *link, const bool missing[2],
		      const struct gate_filter_state state[2])
{
	enum gate_direction d = missing[GATE_IN] ? GATE_IN : GATE_OUT;
	struct gate_loss loss = { .kind = filter_loss(l, link, d, &state[d]),
				  .ingress = missing[GATE_IN],
				  .egress = missing[GATE_OUT] };

	(void)sentence_fail(&loss.text, 0, "the gate on %s: %s", link->name, gate_loss_name(loss.kind));
	link->lost_told = true;
	link_report(l, link, &loss);
}

static void link_restore(struct gate_links *l, struct gate_link *link, const bool missing[2],
			 const struct gate_filter_state state[2])
{
	boot_t start = clock_now().boot;
	char name[IF_NAMESIZE];
	int r;

	/* A look at an interface that is gone finds no filter and no error. */
	if (!if_indextoname((unsigned)link->ifindex, name))
		return;
	if (link->attached && (missing[GATE_IN] || missing[GATE_OUT]))
		link_lost(l, link, missing, state);
	r = link_repair(l, link, missing, state);
	if (r == -ENODEV)
		return; /* its RTM_DELLINK is on the way */
	if (r < 0 && !link->lost_told) {
		link->error = r;
		link_blocked(l, link, missing, r);
		return;
	}
	if (link->lost_told)
		link_repaired(l, link, r, boot_diff_ns(start, clock_now().boot));
	if (r < 0)
		link_detached(l, link);
	else
		link_attached(l, link);
}

/* Nobody tells about tcx programs, so they are seen by the poll, and they cannot be overtaken by a filter. */
static void link_check_preceded(struct gate_links *l, struct gate_link *link)
{
	struct gate_loss loss = { .kind = GATE_LOSS_PRECEDED,
				  .ingress = gate_program_preceded(link->ifindex, GATE_IN),
				  .egress = gate_program_preceded(link->ifindex, GATE_OUT) };
	bool preceded = loss.ingress || loss.egress;

	if (preceded == link->preceded)
		return;
	link->preceded = preceded;
	if (!preceded) {
		l->ops.repaired(l->ctx, link->ifindex, link->name, 0, 0);
		return;
	}
	(void)sentence_fail(&loss.text, 0, "the gate on %s: %s", link->name, gate_loss_name(loss.kind));
	link_report(l, link, &loss);
}

void gate_link_check(struct gate_links *l, struct gate_link *link)
{
	struct gate_filter_state state[2];
	bool missing[2];

	link->suspect = false;
	for (int d = GATE_IN; d <= GATE_OUT; d++) {
		int r = gate_filter_look(&l->request, link->ifindex, d, &state[d]);

		if (r == -ENODEV)
			return;
		if (r < 0)
			state[d] = (struct gate_filter_state){ .first = -1 };
		missing[d] = !filter_right(l, link, d, &state[d]);
	}
	if (missing[GATE_IN] || missing[GATE_OUT] || link->lost_told)
		link_restore(l, link, missing, state);
	else
		link_attached(l, link);
	link_check_preceded(l, link);
	link->port_id = 0;
}

void gate_links_check(struct gate_links *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->link[i].ifindex && l->link[i].suspect)
			gate_link_check(l, &l->link[i]);
}

int gate_links_remove(struct gate_links *l)
{
	int error = 0;

	for (size_t i = 0; i < l->count; i++) {
		for (int j = 0; l->link[i].ifindex && j < 4; j++) {
			int r = gate_filter_remove(&l->request, l->link[i].ifindex, j >> 1, j & 1);

			error = error ? error : r;
		}
		l->link[i] = (struct gate_link){ 0 };
	}
	l->count = 0;
	return error;
}
