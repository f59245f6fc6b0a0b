/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp_announce.h"

#include "vrrp_wire.h"

void vrrp_speaker_start(struct vrrp_speaker *s, boot_t now)
{
	if (s->speaking)
		return;
	*s = (struct vrrp_speaker){ .speaking = true, .since = now, .next = now };
}

void vrrp_speaker_stop(struct vrrp_speaker *s)
{
	*s = (struct vrrp_speaker){ 0 };
}

static boot_t answer_at(const struct vrrp_speaker *s)
{
	return boot_max(boot_add(s->answered_at, VRRP_ANSWER_NS),
			boot_add(s->answers_paid, -(VRRP_ANSWERS_BURST - 1) * VRRP_ANSWER_LONG_NS));
}

void vrrp_speaker_again(struct vrrp_speaker *s, boot_t now)
{
	s->owed = s->speaking;
}

void vrrp_speaker_heard(struct vrrp_speaker *s, uint8_t priority, boot_t now, struct vrrp_reaction *ret)
{
	*ret = (struct vrrp_reaction){ 0 };
	if (!s->speaking)
		return;
	vrrp_speaker_again(s, now);
	if (priority == VRRP_PRIORITY_RELEASE || boot_diff_ns(s->since, now) < VRRP_FORMER_NS)
		return;
	ret->rogue = true;
	if (s->reported_at.ns && boot_diff_ns(s->reported_at, now) < VRRP_REPORT_NS) {
		s->suppressed++;
		return;
	}
	ret->report = true;
	ret->suppressed = s->suppressed;
	s->reported_at = now;
	s->suppressed = 0;
}

bool vrrp_speaker_due(struct vrrp_speaker *s, int64_t interval_ns, boot_t now)
{
	bool scheduled = s->speaking && !boot_before(now, s->next);
	bool owed = s->owed && !boot_before(now, answer_at(s));

	if (owed) {
		s->owed = false;
		s->answered_at = now;
		s->answers_paid = boot_add(boot_max(s->answers_paid, now), VRRP_ANSWER_LONG_NS);
	}
	if (scheduled) {
		s->next = boot_add(s->next, interval_ns);
		if (!boot_before(now, s->next))
			s->next = boot_add(now, interval_ns);
	}
	return scheduled || owed;
}

boot_t vrrp_speaker_next(const struct vrrp_speaker *s)
{
	if (!s->speaking)
		return BOOT_NEVER;
	return s->owed ? boot_min(s->next, answer_at(s)) : s->next;
}
