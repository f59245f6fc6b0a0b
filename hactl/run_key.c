/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cleanup.h"
#include "hactl.h"
#include "node_key.h"
#include "sentence.h"
#include "state_files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static void print_public(struct hactl *h, const struct node_public *p)
{
	char text[NODE_PUBLIC_TEXT_MAX];

	node_public_format(p, text);
	if (h->json)
		(void)fprintf(h->out, "{\"public_key\":\"%s\"}\n", text);
	else
		(void)fprintf(h->out, "%s\n", text);
}

static int key_fail(struct hactl *h, int r, const struct sentence *why)
{
	(void)hactl_complain(h, "%s", why->text[0] ? why->text : strerror(-r));
	return HACTL_REFUSED;
}

/* The key, and the durable ceiling: a key without it means that the disk was lost. The ceiling comes first,
 * so that whatever is interrupted here is no such loss. */
static int generate(struct hactl *h, const char *dir, const char *path)
{
	_cleanup_(close_fd) int dir_fd = state_dir_open(dir);
	struct sentence why = { "" };
	struct node_key key;
	uint64_t ceiling;
	char text[STATE_TEXT_MAX];
	int r = dir_fd < 0 ? dir_fd : node_key_load(path, &key, &why);

	if (dir_fd < 0) {
		(void)hactl_complain(h, "%s: %s", dir, strerror(-dir_fd));
		return HACTL_REFUSED;
	}
	if (r != -ENOENT) {
		if (r == 0)
			node_key_wipe(&key);
		(void)hactl_complain(
			h,
			"%s: there is a key already; hactl key show prints its public half, and a new one "
			"would make this another node",
			path);
		return HACTL_REFUSED;
	}
	if (state_ceiling_load(dir_fd, &ceiling, text, sizeof text) == STATE_ABSENT) {
		r = state_ceiling_save(dir_fd, 0);
		if (r < 0) {
			(void)hactl_complain(h, "%s/epoch: %s", dir, strerror(-r));
			return HACTL_REFUSED;
		}
	}
	why.text[0] = 0;
	r = node_key_generate(&key);
	if (r == 0)
		r = node_key_save(&key, path, &why);
	if (r < 0)
		return key_fail(h, r, &why);
	print_public(h, &key.public_key);
	node_key_wipe(&key);
	return HACTL_DONE;
}

int run_key(struct hactl *h)
{
	const char *dir = hactl_arg(h, "state_dir", HACTL_STATE_DIR);
	struct sentence why = { "" };
	struct node_key key;
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof path, "%s/node.key", dir);
	if (!strcmp(hactl_arg(h, "action", ""), "generate"))
		return generate(h, dir, path);
	r = node_key_load(path, &key, &why);
	if (r < 0)
		return key_fail(h, r, &why);
	print_public(h, &key.public_key);
	node_key_wipe(&key);
	return HACTL_DONE;
}
