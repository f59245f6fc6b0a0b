/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checksums and hashes of files and configuration. Keys and signatures are elsewhere.
 */
#ifndef RK_DIGEST_H
#define RK_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_HEX_SIZE	   65 /* with the final NUL */

void digest_sha256(const void *data, size_t len, uint8_t ret[DIGEST_SHA256_SIZE]);
/* The same as lower-case hex. */
void digest_sha256_hex(const void *data, size_t len, char ret[DIGEST_HEX_SIZE]);

/* FNV-1a, 64 bit: finds accidents (truncation, bit rot), not malice. */
#define DIGEST_FNV64_INIT 0xcbf29ce484222325ULL
uint64_t digest_fnv64(uint64_t sum, const void *data, size_t len);

#endif
