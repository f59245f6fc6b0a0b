/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the agent and ringkeep-fence-call say to each other: a request, one "key value" a line and an empty
 * line at its end; then one line of answer, and what the fence agent wrote if it was asked for its metadata.
 */
#ifndef RK_FENCE_WIRE_H
#define RK_FENCE_WIRE_H

#include "fence_request.h"

#include <stdbool.h>
#include <stddef.h>

#define FENCE_AGENT_DIR	       "/usr/sbin"
#define FENCE_REQUEST_TEXT_MAX 16384
#define FENCE_SAID_MAX	       400
#define FENCE_OUTPUT_MAX       65536 /* of what an agent writes, the rest is thrown away */
#define FENCE_ANSWER_LINE_MAX  512
#define FENCE_TIMEOUT_MS_MAX   600000

struct fence_result {
	enum fence_answer answer;
	int code; /* the agent's exit code; -signal; 0 where it did not end by itself */
	uint32_t took_ms;
	char said[FENCE_SAID_MAX]; /* the end of its stderr on one line, or why it was not run; no
				      secrets */
};

/* A whole request and its texts. */
struct fence_request_text {
	char text[FENCE_REQUEST_TEXT_MAX]; /* cut into the strings of request */
	struct fence_request request;
};

/* @retval -EINVAL  a text has a newline, or something is missing
 * @retval -EMSGSIZE it does not fit */
int fence_request_write(const struct fence_request *r, char ret[FENCE_REQUEST_TEXT_MAX], size_t *ret_len);
/* Is there a whole request at the beginning of text? */
bool fence_request_whole(const char *text, size_t len);
/* t->text ends with NUL and holds a whole request. Returns 0, or -EINVAL: reterr says what is wrong. */
int fence_request_read(struct fence_request_text *t, char *reterr, size_t size);

/* Does the agent's name of a parameter look like one of a secret? */
bool fence_parameter_secret(const char *parameter);
/* What its exit code says about that action. */
enum fence_answer fence_answer_of(const char *action, int exit_code);

size_t fence_answer_write(const struct fence_result *r, size_t output, char ret[FENCE_ANSWER_LINE_MAX]);
/* Returns the length of the line, with its newline, and the number of bytes of output that should follow it,
 * or -EINVAL. */
int fence_answer_read(const char *text, size_t len, struct fence_result *ret, size_t *ret_output);

/* Control characters and runs of spaces of in become one space, bytes that are not ASCII a question mark;
 * what does not fit is left out. */
void fence_said(const char *in, size_t len, char ret[FENCE_SAID_MAX]);
/* Every occurrence of secret in text becomes stars. */
void fence_mask(char *text, size_t len, const char *secret);

#endif
