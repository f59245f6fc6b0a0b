/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pulses as heartbeat/ carries them: fresh means that the datagram echoes the receiver's present incarnation;
 * a hello is answered at once, so that a restarted agent is heard after one round trip.
 */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void sim_link_cut(struct sim *s, node_id_t from, node_id_t to, bool cut)
{
	struct sim_link *l = &s->link[from][to];

	if (l->cut == cut)
		return;
	l->cut = cut;
	l->calm_since = cut ? INT64_MAX : s->now;
}

static int64_t sim_delay(struct sim *s)
{
	int64_t ns = sim_random_between(&s->random, s->fault.delay_low_ns, s->fault.delay_high_ns);

	/* Held up on the way: this is what lets old messages come after newer ones. */
	if (!s->faults_over && sim_random_permille(&s->random, s->fault.reorder))
		ns += sim_random_between(&s->random, 10 * NS_PER_MS, 3000 * NS_PER_MS);
	return ns;
}

static void sim_transmit(struct sim *s, const struct sim_datagram *d)
{
	struct sim_node *from = &s->node[d->from];
	int copies = 1;

	if (s->link[d->from][d->to].cut || !from->powered)
		return;
	if (!s->faults_over && sim_random_permille(&s->random, s->fault.loss))
		return;
	if (!s->faults_over && sim_random_permille(&s->random, s->fault.duplicate))
		copies = 2;
	for (int i = 0; i < copies; i++)
		sim_schedule(s, s->now + sim_delay(s), SIM_DATAGRAM, d->to)->datagram = *d;
}

static void sim_pulse(struct sim *s, struct sim_node *n, node_id_t to, uint64_t echo,
		      const struct lease_msg *msg)
{
	struct instant now = sim_instant(s, n);
	struct sim_datagram d = {
		.from = n->id,
		.to = to,
		.incarnation = n->incarnation,
		.echo = echo,
		.hears = node_in(core_heard(n->core, now), to),
		.has_views = !msg,
		.has_msg = msg,
	};

	if (msg)
		d.msg = *msg;
	for (group_index_t g = 0; !msg && g < s->config.groups_count; g++)
		d.view[g] = core_view(n->core, g, now);
	sim_transmit(s, &d);
}

void sim_net_pulse(struct sim *s, struct sim_node *n, node_id_t to)
{
	sim_pulse(s, n, to, n->known[to], NULL);
}

void sim_net_send(struct sim *s, struct sim_node *n, const struct lease_msg *msg)
{
	if (msg->from != n->id || msg->to == NODE_NONE || msg->to > s->nodes_count) {
		sim_fail(s, "%s sends a message from %d to %d", sim_name(s, n->id), msg->from, msg->to);
		return;
	}
	if (msg->to == n->id)
		sim_fail(s, "%s sends a message to itself", sim_name(s, n->id));
	sim_pulse(s, n, msg->to, n->known[msg->to], msg);
}

/* Feeds the events of one datagram; those that a stall interrupts wait at the front of the inbox. */
static void sim_feed_all(struct sim *s, struct sim_node *n, struct core_event *events, int count)
{
	int i = 0;

	while (i < count && !n->stalled_until && !s->failed)
		sim_node_feed(s, n, &events[i++]);
	for (int k = count - 1; k >= i && n->running && !s->failed; k--) {
		struct sim_event *e = calloc(1, sizeof *e);

		assert(e);
		e->type = SIM_CORE;
		e->node = n->id;
		e->life = n->life;
		e->core = events[k];
		e->next = n->inbox_first;
		n->inbox_first = e;
		if (!n->inbox_last)
			n->inbox_last = e;
	}
}

/* Only what the type needs is filled: a core_event is large, and there are millions of them. */
static struct core_event *sim_event_put(struct core_event *events, int *count, enum core_event_type type,
					node_id_t from, group_index_t group)
{
	struct core_event *ev = &events[(*count)++];

	ev->type = type;
	ev->node = from;
	ev->group = group;
	return ev;
}

void sim_net_receive(struct sim *s, struct sim_node *n, const struct sim_datagram *d)
{
	struct core_event events[SIM_GROUPS_MAX + 2];
	int count = 0;

	if (d->echo != n->incarnation) {
		sim_pulse(s, n, d->from, d->incarnation, NULL);
		return;
	}
	n->known[d->from] = d->incarnation;
	sim_event_put(events, &count, CORE_HEARD, d->from, 0)->heard.hears_me = d->hears;
	events[0].heard.incarnation = d->incarnation;
	for (group_index_t g = 0; d->has_views && g < s->config.groups_count; g++) {
		struct core_event *ev = sim_event_put(events, &count, CORE_VIEW, d->from, g);

		ev->view.view = d->view[g];
		ev->view.hears_me = d->hears;
	}
	if (d->has_msg)
		sim_event_put(events, &count, CORE_MESSAGE, d->from, d->msg.group)->msg = d->msg;
	sim_feed_all(s, n, events, count);
}
