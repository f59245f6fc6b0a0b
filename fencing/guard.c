/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include "cleanup.h"
#include "clock_read.h"
#include "guard_child.h"
#include "guard_text.h"
#include "guard_watch.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#define GUARD_LINKS_MAX	    1024
#define GUARD_CHILD_NS	    (5 * NS_PER_S) /* nft has taken 50 ms at most beside heavy users; then it hangs */
#define GUARD_RETRY_NS	    NS_PER_S
#define GUARD_SETTLE_MS_MAX 15000

enum guard_job { GUARD_JOB_NONE, GUARD_JOB_CHANGES, GUARD_JOB_ALL };

struct guard {
	struct guard_ops ops;
	void *ctx;
	char nft[128];
	int epoll;
	struct guard_watch watch;
	struct guard_child child;
	enum guard_job running;
	enum guard_job wanted;
	bool settled;	/* changes go to the kernel */
	bool repairing; /* the next end of a child is told through ops->repaired */
	boot_t child_deadline;
	boot_t next_try; /* BOOT_NEVER: nothing to retry */
	boot_t lost_at;
	int error; /* of the latest child */
	struct guard_status status;
	size_t address_count;
	struct ip_address address[VIRTUAL_ADDRESSES_MAX];
	size_t peer_count;
	struct ip_prefix peer[GUARD_PEERS_MAX]; /* none in another */
	size_t refused_count;
	struct ip_prefix refused[GUARD_PEERS_MAX]; /* likewise */
	size_t held_count;
	struct ip_address held[VIRTUAL_ADDRESSES_MAX];
	struct guard_link link[GUARD_LINKS_MAX];
};

/* ---- children ---- */

static char *guard_text(const struct guard *g, enum guard_job job)
{
	const struct guard_content c = { g->address, g->address_count, g->peer, g->peer_count,
					 g->refused, g->refused_count, g->held, g->held_count,
					 g->link,    GUARD_LINKS_MAX };

	return job == GUARD_JOB_CHANGES ? guard_text_changes(&c) : guard_text_all(&c);
}

static int guard_watch_fds(struct guard *g, bool add)
{
	const int fds[] = { g->child.pidfd, g->child.output };

	for (int i = 0; i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN };

		if (epoll_ctl(g->epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fds[i], &e) < 0)
			return -errno;
	}
	return 0;
}

static int guard_start_child(struct guard *g, enum guard_job job)
{
	char *const argv[] = { g->nft, "-f", "-", NULL };
	_cleanup_(free_ptr) char *text = guard_text(g, job);
	int r = text ? guard_child_start(&g->child, argv, text) : -ENOMEM;

	if (r < 0)
		return r;
	g->watch.own = g->child.pid;
	return guard_watch_fds(g, true);
}

static void guard_failed(struct guard *g, int error, boot_t now)
{
	bool first = g->error != error;

	g->error = error;
	g->status.failures++;
	g->status.up = false;
	g->wanted = GUARD_JOB_ALL;
	g->next_try = boot_add(now, GUARD_RETRY_NS);
	if ((first || g->repairing) && g->settled)
		g->ops.repaired(g->ctx, error, g->child.said, boot_diff_ns(g->lost_at, now));
	g->repairing = false;
}

/* Starts what is wanted, if no child runs. */
static void guard_kick(struct guard *g, boot_t now)
{
	enum guard_job job = g->wanted;
	int r;

	if (g->running || !job || (g->error && boot_before(now, g->next_try)))
		return;
	g->wanted = GUARD_JOB_NONE;
	r = guard_start_child(g, job);
	if (r < 0) {
		guard_failed(g, r, now);
		return;
	}
	g->running = job;
	g->child_deadline = boot_add(now, GUARD_CHILD_NS);
}

static void guard_want(struct guard *g, enum guard_job job, boot_t now)
{
	if (job > g->wanted)
		g->wanted = job;
	if (g->settled)
		guard_kick(g, now);
}

/* A change of the interfaces alone fails when the tables are not there: then all of it is needed, at once.
 * The same if a loss was seen while the child ran. */
static bool guard_superseded(const struct guard *g, enum guard_job job, int error)
{
	return g->wanted == GUARD_JOB_ALL || (error && job == GUARD_JOB_CHANGES);
}

static void guard_succeeded(struct guard *g, boot_t now)
{
	if ((g->repairing || g->error) && g->settled)
		g->ops.repaired(g->ctx, 0, "", boot_diff_ns(g->lost_at, now));
	g->repairing = false;
	g->error = 0;
	g->status.up = true;
	g->status.loads++;
}

static void guard_child_ended(struct guard *g, boot_t now)
{
	enum guard_job job = g->running;
	int r;

	(void)guard_watch_fds(g, false); /* closing them would do it, too */
	r = guard_child_end(&g->child);
	g->running = GUARD_JOB_NONE;
	g->next_try = BOOT_NEVER;
	if (guard_superseded(g, job, r)) {
		g->wanted = GUARD_JOB_ALL;
		g->next_try = now; /* after a failure, too: nothing else would begin it */
	} else if (r < 0) {
		guard_failed(g, r, now);
	} else {
		guard_succeeded(g, now);
	}
	if (g->settled)
		guard_kick(g, now);
}

/* ---- events ---- */

static void guard_lost(struct guard *g, const struct guard_loss *loss, boot_t now)
{
	g->status.losses++;
	g->status.up = false;
	g->repairing = true;
	g->lost_at = now;
	g->ops.lost(g->ctx, loss);
	guard_want(g, GUARD_JOB_ALL, now);
}

static bool fd_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

int guard_fd(const struct guard *g)
{
	return g->epoll;
}

int guard_readable(struct guard *g, boot_t now)
{
	struct guard_loss loss;
	/* Before a child is reaped: its own notifications came before its end, and are known by its pid. */
	bool ended = g->running && fd_readable(g->child.pidfd);
	int r = guard_watch_read(&g->watch, &loss);

	if (r == 1 && g->settled)
		guard_lost(g, &loss, now);
	if (r == -ENOBUFS)
		guard_want(g, GUARD_JOB_ALL, now); /* what was lost may have been about us */
	if (g->running)
		guard_child_listen(&g->child);
	if (ended)
		guard_child_ended(g, now);
	return r < 0 && r != -ENOBUFS ? r : 0;
}

boot_t guard_next(const struct guard *g)
{
	return g->running ? g->child_deadline : g->next_try;
}

void guard_tick(struct guard *g, boot_t now)
{
	if (g->running && !boot_before(now, g->child_deadline)) {
		guard_child_kill(&g->child);
		g->child_deadline = boot_add(now, GUARD_CHILD_NS);
	}
	if (!g->running && !boot_before(now, g->next_try))
		guard_want(g, GUARD_JOB_ALL, now);
}

/* ---- what is wanted ---- */

void guard_allow(struct guard *g, int ifindex, const char *device)
{
	struct guard_link *slot = NULL;

	for (size_t i = GUARD_LINKS_MAX; i-- > 0;) {
		if (g->link[i].ifindex == ifindex) {
			slot = &g->link[i];
			break;
		}
		if (!g->link[i].ifindex)
			slot = &g->link[i];
	}
	if (!slot)
		return; /* stays shut there, which is safe */
	slot->ifindex = ifindex;
	(void)snprintf(slot->name, sizeof slot->name, "%s", device);
	guard_want(g, GUARD_JOB_CHANGES, clock_now().boot);
}

void guard_deny(struct guard *g, int ifindex)
{
	for (size_t i = 0; i < GUARD_LINKS_MAX; i++) {
		if (g->link[i].ifindex != ifindex)
			continue;
		g->link[i] = (struct guard_link){ 0 };
		guard_want(g, GUARD_JOB_CHANGES, clock_now().boot);
	}
}

static void guard_take_addresses(struct guard *g, const struct guard_config *config)
{
	assert(config->address_count <= VIRTUAL_ADDRESSES_MAX);
	g->address_count = config->address_count;
	for (size_t i = 0; i < config->address_count; i++)
		g->address[i] = config->addresses[i].ip;
}

/* nft refuses intervals that overlap; what is in a wider one needs no mention. */
static void guard_take_peers(struct guard *g, const struct guard_config *config)
{
	assert(config->peer_count <= GUARD_PEERS_MAX);
	g->peer_count = 0;
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct ip_prefix *p = &config->peers[i];
		bool needed = true;

		for (size_t k = 0; k < config->peer_count && needed; k++)
			if (k != i && ip_prefix_contains(&config->peers[k], p) &&
			    (!ip_prefix_equal(&config->peers[k], p) || k < i))
				needed = false;
		if (needed)
			g->peer[g->peer_count++] = *p;
	}
}

int guard_update(struct guard *g, const struct guard_config *config)
{
	guard_take_addresses(g, config);
	guard_take_peers(g, config);
	guard_want(g, GUARD_JOB_ALL, clock_now().boot);
	return 0;
}

void guard_refuse(struct guard *g, const struct ip_prefix *peers, size_t count)
{
	bool same = count == g->refused_count;

	assert(count <= GUARD_PEERS_MAX);
	for (size_t i = 0; i < count && same; i++)
		same = ip_prefix_equal(&peers[i], &g->refused[i]);
	if (same)
		return;
	memcpy(g->refused, peers, count * sizeof *peers);
	g->refused_count = count;
	guard_want(g, GUARD_JOB_CHANGES, clock_now().boot);
}

void guard_hold(struct guard *g, const struct ip_address *addresses, size_t count)
{
	bool same = count == g->held_count;

	assert(count <= VIRTUAL_ADDRESSES_MAX);
	for (size_t i = 0; i < count && same; i++)
		same = ip_equal(&addresses[i], &g->held[i]);
	if (same)
		return;
	memcpy(g->held, addresses, count * sizeof *addresses);
	g->held_count = count;
	guard_want(g, GUARD_JOB_CHANGES, clock_now().boot);
}

bool guard_busy(const struct guard *g)
{
	return !g->error && (g->running || g->wanted);
}

/* ---- start and end ---- */

static int guard_find_nft(struct guard *g, const char *path, struct sentence *reterr)
{
	const char *const usual[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft" };

	for (size_t i = 0; !path && i < sizeof usual / sizeof usual[0]; i++)
		if (access(usual[i], X_OK) == 0)
			path = usual[i];
	if (!path || access(path, X_OK) < 0)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "no nft program (%s): the guard behind the gate needs nftables",
				     path ? path : "looked in /usr/sbin, /sbin, /usr/bin, /usr/local/sbin");
	(void)snprintf(g->nft, sizeof g->nft, "%s", path);
	return 0;
}

static int guard_start(struct guard *g, const struct guard_config *config, struct sentence *reterr)
{
	struct epoll_event e = { .events = EPOLLIN };
	int r = guard_find_nft(g, config->nft, reterr);

	if (r < 0)
		return r;
	r = guard_watch_open(&g->watch);
	if (r == -EPROTONOSUPPORT || r == -ENOENT)
		return sentence_fail(reterr, -EOPNOTSUPP, "this kernel has no nftables (CONFIG_NF_TABLES)");
	if (r == -EPERM)
		return sentence_fail(reterr, r, "no permission to watch nftables: CAP_NET_ADMIN is needed");
	if (r < 0)
		return sentence_fail(reterr, r, "nftables cannot be watched: %s", strerror(-r));
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll < 0 || epoll_ctl(g->epoll, EPOLL_CTL_ADD, netlink_fd(&g->watch.events), &e) < 0)
		return sentence_fail(reterr, -errno, "the guard cannot be watched: %s", strerror(errno));
	guard_take_addresses(g, config);
	guard_take_peers(g, config);
	g->wanted = GUARD_JOB_ALL;
	return 0;
}

int guard_open(const struct guard_config *config, const struct guard_ops *ops, void *ctx, struct guard **ret,
	       struct sentence *reterr)
{
	struct guard *g = calloc(1, sizeof *g);
	int r;

	if (!g)
		return sentence_fail(reterr, -ENOMEM, "no memory for the guard");
	g->ops = *ops;
	g->ctx = ctx;
	g->epoll = -EBADF;
	g->next_try = BOOT_NEVER;
	guard_child_init(&g->child);
	r = guard_start(g, config, reterr);
	if (r < 0) {
		guard_free(g);
		return r;
	}
	*ret = g;
	return 0;
}

/* Runs the loop of this module alone until its child has ended. */
static void guard_wait(struct guard *g)
{
	while (g->running) {
		struct pollfd p = { .fd = g->epoll, .events = POLLIN };

		(void)poll(&p, 1, 100);
		(void)guard_readable(g, clock_now().boot);
		guard_tick(g, clock_now().boot);
	}
}

/* nft says the rule as well as the reason; the first line is the reason. */
static int guard_explain(struct guard *g, struct sentence *reterr)
{
	char *end = strchr(g->child.said, '\n');

	if (end)
		*end = '\0';
	return sentence_fail(
		reterr, g->error == -EIO ? -EOPNOTSUPP : g->error,
		"the guard cannot be put up with %s (nftables with inet and arp tables is needed): "
		"%s",
		g->nft, g->child.said[0] ? g->child.said : strerror(-g->error));
}

int guard_settle(struct guard *g, struct sentence *reterr)
{
	g->wanted = GUARD_JOB_ALL;
	guard_kick(g, clock_now().boot);
	guard_wait(g);
	if (g->error)
		return guard_explain(g, reterr);
	g->settled = true;
	return 0;
}

void guard_settle_later(struct guard *g)
{
	g->settled = true;
	g->lost_at = clock_now().boot;
	guard_want(g, GUARD_JOB_ALL, g->lost_at);
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	if (g->running) {
		guard_child_kill(&g->child);
		(void)guard_child_end(&g->child);
	}
	guard_watch_close(&g->watch);
	close_fd(&g->epoll);
	free(g);
}

int guard_remove(struct guard *g)
{
	char *const argv[] = { g->nft, "-f", "-", NULL };
	_cleanup_(free_ptr) char *text = guard_text_remove();
	int r;

	g->settled = false;
	g->wanted = GUARD_JOB_NONE;
	guard_wait(g);
	r = text ? guard_child_start(&g->child, argv, text) : -ENOMEM;
	if (r < 0)
		return r;
	g->watch.own = g->child.pid;
	g->running = GUARD_JOB_ALL;
	g->child_deadline = boot_add(clock_now().boot, GUARD_CHILD_NS);
	r = guard_watch_fds(g, true);
	guard_wait(g);
	g->status.up = false;
	return r < 0 ? r : g->error;
}

void guard_status(const struct guard *g, struct guard_status *ret)
{
	*ret = g->status;
	ret->allowed = 0;
	for (size_t i = 0; i < GUARD_LINKS_MAX; i++)
		ret->allowed += g->link[i].ifindex != 0;
}
