/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uplink_marks.h"

#include "cleanup.h"
#include "digest.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARKS_CHILD_NS (5 * NS_PER_S)
#define MARKS_RETRY_NS (10 * NS_PER_S)
#define MARKS_LOOK_NS  (20 * NS_PER_MS)
#define MARKS_AGAIN_NS (30 * NS_PER_S)
#define MARKS_ID_MAX   40
#define MARKS_TABLE    "inet ringkeep_uplink"

void uplink_marks_init(struct uplink_marks *m, bool wanted)
{
	*m = (struct uplink_marks){ .kept = wanted, .wanted = wanted };
	guard_child_init(&m->child);
}

void uplink_marks_close(struct uplink_marks *m)
{
	struct pollfd p = { .fd = m->child.pidfd, .events = POLLIN };

	if (!m->running)
		return;
	guard_child_kill(&m->child);
	(void)poll(&p, 1, 1000);
	(void)guard_child_end(&m->child);
	m->running = false;
}

/* The packets of a flow get the mark by which the routing rules know the line. Nothing of other marks is
 * touched. */
static void marks_pins(FILE *f, const struct path_config *c, uint32_t pinned, const char *chain,
		       const char *hook)
{
	(void)fprintf(f, "chain %s { type %s priority mangle; policy accept;\n", chain, hook);
	for (size_t i = 0; i < c->uplink_count; i++)
		if (pinned & 1U << i)
			(void)fprintf(f,
				      "ct mark and 0x%x == 0x%x meta mark set meta mark and 0x%x or 0x%x\n",
				      c->mark_mask, c->uplink[i].mark, ~c->mark_mask, c->uplink[i].mark);
	(void)fprintf(f, "}\n");
}

/* At a flow's start only: a rule that set it for each packet would make the flush miss those that have moved.
 */
static bool marks_all(const struct path_config *c, uint8_t family)
{
	for (size_t i = 0; i < c->voice_count; i++)
		if (c->voice_to[i].ip.family == family && c->voice_to[i].length == 0)
			return true;
	return false;
}

/* What goes where voice does not stays where it is at a switch, and is to be left alone. False: no voice of
 * this family. */
static bool marks_to(FILE *f, const struct path_config *c, uint8_t family)
{
	char text[IP_PREFIX_TEXT_MAX];
	bool first = true;

	if (marks_all(c, family))
		return true;
	for (size_t i = 0; i < c->voice_count; i++) {
		if (c->voice_to[i].ip.family != family)
			continue;
		(void)fprintf(f, "%s%s", first ? "{ " : ", ", ip_prefix_format(&c->voice_to[i], text));
		first = false;
	}
	if (!first)
		(void)fprintf(f, " }");
	return !first;
}

/* "meta nfproto ipv4 oifname "wan1" ip daddr { 203.0.113.0/24 } ct mark set ..." */
static void marks_line(FILE *f, const struct path_config *c, const struct path_uplink *u)
{
	_cleanup_(free_ptr) char *to = NULL;
	bool v6 = u->family == AF_INET6, any;
	size_t len;
	FILE *t = open_memstream(&to, &len);

	if (!t)
		return;
	any = marks_to(t, c, u->family);
	if (fclose(t) != 0 || !any)
		return;
	(void)fprintf(f, "meta nfproto %s oifname \"%s\" ", v6 ? "ipv6" : "ipv4", u->device);
	if (*to)
		(void)fprintf(f, "%s daddr %s ", v6 ? "ip6" : "ip", to);
	(void)fprintf(f, "ct mark set ct mark and 0x%x or 0x%x\n", ~c->mark_mask, u->mark);
}

static char *marks_chains(const struct path_config *c, uint32_t pinned)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	(void)fprintf(f,
		      "chain flows { type filter hook postrouting priority -150; policy accept;\n"
		      "ct mark and 0x%x != 0 accept\n"
		      "meta mark and 0x%x != 0 accept\n", /* probes, and who says himself where he goes */
		      c->mark_mask, c->mark_mask);
	for (size_t i = 0; i < c->uplink_count; i++)
		marks_line(f, c, &c->uplink[i]);
	(void)fprintf(f, "}\n");
	if (pinned) {
		marks_pins(f, c, pinned, "out", "route hook output");
		marks_pins(f, c, pinned, "through", "filter hook prerouting");
	}
	(void)fprintf(f, "}\n");
	return fclose(f) == 0 ? text : NULL;
}

/* The table's comment: the same chains have the same. */
static void marks_id(const char *chains, char ret[MARKS_ID_MAX])
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	uint64_t head = 0;

	digest_sha256(chains, strlen(chains), hash);
	for (int i = 0; i < 8; i++)
		head = head << 8 | hash[i];
	(void)snprintf(ret, MARKS_ID_MAX, "ringkeep %016" PRIx64, head);
}

char *uplink_marks_text(const struct path_config *c, uint32_t pinned)
{
	_cleanup_(free_ptr) char *chains = marks_chains(c, pinned);
	char *text, id[MARKS_ID_MAX];

	if (!chains)
		return NULL;
	marks_id(chains, id);
	return asprintf(&text,
			"table " MARKS_TABLE "\ndelete table " MARKS_TABLE "\ntable " MARKS_TABLE
			" {\ncomment \"%s\"\n%s",
			id, chains) < 0
		       ? NULL
		       : text;
}

static bool marks_are(const struct uplink_marks *m, const struct path_config *c)
{
	_cleanup_(free_ptr) char *chains = marks_chains(c, m->pinned);
	char id[MARKS_ID_MAX];

	if (!chains)
		return false;
	marks_id(chains, id);
	return strstr(m->child.said, id) != NULL;
}

static const char *nft_path(void)
{
	static const char *const usual[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft" };

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (access(usual[i], X_OK) == 0)
			return usual[i];
	return NULL;
}

static void marks_start(struct uplink_marks *m, const struct path_config *c, bool look, boot_t now)
{
	_cleanup_(free_ptr) char *text = look ? strdup("") : uplink_marks_text(c, m->pinned);
	const char *nft = nft_path();
	char path[64];
	char *const load[] = { path, "-f", "-", NULL };
	char *const list[] = { path, "list", "table", "inet", "ringkeep_uplink", NULL };

	(void)snprintf(path, sizeof path, "%s", nft ? nft : "");
	m->error = !nft ? -ENOENT : text ? guard_child_start(&m->child, look ? list : load, text) : -ENOMEM;
	m->running = m->error == 0;
	m->looking = look;
	m->wanted = look ? m->wanted : !m->running;
	m->next_try = m->error ? boot_add(now, MARKS_RETRY_NS) : now;
	m->recheck_at = boot_add(now, MARKS_AGAIN_NS);
	m->deadline = boot_add(now, MARKS_CHILD_NS);
	m->look_at = boot_add(now, MARKS_LOOK_NS);
}

/* A table that is not there is an error of nft, and nothing to tell of: it is loaded. */
static bool marks_ended(struct uplink_marks *m, const struct path_config *c, boot_t now)
{
	int r = guard_child_end(&m->child);

	m->running = false;
	m->next_try = now;
	if (m->looking) {
		m->looked = true;
		m->wanted = r < 0 || !marks_are(m, c);
		return false;
	}
	m->error = r;
	if (r < 0)
		m->next_try = boot_add(now, MARKS_RETRY_NS);
	m->wanted |= r < 0;
	return true;
}

static bool marks_idle(struct uplink_marks *m, const struct path_config *c, boot_t now)
{
	if (m->wanted && boot_before(now, m->next_try))
		return false;
	if (!m->wanted && (!m->kept || boot_before(now, m->recheck_at)))
		return false;
	marks_start(m, c, !m->wanted || !m->looked, now);
	return m->error < 0;
}

bool uplink_marks_tick(struct uplink_marks *m, const struct path_config *c, boot_t now)
{
	struct pollfd p = { .fd = m->child.pidfd, .events = POLLIN };

	if (!m->running)
		return marks_idle(m, c, now);
	m->look_at = boot_add(now, MARKS_LOOK_NS);
	if (m->child.output >= 0)
		guard_child_listen(&m->child);
	if (poll(&p, 1, 0) > 0)
		return marks_ended(m, c, now);
	if (!boot_before(now, m->deadline))
		guard_child_kill(&m->child);
	return false;
}

void uplink_marks_pin(struct uplink_marks *m, uint32_t lines)
{
	if (m->pinned == lines || !m->kept)
		return;
	m->pinned = lines;
	m->wanted = true;
}

bool uplink_marks_settled(const struct uplink_marks *m)
{
	return m->kept && !m->wanted && !m->running;
}

boot_t uplink_marks_next(const struct uplink_marks *m)
{
	if (m->running)
		return m->look_at;
	if (m->wanted)
		return m->next_try;
	return m->kept ? m->recheck_at : BOOT_NEVER;
}
