/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kamailio_sync.h"

#include "sip_options.h"
#include "sip_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS       (500 * NS_PER_MS)
#define TRIES_MAX      3
#define ANSWERS_A_TURN 64

int kamailio_sync_init(struct kamailio_sync *s, const struct sockaddr_in *to, const char *domain,
		       uint64_t nonce, kamailio_synced_fn *synced, void *ctx)
{
	struct sockaddr_storage self = { 0 };
	socklen_t len = sizeof self;
	int r;

	*s = (struct kamailio_sync){ .nonce = nonce, .synced = synced, .ctx = ctx };
	(void)snprintf(s->domain, sizeof s->domain, "%s", domain); /* an IP address: fits */
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)to, sizeof *to) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&self, &len) < 0) {
		r = -errno;
		if (s->fd >= 0)
			(void)close(s->fd); /* never used */
		return r;
	}
	sip_address_text(&self, s->via, sizeof s->via);
	return 0;
}

size_t kamailio_sync_free_slots(const struct kamailio_sync *s)
{
	size_t n = 0;

	for (size_t i = 0; i < KAMAILIO_SYNC_WINDOW; i++)
		n += !s->slots[i].used;
	return n;
}

bool kamailio_sync_in_flight(const struct kamailio_sync *s, const char *aor, const char *contact)
{
	for (size_t i = 0; i < KAMAILIO_SYNC_WINDOW; i++)
		if (s->slots[i].used && !strcmp(s->slots[i].aor, aor) &&
		    !strcmp(s->slots[i].contact, contact))
			return true;
	return false;
}

static void slot_transmit(struct kamailio_sync *s, struct kamailio_sync_slot *slot, boot_t now)
{
	slot->tries++;
	slot->deadline = boot_add(now, RETRY_NS);
	/* A refused one (nobody listens) is sent again at the deadline like a lost one. */
	(void)send(s->fd, slot->message, (size_t)slot->len, MSG_NOSIGNAL);
}

int kamailio_sync_send(struct kamailio_sync *s, const struct binding *b, boot_t now)
{
	for (size_t i = 0; i < KAMAILIO_SYNC_WINDOW; i++) {
		struct kamailio_sync_slot *slot = &s->slots[i];
		char branch[SIP_BRANCH_MAX];

		if (slot->used)
			continue;
		s->seq++;
		(void)snprintf(branch, sizeof branch, "rk%016llx-%zu-%u", (unsigned long long)s->nonce, i,
			       s->seq); /* fits */
		slot->len = kamailio_register_build(b, now, s->via, s->domain, branch, slot->message,
						    sizeof slot->message);
		if (slot->len < 0)
			return slot->len;
		slot->used = true;
		slot->seq = s->seq;
		slot->tries = 0;
		(void)snprintf(slot->aor, sizeof slot->aor, "%s", b->text[BINDING_AOR]); /* both checked */
		(void)snprintf(slot->contact, sizeof slot->contact, "%s", b->text[BINDING_CONTACT]);
		slot_transmit(s, slot, now);
		return 0;
	}
	return -EBUSY;
}

static void slot_finish(struct kamailio_sync *s, struct kamailio_sync_slot *slot, int status, boot_t now)
{
	char aor[sizeof slot->aor], contact[sizeof slot->contact];

	memcpy(aor, slot->aor, sizeof aor); /* the callback may fill the slot again */
	memcpy(contact, slot->contact, sizeof contact);
	slot->used = false;
	s->synced(s->ctx, aor, contact, status, now);
}

static void sync_answer(struct kamailio_sync *s, const char *data, size_t len, boot_t now)
{
	unsigned long long nonce;
	struct sip_response r;
	size_t i;
	uint32_t seq;

	if (sip_response_parse(data, len, &r) < 0 || r.status < 200 ||
	    sscanf(r.branch, "rk%16llx-%zu-%u", &nonce, &i, &seq) != 3 || nonce != s->nonce ||
	    i >= KAMAILIO_SYNC_WINDOW)
		return;
	if (s->slots[i].used && s->slots[i].seq == seq)
		slot_finish(s, &s->slots[i], r.status, now);
}

void kamailio_sync_ready(struct kamailio_sync *s, boot_t now)
{
	char message[4096];

	for (int i = 0; i < ANSWERS_A_TURN; i++) {
		ssize_t n = recv(s->fd, message, sizeof message, 0);

		if (n < 0 && errno != ECONNREFUSED)
			return;
		if (n > 0)
			sync_answer(s, message, (size_t)n, now);
	}
}

boot_t kamailio_sync_next(const struct kamailio_sync *s)
{
	boot_t next = BOOT_NEVER;

	for (size_t i = 0; i < KAMAILIO_SYNC_WINDOW; i++)
		if (s->slots[i].used)
			next = boot_min(next, s->slots[i].deadline);
	return next;
}

void kamailio_sync_tick(struct kamailio_sync *s, boot_t now)
{
	for (size_t i = 0; i < KAMAILIO_SYNC_WINDOW; i++) {
		struct kamailio_sync_slot *slot = &s->slots[i];

		if (!slot->used || boot_before(now, slot->deadline))
			continue;
		if (slot->tries >= TRIES_MAX)
			slot_finish(s, slot, 0, now);
		else
			slot_transmit(s, slot, now);
	}
}
