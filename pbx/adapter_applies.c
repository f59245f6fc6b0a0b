/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "adapter_applies.h"

bool adapter_applies_add(struct adapter_applies *a, struct adapter_main *m, uint64_t id, size_t queued)
{
	for (size_t i = 0; i < ADAPTER_APPLIES_MAX; i++) {
		if (a->entry[i].id)
			continue;
		a->entry[i].id = id;
		a->entry[i].until = a->started + queued;
		a->entry[i].failed = false;
		return true;
	}
	adapter_main_answer(m, id, "too many apply messages in flight; the bindings are kept");
	return false;
}

void adapter_applies_fail(struct adapter_applies *a)
{
	for (size_t i = 0; i < ADAPTER_APPLIES_MAX; i++)
		a->entry[i].failed = a->entry[i].id != 0;
}

void adapter_applies_answer(struct adapter_applies *a, struct adapter_main *m, bool idle, bool removed,
			    const char *why)
{
	for (size_t i = 0; i < ADAPTER_APPLIES_MAX; i++) {
		bool failed = a->entry[i].failed;

		if (!a->entry[i].id || !(idle || failed || (removed && a->completed >= a->entry[i].until)))
			continue;
		adapter_main_answer(m, a->entry[i].id, failed ? why : NULL);
		a->entry[i].id = 0;
	}
}
