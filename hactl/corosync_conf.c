/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "corosync_conf.h"

#include "cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES_MAX (COROSYNC_NAME_MAX + COROSYNC_VALUE_MAX + 32)

struct parser {
	struct corosync_conf *c;
	struct findings *f;
	int line;
	uint32_t open[COROSYNC_DEPTH_MAX + 1], depth; /* open[0] is the whole file */
	uint32_t skipping; /* sections that are open and not kept: too deep, or too many */
};

struct corosync_conf *corosync_conf_new(void)
{
	return calloc(1, sizeof(struct corosync_conf));
}

void corosync_conf_free(struct corosync_conf *c)
{
	free(c);
}

static void complain(struct parser *p, const char *what)
{
	findings_add(p->f, FINDING_ERROR, (struct place){ p->c->file, p->line }, "%s", what);
}

static char *trimmed(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = 0;
	return text;
}

static void open_section(struct parser *p, char *name)
{
	struct corosync_conf *c = p->c;
	struct corosync_section *s = &c->sections[c->sections_count];

	if (strlen(name) >= sizeof s->name)
		complain(p, "a section's name is longer than corosync takes; shorten it");
	if (p->skipping || p->depth == COROSYNC_DEPTH_MAX || c->sections_count == COROSYNC_SECTIONS_MAX) {
		if (!p->skipping)
			complain(p, "too many sections, or too many inside each other: this one is not read");
		p->skipping++;
		return;
	}
	s->line = p->line;
	s->parent = p->open[p->depth];
	(void)snprintf(s->name, sizeof s->name, "%s", name);
	p->open[++p->depth] = c->sections_count++;
}

static void close_section(struct parser *p)
{
	if (p->skipping)
		p->skipping--;
	else if (p->depth == 0)
		complain(p, "\"}\" without a section that it ends; remove it");
	else
		p->depth--;
}

static void add_key(struct parser *p, char *name, char *value)
{
	struct corosync_conf *c = p->c;
	struct corosync_key *k = &c->keys[c->keys_count];

	if (p->skipping)
		return;
	if (!*name || !*value) {
		complain(p, "a line \"key: value\" lacks one of the two; remove it, or complete it");
		return;
	}
	if (strlen(name) >= sizeof k->name || strlen(value) >= sizeof k->value) {
		complain(p, "a key or value is too long: this line is not read");
		return;
	}
	if (c->keys_count == COROSYNC_KEYS_MAX) {
		complain(p, "too many keys: this one is not read");
		return;
	}
	k->line = p->line;
	k->section = p->open[p->depth];
	memcpy(k->name, name, strlen(name) + 1);
	memcpy(k->value, value, strlen(value) + 1);
	c->keys_count++;
}

static void parse_line(struct parser *p, char *text)
{
	char *colon;
	size_t len;

	text = trimmed(text);
	len = strlen(text);
	if (len == 0 || *text == '#')
		return;
	colon = strchr(text, ':');
	if (text[len - 1] == '{' && !colon) {
		text[len - 1] = 0;
		open_section(p, trimmed(text));
	} else if (colon) {
		*colon = 0;
		add_key(p, trimmed(text), trimmed(colon + 1));
	} else if (!strcmp(text, "}")) {
		close_section(p);
	} else {
		complain(p, "neither \"name {\" nor \"}\" nor \"key: value\": corosync refuses the file; "
			    "correct the line");
	}
}

void corosync_conf_parse(struct corosync_conf *c, const char *name, const char *text, size_t len,
			 struct findings *f)
{
	struct parser p = { .c = c, .f = f };
	int file = findings_file(f, name);

	memset(c, 0, sizeof *c);
	c->file = file < 0 ? 0 : (uint32_t)file;
	c->sections_count = 1;
	for (const char *end = text + len, *next; text < end; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t bytes = (size_t)((newline ? newline : end) - text);
		char line[LINE_BYTES_MAX];

		next = newline ? newline + 1 : end;
		p.line++;
		if (memchr(text, 0, bytes)) {
			complain(&p, "a zero byte: this is not a text");
			return;
		}
		if (bytes >= sizeof line) {
			complain(&p, "the line is too long: it is not read");
			continue;
		}
		memcpy(line, text, bytes);
		line[bytes] = 0;
		parse_line(&p, line);
	}
	if (p.depth > 0 || p.skipping)
		complain(&p, "a section is open at the end of the file; a \"}\" is missing");
}

int corosync_conf_read(struct corosync_conf *c, const char *path, struct findings *f)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_(free_ptr) char *text = NULL;
	struct stat st;
	ssize_t n = 1;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	text = malloc(COROSYNC_FILE_BYTES_MAX + 1);
	if (!text)
		return -ENOMEM;
	while (len <= COROSYNC_FILE_BYTES_MAX && n > 0) {
		n = read(fd, text + len, COROSYNC_FILE_BYTES_MAX + 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len > COROSYNC_FILE_BYTES_MAX)
		return -EFBIG;
	corosync_conf_parse(c, path, text, len, f);
	return 0;
}

/* Does the path of this section ("nodelist.node") end here? */
static bool section_is(const struct corosync_conf *c, uint32_t section, const char *path)
{
	size_t end = strlen(path);

	while (section != 0) {
		const struct corosync_section *s = &c->sections[section];
		size_t len = strlen(s->name);

		if (end < len || strncmp(path + end - len, s->name, len))
			return false;
		end -= len;
		section = s->parent;
		if (section != 0 && (end == 0 || path[--end] != '.'))
			return false;
	}
	return end == 0;
}

uint32_t corosync_section_next(const struct corosync_conf *c, const char *path, uint32_t after)
{
	for (uint32_t i = after + 1; i < c->sections_count; i++)
		if (section_is(c, i, path))
			return i;
	return 0;
}

const struct corosync_key *corosync_key_in(const struct corosync_conf *c, uint32_t section, const char *name)
{
	for (uint32_t i = c->keys_count; i > 0; i--)
		if (c->keys[i - 1].section == section && !strcmp(c->keys[i - 1].name, name))
			return &c->keys[i - 1];
	return NULL;
}

const struct corosync_key *corosync_key(const struct corosync_conf *c, const char *path, const char *name)
{
	const struct corosync_key *found = NULL;

	for (uint32_t s = corosync_section_next(c, path, 0); s; s = corosync_section_next(c, path, s)) {
		const struct corosync_key *k = corosync_key_in(c, s, name);

		found = k && (!found || k->line > found->line) ? k : found;
	}
	return found;
}
