/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hactl: the administrator's command line. Owns the command table, the talk with the control socket and the
 * text for people; knows nothing of the agent but the control protocol. Commands that need no agent (config,
 * key, replay) run here.
 */
#ifndef RK_HACTL_H
#define RK_HACTL_H

#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit codes. */
enum hactl_exit { HACTL_DONE = 0, HACTL_REFUSED = 1, HACTL_USAGE = 2, HACTL_UNREACHABLE = 3 };

#define HACTL_SOCKET	 "/run/ringkeep/control.sock"
#define HACTL_STATE_DIR	 "/var/lib/ringkeep"
#define HACTL_CONFIG	 "/etc/ringkeep/ringkeep.conf"
#define HACTL_DRAIN	 "10m"
#define HACTL_KEEPALIVED "/etc/keepalived/keepalived.conf"
#define HACTL_COROSYNC	 "/etc/corosync/corosync.conf"

struct findings;
struct hactl_command;

struct hactl {
	const char *socket_path;
	bool json;
	bool colour;
	const struct hactl_command *command;
	json_t *args; /* words and options by name, as they go into the request */
	int timeout_s; /* of an answer; 0: as long as agents take */
	int error;    /* errno of what hactl_ask() failed with */
	FILE *out, *err;
};

struct hactl_command {
	const char *name;
	/* What follows: "GROUP" is required, "[GROUP]" is not, "list|diff" is one of these (sent as
	 * "action"), "NODE|confirm" too, but any name will do; "[WORD...]" is all that is left. */
	const char *words;
	const char *options;   /* names out of hactl_options[], separated by spaces */
	enum config_role role; /* the least that the agent asks for; ROLE_NONE: no agent needed */
	int (*run)(struct hactl *h);
	/* Prints the data of a good reply for people; run is hactl_run_remote() then. */
	void (*print)(struct hactl *h, const json_t *data);
	const char *help;
};

struct hactl_option {
	const char *name;
	char letter;	   /* 0: none */
	const char *value; /* what follows in the help, NULL: a flag */
	const char *key;   /* in args */
	const char *help;
};

extern const struct hactl_command hactl_commands[];
extern const size_t hactl_commands_count;
extern const struct hactl_option hactl_options[];
extern const size_t hactl_options_count;

/* ---- arguments ---- */

/* Parses what follows the command's name into h->args; an error has been printed if it returns false. */
bool hactl_parse_args(struct hactl *h, int argc, char **argv);
const struct hactl_command *hactl_command_find(const char *name);
/* Tells, with what may have been meant; HACTL_USAGE. */
int hactl_command_unknown(const struct hactl *h, const char *name);
const struct hactl_option *hactl_option_find(const char *name);
/* True if the command takes this option. */
bool hactl_command_takes(const struct hactl_command *c, const char *option);
/* The next word of a spec such as "list|diff [GROUP]"; false at its end. */
bool hactl_next_word(const char **spec, char *ret, size_t size, bool *ret_required);
/* "switchover GROUP [--to NODE] [--dry-run]" */
void hactl_print_synopsis(const struct hactl_command *c, FILE *out);
void hactl_print_help(FILE *out);
void hactl_print_command_help(const struct hactl_command *c, FILE *out);
const char *hactl_arg(const struct hactl *h, const char *key, const char *otherwise);
bool hactl_flag(const struct hactl *h, const char *key);

/* ---- the agent ---- */

/* Sends the command, prints the reply; exit code. */
int hactl_run_remote(struct hactl *h);
/* Sends the command; returns the reply, or NULL (exit code in *ret_exit, told). */
json_t *hactl_ask(struct hactl *h, int *ret_exit);
/* The same for what ends late or never: one line after the other, events and the reply. timeout_s 0: none. */
struct hactl_stream *hactl_stream_open(struct hactl *h, int timeout_s, int *ret_exit);
json_t *hactl_stream_next(struct hactl *h, struct hactl_stream *s, int *ret_exit);
void hactl_stream_close(struct hactl_stream *s);
/* Prints the reply's refusal or, with --json, the reply; exit code. */
int hactl_finish(struct hactl *h, json_t *reply);

/* ---- text ---- */

enum hactl_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLES_COUNT };

/* Text in colour if wanted, padded to width (0: not). */
void hactl_put(const struct hactl *h, FILE *out, enum hactl_style style, int width, const char *text);
__attribute__((format(printf, 2, 3))) int hactl_complain(const struct hactl *h, const char *fmt, ...);
/* "3 s", "2 min 5 s", "4 d 3 h" */
void hactl_duration(int64_t ms, char *ret, size_t size);
const char *hactl_text(const json_t *o, const char *key);
int64_t hactl_number(const json_t *o, const char *key, int64_t otherwise);
bool hactl_true(const json_t *o, const char *key);
/* Longest string under key in a list of objects, at least min. */
int hactl_width(const json_t *list, const char *key, int min);
/* [{node, eligible, reason, text}] */
void hactl_print_candidates(const struct hactl *h, FILE *out, const json_t *list, int indent);

/* ---- what the commands print ---- */

void show_status(struct hactl *h, const json_t *data);
void show_why(struct hactl *h, const json_t *data);
void show_gate(struct hactl *h, const json_t *data);
void show_registrations(struct hactl *h, const json_t *data);
void show_trunk(struct hactl *h, const json_t *data);
void show_uplinks(struct hactl *h, const json_t *data);
/* Of status: nothing where there are none. others: also why voice does not take each of the others. */
void show_uplink_lines(struct hactl *h, const json_t *data, bool others);
void show_voters(struct hactl *h, const json_t *data);
void show_history(struct hactl *h, const json_t *data);
void show_fence(struct hactl *h, const json_t *data);
void show_move(struct hactl *h, const json_t *data);
void show_intent(struct hactl *h, const json_t *data);

int run_watch(struct hactl *h);
int run_top(struct hactl *h);
int run_check(struct hactl *h); /* its exit codes are a plugin's */
int run_history(struct hactl *h);
int run_fence_command(struct hactl *h);
int run_config(struct hactl *h);
int run_import(struct hactl *h); /* called by run_config() */
/* Looks at corosync's configuration beside c and prints what is found; with --json it goes into the two lists
 * instead. False: one of it was an error. */
bool hactl_check_corosync(struct hactl *h, const struct config *c, json_t *ret_errors, json_t *ret_notes);
void hactl_explain_corosync(struct hactl *h);
/* The same for the fence agents of c, which was read from path; they are run. */
bool hactl_check_fence(struct hactl *h, const struct config *c, const char *path, json_t *ret_errors,
		       json_t *ret_notes);
/* The same for the uplinks of c: what this machine's kernel and its settings make of them. Only notes. */
bool hactl_check_uplinks(struct hactl *h, const struct config *c, const char *path, json_t *ret_errors,
			 json_t *ret_notes);
/* Prints them, or with --json adds them to the lists. True if all are notes. */
bool hactl_tell_findings(struct hactl *h, struct findings *f, json_t *ret_errors, json_t *ret_notes);
int run_key(struct hactl *h);
int run_replay(struct hactl *h);
int run_report(struct hactl *h);
int run_help(struct hactl *h);
int run_completion(struct hactl *h);

#endif
