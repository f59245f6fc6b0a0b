/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mode `announce` of one group as data: when an advertisement is due, and what to think of one that somebody
 * else has sent. Pure. It never yields: whoever else speaks for our virtual router is answered, so that the
 * last word on the LAN is ours, and reported. Private to vip/.
 */
#ifndef RK_VRRP_ANNOUNCE_H
#define RK_VRRP_ANNOUNCE_H

#include "clock.h"

/* The former holder's last advertisement may still be on its way. */
#define VRRP_FORMER_NS (100 * NS_PER_MS)
/* At most one advertisement at once, beside the schedule, in that time; and no more than so many in a row,
 * then one each VRRP_ANSWER_LONG_NS: a rogue keepalived answers each of ours with one of its own and a burst
 * of gratuitous ARP, which is more than phones should have to bear. */
#define VRRP_ANSWER_NS	    (10 * NS_PER_MS)
#define VRRP_ANSWERS_BURST  10
#define VRRP_ANSWER_LONG_NS (100 * NS_PER_MS)
/* At most one report. */
#define VRRP_REPORT_NS NS_PER_S

struct vrrp_speaker {
	bool speaking;
	boot_t since;	     /* speaking */
	boot_t next;	     /* of the schedule */
	boot_t answered_at;  /* latest one beside the schedule; {0}: none */
	boot_t answers_paid; /* answers so far have used up the long-term rate until then */
	bool owed;	     /* one more is due as soon as both rates allow */
	boot_t reported_at;  /* {0}: none */
	uint32_t suppressed;
};

/* What follows from an advertisement of somebody else. */
struct vrrp_reaction {
	bool rogue;	     /* nobody who was told to be silent, or is about to be */
	bool report;	     /* a rogue, and a report is allowed */
	uint32_t suppressed; /* reports that were not, since the last one */
};

/* The first advertisement is due at once. */
void vrrp_speaker_start(struct vrrp_speaker *s, boot_t now);
void vrrp_speaker_stop(struct vrrp_speaker *s);
/* One beside the schedule, as soon as the rate allows. */
void vrrp_speaker_again(struct vrrp_speaker *s, boot_t now);
/* An advertisement of somebody else; one of ours becomes due, if we speak. */
void vrrp_speaker_heard(struct vrrp_speaker *s, uint8_t priority, boot_t now, struct vrrp_reaction *ret);
/* Is one to be sent now? If so it is taken as sent: after a stall none is made up for. */
bool vrrp_speaker_due(struct vrrp_speaker *s, int64_t interval_ns, boot_t now);
boot_t vrrp_speaker_next(const struct vrrp_speaker *s);

#endif
