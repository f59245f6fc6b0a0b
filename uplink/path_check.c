/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_check.h"

#include "cleanup.h"
#include "path_flush.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define RP_FILTER_STRICT 1
#define RP_FILTER_LOOSE	 2

static const char *const finding_names[PATH_FINDINGS_COUNT] = {
	[PATH_FINDING_RP_FILTER] = "rp-filter", [PATH_FINDING_SRC_VALID_MARK] = "src-valid-mark",
	[PATH_FINDING_LINKDOWN] = "linkdown",	[PATH_FINDING_DESTROY] = "socket-destroy",
	[PATH_FINDING_NEXTHOP] = "nexthop",
};

const char *path_finding_name(enum path_finding_kind kind)
{
	return finding_names[kind];
}

struct finding_list {
	struct path_finding *finding;
	size_t count;
};

static struct sentence *finding_add(struct finding_list *l, enum path_finding_kind kind, const char *device)
{
	struct path_finding *f = &l->finding[l->count++];

	*f = (struct path_finding){ .kind = kind };
	(void)snprintf(f->device, sizeof f->device, "%s", device);
	return &f->text;
}

static int setting_read(const char *device, const char *name, int otherwise)
{
	char path[128];
	_cleanup_(fclose_ptr) FILE *f = NULL;
	int value;

	(void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/%s", device, name); /* fits */
	f = fopen(path, "re");
	return f && fscanf(f, "%d", &value) == 1 ? value : otherwise;
}

/* Of `all` and the device's own the kernel takes the greater, for both rp_filter and flags. */
static int setting_of(const char *device, const char *name, int otherwise)
{
	int all = setting_read("all", name, otherwise), own = setting_read(device, name, otherwise);

	return all > own ? all : own;
}

static void check_device(struct finding_list *l, const char *device)
{
	bool strict = setting_of(device, "rp_filter", 0) == RP_FILTER_STRICT;

	if (strict)
		(void)sentence_fail(
			finding_add(l, PATH_FINDING_RP_FILTER, device), 0,
			"rp_filter of %s is strict: what comes in by an uplink that is not in use may be "
			"dropped; set net/ipv4/conf/%s/rp_filter=%d",
			device, device, RP_FILTER_LOOSE);
	if (strict && !setting_of(device, "src_valid_mark", 1))
		(void)sentence_fail(
			finding_add(l, PATH_FINDING_SRC_VALID_MARK, device), 0,
			"rp_filter of %s is strict and does not look at marks: answers to flows that stay "
			"on an uplink are dropped; set net/ipv4/conf/%s/src_valid_mark=1",
			device, device);
	if (!setting_of(device, "ignore_routes_with_linkdown", 1))
		(void)sentence_fail(finding_add(l, PATH_FINDING_LINKDOWN, device), 0,
				    "routes over %s are used even when it has no carrier; set "
				    "net/ipv4/conf/%s/ignore_routes_with_linkdown=1",
				    device, device);
}

static bool seen_before(const struct path_config *c, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (c->uplink[i].family == AF_INET &&
		    !strncmp(c->uplink[i].device, c->uplink[index].device, IF_NAMESIZE))
			return true;
	return false;
}

static void check_sockets(struct finding_list *l)
{
	struct path_flush f;
	int r = path_flush_open(&f);

	if (r == 0) {
		r = path_flush_sockets_check(&f);
		path_flush_close(&f);
	}
	if (r < 0)
		(void)sentence_fail(
			finding_add(l, PATH_FINDING_DESTROY, ""), 0,
			"TCP connections over a dead uplink cannot be ended (%s): they hang for a quarter "
			"of an hour; use a kernel with CONFIG_INET_DIAG_DESTROY",
			strerror(-r));
}

static void check_nexthops(struct finding_list *l)
{
	const struct nhmsg nh = { 0 };
	struct netlink n;
	int r = netlink_open(&n, NETLINK_ROUTE, NULL);

	if (r == 0) {
		r = netlink_dump(&n, netlink_message(RTM_GETNEXTHOP, 0, &nh, sizeof nh), NULL, NULL);
		netlink_close(&n);
	}
	if (r < 0 && r != -EAGAIN)
		(void)sentence_fail(finding_add(l, PATH_FINDING_NEXTHOP, ""), 0,
				    "nexthop objects cannot be listed (%s): a switch needs Linux 5.3",
				    strerror(-r));
}

size_t path_check(const struct path_config *c, struct path_finding ret[PATH_FINDINGS_MAX])
{
	struct finding_list l = { .finding = ret };

	for (size_t i = 0; i < c->uplink_count; i++)
		if (c->uplink[i].family == AF_INET && !seen_before(c, i))
			check_device(&l, c->uplink[i].device);
	check_sockets(&l);
	check_nexthops(&l);
	return l.count;
}

/* Two lines per group: names, then numbers in the same order. */
static bool netstat_find(char *names, char *values, const char *name, uint64_t *ret)
{
	char *n_next, *v_next;
	char *n = strtok_r(names, " \n", &n_next), *v = strtok_r(values, " \n", &v_next);

	for (; n && v; n = strtok_r(NULL, " \n", &n_next), v = strtok_r(NULL, " \n", &v_next))
		if (!strcmp(n, name)) {
			*ret = strtoull(v, NULL, 10);
			return true;
		}
	return false;
}

int path_check_rp_dropped(uint64_t *ret)
{
	_cleanup_(fclose_ptr) FILE *f = fopen("/proc/thread-self/net/netstat", "re");
	_cleanup_(free_ptr) char *names = NULL;
	_cleanup_(free_ptr) char *values = NULL;
	size_t names_size = 0, values_size = 0;

	if (!f)
		return -errno;
	while (getline(&names, &names_size, f) > 0 && getline(&values, &values_size, f) > 0)
		if (netstat_find(names, values, "IPReversePathFilter", ret))
			return 0;
	return -ENOENT;
}
