/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What happened, for people and auditors: one JSON object a line in the state directory's `history`, each
 * with the SHA-256 of the line before, so that a changed, removed or inserted line shows. Records of all
 * nodes: a record is named by its node and that node's number, a second copy is ignored. Rotates to
 * `history.1`. Formatting is pure; appending blocks (fsync) and is done in the recorder process.
 */
#ifndef RK_HISTORY_H
#define RK_HISTORY_H

#include "core.h"
#include "digest.h"

#include <jansson.h>

#define HISTORY_LINE_MAX   4096
#define HISTORY_NUMBER_MAX 4000000 /* of one node; some hundred years of changes */

/* What the core does not know. All borrowed. */
struct history_origin {
	const char *const *node_names;	/* by node id, NODE_ID_MAX + 1 entries, NULL = unknown */
	const char *const *group_names; /* by group index, RK_GROUPS_MAX entries */
	node_id_t node;			/* who writes it */
	uint64_t number;		/* that node's, one more each time */
	const char *boot_id;
	int64_t wall_ns;
	struct instant now;
	uint64_t begun; /* of an end: the number of its beginning; else 0 */
	/* of a command, else NULL */
	const char *who;  /* "alice (1000)" */
	const char *from; /* node where it was given */
	const char *why;
};

/* One record as a JSON line, without newline and without "prev" (the writer adds it).
 * Returns its length or -errno. */
int history_format(const struct history_origin *o, const struct core_record *rec, char *ret, size_t size);
/* Something the agent saw (alarm, config loaded, agent started): type is a word, data is merged in (borrowed,
 * may be NULL). */
int history_format_event(const struct history_origin *o, const char *type, const char *group,
			 const char *text, json_t *data, char *ret, size_t size);
/* "switchover" of COMMAND_SWITCHOVER. */
const char *history_command_name(uint8_t command);
/* Who wrote a record, and its number. -EINVAL if the line is not a record. */
int history_identify(const char *line, size_t len, node_id_t *ret_node, uint64_t *ret_number);

/* ---- the file (writer side, and hactl) ---- */

struct history_seen; /* which (node, number) are in the file */

struct history_file {
	int dir_fd; /* borrowed */
	int fd;
	uint64_t bytes, bytes_max;
	char prev[DIGEST_HEX_SIZE];
	struct history_seen *seen;
};

/* Reads what is there; cuts off a half-written last line. */
int history_open(struct history_file *ret, int dir_fd, uint64_t bytes_max);
void history_close(struct history_file *h);
/* On disk when it returns. 1: was there already. */
int history_append(struct history_file *h, const char *line, size_t len);
/* Every record, oldest first; they are borrowed. */
int history_walk(int dir_fd, void (*each)(void *ctx, const json_t *record), void *ctx);
/* The last count records (oldest first) as a JSON array, new reference. NULL: cannot be read. */
json_t *history_read(int dir_fd, unsigned count);
/* Of those whose type is `type` or begins with it and '-'. */
json_t *history_read_type(int dir_fd, const char *type, unsigned count);

/* ---- records that belong together ---- */

/* Takes out of the list the beginnings whose ends are in it. An end says all that its beginning said. */
void history_drop_begun(json_t *records);
/* For people: that, and beginnings without an end get "interrupted" (true: the agent was started again
 * since), takeovers that others saw go if who took over tells of them; the last count are left. */
void history_tidy(json_t *records, unsigned count);
/* The epoch of the takeover that the record tells of, {0,0} if it is of something else. ret_group: borrowed.
 */
struct epoch history_tenure(const json_t *record, const char **ret_group);
/* Is `known`, the latest that is told up to `seen`, the same tenure? A holder may raise its epoch. */
bool history_tenure_told(struct epoch known, struct epoch seen);

struct history_verdict {
	uint64_t lines;
	bool intact;
	uint64_t bad_line;	    /* first line whose chain does not match */
	char head[DIGEST_HEX_SIZE]; /* hash of the last line: compare it with a copy kept elsewhere */
	char text[160];
};
int history_verify(int dir_fd, struct history_verdict *ret);

#endif
