/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one's complement sum of the Internet's headers (RFC 1071).
 */
#ifndef RK_INET_SUM_H
#define RK_INET_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Folded sum of len bytes (odd: as if one zero byte followed) and of what was summed before. */
uint16_t inet_sum(const void *data, size_t len, uint32_t before);
/* Writes the checksum that goes with a sum. */
void inet_sum_write(uint8_t ret[2], uint16_t sum);

#endif
