/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Gives bindings to Kamailio by REGISTER to its loopback sync listener: several in flight, sent again when
 * not answered, each ending exactly once with a status or 0 for no answer. One binding is in flight once.
 */
#ifndef RK_KAMAILIO_SYNC_H
#define RK_KAMAILIO_SYNC_H

#include "binding.h"
#include "kamailio_text.h"

#include <netinet/in.h>

#define KAMAILIO_SYNC_WINDOW 48

struct kamailio_sync_slot {
	bool used;
	uint32_t seq;
	uint32_t tries;
	boot_t deadline;
	char aor[BINDING_AOR_MAX + 1];
	char contact[BINDING_CONTACT_MAX + 1];
	int len;
	char message[KAMAILIO_REGISTER_MAX];
};

typedef void kamailio_synced_fn(void *ctx, const char *aor, const char *contact, int status, boot_t now);

struct kamailio_sync {
	int fd;
	uint32_t seq;
	uint64_t nonce;
	char via[64];
	char domain[64];
	kamailio_synced_fn *synced;
	void *ctx;
	struct kamailio_sync_slot slots[KAMAILIO_SYNC_WINDOW];
};

int kamailio_sync_init(struct kamailio_sync *s, const struct sockaddr_in *to, const char *domain,
		       uint64_t nonce, kamailio_synced_fn *synced, void *ctx);
size_t kamailio_sync_free_slots(const struct kamailio_sync *s);
bool kamailio_sync_in_flight(const struct kamailio_sync *s, const char *aor, const char *contact);
/* 0: synced() follows; -EBUSY no slot; -ENOSPC it does not fit into a message. */
int kamailio_sync_send(struct kamailio_sync *s, const struct binding *b, boot_t now);
void kamailio_sync_ready(struct kamailio_sync *s, boot_t now);
boot_t kamailio_sync_next(const struct kamailio_sync *s);
void kamailio_sync_tick(struct kamailio_sync *s, boot_t now);

#endif
