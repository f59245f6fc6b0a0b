/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inet_sum.h"

uint16_t inet_sum(const void *data, size_t len, uint32_t before)
{
	const uint8_t *p = data;
	uint64_t sum = before;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

void inet_sum_write(uint8_t ret[2], uint16_t sum)
{
	uint16_t checksum = (uint16_t)~sum;

	ret[0] = (uint8_t)(checksum >> 8);
	ret[1] = (uint8_t)checksum;
}
