/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One receiver: what it wants to hear of, how much at once, its queue on disk, one delivery at a time in
 * order, and another try when that failed. Knows nothing of the other receivers.
 */
#ifndef RK_RECEIVER_H
#define RK_RECEIVER_H

#include "cluster_view.h"
#include "conditions.h"
#include "delivery.h"
#include "limiter.h"
#include "spool.h"

#define RECEIVER_REFUSALS_MAX 5		       /* tries of one alert that the receiver does not want */
#define RECEIVER_TROUBLE_NS   (300 * NS_PER_S) /* failing for so long, the others are told */

struct receiver {
	const struct config_alert *config; /* borrowed */
	struct spool spool;
	struct limiter limiter;
	struct delivery delivery;
	bool repeats; /* what is under way is what goes on, not the queue's first */
	struct alert current;
	uint32_t failures, refusals;
	boot_t retry_at, repeat_at;
	boot_t failing_since; /* 0 = the latest went well */
	char said[DELIVERY_ANSWER_MAX];
	uint64_t delivered;
};

/* Reads its queue below dir_fd (borrowed). Returns 0 or -errno. */
int receiver_open(struct receiver *ret, const struct config_alert *config, CURLM *multi, int dir_fd,
		  boot_t now);
/* What is under way is tried again by the next one. */
void receiver_close(struct receiver *r);
/* Does its configuration ask for it? */
bool receiver_wants(const struct config_alert *config, const struct alert *a);
/* On disk when it returns, or held back and counted: the caller saves the limiter. True: that has changed. */
bool receiver_take(struct receiver *r, const struct alert *a, boot_t now, int64_t wall_ns);
/* Goes on with everything. known: what goes on is repeated to an Alertmanager. True: the limiter has changed.
 */
bool receiver_work(struct receiver *r, const struct conditions *known, const struct cluster_view *view,
		   boot_t now, int64_t wall_ns);
boot_t receiver_next(const struct receiver *r);

#endif
