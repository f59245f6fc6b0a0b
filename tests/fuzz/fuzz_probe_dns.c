/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as an answer to a question; and, up to their first NUL, as a name to ask for.
 */
#include "fuzz.h"
#include "probe_dns_wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[400];
	uint8_t query[PROBE_DNS_QUERY_MAX], rcode;
	uint16_t id;
	int n;

	if (probe_dns_read("probe.example", data, size, &id, &rcode) == 0)
		assert(rcode < 16 && size >= 12 + 15 + 4 && id == (data[0] << 8 | data[1]));
	if (size >= sizeof name)
		size = sizeof name - 1;
	memcpy(name, data, size);
	name[size] = 0;
	n = probe_dns_write(name, 0x1234, query);
	assert(n == -EINVAL || (n >= 12 + 5 && (size_t)n <= sizeof query));
	if (n > 0) { /* what was asked comes back with the bit of an answer */
		query[2] |= 0x80;
		assert(probe_dns_read(name, query, (size_t)n, &id, &rcode) == 0 && id == 0x1234);
	}
	return 0;
}
