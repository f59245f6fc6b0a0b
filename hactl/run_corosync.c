/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * corosync's configuration beside ours, for `hactl config check` and `config explain`.
 */
#include "cleanup.h"
#include "corosync_check.h"
#include "hactl.h"

#include <errno.h>
#include <string.h>

/* Two nodes that VRRP alone decides between need no corosync, and a witness has none. */
static void look(struct hactl *h, const struct config *c, struct corosync_conf *corosync, struct findings *f)
{
	const char *path = hactl_arg(h, "corosync", HACTL_COROSYNC);
	int r;

	if (!config_needs_lease(c) && !hactl_arg(h, "corosync", NULL))
		return;
	r = corosync_conf_read(corosync, path, f);
	if (r == 0) {
		corosync_check(corosync, c, f);
		return;
	}
	int file = findings_file(f, path);

	findings_add(f, r == -ENOENT ? FINDING_NOTE : FINDING_ERROR, (struct place){ (uint32_t)file, 0 },
		     r == -ENOENT ? "%s, so corosync's configuration was not looked at; every PBX node has "
				    "one, a witness has "
				    "none"
				  : "%s; corosync's configuration was not looked at",
		     strerror(-r));
}

bool hactl_check_corosync(struct hactl *h, const struct config *c, json_t *ret_errors, json_t *ret_notes)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(corosync_conf_free_ptr) struct corosync_conf *corosync = corosync_conf_new();

	if (!f || !corosync) {
		(void)hactl_complain(h, "%s", strerror(ENOMEM));
		return false;
	}
	look(h, c, corosync, f);
	return hactl_tell_findings(h, f, ret_errors, ret_notes);
}

void hactl_explain_corosync(struct hactl *h)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(corosync_conf_free_ptr) struct corosync_conf *corosync = corosync_conf_new();
	const char *path = hactl_arg(h, "corosync", HACTL_COROSYNC);
	int r = f && corosync ? corosync_conf_read(corosync, path, f) : -ENOMEM;

	(void)fprintf(h->out, "\ncorosync (%s)\n", path);
	if (r == 0)
		corosync_explain(corosync, h->out);
	else
		(void)fprintf(h->out, "    not looked at: %s\n", strerror(-r));
}
