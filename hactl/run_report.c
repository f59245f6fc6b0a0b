/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl report: everything that somebody needs who was not there, in one archive, with the agent or without
 * it. The table below says what; each item has a limit in time and size, and the whole has one, too. Text
 * goes out through report_scrub.h; files with secrets are not looked at.
 */
#include "cleanup.h"
#include "hactl.h"
#include "report_run.h"
#include "report_scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ITEM_MS	       5000
#define AGENT_MS       12000 /* longer than hactl waits for the agent */
#define TOTAL_MS       60000
#define TAR_MS	       60000
#define TEXT_BYTES_MAX (2u << 20)
#define DATA_BYTES_MAX (64u << 20)
#define WORDS_MAX      24
#define DEVICES_MAX    64
#define INDEX_FILE     "00-INDEX.txt"

enum report_kind {
	REPORT_COMMAND, /* source: words separated by spaces */
	REPORT_AGENT,	/* source: what this program is asked, if the agent answers */
	REPORT_SELF,	/* source: what this program is asked, agent or not */
	REPORT_TEXT,	/* source: a file */
	REPORT_DATA, /* source: a file that goes in as it is: a chain of hashes or a binary, without secrets
			by design */
};

struct report_item {
	const char *name;
	enum report_kind kind;
	const char *source; /* CONFIG, COROSYNC and STATE at its beginning stand for what the options say */
	const char *about;
};

/* clang-format off */
static const struct report_item items[] = {
	{ "agent/status.txt", REPORT_AGENT, "status", "the cluster as this node's agent sees it" },
	{ "agent/status.json", REPORT_AGENT, "--json status", "the same, with PBX adapters, trunks, watchdog and all counters" },
	{ "agent/gate.txt", REPORT_AGENT, "gate", "what the kernel lets through, by address and interface" },
	{ "agent/gate.json", REPORT_AGENT, "--json gate", "the same, with peers and the guard" },
	{ "agent/voters.txt", REPORT_AGENT, "voters show", "who votes on leases" },
	{ "agent/registrations-diff.txt", REPORT_AGENT, "registrations diff", "do the nodes' copies of the registrations agree" },
	{ "agent/uplinks.txt", REPORT_AGENT, "uplink list -v", "this node's ways to the outside, with every target" },
	{ "agent/uplink-history.txt", REPORT_AGENT, "uplink history -n 1000", "what became of them" },
	{ "config/ringkeep.conf", REPORT_TEXT, "CONFIG", "the configuration, without secrets" },
	{ "config/check.txt", REPORT_SELF, "config check", "what hactl config check says of it and of corosync.conf" },
	{ "config/explain.txt", REPORT_SELF, "config explain", "every option and inequality in force" },
	{ "state/history", REPORT_DATA, "STATE/history", "what changed, when and why, a JSON object a line; see hactl history --verify" },
	{ "state/history.1", REPORT_DATA, "STATE/history.1", "the part before" },
	{ "state/journal.0", REPORT_DATA, "STATE/journal.0", "every event of the decider, for hactl replay of the same build" },
	{ "state/journal.1", REPORT_DATA, "STATE/journal.1", "the other of the two journal files" },
	{ "state/files.txt", REPORT_COMMAND, "ls -laR --time-style=full-iso STATE /run/ringkeep", "names, sizes and owners of the agent's files" },
	{ "corosync/corosync.conf", REPORT_TEXT, "COROSYNC", "corosync's configuration, without secrets" },
	{ "corosync/quorum.txt", REPORT_COMMAND, "corosync-quorumtool -s", "corosync's quorum" },
	{ "corosync/links.txt", REPORT_COMMAND, "corosync-cfgtool -s", "corosync's links" },
	{ "corosync/cmap.txt", REPORT_COMMAND, "corosync-cmapctl", "corosync's whole run-time map, with its statistics" },
	{ "corosync/stats.txt", REPORT_COMMAND, "corosync-cmapctl -m stats", "knet's and the scheduler's statistics" },
	{ "corosync/cpg.txt", REPORT_COMMAND, "corosync-cpgtool", "members of corosync's process groups" },
	{ "kernel/addresses.txt", REPORT_COMMAND, "ip -s -d address show", "devices, addresses, packet counters" },
	{ "kernel/rules.txt", REPORT_COMMAND, "ip rule show", "routing rules" },
	{ "kernel/rules6.txt", REPORT_COMMAND, "ip -6 rule show", "routing rules of IPv6" },
	{ "kernel/routes.txt", REPORT_COMMAND, "ip route show table all", "routes of all tables" },
	{ "kernel/routes6.txt", REPORT_COMMAND, "ip -6 route show table all", "routes of IPv6" },
	{ "kernel/nexthops.txt", REPORT_COMMAND, "ip nexthop show", "nexthop objects: where uplinks lead to" },
	{ "kernel/neighbours.txt", REPORT_COMMAND, "ip -s neighbour show", "the neighbour table: ARP and ND" },
	{ "kernel/nft.txt", REPORT_COMMAND, "nft -a list ruleset", "the nftables rules, ours and others'" },
	{ "kernel/bpf-programs.txt", REPORT_COMMAND, "bpftool prog show", "loaded BPF programs" },
	{ "kernel/bpf-maps.txt", REPORT_COMMAND, "bpftool map show", "their maps" },
	{ "kernel/bpf-net.txt", REPORT_COMMAND, "bpftool net show", "where they are attached" },
	{ "kernel/sockets.txt", REPORT_COMMAND, "ss -s", "numbers of sockets" },
	{ "kernel/listening.txt", REPORT_COMMAND, "ss -lntu", "what listens" },
	{ "kernel/sysctl-ipv4.txt", REPORT_COMMAND, "sysctl net.ipv4.conf net.ipv4.neigh", "ARP and forwarding settings" },
	{ "kernel/sysctl-ipv6.txt", REPORT_COMMAND, "sysctl net.ipv6.conf", "the same of IPv6" },
	{ "system/kernel.txt", REPORT_COMMAND, "uname -a", "kernel" },
	{ "system/os-release.txt", REPORT_TEXT, "/etc/os-release", "distribution" },
	{ "system/uptime.txt", REPORT_COMMAND, "uptime", "uptime and load" },
	{ "system/memory.txt", REPORT_TEXT, "/proc/meminfo", "memory" },
	{ "system/processes.txt", REPORT_COMMAND, "ps -e -o pid,ppid,cls,rtprio,stat,etime,time,rss,comm", "processes, without arguments" },
	{ "system/disks.txt", REPORT_COMMAND, "df -h", "room on the disks" },
	/* Not wdctl: where sysfs lacks them it opens the device, and that arms it. */
	{ "system/watchdogs.txt", REPORT_COMMAND, "grep -rs . /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state "
	  "/sys/class/watchdog/watchdog0/timeout /sys/class/watchdog/watchdog0/nowayout /sys/class/watchdog/watchdog0/bootstatus",
	  "the first watchdog device" },
	{ "versions/ringkeepd.txt", REPORT_COMMAND, "ringkeepd --version", "version of the agent that is installed" },
	{ "versions/corosync.txt", REPORT_COMMAND, "corosync -v", "version of corosync" },
	{ "versions/kamailio.txt", REPORT_COMMAND, "kamailio -v", "version of Kamailio" },
	{ "versions/asterisk.txt", REPORT_COMMAND, "asterisk -V", "version of Asterisk" },
	{ "versions/freeswitch.txt", REPORT_COMMAND, "freeswitch -version", "version of FreeSWITCH" },
	{ "versions/packages.txt", REPORT_COMMAND, "dpkg-query -W ringkeep corosync libknet1 libqb100 libcpg4 libbpf1 nftables iproute2 kamailio asterisk fence-agents",
	  "versions of packages" },
	{ "logs/ringkeepd.txt", REPORT_COMMAND, "journalctl --no-pager -n 5000 -o short-iso-precise -u ringkeepd -u ringkeepd-witness", "the agent's log" },
	{ "logs/corosync.txt", REPORT_COMMAND, "journalctl --no-pager -n 3000 -o short-iso-precise -u corosync", "corosync's log" },
	{ "logs/kernel.txt", REPORT_COMMAND, "journalctl --no-pager -n 2000 -o short-iso-precise -k", "the kernel's log" },
	{ "logs/syslog.txt", REPORT_TEXT, "/var/log/syslog", "the end of the system's log, where there is no journal" },
	{ "logs/corosync-file.txt", REPORT_TEXT, "/var/log/corosync/corosync.log", "the end of corosync's own log file" },
};
/* clang-format on */

struct report {
	struct hactl *h;
	char folder[PATH_MAX]; /* of the archive's one folder */
	FILE *contents;	       /* lines of the index */
	char *contents_text;
	size_t contents_len;
	int64_t until_ms, begun_ms;
	bool agent; /* it answers */
	char agent_why[200];
	char node[RK_NAME_MAX];
	char when[32];
	json_t *status;
};

/* ---- one item ---- */

static FILE *open_item(const struct report *r, const char *name)
{
	char path[PATH_MAX + 128], *slash;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", r->folder, name);
	slash = strrchr(path, '/');
	*slash = 0;
	(void)mkdir(path, 0700); /* made by the item before */
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static void note(struct report *r, const char *name, const char *about, const char *how)
{
	(void)fprintf(r->contents, "%-30s %s (%s)\n", name, about, how);
}

static void keep(struct report *r, const struct report_item *item, const struct report_output *o)
{
	bool command = item->kind < REPORT_TEXT;
	_cleanup_(fclose_ptr) FILE *f = open_item(r, item->name);
	char how[160], status[40] = "";

	if (!f) {
		note(r, item->name, item->about, strerror(errno));
		return;
	}
	if (item->kind == REPORT_DATA)
		(void)fwrite(o->data, 1, o->len, f);
	else
		scrub_text(o->data, o->len, f);
	if (command && o->status && !o->late && !o->cut)
		(void)snprintf(status, sizeof status, ", exit code %d", o->status);
	(void)snprintf(how, sizeof how, "%zu bytes%s%s%s", o->len, status, o->cut ? ", cut" : "",
		       o->late ? ", killed: it took too long" : "");
	note(r, item->name, item->about, how);
}

/* CONFIG and the like at the beginning of a word. */
static void expand(const struct report *r, const char *word, char *ret, size_t size)
{
	const struct {
		const char *name, *value;
	} names[] = {
		{ "CONFIG", hactl_arg(r->h, "config", HACTL_CONFIG) },
		{ "COROSYNC", hactl_arg(r->h, "corosync", HACTL_COROSYNC) },
		{ "STATE", hactl_arg(r->h, "state_dir", HACTL_STATE_DIR) },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t len = strlen(names[i].name);

		if (!strncmp(word, names[i].name, len)) {
			(void)snprintf(ret, size, "%s%s", names[i].value, word + len);
			return;
		}
	}
	(void)snprintf(ret, size, "%s", word);
}

static size_t add_words(const struct report *r, const char *source, char words[WORDS_MAX][PATH_MAX],
			char **argv, size_t n)
{
	while (*source && n + 1 < WORDS_MAX) {
		char word[PATH_MAX];
		size_t len = strcspn(source, " ");

		(void)snprintf(word, sizeof word, "%.*s", (int)len, source);
		expand(r, word, words[n], PATH_MAX);
		argv[n] = words[n];
		n++;
		source += len;
		source += *source == ' ';
	}
	return n;
}

static int run_item(const struct report *r, const struct report_item *item, struct report_output *o)
{
	static char words[WORDS_MAX][PATH_MAX];
	char *argv[WORDS_MAX + 1] = { NULL };
	int64_t left_ms = r->until_ms - report_now_ms();
	uint32_t ms = item->kind == REPORT_AGENT ? AGENT_MS : ITEM_MS;
	size_t n = 0;

	if (left_ms <= 0)
		return -ETIME;
	if (item->kind == REPORT_AGENT || item->kind == REPORT_SELF)
		n = add_words(r, "/proc/self/exe -s", words, argv, 0);
	if (n)
		argv[n++] = (char *)(uintptr_t)r->h->socket_path;
	n = add_words(r, item->source, words, argv, n);
	if (item->kind == REPORT_SELF)
		n = add_words(r, "CONFIG --corosync COROSYNC", words, argv, n);
	argv[n] = NULL;
	return report_run(argv, TEXT_BYTES_MAX, left_ms < ms ? (uint32_t)left_ms : ms, o);
}

static int take(const struct report *r, const struct report_item *item, struct report_output *o)
{
	char path[PATH_MAX];

	memset(o, 0, sizeof *o);
	if (item->kind == REPORT_AGENT && !r->agent)
		return -EHOSTDOWN;
	if (item->kind < REPORT_TEXT)
		return run_item(r, item, o);
	expand(r, item->source, path, sizeof path);
	return report_read(path, item->kind == REPORT_DATA ? DATA_BYTES_MAX : TEXT_BYTES_MAX, o);
}

static void collect_item(struct report *r, const struct report_item *item)
{
	struct report_output o;
	int e = take(r, item, &o);

	if (e == 0)
		keep(r, item, &o);
	else
		note(r, item->name, item->about,
		     e == -EHOSTDOWN ? "left out: the agent gives no answer"
		     : e == -ETIME   ? "left out: the report took too long"
		     : e == -ENOENT  ? "not here"
				     : strerror(-e));
	free(o.data);
}

/* ---- items that depend on the machine ---- */

static void collect_filters(struct report *r)
{
	struct if_nameindex *list = if_nameindex();

	for (size_t i = 0; list && list[i].if_index && i < DEVICES_MAX; i++)
		for (int egress = 0; egress < 2; egress++) {
			char name[64], source[96];
			const char *way = egress ? "egress" : "ingress";

			(void)snprintf(name, sizeof name, "kernel/tc-%.15s-%s.txt", list[i].if_name, way);
			(void)snprintf(source, sizeof source, "tc -s filter show dev %.15s %s",
				       list[i].if_name, way);
			collect_item(r, &(struct report_item){ name, REPORT_COMMAND, source,
							       "the gate's filters" });
		}
	if (list)
		if_freenameindex(list);
}

static void collect_groups(struct report *r)
{
	json_t *g;
	size_t i;

	json_array_foreach(json_object_get(r->status, "groups"), i, g)
	{
		char name[96], source[96];

		(void)snprintf(name, sizeof name, "agent/why-%.31s.txt", hactl_text(g, "name"));
		(void)snprintf(source, sizeof source, "why %.31s", hactl_text(g, "name"));
		collect_item(r, &(struct report_item){ name, REPORT_AGENT, source,
						       "why the holder holds, and the others do not" });
	}
}

/* The first object in what was printed; complaints stand around it. */
static json_t *answer(const struct report_output *o)
{
	const char *brace = memchr(o->data, '{', o->len);

	return brace ? json_loadb(brace, o->len - (size_t)(brace - o->data), JSON_DISABLE_EOF_CHECK, NULL)
		     : NULL;
}

/* Asks once; a report about a dead agent shall not wait for it again and again. */
static void ask_agent(struct report *r)
{
	char *argv[] = { "/proc/self/exe", "-s",     (char *)(uintptr_t)r->h->socket_path,
			 "--json",	   "status", NULL };
	struct report_output o;
	int e = report_run(argv, TEXT_BYTES_MAX, AGENT_MS, &o);

	if (e == 0)
		r->status = answer(&o);
	r->agent = e == 0 && o.status == 0 && json_is_object(r->status);
	(void)snprintf(r->agent_why, sizeof r->agent_why, "%s",
		       r->agent				 ? ""
		       : *hactl_text(r->status, "error") ? hactl_text(r->status, "error")
							 : "no answer");
	free(o.data);
	if (*hactl_text(r->status, "node"))
		(void)snprintf(r->node, sizeof r->node, "%.31s", hactl_text(r->status, "node"));
	else if (gethostname(r->node, sizeof r->node - 1) < 0)
		(void)snprintf(r->node, sizeof r->node, "node");
	for (char *p = r->node; *p; p++) /* it becomes a file's name */
		if (*p == '/' || (unsigned char)*p < 0x21)
			*p = '_';
}

/* ---- the index ---- */

static void copy_status(const struct report *r, FILE *out)
{
	char path[PATH_MAX + 32], line[1024];

	(void)snprintf(path, sizeof path, "%s/agent/status.txt", r->folder);
	_cleanup_(fclose_ptr) FILE *in = fopen(path, "re");

	while (in && fgets(line, sizeof line, in))
		(void)fprintf(out, "    %s", line);
}

static int write_index(struct report *r)
{
	FILE *f = open_item(r, INDEX_FILE);

	if (!f)
		return -errno;
	(void)fflush(r->contents);
	(void)fprintf(f, "ringkeep report of %s, made %s by hactl %s in %.1f s\n\n", r->node, r->when,
		      RINGKEEP_VERSION, (double)(report_now_ms() - r->begun_ms) / 1000);
	if (r->agent) {
		(void)fprintf(f, "The agent (ringkeepd %s) answers. It says:\n\n",
			      hactl_text(r->status, "version"));
		copy_status(r, f);
	} else {
		(void)fprintf(
			f,
			"The agent gives no answer: %s.\nWhat it last did is in logs/ and at the end of "
			"state/history.\n",
			r->agent_why);
	}
	(void)fprintf(
		f,
		"\nSecrets: values that are one by their name, private keys and passwords in addresses are "
		"replaced by %s. Key and password\nfiles were not read. Names, addresses and telephone "
		"numbers "
		"are in it: look before you hand it on.\n\nWhat is in it, and how it was got:\n\n%.*s",
		SCRUB_REMOVED, (int)r->contents_len, r->contents_text);
	return fclose(f) == 0 ? 0 : -errno;
}

/* ---- the whole ---- */

static int pack(struct report *r, const char *place, const char *folder, const char *out)
{
	char *argv[] = { "tar",
			 "-C",
			 (char *)(uintptr_t)place,
			 "-czf",
			 (char *)(uintptr_t)out,
			 (char *)(uintptr_t)folder,
			 NULL };
	struct report_output o;
	int e = report_run(argv, TEXT_BYTES_MAX, TAR_MS, &o);

	if (e == 0 && o.status)
		(void)hactl_complain(r->h, "tar: exit code %d: %.*s", o.status,
				     (int)(o.len < 300 ? o.len : 300), o.data);
	else if (e < 0)
		(void)hactl_complain(r->h, "tar: %s", strerror(-e));
	free(o.data);
	return e == 0 && o.status == 0 ? 0 : -EIO;
}

static void remove_place(const char *place)
{
	char *argv[] = { "rm", "-rf", "--", (char *)(uintptr_t)place, NULL };
	struct report_output o;

	(void)report_run(argv, 4096, ITEM_MS, &o); /* what stays is in a directory of this user's alone */
	free(o.data);
}

static void collect_all(struct report *r)
{
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		collect_item(r, &items[i]);
		if (!strcmp(items[i].name, "kernel/nft.txt"))
			collect_filters(r);
		if (!strcmp(items[i].name, "agent/voters.txt"))
			collect_groups(r);
	}
}

/* Before anything is done for it: nothing is overwritten. tar keeps the mode. */
static int claim(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

/* The archive's folder in place, and its name where the caller gave none. */
static int name_archive(struct report *r, const char *place, char folder[64], char *out, size_t size)
{
	char stamp[32], here[PATH_MAX];
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm); /* cannot fail in our time */
	(void)strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
	(void)strftime(r->when, sizeof r->when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)snprintf(folder, 64, "ringkeep-%.31s-%.20s", r->node, stamp);
	(void)snprintf(r->folder, sizeof r->folder, "%.*s/%s", PATH_MAX - 80, place, folder);
	if (mkdir(r->folder, 0700) < 0)
		return -errno;
	if (*out)
		return 0;
	if (!getcwd(here, sizeof here))
		return -errno;
	(void)snprintf(out, size, "%.*s/%s.tar.gz", PATH_MAX - 80, here, folder);
	return claim(out);
}

static int make(struct report *r, const char *place, char *out, size_t size)
{
	char folder[64];
	int e;

	(void)snprintf(out, size, "%s", hactl_arg(r->h, "file", ""));
	e = *out ? claim(out) : 0;
	if (e < 0)
		return e;
	ask_agent(r);
	e = name_archive(r, place, folder, out, size);
	if (e == -EEXIST)
		return e; /* somebody else's */
	if (e == 0) {
		collect_all(r);
		e = write_index(r);
	}
	if (e == 0)
		e = pack(r, place, folder, out);
	if (e < 0)
		(void)unlink(out);
	return e;
}

int run_report(struct hactl *h)
{
	const char *temporary = getenv("TMPDIR");
	char place[PATH_MAX], out[PATH_MAX] = "";
	struct report r = { .h = h, .begun_ms = report_now_ms() };
	int e;

	const char *path = getenv("PATH");
	char wider[PATH_MAX];

	(void)snprintf(wider, sizeof wider, "%.*s:/usr/sbin:/sbin", PATH_MAX - 32,
		       path ? path : "/usr/bin:/bin");
	(void)setenv("PATH", wider, 1); /* a user's often lacks the folders of ip and nft */
	r.until_ms = r.begun_ms + TOTAL_MS;
	(void)snprintf(place, sizeof place, "%.*s/ringkeep-report-XXXXXX", PATH_MAX - 80,
		       temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(place))
		return hactl_complain(h, "%s: %s", place, strerror(errno));
	r.contents = open_memstream(&r.contents_text, &r.contents_len);
	e = r.contents ? make(&r, place, out, sizeof out) : -ENOMEM;
	remove_place(place);
	if (r.contents)
		(void)fclose(r.contents);
	free(r.contents_text);
	json_decref(r.status);
	if (e < 0)
		return hactl_complain(h, "%s: %s", *out ? out : place, strerror(-e));
	if (h->json) {
		json_t *j = json_pack("{s:b, s:s, s:b}", "ok", 1, "file", out, "agent", r.agent);

		(void)json_dumpf(j, h->out, JSON_COMPACT);
		(void)fputc('\n', h->out);
		json_decref(j);
	} else {
		(void)fprintf(h->out, "%s\n", out);
	}
	return HACTL_DONE;
}
