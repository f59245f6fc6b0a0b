/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a keepalived configuration: findings, and a result that our own parser takes.
 */
#include "cleanup.h"
#include "config.h"
#include "fuzz.h"
#include "import.h"
#include "keepalived_scan.h"

#include <assert.h>
#include <string.h>

#define KEY "rk1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void take_result(const struct import *i, const struct findings *f)
{
	_cleanup_(config_free_ptr) struct config *c = config_new();
	_cleanup_(free_ptr) char *text = NULL;
	static struct config_errors errors;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(c && out);
	import_print(i, f, out);
	(void)fclose(out);
	if (config_parse_text("result", text, len, c, &errors) < 0) {
		(void)fprintf(stderr, "%s\n%s\n", text, errors.error[0].text);
		abort();
	}
	assert(c->groups_count == i->groups_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(keepalived_free_ptr) struct keepalived *k = keepalived_new();
	_cleanup_(import_free_ptr) struct import *i = import_new();
	struct keepalived_scan scan;

	assert(f && k && i);
	keepalived_scan_init(&scan, f, "sbc-a");
	scan.no_files = true;
	if (keepalived_scan_text(&scan, "fuzz", (const char *)data, size) == 0) {
		keepalived_read(&scan, k);
		import_name(k->router_id, i->node);
		i->node_id = 1;
		i->public_key = KEY;
		import_map(k, f, i);
		findings_sort(f);
		if (i->groups_count)
			take_result(i, f);
	} else {
		assert(f->count); /* it says why */
	}
	keepalived_scan_free(&scan);
	return 0;
}
