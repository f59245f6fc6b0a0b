/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

void digest_sha256(const void *data, size_t len, uint8_t ret[DIGEST_SHA256_SIZE])
{
	unsigned size = 0;
	int ok = EVP_Digest(data, len, ret, &size, EVP_sha256(), NULL);

	assert(ok == 1 && size == DIGEST_SHA256_SIZE); /* only without memory or without SHA-256 */
}

void digest_sha256_hex(const void *data, size_t len, char ret[DIGEST_HEX_SIZE])
{
	uint8_t hash[DIGEST_SHA256_SIZE];

	digest_sha256(data, len, hash);
	for (int i = 0; i < DIGEST_SHA256_SIZE; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

uint64_t digest_fnv64(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ULL;
	return sum;
}
