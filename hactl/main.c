/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check_verdict.h"
#include "hactl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* On a terminal, unless NO_COLOR is set and not empty (no-color.org). */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static int run(struct hactl *h, int argc, char **argv)
{
	h->command = hactl_command_find(argv[0]);
	if (!h->command)
		return hactl_command_unknown(h, argv[0]);
	bool plugin = h->command->run == run_check;

	h->args = json_object();
	if (plugin)
		h->err = h->out; /* all that a monitoring system shows */
	int ret = hactl_parse_args(h, argc - 1, argv + 1) ? h->command->run(h)
		  : plugin				  ? CHECK_UNKNOWN
							  : HACTL_USAGE;

	json_decref(h->args);
	if (fflush(h->out) != 0 || ferror(h->out))
		return ret ? ret : HACTL_REFUSED; /* nobody reads, or the disk is full */
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "socket", required_argument, NULL, 's' },
						 { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { NULL, 0, NULL, 0 } };
	struct hactl h = {
		.socket_path = HACTL_SOCKET, .colour = wants_colour(), .out = stdout, .err = stderr
	};
	int c;

	/* "+": options of the command are the command's. */
	while ((c = getopt_long(argc, argv, "+s:h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			h.socket_path = optarg;
			break;
		case 'j':
			h.json = true;
			break;
		case 'h':
			hactl_print_help(stdout);
			return HACTL_DONE;
		case 'V':
			(void)printf("hactl %s\n", RINGKEEP_VERSION);
			return HACTL_DONE;
		default:
			(void)fputs("see hactl help\n", stderr);
			return HACTL_USAGE;
		}
	}
	if (optind == argc) {
		hactl_print_help(stderr);
		return HACTL_USAGE;
	}
	return run(&h, argc - optind, argv + optind);
}
