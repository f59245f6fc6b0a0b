/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-fence-call: one call of one fence agent (fence_wire.h). Secrets come in on stdin or from a file
 * and go out on the agent's stdin, nowhere else. When stdin is closed the call is over: the agent and all
 * that it started are killed, and nobody is told.
 */
#include "clock.h"
#include "fence_run.h"
#include "secret_file.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define INPUT_MAX (FENCE_REQUEST_TEXT_MAX + 1024)

struct call {
	struct fence_request_text request;
	char secret[SECRET_FILE_MAX]; /* of the password file */
	char input[INPUT_MAX];
	char said[FENCE_OUTPUT_MAX];
	struct fence_run run;
	struct fence_result result;
};

/* ---- in ---- */

/* The whole request; stdin stays open behind it. */
static bool read_request(struct fence_request_text *t)
{
	size_t used = 0;

	while (used < sizeof t->text - 1) {
		ssize_t n = read(STDIN_FILENO, t->text + used, sizeof t->text - 1 - used);

		if (n <= 0 && errno != EINTR)
			return false;
		used += n > 0 ? (size_t)n : 0;
		t->text[used] = 0;
		if (fence_request_whole(t->text, used))
			return true;
	}
	return false;
}

/* What the agent reads: the API's "name=value" lines. */
static int write_input(struct call *c)
{
	const struct fence_request *r = &c->request.request;
	int used = snprintf(c->input, sizeof c->input, "action=%s\n", r->action);

	for (size_t i = 0; i < r->parameters_count && used < (int)sizeof c->input; i++)
		used += snprintf(c->input + used, sizeof c->input - (size_t)used, "%s\n", r->parameter[i]);
	if (r->plug && used < (int)sizeof c->input)
		used += snprintf(c->input + used, sizeof c->input - (size_t)used, "plug=%s\n", r->plug);
	if (r->password_file && used < (int)sizeof c->input)
		used += snprintf(c->input + used, sizeof c->input - (size_t)used, "%s=%s\n",
				 r->password_parameter, c->secret);
	return used < (int)sizeof c->input ? 0 : -EMSGSIZE;
}

/* ---- out ---- */

__attribute__((format(printf, 2, 3))) static void say(struct call *c, const char *format, ...)
{
	char text[FENCE_SAID_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* cutting a sentence is fine */
	va_end(args);
	fence_said(text, strlen(text), c->result.said);
}

/* The end of what the agent said, where its reason is; what comes before is warnings and progress. Without
 * what it must not have said. */
static void quote(struct call *c)
{
	const struct fence_request *r = &c->request.request;
	bool err = c->run.err_len > 0;
	size_t len = err ? c->run.err_len : c->run.out_len;

	memcpy(c->said, err ? c->run.err : c->run.out, len);
	if (r->password_file)
		fence_mask(c->said, len, c->secret);
	for (size_t i = 0; i < r->parameters_count; i++)
		if (fence_parameter_secret(r->parameter[i]))
			fence_mask(c->said, len, strchr(r->parameter[i], '=') + 1);
	if (len < FENCE_SAID_MAX) {
		fence_said(c->said, len, c->result.said);
	} else {
		char *end = c->said + len - (FENCE_SAID_MAX - 1);

		memcpy(end, "... ", 4);
		fence_said(end, FENCE_SAID_MAX - 1, c->result.said);
	}
}

static void judge(struct call *c)
{
	const struct fence_run *run = &c->run;

	c->result.answer = FENCE_ANSWER_BROKEN;
	switch (run->end) {
	case FENCE_END_EXIT:
		c->result.answer = fence_answer_of(c->request.request.action, run->value);
		c->result.code = run->value;
		quote(c);
		return;
	case FENCE_END_SIGNAL:
		c->result.code = -run->value;
		quote(c);
		return;
	case FENCE_END_TIMEOUT:
		c->result.answer = FENCE_ANSWER_TIMEOUT;
		quote(c);
		return;
	case FENCE_END_NOT_STARTED:
		say(c, "%s cannot be run: %s%s", run->path, strerror(run->value),
		    run->value == ENOENT   ? "; install the package fence-agents, or write the agent's path"
		    : run->value == EACCES ? "; make it executable (chmod 755)"
					   : "");
		return;
	case FENCE_END_NO_NAMESPACE:
		say(c, "no PID namespace for the agent: %s; without one it could outlive its time",
		    strerror(run->value));
		return;
	case FENCE_END_CANCELLED:
		return;
	}
}

static void print(const struct call *c)
{
	bool whole = !strcmp(c->request.request.action ? c->request.request.action : "", "metadata");
	size_t output = whole ? c->run.out_len : 0;
	char line[FENCE_ANSWER_LINE_MAX];
	size_t len = fence_answer_write(&c->result, output, line);

	/* A reader who has gone makes us end here, which is all that is left to do. */
	if (fwrite(line, 1, len, stdout) == len && fwrite(c->run.out, 1, output, stdout) == output)
		(void)fflush(stdout);
}

static void run(struct call *c, int64_t start_ns)
{
	const struct fence_request *r = &c->request.request;
	char path[512];

	(void)snprintf(path, sizeof path, "%s%s%s", *r->agent == '/' ? "" : FENCE_AGENT_DIR,
		       *r->agent == '/' ? "" : "/", r->agent);
	c->run.path = path;
	c->run.input = c->input;
	c->run.cancel = STDIN_FILENO;
	c->run.deadline_ns = start_ns + r->timeout_ms * NS_PER_MS;
	fence_run(&c->run);
	judge(c);
}

int main(void)
{
	const struct rlimit no_core = { 0, 0 };
	int64_t start_ns = fence_run_now_ns();
	static struct call c;
	char why[120] = "no whole request";
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the end of stdin would tell us as well, a little later */
	(void)setrlimit(RLIMIT_CORE, &no_core); /* a core would have the secrets */
	c.result.answer = FENCE_ANSWER_BROKEN;
	if (!read_request(&c.request) || fence_request_read(&c.request, why, sizeof why) < 0) {
		say(&c, "%s", why);
	} else {
		const struct fence_request *q = &c.request.request;

		r = q->password_file ? secret_file_read(q->password_file, c.secret) : 0;
		if (r < 0)
			say(&c, "password-file %s: %s", q->password_file, secret_file_error(r));
		else if (write_input(&c) < 0)
			say(&c, "the parameters are too long");
		else
			run(&c, start_ns);
	}
	c.result.took_ms = (uint32_t)((fence_run_now_ns() - start_ns) / NS_PER_MS);
	if (c.run.end != FENCE_END_CANCELLED)
		print(&c);
	return EXIT_SUCCESS;
}
