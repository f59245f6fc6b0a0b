/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a configuration: an error text or a configuration that prints to what parses to the same.
 */
#include "cleanup.h"
#include "config.h"
#include "fuzz.h"

#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_free_ptr) struct config *c = config_new(), *again = config_new();
	_cleanup_(free_ptr) char *text = NULL;
	static struct config_errors errors;
	size_t len;

	assert(c && again);
	int r = config_parse_text("fuzz", (const char *)data, size, c, &errors);

	assert((r == 0) == (errors.count == 0));
	if (r < 0) {
		assert(r == -EINVAL && errors.error[0].text[0] && c->nodes_count == 0);
		return 0;
	}
	FILE *f = open_memstream(&text, &len);

	assert(f);
	config_print(c, f);
	(void)fclose(f);
	r = config_parse_text("printed", text, len, again, &errors);
	assert(r == 0 && again->hash == c->hash);
	return 0;
}
