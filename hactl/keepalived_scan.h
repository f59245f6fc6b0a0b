/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of a keepalived configuration as statements: words with their line, in blocks. Owns what
 * keepalived.conf(5) says of comments, quotes, "$NAME=value" definitions, "@id" conditions and "include";
 * knows no keyword but include. Sequences (~SEQ, ~LST) are told, not run. Everything is bounded: files,
 * bytes, depth of includes, of blocks and of definitions.
 */
#ifndef RK_KEEPALIVED_SCAN_H
#define RK_KEEPALIVED_SCAN_H

#include "findings.h"

#include <stddef.h>

#define KEEPALIVED_FILE_BYTES_MAX  (1 << 20)
#define KEEPALIVED_STATEMENTS_MAX  50000
#define KEEPALIVED_WORDS_TOTAL_MAX 200000
#define KEEPALIVED_WORDS_MAX	   64	     /* of one statement */
#define KEEPALIVED_TEXT_MAX	   (4 << 20) /* of all words */
#define KEEPALIVED_BLOCKS_MAX	   16	     /* inside each other */
#define KEEPALIVED_INCLUDES_MAX	   8	     /* inside each other */

struct keepalived_statement {
	struct place at;
	uint32_t words_first, words_count; /* may be 0: a block without a name */
	uint32_t depth;
	bool block;
	uint32_t end; /* of a block: the statement after its last one */
};

struct keepalived_scan {
	struct findings *findings; /* borrowed */
	char config_id[64];	   /* what "@id" is compared with */
	bool no_files;		   /* include is told, not followed */
	uint32_t statements_count, statements_size;
	struct keepalived_statement *statements;
	uint32_t words_count, words_size;
	uint32_t *words; /* offsets into text */
	uint32_t text_used, text_size;
	char *text;
};

/* Empty, or freed again. */
void keepalived_scan_init(struct keepalived_scan *s, struct findings *findings, const char *config_id);
void keepalived_scan_free(struct keepalived_scan *s);

/* Anything odd but readable is a finding.
 * @retval -errno   the file cannot be read
 * @retval -EBADMSG not a text
 * @retval -E2BIG   one of the limits above; a finding says which */
int keepalived_scan_file(struct keepalived_scan *s, const char *path);
int keepalived_scan_text(struct keepalived_scan *s, const char *name, const char *text, size_t len);

/* "" beyond the last word. */
const char *keepalived_word(const struct keepalived_scan *s, const struct keepalived_statement *st,
			    uint32_t index);

#endif
