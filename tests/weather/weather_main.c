/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * weather [--seeds N] [--from SEED] [NAME]: the scenarios whose name has NAME, with N seeds (1). Prints the
 * table; fails if a day has more switches or more silence than the row allows, or breaks the bounds that
 * always hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uplink_choice.h"
#include "weather.h"

#define MINUTE_MS 60000
#define HOUR_MS	  3600000
#define PRICE_MS  5000 /* a switch disturbs as much as five seconds of silence */
/* On a real line one loss in a while is several. */
#define FAIR .burst_every_ms = 120000, .burst_ms = 60, .burst_percent = 70

static const struct weather_scenario scenarios[] = {
	{ "fair", { { FAIR }, { FAIR } }, .switches = 0, .speechless = 0 },
	{ "bursty losses",
	  { { .burst_every_ms = 20000, .burst_ms = 300, .burst_percent = 80 }, { FAIR } },
	  .switches = 24,
	  .speechless = 1 },
	{ "brown-outs",
	  { { FAIR, .brownout_every_ms = HOUR_MS, .brownout_ms = 5 * MINUTE_MS }, { FAIR } },
	  .switches = 60,
	  .speechless = 3 },
	{ "blackouts",
	  { { FAIR, .outage_every_ms = 2 * HOUR_MS, .outage_ms = 5 * MINUTE_MS },
	    { FAIR, .outage_every_ms = 6 * HOUR_MS, .outage_ms = 5 * MINUTE_MS } },
	  .switches = 50,
	  .speechless = 3 },
	{ "both brown out",
	  { { FAIR, .brownout_every_ms = HOUR_MS, .brownout_ms = 5 * MINUTE_MS },
	    { FAIR, .brownout_every_ms = HOUR_MS, .brownout_ms = 5 * MINUTE_MS } },
	  .switches = 90,
	  .speechless = 3 },
	{ "full buffers in the evening",
	  { { FAIR, .evening = true }, { FAIR } },
	  .switches = 4,
	  .speechless = 1 },
	{ "one target dies", { { FAIR }, { FAIR } }, .target_dies = true, .switches = 0, .speechless = 0 },
	{ "both dead together",
	  { { FAIR }, { FAIR } },
	  .dead_together = true,
	  .switches = 6,
	  .speechless = 1 },
	{ "carrier flaps, 2 s",
	  { { FAIR, .flap_ms = 2000, .carrier = true }, { FAIR } },
	  .switches = 4,
	  .speechless = 1 },
	{ "one flaps, 0.1 s", { { FAIR, .flap_ms = 100 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 1 s", { { FAIR, .flap_ms = 1000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 5 s", { { FAIR, .flap_ms = 5000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 20 s", { { FAIR, .flap_ms = 20000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 60 s", { { FAIR, .flap_ms = 60000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 200 s", { { FAIR, .flap_ms = 200000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "one flaps, 10 min", { { FAIR, .flap_ms = 600000 }, { FAIR } }, .switches = 4, .speechless = 1 },
	{ "both flap in turn, 20 s",
	  { { FAIR, .flap_ms = 20000 }, { FAIR, .flap_ms = 20000, .flap_opposite = true } },
	  .switches = 30,
	  .speechless = 1 },
	{ "both flap in turn, 10 min",
	  { { FAIR, .flap_ms = 600000 }, { FAIR, .flap_ms = 600000, .flap_opposite = true } },
	  .switches = 110,
	  .speechless = 8 },
};

static const char *judge(const struct weather_scenario *s, const struct weather_result *we,
			 const struct weather_result *oracle)
{
	const struct uplink_choice_policy *p = &uplink_choice_policy_default;

	if (we->switches > 1 && we->gap_ms_min < p->hold_ns / NS_PER_MS)
		return "S2: two switches in a moment";
	if (we->switches_hour > p->budget_burst + 3600 * NS_PER_S / p->budget_every_ns)
		return "S3: more switches in an hour than the budget has";
	if (we->switches > s->switches)
		return "more switches than are right";
	if (we->speechless_s > oracle->speechless_s + s->speechless * 86.4)
		return "more silence than is right";
	return NULL;
}

static bool day(const struct weather_scenario *s, uint64_t seed)
{
	struct weather_random random = { seed * 1000003 };
	struct weather_line lines[WEATHER_LINES];
	struct weather_result we, oracle, alone;
	const char *wrong;

	for (int i = 0; i < WEATHER_LINES; i++)
		weather_line_make(&lines[i], &s->line[i], s->dead_together, &random);
	weather_node_play(s, lines, &random, &we);
	weather_oracle_play(lines, PRICE_MS, &oracle, &alone);
	for (int i = 0; i < WEATHER_LINES; i++)
		weather_line_free(&lines[i]);
	wrong = judge(s, &we, &oracle);
	printf("%-28s %8u %6u %8u %4u %9.1f %9.1f %9.1f %9.1f %9.1f%s%s\n", s->name, we.switches, we.drains,
	       oracle.switches, we.switches_hour, we.speechless_s, oracle.speechless_s, alone.speechless_s,
	       we.degraded_s, oracle.degraded_s, wrong ? "  FAIL: " : "", wrong ? wrong : "");
	return !wrong;
}

int main(int argc, char **argv)
{
	uint64_t seeds = 1, from = 1;
	const char *name = "";
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			seeds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
			from = strtoull(argv[++i], NULL, 10);
		else
			name = argv[i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t seed = from; seed < from + seeds; seed++) {
		printf("seed %-23llu switches drains  oracle's  /h    silent  oracle's    line 1  degraded  "
		       "oracle's (s)\n",
		       (unsigned long long)seed);
		for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
			if (strstr(scenarios[i].name, name))
				failed += !day(&scenarios[i], seed);
	}
	return failed ? 1 : 0;
}
