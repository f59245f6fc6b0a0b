/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record_window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX (INT64_MAX / 2)
#define WORDS	   (RECORD_WINDOW / 64)

static uint64_t *word(struct record_window *w, int64_t node, int64_t number)
{
	return &w->node[node].seen[number % RECORD_WINDOW / 64];
}

static bool valid(int64_t node, int64_t number)
{
	return node > 0 && node <= NODE_ID_MAX && number > 0 && number < NUMBER_MAX;
}

bool record_window_seen(const struct record_window *w, int64_t node, int64_t number)
{
	if (!valid(node, number))
		return true;
	uint64_t highest = w->node[node].highest;

	if ((uint64_t)number > highest)
		return false;
	if ((uint64_t)number + RECORD_WINDOW <= highest)
		return true;
	return w->node[node].seen[number % RECORD_WINDOW / 64] >> (number % 64) & 1;
}

/* The window moves up: what comes into it has not been seen. */
static void advance(struct record_window *w, int64_t node, uint64_t to)
{
	uint64_t from = w->node[node].highest;

	if (to - from >= RECORD_WINDOW)
		memset(w->node[node].seen, 0, sizeof w->node[node].seen);
	else
		for (uint64_t n = from + 1; n <= to; n++)
			*word(w, node, (int64_t)n) &= ~(1ULL << (n % 64));
	w->node[node].highest = to;
}

bool record_window_take(struct record_window *w, int64_t node, int64_t number)
{
	if (record_window_seen(w, node, number))
		return false;
	if ((uint64_t)number > w->node[node].highest)
		advance(w, node, (uint64_t)number);
	*word(w, node, number) |= 1ULL << (number % 64);
	return true;
}

bool record_window_empty(const struct record_window *w)
{
	for (int n = 0; n <= NODE_ID_MAX; n++)
		if (w->node[n].highest)
			return false;
	return true;
}

json_t *record_window_json(const struct record_window *w)
{
	json_t *j = json_object();
	char key[12], bits[WORDS * 16 + 1];

	for (int n = 1; n <= NODE_ID_MAX; n++) {
		if (!w->node[n].highest)
			continue;
		for (int i = 0; i < WORDS; i++)
			(void)snprintf(bits + (ptrdiff_t)i * 16, 17, "%016" PRIx64, w->node[n].seen[i]);
		(void)snprintf(key, sizeof key, "%d", n);
		(void)json_object_set_new(
			j, key,
			json_pack("{s:I, s:s}", "highest", (json_int_t)w->node[n].highest, "seen", bits));
	}
	return j;
}

static void load_bits(uint64_t *seen, const char *bits)
{
	char part[17] = "";

	if (!bits || strlen(bits) != WORDS * 16)
		return;
	for (int i = 0; i < WORDS; i++) {
		memcpy(part, bits + (ptrdiff_t)i * 16, 16);
		seen[i] = strtoull(part, NULL, 16);
	}
}

void record_window_load(struct record_window *w, const json_t *j)
{
	memset(w, 0, sizeof *w);
	for (int n = 1; n <= NODE_ID_MAX; n++) {
		char key[12];

		(void)snprintf(key, sizeof key, "%d", n);
		const json_t *node = json_object_get(j, key);
		json_int_t highest = json_integer_value(json_object_get(node, "highest"));

		if (!valid(n, highest))
			continue;
		w->node[n].highest = (uint64_t)highest;
		load_bits(w->node[n].seen, json_string_value(json_object_get(node, "seen")));
	}
}
