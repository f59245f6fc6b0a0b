/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a text that goes into a report: lines without control characters, and the line with a secret
 * that is put behind them does not get out, unless it stands in something that is removed as a whole.
 */
#include "cleanup.h"
#include "fuzz.h"
#include "report_scrub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char planted[] = "\npassword = XYZZY\n";
	_cleanup_(free_ptr) char *text = malloc(size + sizeof planted), *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	assert(text && f);
	memcpy(text, data, size);
	memcpy(text + size, planted, sizeof planted - 1);
	scrub_text(text, size + sizeof planted - 1, f);
	(void)fclose(f);
	assert(memmem(data, size, "XYZZY", 5) || !memmem(out, len, "XYZZY", 5));
	for (size_t i = 0; i < len; i++)
		assert((unsigned char)out[i] >= 0x20 || out[i] == '\n' || out[i] == '\t');
	return 0;
}
