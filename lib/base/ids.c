/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ids.h"

uint32_t group_wire_id(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++) {
		h ^= (uint8_t)*name;
		h *= 16777619U;
	}
	return h;
}

int epoch_cmp(struct epoch a, struct epoch b)
{
	if (a.counter != b.counter)
		return a.counter < b.counter ? -1 : 1;
	return (int)a.node - (int)b.node;
}
