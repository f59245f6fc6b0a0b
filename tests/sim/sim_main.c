/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sim [--seeds N] [--from SEED]     many runs, one line of summary
 * sim --seed SEED [--trace|--all]   one run again, told in full
 * --uplinks                         worlds with uplinks
 */
#include "sim.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For the handler of an assertion only: the seed that was running. */
static uint64_t seed_running;

static void sim_aborted(int number)
{
	char line[128];
	int n = snprintf(line, sizeof line, "seed=%llu: assertion failed; again: sim --seed %llu --trace\n",
			 (unsigned long long)seed_running, (unsigned long long)seed_running);

	(void)number;
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

struct sim_totals {
	uint64_t seeds, uplink_moves, beyond_help, steps, takeovers, letgos, operations, faults;
	int64_t settle_ns_max, answer_ns_max;
};

static void sim_totals_add(struct sim_totals *t, const struct sim *s)
{
	t->seeds++;
	t->beyond_help += s->beyond_help;
	t->steps += s->steps;
	t->takeovers += s->takeovers;
	t->uplink_moves += s->uplink_moves_count;
	t->letgos += s->letgos;
	t->operations += s->operations;
	t->faults += s->faults;
	if (s->settle_ns > t->settle_ns_max)
		t->settle_ns_max = s->settle_ns;
	if (s->answer_ns > t->answer_ns_max)
		t->answer_ns_max = s->answer_ns;
}

static bool sim_one(const struct sim_options *options, struct sim_totals *totals)
{
	struct sim *s;
	bool good;

	seed_running = options->seed;
	s = sim_new(options);
	good = sim_play(s);
	if (options->trace && s->text)
		(void)fputs(s->text, stdout);
	if (!good)
		printf("seed=%llu: %s\n  again, in full: sim%s --seed %llu --trace\n",
		       (unsigned long long)options->seed, s->failure, options->uplinks ? " --uplinks" : "",
		       (unsigned long long)options->seed);
	sim_totals_add(totals, s);
	sim_free(s);
	return good;
}

static int sim_usage(void)
{
	(void)fputs("usage: sim [--uplinks] [--seeds N] [--from SEED] [--keep-going]\n"
		    "       sim [--uplinks] --seed SEED [--trace | --all]\n",
		    stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "seed", required_argument, NULL, 's' }, { "seeds", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' }, { "trace", no_argument, NULL, 't' },
		{ "all", no_argument, NULL, 'a' },	  { "keep-going", no_argument, NULL, 'k' },
		{ "uplinks", no_argument, NULL, 'u' },	  { NULL, 0, NULL, 0 },
	};
	struct sim_options options = { .seed = 1 };
	struct sim_totals totals = { 0 };
	uint64_t seeds = 2000, failures = 0;
	bool keep_going = false;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			options.seed = strtoull(optarg, NULL, 10);
			seeds = 1;
			break;
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'a':
			options.trace_all = true;
			options.trace = true;
			break;
		case 't':
			options.trace = true;
			break;
		case 'u':
			options.uplinks = true;
			break;
		case 'k':
			keep_going = true;
			break;
		default:
			return sim_usage();
		}
	}
	(void)signal(SIGABRT, sim_aborted);
	/* Cores are large and every run makes new ones: keep their pages. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	for (uint64_t i = 0; i < seeds && (failures == 0 || keep_going); i++, options.seed++)
		failures += !sim_one(&options, &totals);
	if (options.uplinks)
		printf("%llu moves for the uplinks' sake; ", (unsigned long long)totals.uplink_moves);
	printf("%llu seeds, %llu steps, %llu faults, %llu takeovers, %llu let-gos, %llu operations, "
	       "answered again within %lld ms, settled within %lld ms, %llu beyond help, %llu failed\n",
	       (unsigned long long)totals.seeds, (unsigned long long)totals.steps,
	       (unsigned long long)totals.faults, (unsigned long long)totals.takeovers,
	       (unsigned long long)totals.letgos, (unsigned long long)totals.operations,
	       (long long)(totals.answer_ns_max / NS_PER_MS), (long long)(totals.settle_ns_max / NS_PER_MS),
	       (unsigned long long)totals.beyond_help, (unsigned long long)failures);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
