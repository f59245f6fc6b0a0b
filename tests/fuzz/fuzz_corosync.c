/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a corosync.conf: read, compared with a cluster of three, explained.
 */
#include "cleanup.h"
#include "corosync_check.h"
#include "corosync_sample.h"
#include "fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(corosync_conf_free_ptr) struct corosync_conf *c = corosync_conf_new();
	_cleanup_(free_ptr) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(f && c && out);
	corosync_conf_parse(c, "fuzz", (const char *)data, size, f);
	corosync_check(c, &cluster, f);
	findings_sort(f);
	corosync_explain(c, out);
	(void)fclose(out);
	assert(len > 0);
	for (uint32_t i = 0; i < f->count; i++)
		assert(f->list[i].text[0] && f->list[i].level != FINDING_LEFT);
	return 0;
}
