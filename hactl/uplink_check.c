/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What this machine's kernel and settings make of the uplinks of a configuration, if it is one of its nodes.
 */
#include "cleanup.h"
#include "config_uplinks.h"
#include "findings.h"
#include "hactl.h"
#include "node_key.h"
#include "path_check.h"

#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NODE_NONE: this machine has no key, or not one of this configuration's. */
static node_id_t this_node(struct hactl *h, const struct config *c)
{
	struct sentence why = { "" };
	struct node_key key;
	char path[PATH_MAX], text[NODE_PUBLIC_TEXT_MAX];
	node_id_t ret = NODE_NONE;

	(void)snprintf(path, sizeof path, "%s/node.key", hactl_arg(h, "state_dir", HACTL_STATE_DIR));
	if (node_key_load(path, &key, &why) < 0)
		return NODE_NONE;
	node_public_format(&key.public_key, text);
	ret = config_self(c, text);
	node_key_wipe(&key);
	return ret;
}

/* Of the first uplink over that device; of the whole file if it is "". */
static struct place place_of(struct place file, const struct config *c, const struct path_config *paths,
			     const char *device)
{
	for (size_t i = 0; *device && i < paths->uplink_count; i++)
		if (!strcmp(paths->uplink[i].device, device))
			return (struct place){ .file = file.file, .line = c->uplinks[i].line };
	return file;
}

static void look_for_devices(struct findings *f, struct place file, const struct config *c,
			     const struct path_config *paths)
{
	for (size_t i = 0; i < paths->uplink_count; i++) {
		struct place at = { .file = file.file, .line = c->uplinks[i].line };

		if (!if_nametoindex(paths->uplink[i].device))
			findings_add(f, FINDING_NOTE, at,
				     "uplink %s: this node has no device %s now, so it has no such way to "
				     "the outside",
				     c->uplinks[i].name, paths->uplink[i].device);
	}
}

static void look(struct findings *f, struct place at, const struct config *c, node_id_t self)
{
	struct path_config *paths = malloc(sizeof *paths);
	struct path_finding *found = calloc(PATH_FINDINGS_MAX, sizeof *found);
	bool learn[CONFIG_UPLINKS_MAX];
	uint64_t dropped;

	if (paths && found) {
		config_uplinks_path(c, self, paths, learn);
		look_for_devices(f, at, c, paths);
		for (size_t i = 0, n = path_check(paths, found); i < n; i++)
			findings_add(f, FINDING_NOTE, place_of(at, c, paths, found[i].device), "uplinks: %s",
				     found[i].text.text);
		if (path_check_rp_dropped(&dropped) == 0 && dropped > 0)
			findings_add(f, FINDING_NOTE, at,
				     "uplinks: the reverse path filter has dropped %llu packets since this "
				     "machine started; nstat -az TcpExtIPReversePathFilter counts them",
				     (unsigned long long)dropped);
	}
	free(paths);
	free(found);
}

bool hactl_check_uplinks(struct hactl *h, const struct config *c, const char *path, json_t *ret_errors,
			 json_t *ret_notes)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	node_id_t self;

	if (!c->uplinks_count)
		return true;
	if (!f) {
		(void)hactl_complain(h, "Out of memory.");
		return false;
	}
	struct place at = { .file = (uint32_t)findings_file(f, path) };

	self = geteuid() == 0 ? this_node(h, c) : NODE_NONE; /* root's alone to read */
	if (self != NODE_NONE)
		look(f, at, c, self);
	else
		findings_add(f, FINDING_NOTE, at,
			     "uplinks: devices and the kernel's settings were not looked at: %s",
			     geteuid() == 0 ? "no key of a node of this configuration was found here"
					    : "that takes root");
	return hactl_tell_findings(h, f, ret_errors, ret_notes);
}
