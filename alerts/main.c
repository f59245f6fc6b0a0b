/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-alertd: command line and configuration; one sentence and an exit code when something is wrong.
 */
#include "alertd.h"
#include "log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum main_exit { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const char main_usage[] =
	"usage: ringkeep-alertd [-c FILE] [-s SOCKET] [--state-dir DIR] [--test NAME] [--version]\n"
	"\n"
	"  -c, --config FILE   configuration [/etc/ringkeep/ringkeep.conf]\n"
	"  -s, --socket PATH   control socket of ringkeepd [/run/ringkeep/control.sock]\n"
	"  --state-dir DIR     queues and what was seen [/var/lib/ringkeep-alert]\n"
	"  --test NAME         send one alert to the receiver NAME, say what it answers, exit\n"
	"\n"
	"SIGHUP reads the configuration again.\n";

enum main_option { OPT_STATE_DIR = 256, OPT_TEST, OPT_VERSION };

static const struct option main_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "test", required_argument, NULL, OPT_TEST },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Returns -1 to go on, else an exit code. */
static int main_arguments(int argc, char **argv, struct alertd_paths *paths, const char **ret_test)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:s:h", main_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			paths->config = optarg;
			break;
		case 's':
			paths->socket = optarg;
			break;
		case OPT_STATE_DIR:
			paths->state_dir = optarg;
			break;
		case OPT_TEST:
			*ret_test = optarg;
			break;
		case OPT_VERSION:
			printf("ringkeep-alertd %s\n", RINGKEEP_VERSION);
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
		fprintf(stderr, "ringkeep-alertd: \"%s\" is not an option\n%s", argv[optind], main_usage);
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
		fprintf(stderr, "ringkeep-alertd: %s\n", errors->error[i].text);
	free(errors);
	if (r == 0)
		return config;
	config_free(config);
	return NULL;
}

static int main_test(struct config *config, const char *path, const char *name)
{
	char answer[300] = "";
	int r = alertd_test(config, name, answer, sizeof answer);

	config_free(config);
	if (r == -ENOENT)
		fprintf(stderr, "ringkeep-alertd: there is no section alert %s in %s\n", name, path);
	else if (r < 0)
		fprintf(stderr, "ringkeep-alertd: %s: not delivered: %s\n", name,
			answer[0] ? answer : strerror(-r));
	else
		printf("%s: delivered: %s\n", name, answer);
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* Before any thread of a library: none may get them. */
static void main_block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct alertd_paths paths = {
		.config = "/etc/ringkeep/ringkeep.conf",
		.state_dir = "/var/lib/ringkeep-alert",
		.socket = "/run/ringkeep/control.sock",
	};
	struct sentence error = { "" };
	const char *test = NULL;
	struct config *config;
	struct alertd *d;
	int r = main_arguments(argc, argv, &paths, &test);

	if (r >= 0)
		return r;
	config = main_read_config(paths.config);
	if (!config)
		return EXIT_REFUSED;
	if (test)
		return main_test(config, paths.config, test);
	main_block_signals();
	(void)log_open("ringkeep-alertd", (int)config->log_level, getenv("JOURNAL_STREAM") != NULL);
	r = alertd_open(&d, &paths, config, &error);
	if (r < 0) {
		fprintf(stderr, "ringkeep-alertd: %s\n", error.text);
	} else {
		r = alertd_run(d);
		alertd_close(d);
	}
	log_close();
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}
