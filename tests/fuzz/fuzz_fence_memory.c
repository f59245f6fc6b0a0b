/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What another version, or a fault, may have left of what fence devices said. The checksum is made right
 * here: what gets past it keeps its limits, and is written again as it was read.
 */
#include "digest.h"
#include "fuzz.h"
#include "state_files.h"

#include <assert.h>
#include <string.h>

static const char boot_id[STATE_BOOT_ID_SIZE] = "01234567-89ab-cdef-0123-456789abcdef";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[STATE_FENCES_SIZE_MAX + 8], again[STATE_FENCES_SIZE_MAX];
	static const state_fence_digests digest = { [0] = { [1] = 0x11, [2] = 0x12 }, [3] = { [1] = 0x21 } };
	struct fence_memory memory, same;
	uint64_t sum = digest_fnv64(DIGEST_FNV64_INIT, data, size);
	const char *why = state_fences_decode(data, size, boot_id, digest, &memory);

	assert(why || size >= 8);
	if (size > STATE_FENCES_SIZE_MAX)
		return 0;
	if (size > 0)
		memcpy(whole, data, size);
	for (int i = 0; i < 8; i++)
		whole[size + (size_t)i] = (uint8_t)(sum >> (56 - 8 * i));
	if (state_fences_decode(whole, size + 8, boot_id, digest, &memory))
		return 0;
	assert(memory.off_ns_max >= 0 && memory.status_ns_max >= 0 && memory.on_at[0][3].ns == 0 &&
	       memory.on_at[1][1].ns == 0 && memory.on_at[0][1].ns >= 0);
	size = state_fences_encode(boot_id, digest, &memory, again);
	assert(!state_fences_decode(again, size, boot_id, digest, &same));
	assert(!memcmp(&memory, &same, sizeof same));
	return 0;
}
