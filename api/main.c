/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-api: command line and configuration; one sentence and an exit code when something is wrong.
 */
#include "access.h"
#include "crypto.h"
#include "log.h"
#include "server.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum main_exit { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const char main_usage[] =
	"usage: ringkeep-api [-c FILE] [-s SOCKET] [--version]\n"
	"       ringkeep-api --token NAME ROLE\n"
	"\n"
	"  -c, --config FILE   configuration [/etc/ringkeep/ringkeep.conf]\n"
	"  -s, --socket PATH   control socket of ringkeepd [/run/ringkeep/control.sock]\n"
	"  --token             make a token: the line for the access file on standard output, the token "
	"itself on\n"
	"                      standard error, once\n"
	"\n"
	"SIGHUP reads the configuration, certificates and access file again.\n";

enum main_option { OPT_TOKEN = 256, OPT_VERSION };

static const struct option main_options[] = {
	{ "config", required_argument, NULL, 'c' }, { "socket", required_argument, NULL, 's' },
	{ "token", no_argument, NULL, OPT_TOKEN },  { "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },	    { 0 },
};

/* 256 random bits; what is kept is their hash. */
static int main_token(const char *name, const char *role)
{
	uint8_t bits[32];
	char token[2 * sizeof bits + 1], line[200], hex[DIGEST_HEX_SIZE];
	struct sentence why = { "" };
	struct access *check = malloc(sizeof *check);
	int r = check ? crypto_random(bits, sizeof bits) : -ENOMEM;

	for (size_t i = 0; i < sizeof bits; i++)
		(void)snprintf(token + 2 * i, 3, "%02x", bits[i]);
	digest_sha256_hex(token, 2 * sizeof bits, hex);
	(void)snprintf(line, sizeof line, "%.60s %.20s token %s\n", name, role, hex);
	if (r == 0)
		r = access_parse(line, strlen(line), check, &why);
	free(check);
	if (r < 0) {
		fprintf(stderr, "ringkeep-api: %s\n", why.text[0] ? why.text : strerror(-r));
		return EXIT_REFUSED;
	}
	fputs(line, stdout);
	fprintf(stderr, "%s\n", token);
	return EXIT_DONE;
}

/* Returns -1 to go on, else an exit code. */
static int main_arguments(int argc, char **argv, struct server_paths *paths)
{
	bool token = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:s:h", main_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			paths->config = optarg;
			break;
		case 's':
			paths->socket = optarg;
			break;
		case OPT_TOKEN:
			token = true;
			break;
		case OPT_VERSION:
			printf("ringkeep-api %s\n", RINGKEEP_VERSION);
			return EXIT_DONE;
		case 'h':
			fputs(main_usage, stdout);
			return EXIT_DONE;
		default:
			fputs(main_usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (token && argc - optind == 2)
		return main_token(argv[optind], argv[optind + 1]);
	if (token || optind < argc) {
		fputs(main_usage, stderr);
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
		fprintf(stderr, "ringkeep-api: %s\n", errors->error[i].text);
	free(errors);
	if (r == 0)
		return config;
	config_free(config);
	return NULL;
}

int main(int argc, char **argv)
{
	struct server_paths paths = {
		.config = "/etc/ringkeep/ringkeep.conf",
		.socket = "/run/ringkeep/control.sock",
	};
	struct sentence error = { "" };
	struct config *config;
	struct server *s;
	int r = main_arguments(argc, argv, &paths);

	if (r >= 0)
		return r;
	config = main_read_config(paths.config);
	if (!config)
		return EXIT_REFUSED;
	(void)log_open("ringkeep-api", (int)config->log_level, getenv("JOURNAL_STREAM") != NULL);
	r = server_open(&s, &paths, config, &error);
	if (r < 0) {
		fprintf(stderr, "ringkeep-api: %s\n", error.text);
	} else {
		r = server_run(s);
		server_close(s);
	}
	log_close();
	return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}
