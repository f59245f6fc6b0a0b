/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived_scan.h"

#include "cleanup.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES	 8192 /* with its definitions put in */
#define LINES_TOTAL_MAX	 200000
#define BYTES_TOTAL_MAX	 (8 << 20) /* of all lines, those that definitions repeat included */
#define DEFINITIONS_MAX	 128
#define DEFINITION_MAX	 (64 << 10)
#define REPLACEMENTS_MAX 64 /* in one line */
#define NESTING_MAX	 8  /* of definitions of several lines */

struct definition {
	char name[64];
	char *value; /* several lines: each ended by '\n' */
	bool lines;
};

struct scanner {
	struct keepalived_scan *s;
	struct place at;
	char directory[PATH_MAX]; /* of the file that is being read */
	uint32_t open[KEEPALIVED_BLOCKS_MAX], open_count;
	uint32_t words_first; /* of the statement that is being read */
	struct definition definition[DEFINITIONS_MAX];
	uint32_t definitions_count;
	/* a definition of several lines that has not ended yet */
	bool defining, discarding;
	struct definition unfinished;
	size_t unfinished_used;
	uint32_t includes, files_total, nesting, lines_total;
	size_t bytes_total;
};

static int scan_fail(struct scanner *sc, int error, const char *what)
{
	findings_add(sc->s->findings, FINDING_ERROR, sc->at, "%s", what);
	return error;
}

/* ---- statements ---- */

/* Room for `need` elements; the array may move. */
static bool grow(void *array, uint32_t *size, uint32_t need, size_t element)
{
	void **at = array, *more;
	uint32_t wish = *size ? *size : 256;

	while (wish < need)
		wish *= 2; /* need is below 2^23 */
	more = wish == *size ? *at : reallocarray(*at, wish, element);
	if (!more)
		return false;
	*at = more;
	*size = wish;
	return true;
}

static int word_add(struct scanner *sc, const char *text, size_t len)
{
	struct keepalived_scan *s = sc->s;

	if (s->words_count - sc->words_first == KEEPALIVED_WORDS_MAX)
		return 0; /* nothing that we understand has so many */
	if (s->words_count == KEEPALIVED_WORDS_TOTAL_MAX || s->text_used + len + 1 > KEEPALIVED_TEXT_MAX)
		return scan_fail(sc, -E2BIG, "more words than a keepalived configuration has");
	if (!grow(&s->words, &s->words_size, s->words_count + 1, sizeof *s->words) ||
	    !grow(&s->text, &s->text_size, s->text_used + (uint32_t)len + 1, 1))
		return -ENOMEM;
	s->words[s->words_count++] = s->text_used;
	memcpy(s->text + s->text_used, text, len);
	s->text[s->text_used + len] = 0;
	s->text_used += (uint32_t)len + 1;
	return 0;
}

/* What was read so far is a statement, or opens a block. */
static int statement_end(struct scanner *sc, bool block)
{
	struct keepalived_scan *s = sc->s;
	uint32_t words = s->words_count - sc->words_first;

	if (!words && !block)
		return 0;
	if (s->statements_count == KEEPALIVED_STATEMENTS_MAX)
		return scan_fail(sc, -E2BIG, "more statements than a keepalived configuration has");
	if (!grow(&s->statements, &s->statements_size, s->statements_count + 1, sizeof *s->statements))
		return -ENOMEM;
	s->statements[s->statements_count] = (struct keepalived_statement){
		.at = sc->at,
		.words_first = sc->words_first,
		.words_count = words,
		.depth = sc->open_count,
		.block = block,
		.end = s->statements_count + 1,
	};
	s->statements_count++;
	sc->words_first = s->words_count;
	return 0;
}

/* "{" may stand on a line of its own: then it opens the statement before it. */
static bool opens_the_last(const struct scanner *sc)
{
	const struct keepalived_scan *s = sc->s;
	const struct keepalived_statement *last =
		s->statements_count ? &s->statements[s->statements_count - 1] : NULL;

	return s->words_count == sc->words_first && last && !last->block && last->depth == sc->open_count;
}

static int block_open(struct scanner *sc)
{
	int r = 0;

	if (sc->open_count == KEEPALIVED_BLOCKS_MAX)
		return scan_fail(sc, -E2BIG, "blocks inside blocks, deeper than keepalived knows");
	if (opens_the_last(sc))
		sc->s->statements[sc->s->statements_count - 1].block = true;
	else
		r = statement_end(sc, true);
	sc->open[sc->open_count++] = sc->s->statements_count - 1;
	return r;
}

static int block_close(struct scanner *sc)
{
	int r = statement_end(sc, false);

	if (sc->open_count)
		sc->s->statements[sc->open[--sc->open_count]].end = sc->s->statements_count;
	else
		findings_add(sc->s->findings, FINDING_ERROR, sc->at,
			     "a \"}\" that closes nothing; see whether one is missing before");
	return r;
}

/* "${NAME}" that no definition has replaced: a part of the word, braces and all. */
static size_t leftover_length(const char *p)
{
	const char *end = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;

	return end ? (size_t)(end - p) + 1 : 0;
}

/* One word from *p into ret: quotes are taken away, what is escaped is itself. */
static size_t take_word(const char **p, char *ret)
{
	const char *c = *p;
	size_t len = 0, n;
	char quote = 0;

	while (*c && (quote || !strchr(" \t{}", *c))) {
		n = quote ? 0 : leftover_length(c);
		if (n) {
			memcpy(ret + len, c, n);
			len += n;
			c += n;
		} else if (*c == '\\' && c[1] && quote != '\'') {
			ret[len++] = c[1];
			c += 2;
		} else if (quote ? *c == quote : *c == '"' || *c == '\'') {
			quote = quote ? 0 : *c;
			c++;
		} else {
			ret[len++] = *c++;
		}
	}
	*p = c;
	return len;
}

static int scan_words(struct scanner *sc, const char *line)
{
	char word[LINE_MAX_BYTES];
	int r = 0;

	while (r == 0 && *line) {
		line += strspn(line, " \t");
		if (*line == '{')
			r = block_open(sc);
		else if (*line == '}')
			r = block_close(sc);
		if (strchr("{}", *line)) {
			line += *line != 0;
			continue;
		}
		size_t len = take_word(&line, word);

		r = word_add(sc, word, len);
	}
	return r == 0 ? statement_end(sc, false) : r;
}

/* ---- definitions ---- */

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The length of a definition's name at p, 0 if there is none. */
static size_t name_length(const char *p)
{
	size_t len = 0;

	while (name_char(p[len]))
		len++;
	return isdigit((unsigned char)*p) ? 0 : len;
}

static struct definition *definition_find(struct scanner *sc, const char *name, size_t len)
{
	for (uint32_t i = 0; i < sc->definitions_count; i++)
		if (strlen(sc->definition[i].name) == len && !memcmp(sc->definition[i].name, name, len))
			return &sc->definition[i];
	return NULL;
}

static const char *definition_value(struct scanner *sc, const char *name, size_t len, bool *ret_lines)
{
	const struct {
		const char *name, *value;
	} built_in[] = { { "_PWD", sc->directory },
			 { "_INSTANCE", sc->s->config_id },
			 { "_HASH", "#" },
			 { "_BANG", "!" } };
	const struct definition *d = definition_find(sc, name, len);

	*ret_lines = d && d->lines;
	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
		if (strlen(built_in[i].name) == len && !memcmp(built_in[i].name, name, len))
			return built_in[i].value;
	return d ? d->value : NULL;
}

static int definition_store(struct scanner *sc, const struct definition *new)
{
	struct definition *d = definition_find(sc, new->name, strlen(new->name));

	if (!d && sc->definitions_count == DEFINITIONS_MAX)
		return scan_fail(sc, -E2BIG, "more definitions than this import keeps");
	if (!d)
		d = &sc->definition[sc->definitions_count++];
	else
		free(d->value);
	*d = *new;
	return d->value ? 0 : -ENOMEM;
}

/* One more line of the definition that has not ended; a last "\" says that there is another one. */
static int definition_line(struct scanner *sc, const char *line)
{
	size_t len = strlen(line), used = sc->unfinished_used;
	bool more = len && line[len - 1] == '\\';
	char *grown;

	len -= more;
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (used + len + 2 > DEFINITION_MAX)
		return scan_fail(sc, -E2BIG, "a definition that is too long");
	grown = realloc(sc->unfinished.value, used + len + 2);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + used, line, len);
	memcpy(grown + used + len, "\n", 2);
	sc->unfinished.value = grown;
	sc->unfinished_used = used + len + 1;
	if (more)
		return 0;

	struct definition done = sc->unfinished;
	bool discard = sc->discarding;

	sc->unfinished = (struct definition){ .value = NULL };
	sc->defining = sc->discarding = false;
	if (!discard)
		return definition_store(sc, &done);
	free(done.value);
	return 0;
}

/* "$NAME=value"; ret_taken: it was one. */
static int scan_definition(struct scanner *sc, const char *line, bool discard, bool *ret_taken)
{
	size_t len = *line == '$' ? name_length(line + 1) : 0, value_len;
	struct definition d = { .lines = false };
	const char *value = line + 1 + len + 1;

	*ret_taken = len && line[1 + len] == '=';
	if (!*ret_taken)
		return 0;
	if (len >= sizeof d.name)
		return scan_fail(sc, -E2BIG, "the name of a definition is too long");
	memcpy(d.name, line + 1, len);
	value_len = strlen(value);
	if (value_len && value[value_len - 1] == '\\') {
		d.lines = true;
		sc->unfinished = d;
		sc->unfinished_used = 0;
		sc->defining = true;
		sc->discarding = discard;
		return value[strspn(value, " \t")] == '\\' ? 0 : definition_line(sc, value);
	}
	if (discard)
		return 0;
	d.value = strdup(value);
	return definition_store(sc, &d);
}

/* The first reference in line that has a value; a reference without braces ends at a space. */
static const char *reference_find(struct scanner *sc, const char *line, size_t *ret_len,
				  const char **ret_value, bool *ret_lines)
{
	for (const char *p = line; (p = strchr(p, '$')); p++) {
		bool braces = p[1] == '{';
		size_t len = name_length(p + 1 + braces);
		char after = p[1 + braces + len];

		if (!len || (braces ? after != '}' : after && !isspace((unsigned char)after)))
			continue;
		*ret_value = definition_value(sc, p + 1 + braces, len, ret_lines);
		*ret_len = 1 + len + 2 * braces;
		if (*ret_value)
			return p;
	}
	return NULL;
}

static int scan_line(struct scanner *sc, const char *line);

static int scan_lines_of(struct scanner *sc, const char *value)
{
	_cleanup_(free_ptr) char *copy = strdup(value); /* it may be defined anew by its own lines */
	int r = copy ? 0 : -ENOMEM;

	if (++sc->nesting > NESTING_MAX)
		return scan_fail(sc, -E2BIG, "definitions inside definitions, too deep");
	for (char *p = copy, *end; r == 0 && *p; p = end + 1) {
		end = strchr(p, '\n');
		assert(end); /* definition_line() put it there */
		*end = 0;
		r = scan_line(sc, p);
	}
	sc->nesting--;
	return r;
}

/* ---- include ---- */

static int scan_file(struct scanner *sc, const char *path);

static int include_matches(struct scanner *sc, const char *pattern, bool must)
{
	glob_t g = { .gl_pathc = 0 };
	struct place at = sc->at;
	int r = glob(pattern, GLOB_BRACE, NULL, &g) == 0 ? 0 : -ENOENT;
	bool found = r == 0;

	for (size_t i = 0; found && i < g.gl_pathc; i++) {
		char directory[PATH_MAX];

		memcpy(directory, sc->directory, sizeof directory);
		r = ++sc->files_total > FINDINGS_FILES_MAX
			    ? scan_fail(sc, -E2BIG, "more files than this import reads")
			    : scan_file(sc, g.gl_pathv[i]);
		memcpy(sc->directory, directory, sizeof directory);
		sc->at = at;
		if (r == -E2BIG || r == -ENOMEM || r == -EBADMSG)
			break;
		if (r < 0)
			findings_add(sc->s->findings, FINDING_ERROR, at, "include: %.200s: %s", g.gl_pathv[i],
				     strerror(-r));
		r = 0;
	}
	globfree(&g);
	if (!found) {
		findings_add(sc->s->findings, must ? FINDING_ERROR : FINDING_NOTE, at,
			     "include: no file matches %.200s", pattern);
		r = 0;
	}
	return r;
}

/* "include", "includer", "includea" ... FILE; ret_taken: it was one. */
static int scan_include(struct scanner *sc, const char *line, bool *ret_taken)
{
	size_t word = strcspn(line, " \t");
	char name[LINE_MAX_BYTES], pattern[PATH_MAX];
	const char *p = line + word;

	*ret_taken = (word == 7 || (word == 8 && strchr("rmwba", line[7]))) && !memcmp(line, "include", 7);
	if (!*ret_taken)
		return 0;
	p += strspn(p, " \t");
	(void)snprintf(name, sizeof name, "%s", p);
	for (char *c = name; *c; c++)
		if (strchr("\"'", *c))
			memmove(c, c + 1, strlen(c));
	if (sc->s->no_files) {
		findings_add(sc->s->findings, FINDING_LEFT, sc->at, "include: not followed here");
		return 0;
	}
	if (sc->includes == KEEPALIVED_INCLUDES_MAX)
		return scan_fail(sc, -E2BIG, "files that include files, too deep; is there a circle?");
	if (snprintf(pattern, sizeof pattern, "%s%s%s", *name == '/' ? "" : sc->directory,
		     *name == '/' ? "" : "/", name) >= (int)sizeof pattern)
		return scan_fail(sc, -E2BIG, "include: the name is too long");
	sc->includes++;
	int r = include_matches(sc, pattern, word == 8);

	sc->includes--;
	return r;
}

/* ---- lines ---- */

/* Is this line not for us? "@id rest", "@^id rest"; moves *line to the rest. */
static bool scan_condition(const struct scanner *sc, const char **line)
{
	bool skip = false;

	while (**line == '@') {
		bool not = (*line)[1] == '^';
		const char *id = *line + 1 + not ;
		size_t len = strcspn(id, " \t");
		bool equal = strlen(sc->s->config_id) == len && !memcmp(id, sc->s->config_id, len);

		skip |= equal == not ;
		*line = id + len;
		*line += strspn(*line, " \t");
	}
	return skip;
}

/* Puts the values of definitions in. ret_lines: the line is nothing but a definition of several lines. */
static int scan_expand(struct scanner *sc, char line[LINE_MAX_BYTES], const char **ret_lines)
{
	const char *at, *value;
	size_t len;
	bool lines;

	*ret_lines = NULL;
	for (int n = 0; (at = reference_find(sc, line, &len, &value, &lines)); n++) {
		size_t before = (size_t)(at - line), value_len = strlen(value), after = strlen(at + len);

		if (lines) {
			if (before || after)
				return scan_fail(
					sc, -EBADMSG,
					"a definition of several lines has to stand alone on its line");
			*ret_lines = value;
			return 0;
		}
		if (n == REPLACEMENTS_MAX || before + value_len + after >= LINE_MAX_BYTES)
			return scan_fail(sc, -E2BIG, "a line that is too long with its definitions put in");
		memmove(line + before + value_len, at + len, after + 1);
		memcpy(line + before, value, value_len);
	}
	return 0;
}

static int scan_line(struct scanner *sc, const char *text)
{
	char line[LINE_MAX_BYTES];
	const char *lines;
	bool taken = false;

	sc->bytes_total += strlen(text) + 1;
	if (++sc->lines_total > LINES_TOTAL_MAX || sc->bytes_total > BYTES_TOTAL_MAX)
		return scan_fail(sc, -E2BIG, "more lines than a keepalived configuration has");
	if (sc->defining)
		return definition_line(sc, text);
	text += strspn(text, " \t");

	bool skip = scan_condition(sc, &text);
	int r = scan_definition(sc, text, skip, &taken);

	if (r < 0 || taken || skip)
		return r;
	if (!strncmp(text, "~SEQ", 4) || !strncmp(text, "~LST", 4)) {
		findings_add(sc->s->findings, FINDING_LEFT, sc->at,
			     "%.4s(...): not run; write the lines that it makes, and import again", text);
		return 0;
	}
	(void)snprintf(line, sizeof line, "%s", text); /* fits: split_lines() looked */
	r = scan_expand(sc, line, &lines);
	if (r == 0 && lines)
		return scan_lines_of(sc, lines);
	if (r == 0)
		r = scan_include(sc, line, &taken);
	return r < 0 || taken ? r : scan_words(sc, line);
}

/* Cuts the comment and the spaces at the end off; "!" and "#" begin one anywhere outside of quotes. */
static void cut_comment(char *line)
{
	char quote = 0;
	char *p;

	for (p = line; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (quote ? *p == quote : *p == '"' || *p == '\'')
			quote = quote ? 0 : *p;
		else if (!quote && (*p == '!' || *p == '#'))
			break;
	}
	while (p > line && isspace((unsigned char)p[-1]))
		p--;
	*p = 0;
}

static int split_lines(struct scanner *sc, const char *text, size_t len)
{
	char line[LINE_MAX_BYTES];
	int r = 0;

	sc->at.line = 0;
	for (const char *p = text, *end = text + len; r == 0 && p < end; p++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);

		sc->at.line++;
		if (n >= sizeof line)
			return scan_fail(sc, -EBADMSG,
					 "a line that is too long; is this a keepalived configuration?");
		for (size_t i = 0; i < n; i++)
			if (iscntrl((unsigned char)p[i]) && !strchr("\t\r", p[i] ? p[i] : 1))
				return scan_fail(sc, -EBADMSG,
						 "a control character; is this a keepalived configuration?");
		memcpy(line, p, n);
		line[n] = 0;
		cut_comment(line);
		r = scan_line(sc, line);
		p += n;
	}
	return r;
}

static int scan_named(struct scanner *sc, const char *name, const char *text, size_t len)
{
	char copy[PATH_MAX];
	int file = findings_file(sc->s->findings, name);

	if (file < 0)
		return scan_fail(sc, file, "more files than this import reads");
	sc->at = (struct place){ (uint32_t)file, 0 };
	(void)snprintf(copy, sizeof copy, "%s", name);
	(void)snprintf(sc->directory, sizeof sc->directory, "%s", dirname(copy));
	return split_lines(sc, text, len);
}

static int scan_file(struct scanner *sc, const char *path)
{
	/* A FIFO must not make us wait. */
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_(free_ptr) char *text = malloc(KEEPALIVED_FILE_BYTES_MAX + 1);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (!text)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	while (n > 0 && len <= KEEPALIVED_FILE_BYTES_MAX) {
		n = read(fd, text + len, KEEPALIVED_FILE_BYTES_MAX + 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len > KEEPALIVED_FILE_BYTES_MAX)
		return -EFBIG;
	return scan_named(sc, path, text, len);
}

/* ---- the whole ---- */

static struct scanner *scan_begin(struct keepalived_scan *s)
{
	struct scanner *sc = calloc(1, sizeof *sc);

	if (sc)
		sc->s = s;
	return sc;
}

static int scan_finish(struct scanner *sc, int r)
{
	struct keepalived_scan *s = sc->s;

	if (r == 0 && sc->defining)
		findings_add(s->findings, FINDING_ERROR, sc->at,
			     "the definition of $%s does not end; take the last \"\\\" away",
			     sc->unfinished.name);
	for (uint32_t i = 0; i < sc->open_count; i++) {
		struct keepalived_statement *st = &s->statements[sc->open[i]];

		st->end = s->statements_count;
		if (r == 0)
			findings_add(s->findings, FINDING_ERROR, st->at,
				     "%.40s: the block is never closed; add the \"}\"",
				     keepalived_word(s, st, 0));
	}
	for (uint32_t i = 0; i < sc->definitions_count; i++)
		free(sc->definition[i].value);
	free(sc->unfinished.value);
	free(sc);
	return r;
}

int keepalived_scan_file(struct keepalived_scan *s, const char *path)
{
	struct scanner *sc = scan_begin(s);

	return sc ? scan_finish(sc, scan_file(sc, path)) : -ENOMEM;
}

int keepalived_scan_text(struct keepalived_scan *s, const char *name, const char *text, size_t len)
{
	struct scanner *sc = scan_begin(s);

	return sc ? scan_finish(sc, scan_named(sc, name, text, len)) : -ENOMEM;
}

void keepalived_scan_init(struct keepalived_scan *s, struct findings *findings, const char *config_id)
{
	*s = (struct keepalived_scan){ .findings = findings };
	(void)snprintf(s->config_id, sizeof s->config_id, "%s", config_id);
}

void keepalived_scan_free(struct keepalived_scan *s)
{
	free(s->statements);
	free(s->words);
	free(s->text);
	*s = (struct keepalived_scan){ .findings = s->findings };
}

const char *keepalived_word(const struct keepalived_scan *s, const struct keepalived_statement *st,
			    uint32_t index)
{
	return index < st->words_count ? s->text + s->words[st->words_first + index] : "";
}
