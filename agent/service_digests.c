/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_digests.h"

#include <string.h>

void service_digests_sent(struct service_digests *d, uint64_t ours)
{
	d->sent[d->sent_next] = ours;
	d->sent_next = (d->sent_next + 1) % SERVICE_DIGESTS_SENT;
}

static bool digests_had(const struct service_digests *d, uint64_t theirs)
{
	for (uint32_t i = 0; i < SERVICE_DIGESTS_SENT; i++)
		if (d->sent[i] == theirs)
			return true;
	return false;
}

void service_digests_peer_says(struct service_digests *d, node_id_t peer, uint64_t theirs, uint64_t ours)
{
	/* 0 is an empty store, and an entry that was never written. */
	if (theirs == ours || (theirs && digests_had(d, theirs)))
		d->peer_differs[peer] = 0;
	else if (d->peer_differs[peer] < SERVICE_DIGESTS_DIFFER)
		d->peer_differs[peer]++;
}

bool service_digests_peer_differs(const struct service_digests *d, node_id_t peer)
{
	return d->peer_differs[peer] >= SERVICE_DIGESTS_DIFFER;
}

void service_digests_healed(struct service_digests *d)
{
	memset(d->peer_differs, 0, sizeof d->peer_differs);
}

void service_digests_holder_says(struct service_digests *d, uint64_t theirs, uint64_t ours)
{
	if (theirs == ours) {
		d->waiting = false;
		d->differs = 0;
		return;
	}
	/* The first one that is missed is waited for; when it did not come, the newest. */
	if (!d->waiting || d->differs >= SERVICE_DIGESTS_DIFFER)
		d->wanted = theirs;
	d->waiting = true;
	if (d->differs < SERVICE_DIGESTS_DIFFER)
		d->differs++;
}

void service_digests_reached(struct service_digests *d, uint64_t ours)
{
	if (!d->waiting || d->wanted != ours)
		return;
	d->waiting = false;
	d->differs = 0;
}

bool service_digests_differ(const struct service_digests *d)
{
	return d->differs >= SERVICE_DIGESTS_DIFFER;
}
