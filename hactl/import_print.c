/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of the result: only what differs from our defaults, or has to be seen.
 */
#include "import.h"

#include <string.h>
#include <sys/socket.h>

static void print_addresses(const char *key, const struct ip_address *list, uint32_t count, FILE *out)
{
	char text[IP_TEXT_MAX];
	int column = fprintf(out, "%s = { ", key);

	for (uint32_t i = 0; i < count; i++) {
		const char *quote = list[i].family == AF_INET6 ? "\"" : "";

		column += fprintf(out, "%s%s%s%s", quote, ip_format(&list[i], text), quote,
				  i + 1 < count ? ", " : " }\n");
		if (column > 90 && i + 1 < count)
			column = fprintf(out, "\n\t");
	}
}

static const char *yes(bool b)
{
	return b ? "yes" : "no";
}

static void print_duration(const char *key, uint32_t ms, FILE *out)
{
	if (ms % 1000 == 0)
		(void)fprintf(out, "        %s = %us\n", key, ms / 1000);
	else
		(void)fprintf(out, "        %s = %ums\n", key, ms);
}

static void print_tracked(const struct import_group *g, FILE *out)
{
	if (!g->tracked_count)
		return;
	(void)fputs("        track-interfaces = {", out);
	for (uint32_t i = 0; i < g->tracked_count; i++)
		(void)fprintf(out, "%s %s", i ? "," : "", g->tracked[i]);
	(void)fputs(" }\n", out);
	if (g->interface_weight != CONFIG_WEIGHT_FAULT)
		(void)fprintf(out, "        interface-weight = %u\n", g->interface_weight);
}

static void print_vrrp(const struct import_group *g, FILE *out)
{
	(void)fprintf(out,
		      "    vrrp {\n"
		      "        mode = native\n"
		      "        vrid = %u\n"
		      "        version = %u\n",
		      g->vrid, g->version);
	print_duration("advert-interval", g->advert_ms, out);
	(void)fprintf(out, "        priorities = { %u }\n", g->priority);
	(void)fprintf(out, "        preempt = %s\n", yes(g->preempt));
	if (g->preempt_delay_ms)
		print_duration("preempt-delay", g->preempt_delay_ms, out);
	if (g->rfc9568)
		(void)fputs("        checksum = rfc9568\n", out);
	if (g->vmac)
		(void)fputs("        virtual-mac = private\n", out);
	if (g->peers_count)
		print_addresses("        unicast-peers", g->peers, g->peers_count, out);
	if (g->sources_count)
		print_addresses("        source-addresses", g->sources, g->sources_count, out);
	if (g->sync[0])
		(void)fprintf(out, "        sync-group = %s\n", g->sync);
	print_tracked(g, out);
	if (g->pbx)
		(void)fprintf(out, "        # pbx-weight = %u\n", g->pbx_weight);
	(void)fputs("    }\n", out);
}

static void print_pbx(const struct import_group *g, FILE *out)
{
	const char *adapter = g->pbx ? import_pbx_adapter(g->pbx) : NULL;
	char name[KEEPALIVED_NAME_MAX], command[KEEPALIVED_COMMAND_MAX];

	if (!adapter)
		return;
	(void)fprintf(out, "    # instead of %s (%s):\n", text_printable(g->pbx->name, name, sizeof name),
		      text_printable(g->pbx->command, command, sizeof command));
	(void)fprintf(out, "    # pbx {\n    #     adapter = %s\n", adapter);
	if (!strcmp(adapter, "kamailio"))
		(void)fputs(
			"    #     pid-file = /run/kamailio/kamailio.pid\n"
			"    #     setting rpc { value = \"unixgram:/run/kamailio/kamailio_rpc.sock\" }\n",
			out);
	if (!strcmp(adapter, "asterisk"))
		(void)fputs("    #     pid-file = /run/asterisk/asterisk.pid\n"
			    "    #     setting ami-user { value = ringkeep }\n"
			    "    #     setting ami-secret-file { value = /etc/ringkeep/ami.secret }\n"
			    "    #     setting ari-user { value = ringkeep }\n"
			    "    #     setting ari-secret-file { value = /etc/ringkeep/ari.secret }\n",
			    out);
	(void)fputs("    # }\n", out);
}

static void print_group(const struct import *i, const struct import_group *g, const struct findings *f,
			FILE *out)
{
	char name[KEEPALIVED_NAME_MAX];

	(void)fputs("\n#", out);
	for (uint32_t n = 0; n < g->instances_count; n++)
		(void)fprintf(out, "%s %s:%d vrrp_instance %s", n ? " and" : "",
			      f->file[g->instances[n]->at.file], g->instances[n]->at.line,
			      text_printable(g->instances[n]->name, name, sizeof name));
	(void)fprintf(out, "\ngroup %s {\n", g->name);
	print_addresses("    addresses", g->addresses, g->addresses_count, out);
	(void)fprintf(out, "    device = %s\n    candidates = { %s }\n", g->device, i->node);
	print_pbx(g, out);
	print_vrrp(g, out);
	(void)fputs("}\n", out);
}

void import_print(const struct import *i, const struct findings *f, FILE *out)
{
	(void)fprintf(
		out,
		"# Made of %s by hactl config import; ringkeep.conf(5) and `hactl config explain` say what "
		"everything means.\n"
		"#\n"
		"# mode = native: VRRP decides who holds a group, as keepalived did, without a lease; when "
		"the network between\n"
		"# the routers is cut, both hold it. With a section node for each node and a witness, links "
		"in them, and\n"
		"# corosync, take the line mode = native away: then the lease decides (docs/MIGRATION.md).\n"
		"cluster = pbx # any name, the same on all nodes\n"
		"node %s {\n"
		"    id = %u\n",
		f->files_count ? f->file[0] : "nothing", i->node, i->node_id);
	if (i->public_key)
		(void)fprintf(out, "    public-key = \"%s\"\n", i->public_key);
	else
		(void)fputs("    # public-key = \"...\" # what `hactl key generate` prints on this node\n",
			    out);
	(void)fputs("}\n", out);
	for (uint32_t n = 0; n < i->groups_count; n++)
		print_group(i, &i->groups[n], f, out);
}
