/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeepd: command line, configuration, and one sentence and an exit code when something is wrong.
 */
#include "agent.h"
#include "log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum main_exit { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const char main_usage[] =
	"usage: ringkeepd [-c FILE] [--state-dir DIR] [--run-dir DIR] [--witness] [--check] [--version]\n"
	"\n"
	"  -c, --config FILE   configuration [/etc/ringkeep/ringkeep.conf]\n"
	"  --state-dir DIR     what must outlive a reboot: key, epochs, intent, history [/var/lib/ringkeep]\n"
	"  --run-dir DIR       on tmpfs: promises, lock, control socket [/run/ringkeep]\n"
	"  --witness           insist that this machine is a witness\n"
	"  --check             read the configuration, say what is wrong with it, exit\n"
	"\n"
	"SIGTERM hands all groups over and exits. SIGUSR1 exits and leaves everything to the next "
	"ringkeepd.\n"
	"SIGHUP reads the configuration again.\n";

enum main_option { OPT_STATE_DIR = 256, OPT_RUN_DIR, OPT_WITNESS, OPT_CHECK, OPT_VERSION };

static const struct option main_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "witness", no_argument, NULL, OPT_WITNESS },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Returns -1 to go on, else an exit code. */
static int main_arguments(int argc, char **argv, struct agent_paths *paths, bool *ret_check)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", main_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			paths->config = optarg;
			break;
		case OPT_STATE_DIR:
			paths->state_dir = optarg;
			break;
		case OPT_RUN_DIR:
			paths->run_dir = optarg;
			break;
		case OPT_WITNESS:
			paths->witness = true;
			break;
		case OPT_CHECK:
			*ret_check = true;
			break;
		case OPT_VERSION:
			printf("ringkeepd %s\n", RINGKEEP_VERSION);
			return EXIT_DONE;
		case 'h':
			fputs(main_usage, stdout);
			return EXIT_DONE;
		default:
			fputs(main_usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ringkeepd: \"%s\" is not an option\n%s", argv[optind], main_usage);
		return EXIT_USAGE;
	}
	return -1;
}

static struct config *main_read_config(const char *path)
{
	struct config_errors *errors = calloc(1, sizeof *errors);
	struct config *config = config_new();
	int r = errors && config ? config_parse_file(path, config, errors) : -1;

	for (uint32_t i = 0; errors && i < errors->count && i < CONFIG_ERRORS_MAX; i++)
		fprintf(stderr, "ringkeepd: %s\n", errors->error[i].text);
	free(errors);
	if (r == 0)
		return config;
	config_free(config);
	return NULL;
}

int main(int argc, char **argv)
{
	struct agent_paths paths = {
		.config = "/etc/ringkeep/ringkeep.conf",
		.state_dir = "/var/lib/ringkeep",
		.run_dir = "/run/ringkeep",
	};
	struct sentence error = { "" };
	struct agent *agent;
	bool check = false;
	int r;

	agent_block_signals();
	r = main_arguments(argc, argv, &paths, &check);
	if (r >= 0)
		return r;
	agent = calloc(1, sizeof *agent);
	if (!agent)
		return EXIT_REFUSED;
	agent->config = main_read_config(paths.config);
	if (!agent->config || check) {
		r = agent->config ? EXIT_DONE : EXIT_REFUSED;
		config_free(agent->config);
		free(agent);
		return r;
	}
	(void)log_open("ringkeepd", (int)agent->config->log_level, getenv("JOURNAL_STREAM") != NULL);
	r = agent_start(agent, &paths, &error);
	if (r < 0) {
		fprintf(stderr, "ringkeepd: %s\n", error.text);
		(void)sd_notifyf(0, "STATUS=%s", error.text);
	} else {
		agent_run(agent);
		agent_stop(agent);
	}
	log_close();
	free(agent);
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}
