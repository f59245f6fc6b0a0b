/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "weather.h"

/* The best that ends on a line, so far. */
struct path {
	int64_t cost; /* in hundredths of a slot */
	uint32_t switches;
	int64_t speechless, degraded; /* slots */
};

static void path_spend(struct path *p, uint8_t cost)
{
	p->cost += cost;
	p->speechless += cost == 100;
	p->degraded += cost == 25;
}

static void path_tell(const struct path *p, struct weather_result *ret)
{
	*ret = (struct weather_result){
		.switches = p->switches,
		.speechless_s = (double)p->speechless * WEATHER_SLOT_MS / 1000,
		.degraded_s = (double)p->degraded * WEATHER_SLOT_MS / 1000,
	};
}

void weather_oracle_play(const struct weather_line lines[WEATHER_LINES], int64_t price_ms,
			 struct weather_result *ret, struct weather_result *ret_alone)
{
	int64_t price = price_ms * 100 / WEATHER_SLOT_MS;
	struct path best[WEATHER_LINES] = { { 0 }, { .cost = price, .switches = 1 } }, alone = { 0 };

	for (int64_t i = 0; i < WEATHER_SLOTS; i++) {
		struct path before[WEATHER_LINES];

		memcpy(before, best, sizeof before);
		for (int k = 0; k < WEATHER_LINES; k++) {
			if (before[!k].cost + price < before[k].cost) {
				best[k] = before[!k];
				best[k].cost += price;
				best[k].switches++;
			}
			path_spend(&best[k], lines[k].cost[i]);
		}
		path_spend(&alone, lines[0].cost[i]);
	}
	path_tell(&best[best[1].cost < best[0].cost], ret);
	path_tell(&alone, ret_alone);
}
