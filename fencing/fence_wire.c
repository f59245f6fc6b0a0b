/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_wire.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- request ---- */

struct writer {
	char *to;
	size_t used;
	int error;
};

static void write_line(struct writer *w, const char *key, const char *value)
{
	size_t room = FENCE_REQUEST_TEXT_MAX - w->used;
	int n;

	if (!value || w->error)
		return;
	n = snprintf(w->to + w->used, room, "%s %s\n", key, value);
	if (strchr(value, '\n'))
		w->error = -EINVAL;
	else if (n < 0 || (size_t)n >= room)
		w->error = -EMSGSIZE;
	else
		w->used += (size_t)n;
}

int fence_request_write(const struct fence_request *r, char ret[FENCE_REQUEST_TEXT_MAX], size_t *ret_len)
{
	struct writer w = { .to = ret };
	char timeout[16];

	if (!r->agent || !r->action || r->parameters_count > FENCE_PARAMETERS_MAX)
		return -EINVAL;
	(void)snprintf(timeout, sizeof timeout, "%u", r->timeout_ms);
	write_line(&w, "agent", r->agent);
	write_line(&w, "action", r->action);
	write_line(&w, "plug", r->plug);
	write_line(&w, "timeout-ms", timeout);
	write_line(&w, "password-file", r->password_file);
	write_line(&w, "password-parameter", r->password_file ? r->password_parameter : NULL);
	for (size_t i = 0; i < r->parameters_count; i++)
		write_line(&w, "parameter", r->parameter[i]);
	if (!w.error && w.used + 2 > FENCE_REQUEST_TEXT_MAX)
		w.error = -EMSGSIZE;
	if (w.error)
		return w.error;
	ret[w.used++] = '\n';
	ret[w.used] = 0;
	*ret_len = w.used;
	return 0;
}

bool fence_request_whole(const char *text, size_t len)
{
	return memmem(text, len, "\n\n", 2) != NULL;
}

static bool take_timeout(struct fence_request *r, const char *value)
{
	char *end;
	unsigned long ms = strtoul(value, &end, 10);

	r->timeout_ms = (uint32_t)ms;
	return isdigit((unsigned char)*value) && !*end && ms && ms <= FENCE_TIMEOUT_MS_MAX;
}

static bool take_line(struct fence_request *r, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **to;
	} texts[] = { { "agent", &r->agent },
		      { "action", &r->action },
		      { "plug", &r->plug },
		      { "password-file", &r->password_file },
		      { "password-parameter", &r->password_parameter } };

	if (!strcmp(key, "timeout-ms"))
		return take_timeout(r, value);
	if (!strcmp(key, "parameter")) {
		if (r->parameters_count == FENCE_PARAMETERS_MAX || !strchr(value, '='))
			return false;
		r->parameter[r->parameters_count++] = value;
		return true;
	}
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(key, texts[i].key))
			continue;
		if (*texts[i].to || !*value)
			return false;
		*texts[i].to = value;
		return true;
	}
	return false;
}

int fence_request_read(struct fence_request_text *t, char *reterr, size_t size)
{
	struct fence_request *r = &t->request;
	char *at = t->text;

	*r = (struct fence_request){ .agent = NULL };
	while (*at && *at != '\n') {
		char *line = at, *end = at + strcspn(at, "\n"), *space;

		at = *end ? end + 1 : end;
		*end = 0;
		space = strchr(line, ' ');
		if (space)
			*space = 0;
		if (!space || !take_line(r, line, space + 1)) {
			(void)snprintf(reterr, size, "a bad request: line \"%.40s\"",
				       line); /* not its value */
			return -EINVAL;
		}
	}
	if (r->agent && r->action && r->timeout_ms && (!r->password_file || r->password_parameter))
		return 0;
	(void)snprintf(reterr, size, "a bad request: no %s",
		       !r->agent	? "agent"
		       : !r->action	? "action"
		       : !r->timeout_ms ? "timeout-ms"
					: "password-parameter");
	return -EINVAL;
}

bool fence_parameter_secret(const char *parameter)
{
	static const char *const words[] = { "passw", "secret", "token", "community" };
	size_t len = strcspn(parameter, "=");

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (size_t k = 0; k + strlen(words[i]) <= len; k++)
			if (!strncasecmp(parameter + k, words[i], strlen(words[i])))
				return true;
	return false;
}

/* ---- answer ---- */

static const char *const answer_names[] = { [FENCE_ANSWER_OK] = "ok",
					    [FENCE_ANSWER_OFF] = "off",
					    [FENCE_ANSWER_FAILED] = "failed",
					    [FENCE_ANSWER_TIMEOUT] = "timeout",
					    [FENCE_ANSWER_BROKEN] = "broken" };

enum fence_answer fence_answer_of(const char *action, int exit_code)
{
	if (exit_code == 0)
		return FENCE_ANSWER_OK;
	if (exit_code == 1)
		return FENCE_ANSWER_FAILED;
	if (exit_code == 2 && (!strcmp(action, "status") || !strcmp(action, "monitor")))
		return FENCE_ANSWER_OFF;
	return FENCE_ANSWER_BROKEN;
}

size_t fence_answer_write(const struct fence_result *r, size_t output, char ret[FENCE_ANSWER_LINE_MAX])
{
	return (size_t)snprintf(ret, FENCE_ANSWER_LINE_MAX, "answer %s code %d took_ms %u out %zu said %s\n",
				answer_names[r->answer], r->code, r->took_ms, output, r->said);
}

static bool read_word(const char *word, enum fence_answer *ret)
{
	for (enum fence_answer a = FENCE_ANSWER_OK; a <= FENCE_ANSWER_BROKEN; a++)
		if (!strcmp(word, answer_names[a])) {
			*ret = a;
			return true;
		}
	return false;
}

int fence_answer_read(const char *text, size_t len, struct fence_result *ret, size_t *ret_output)
{
	const char *end = memchr(text, '\n', len);
	struct fence_result r = { .code = 0 };
	char line[FENCE_ANSWER_LINE_MAX], word[16];
	int said = -1;
	size_t length = end ? (size_t)(end - text) : 0;

	if (!length || length >= sizeof line)
		return -EINVAL;
	memcpy(line, text, length);
	line[length] = 0;
	if (sscanf(line, "answer %15s code %9d took_ms %9u out %6zu said %n", word, &r.code, &r.took_ms,
		   ret_output, &said) != 4 ||
	    said < 0 || *ret_output > FENCE_OUTPUT_MAX || !read_word(word, &r.answer))
		return -EINVAL;
	fence_said(line + said, length - (size_t)said, r.said);
	*ret = r;
	return (int)length + 1;
}

/* ---- words ---- */

void fence_said(const char *in, size_t len, char ret[FENCE_SAID_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < FENCE_SAID_MAX - 1; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c > ' ' && c < 0x7f)
			ret[n++] = (char)c;
		else if (c >= 0x7f)
			ret[n++] = '?';
		else if (n && ret[n - 1] != ' ')
			ret[n++] = ' ';
	}
	while (n && ret[n - 1] == ' ')
		n--;
	ret[n] = 0;
}

void fence_mask(char *text, size_t len, const char *secret)
{
	size_t size = strlen(secret);
	char *at = text;

	while (size && (at = memmem(at, len - (size_t)(at - text), secret, size))) {
		memset(at, '*', size);
		at += size;
	}
}
