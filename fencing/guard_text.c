/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Both tables exist after the first line, so the deletion cannot fail; all is one transaction. */
static const char text_remove[] = "table inet " GUARD_TABLE "\ndelete table inet " GUARD_TABLE "\n"
				  "table arp " GUARD_TABLE "\ndelete table arp " GUARD_TABLE "\n";

#define GUARD_HELD "3s" /* longer than a hand-over waits */

/* Index AND name: neither a renamed nor a re-created interface keeps its pass. */
static const char text_gated[] = "\tset gated { type iface_index . ifname; }\n";

/* Loopback first: a standby's own PBX is probed at its address. @th,64,128 is the target of a neighbour
 * solicitation, advertisement or redirect; @th,64,56 of a UDP datagram is its first seven bytes: "INVITE ".
 */
static const char text_inet_chains[] =
	"\tchain rx { type filter hook prerouting priority -450; policy accept;\n"
	"\t\tiif lo accept\n"
	"\t\tip daddr @held4 meta l4proto udp @th,64,56 0x494e5649544520 counter drop\n"
	"\t\tip6 daddr @held6 meta l4proto udp @th,64,56 0x494e5649544520 counter drop\n"
	"\t\tiif . iifname @gated accept\n"
	"\t\tip daddr @v4 counter drop\n"
	"\t\tip6 daddr @v6 counter drop\n"
	"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } @th,64,128 @nd6 counter "
	"drop\n"
	"\t}\n"
	"\tchain tx { type filter hook postrouting priority 400; policy accept;\n"
	"\t\toif lo accept\n"
	"\t\toif . oifname @gated accept\n"
	"\t\tip saddr @v4 counter drop\n"
	"\t\tip6 saddr @v6 counter drop\n"
	"\t\tip daddr @peer4 meta l4proto { tcp, udp, sctp } counter drop\n"
	"\t\tip6 daddr @peer6 meta l4proto { tcp, udp, sctp } counter drop\n"
	"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } @th,64,128 @nd6 counter "
	"drop\n"
	"\t}\n";

/* Before a packet is on its way: its sender is told EPERM. */
static const char text_refuse_chain[] =
	"\tchain refuse { type filter hook output priority 400; policy accept;\n"
	"\t\toif lo accept\n"
	"\t\tip daddr @refused4 meta l4proto { tcp, udp, sctp } counter drop\n"
	"\t\tip6 daddr @refused6 meta l4proto { tcp, udp, sctp } counter drop\n"
	"\t}\n";

static const char text_arp_chains[] = "\tchain rx { type filter hook input priority -450; policy accept;\n"
				      "\t\tiif . iifname @gated accept\n"
				      "\t\tarp daddr ip @v4 counter drop\n"
				      "\t}\n"
				      "\tchain tx { type filter hook output priority -450; policy accept;\n"
				      "\t\toif . oifname @gated accept\n"
				      "\t\tarp saddr ip @v4 counter drop\n"
				      "\t}\n";

bool guard_name_plain(const char *name)
{
	return name[0] && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789._-@+")];
}

static void text_links(FILE *f, const char *family, const struct guard_link *links, size_t count)
{
	const char *before = "";

	for (size_t i = 0; i < count; i++) {
		if (!links[i].ifindex || !guard_name_plain(links[i].name))
			continue;
		if (!*before)
			fprintf(f, "add element %s " GUARD_TABLE " gated { ", family);
		fprintf(f, "%s%d . \"%s\"", before, links[i].ifindex, links[i].name);
		before = ", ";
	}
	if (*before)
		fputs(" }\n", f);
}

static void text_raw_v6(FILE *f, const struct ip_address *ip)
{
	fputs("0x", f);
	for (int i = 0; i < 16; i++)
		fprintf(f, "%02x", ip->bytes[i]);
}

/* raw: as the number that @th,64,128 yields. */
static void text_set(FILE *f, const char *name, const char *type, uint8_t family, bool raw,
		     const struct ip_address *addresses, size_t count)
{
	const char *before = " elements = { ";
	char text[IP_TEXT_MAX];

	fprintf(f, "\tset %s { %s;", name, type);
	for (size_t i = 0; i < count; i++) {
		if (addresses[i].family != family)
			continue;
		fputs(before, f);
		before = ", ";
		if (raw)
			text_raw_v6(f, &addresses[i]);
		else
			fputs(ip_format(&addresses[i], text), f);
	}
	fputs(before[0] == ',' ? " } }\n" : " }\n", f);
}

static void text_prefixes(FILE *f, uint8_t family, const struct ip_prefix *peers, size_t count,
			  const char *before, const char *after, const char *none)
{
	const char *between = before;
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (peers[i].ip.family != family)
			continue;
		fprintf(f, "%s%s", between, ip_prefix_format(&peers[i], text));
		between = ", ";
	}
	fputs(between == before ? none : after, f);
}

/* An agent that dies meanwhile holds nobody for long. */
static void text_held(FILE *f, uint8_t family, const struct guard_content *c)
{
	const char *before = family == AF_INET ? "add element inet " GUARD_TABLE " held4 { "
					       : "add element inet " GUARD_TABLE " held6 { ";
	const char *between = before;
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < c->held_count; i++) {
		if (c->held[i].family != family)
			continue;
		fprintf(f, "%s%s timeout " GUARD_HELD, between, ip_format(&c->held[i], text));
		between = ", ";
	}
	fputs(between == before ? "" : " }\n", f);
}

static void text_peers(FILE *f, const char *name, const char *type, uint8_t family,
		       const struct ip_prefix *peers, size_t count)
{
	fprintf(f, "\tset %s { type %s; flags interval;", name, type);
	text_prefixes(f, family, peers, count, " elements = { ", " } }\n", " }\n");
}

static void text_tables(FILE *f, const struct guard_content *c)
{
	fprintf(f, "table inet " GUARD_TABLE " {\n%s", text_gated);
	text_set(f, "v4", "type ipv4_addr", AF_INET, false, c->addresses, c->address_count);
	text_set(f, "v6", "type ipv6_addr", AF_INET6, false, c->addresses, c->address_count);
	text_set(f, "nd6", "typeof @th,64,128", AF_INET6, true, c->addresses, c->address_count);
	text_peers(f, "peer4", "ipv4_addr", AF_INET, c->peers, c->peer_count);
	text_peers(f, "peer6", "ipv6_addr", AF_INET6, c->peers, c->peer_count);
	text_peers(f, "refused4", "ipv4_addr", AF_INET, c->refused, c->refused_count);
	text_peers(f, "refused6", "ipv6_addr", AF_INET6, c->refused, c->refused_count);
	fputs("\tset held4 { type ipv4_addr; flags timeout; }\n\tset held6 { type ipv6_addr; flags timeout; "
	      "}\n",
	      f);
	fprintf(f, "%s%s}\ntable arp " GUARD_TABLE " {\n%s", text_inet_chains, text_refuse_chain, text_gated);
	text_set(f, "v4", "type ipv4_addr", AF_INET, false, c->addresses, c->address_count);
	fprintf(f, "%s}\n", text_arp_chains);
}

/* open_memstream() reports a lack of memory at the end. */
static char *text_finish(FILE *f, char **text)
{
	bool failed = ferror(f);

	if (fclose(f) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

char *guard_text_all(const struct guard_content *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs(text_remove, f);
	text_tables(f, c);
	text_links(f, "inet", c->links, c->link_count);
	text_links(f, "arp", c->links, c->link_count);
	text_held(f, AF_INET, c);
	text_held(f, AF_INET6, c);
	return text_finish(f, &text);
}

char *guard_text_changes(const struct guard_content *c)
{
	static const char add4[] = "add element inet " GUARD_TABLE " refused4 { ",
			  add6[] = "add element inet " GUARD_TABLE " refused6 { ";
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("flush set inet " GUARD_TABLE " gated\nflush set arp " GUARD_TABLE " gated\n"
	      "flush set inet " GUARD_TABLE " refused4\nflush set inet " GUARD_TABLE " refused6\n"
	      "flush set inet " GUARD_TABLE " held4\nflush set inet " GUARD_TABLE " held6\n",
	      f);
	text_links(f, "inet", c->links, c->link_count);
	text_links(f, "arp", c->links, c->link_count);
	text_prefixes(f, AF_INET, c->refused, c->refused_count, add4, " }\n", "");
	text_prefixes(f, AF_INET6, c->refused, c->refused_count, add6, " }\n", "");
	text_held(f, AF_INET, c);
	text_held(f, AF_INET6, c);
	return text_finish(f, &text);
}

char *guard_text_remove(void)
{
	return strdup(text_remove);
}
