/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text to struct config through libconfuse, driven by the option table. libconfuse stops at the first unknown
 * key; so that one run shows all mistakes, the text is parsed again with that key made known as "unknown".
 */
#include "config_parse.h"

#include "cleanup.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNKNOWN_MAX 16
#define PLACES_MAX  (64 * 1024)
/* A name that config_scan() lets nobody write: carries our context through libconfuse's callbacks. */
#define CONTEXT_KEY "\x01"

struct unknown_key {
	char section[RK_NAME_MAX];
	char key[64];
};

struct pass {
	struct config_parse *parse;
	struct unknown_key unknown[UNKNOWN_MAX];
	size_t unknown_count;
	bool again; /* stopped at an unknown key that was not in the list */
	bool syntax_told;
};

/* ---- errors ---- */

/* Counts, and keeps the first ones, in the order of lines. */
static void error_insert(struct config_errors *e, int line, const char *text)
{
	uint32_t at = e->count < CONFIG_ERRORS_MAX ? e->count : CONFIG_ERRORS_MAX;

	for (uint32_t i = 0; i < at; i++)
		if (e->error[i].line == line && !strcmp(e->error[i].text, text))
			return;
	e->count++;
	while (at > 0 && e->error[at - 1].line > line)
		at--;
	if (at == CONFIG_ERRORS_MAX)
		return;
	uint32_t kept = e->count < CONFIG_ERRORS_MAX ? e->count : CONFIG_ERRORS_MAX;

	memmove(&e->error[at + 1], &e->error[at], (kept - at - 1) * sizeof e->error[0]);
	e->error[at].line = line;
	(void)snprintf(e->error[at].text, sizeof e->error[at].text, "%s", text);
}

__attribute__((format(printf, 4, 0))) static void fail_va(struct config_parse *p, int line, const char *key,
							  const char *fmt, va_list ap)
{
	char text[CONFIG_ERROR_TEXT_MAX];
	int used;

	if (line > 0)
		used = snprintf(text, sizeof text, "%.100s:%d: %.64s: ", p->file, line, key);
	else
		used = snprintf(text, sizeof text, "%.100s: %.64s: ", p->file, key);
	(void)vsnprintf(text + used, sizeof text - (size_t)used, fmt, ap);
	error_insert(p->errors, line, text);
}

void config_fail_line(struct config_parse *p, int line, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_va(p, line, key, fmt, ap);
	va_end(ap);
}

void config_place_add(struct config_parse *p, const void *base, const char *key, uint32_t index, int line)
{
	if (p->places_count == PLACES_MAX)
		return; /* errors beyond have line 0 */
	if (p->places_count == p->places_size) {
		size_t size = p->places_size ? 2 * p->places_size : 256;
		struct config_place *more = reallocarray(p->places, size, sizeof *more);

		if (!more) {
			p->out_of_memory = true;
			return;
		}
		p->places = more;
		p->places_size = size;
	}
	p->places[p->places_count++] = (struct config_place){ base, key, index, line };
}

static bool place_is(const struct config_place *at, const void *base, const char *key, uint32_t index)
{
	return at->base == base && at->index == index &&
	       (at->key == key || (at->key && key && !strcmp(at->key, key)));
}

/* Searches round from where the last search ended: lists are asked for in order. */
int config_place_line(struct config_parse *p, const void *base, const char *key, uint32_t index)
{
	for (size_t i = 0; i < p->places_count; i++) {
		size_t at = (p->hint + i) % p->places_count;

		if (place_is(&p->places[at], base, key, index)) {
			p->hint = at;
			return p->places[at].line;
		}
	}
	return key ? config_place_line(p, base, NULL, 0) : 0;
}

void config_fail(struct config_parse *p, const void *base, const char *key, uint32_t index, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_va(p, config_place_line(p, base, key, index), key, fmt, ap);
	va_end(ap);
}

/* ---- libconfuse's callbacks ---- */

static struct pass *pass_of(cfg_t *cfg)
{
	for (cfg_opt_t *o = cfg->opts; o && o->name; o++)
		if (!strcmp(o->name, CONTEXT_KEY))
			return o->simple_value.ptr ? (struct pass *)(void *)o->simple_value.ptr : NULL;
	return NULL;
}

static const char *section_name(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") ? cfg->name : "";
}

static bool is_unknown(const struct pass *pass, const char *section, const char *key)
{
	for (size_t i = 0; i < pass->unknown_count; i++)
		if (!strcmp(pass->unknown[i].section, section) && !strcmp(pass->unknown[i].key, key))
			return true;
	return false;
}

static void tell_unknown(struct pass *pass, const cfg_t *cfg, const char *key)
{
	const char *section = section_name(cfg);
	const char *close = config_option_suggest(section, key);

	config_fail_line(pass->parse, cfg->line, key, "unknown key%s%s; %s%s%s",
			 *section ? " in section " : "", section,
			 close ? "did you mean \"" : "see ringkeep.conf(5)", close ? close : "",
			 close ? "\"?" : "");
}

/* Each value as it is read: remember its line. The values themselves are judged by take_section(). */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct pass *pass = pass_of(cfg);
	struct config_parse *p = pass->parse;
	uint32_t index = opt->nvalues - 1;

	if (is_unknown(pass, section_name(cfg), opt->name)) {
		if (!index)
			tell_unknown(pass, cfg, opt->name);
		return 0;
	}
	for (size_t i = p->places_count; index == 0 && i-- > 0;) {
		if (place_is(&p->places[i], cfg, opt->name, 0)) {
			if (p->places[i].line != cfg->line || !(opt->flags & CFGF_LIST))
				config_fail_line(p, cfg->line, opt->name,
						 "given twice, first on line %d; remove one",
						 p->places[i].line);
			return 0;
		}
		if (p->places[i].base != cfg)
			break;
	}
	config_place_add(p, cfg, opt->name, index, cfg->line);
	return 0;
}

static int on_no_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return -1; /* nobody can write CONTEXT_KEY */
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct pass *pass = pass_of(cfg);
	char text[160];

	if (!pass)
		return;
	if (!strcmp(fmt, "no such option '%s'") || !strcmp(fmt, "missing equal sign after option '%s'")) {
		const char *key = va_arg(ap, const char *);
		bool known_unknown = is_unknown(pass, section_name(cfg), key);

		if (fmt[0] == 'n' && !known_unknown && pass->unknown_count < UNKNOWN_MAX) {
			struct unknown_key *u = &pass->unknown[pass->unknown_count++];

			(void)snprintf(u->section, sizeof u->section, "%s", section_name(cfg));
			(void)snprintf(u->key, sizeof u->key, "%.63s", key);
			pass->again = !strcmp(u->key, key);
		}
		if (fmt[0] == 'n' || known_unknown)
			tell_unknown(pass, cfg, key);
		else
			config_fail_line(pass->parse, cfg->line, key,
					 "no \"=\" after it; write \"%s = VALUE\"", key);
		pass->syntax_told = true;
		return;
	}
	if (!strcmp(fmt, "found duplicate title '%s'"))
		(void)snprintf(text, sizeof text,
			       "a second section named %.60s; rename it, or make one of the two",
			       va_arg(ap, const char *));
	else
		(void)vsnprintf(text, sizeof text, fmt, ap);
	config_fail_line(pass->parse, cfg->line, "syntax", "%s; see ringkeep.conf(5)", text);
	pass->syntax_told = true;
}

/* ---- option arrays for libconfuse out of the table ---- */

static void opts_free(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o && o->name; o++)
		opts_free(o->subopts);
	free(opts);
}

static cfg_opt_t opt_of_row(const struct config_option *row)
{
	cfg_opt_t list = CFG_STR_LIST(row->key, NULL, CFGF_NODEFAULT);
	cfg_opt_t scalar = CFG_STR(row->key, NULL, CFGF_NODEFAULT);
	cfg_opt_t opt = config_option_is_list(row) ? list : scalar;

	opt.validcb = on_value;
	return opt;
}

static cfg_opt_t *opts_of_section(struct pass *pass, const char *section)
{
	size_t max = config_options_count + config_sections_count + pass->unknown_count + 2, n = 0;
	cfg_opt_t *opts = calloc(max, sizeof *opts);

	if (!opts)
		return NULL;
	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, section))
			opts[n++] = opt_of_row(&config_options[i]);
	for (size_t i = 0; i < config_sections_count; i++) {
		const struct config_section *s = &config_sections[i];

		if (!s->parent || strcmp(s->parent, section))
			continue;
		cfg_opt_t *below = opts_of_section(pass, s->name);
		cfg_opt_t opt = CFG_SEC(s->name, below,
					CFGF_MULTI | (s->titled ? CFGF_TITLE | CFGF_NO_TITLE_DUPES : 0));

		opts[n++] = opt;
		if (!below) {
			opts_free(opts);
			return NULL;
		}
	}
	for (size_t i = 0; i < pass->unknown_count; i++) {
		cfg_opt_t opt = CFG_STR_LIST(pass->unknown[i].key, NULL, CFGF_NODEFAULT);

		opt.validcb = on_value;
		if (!strcmp(pass->unknown[i].section, section))
			opts[n++] = opt;
	}
	cfg_opt_t context = CFG_PTR_CB(CONTEXT_KEY, NULL, CFGF_NODEFAULT, on_no_value, NULL);

	context.simple_value.ptr = (void *)pass;
	opts[n++] = context;
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

/* ---- libconfuse's tree into the struct ---- */

static cfg_opt_t *opt_named(cfg_t *cfg, const char *name)
{
	for (cfg_opt_t *o = cfg->opts; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static void take_option(struct config_parse *p, cfg_t *cfg, const struct config_option *row, void *base,
			bool complete)
{
	cfg_opt_t *opt = opt_named(cfg, row->key);
	char why[200];

	for (uint32_t i = 0; i < opt->nvalues; i++) {
		int line = config_place_line(p, cfg, row->key, i);

		config_place_add(p, base, row->key, i, line);
		if (config_option_set(row, base, opt->values[i]->string, why, sizeof why) < 0) {
			config_fail_line(p, line, row->key, "%s", why);
			return;
		}
	}
	if (opt->nvalues)
		return;
	if (row->default_text) {
		int r = config_option_set(row, base, row->default_text, why, sizeof why);

		assert(r == 0); /* our table */
	} else if ((row->flags & OPTION_REQUIRED) && complete) {
		config_fail(p, base, row->key, 0, "missing%s%s%s%s; add it (%s)",
			    *row->section ? " in section " : "", row->section, cfg->title ? " " : "",
			    cfg->title ? cfg->title : "", row->help);
	}
}

/* A section has no place of its own in libconfuse: the line of its first value, else where it ends. */
static int section_line(const struct config_parse *p, const cfg_t *cfg)
{
	int line = cfg->line;

	for (size_t i = 0; i < p->places_count; i++)
		if (p->places[i].base == cfg && p->places[i].line < line)
			line = p->places[i].line;
	return line;
}

static void take_section(struct config_parse *p, cfg_t *cfg, const struct config_section *s, void *base,
			 bool complete);

static void take_children(struct config_parse *p, cfg_t *cfg, const struct config_section *s, void *base,
			  bool complete)
{
	cfg_opt_t *opt = opt_named(cfg, s->name);
	uint32_t *count = (uint32_t *)((char *)base + s->count_offset);

	for (uint32_t i = 0; i < opt->nvalues; i++) {
		cfg_t *child = opt->values[i]->section;

		if (i == s->max) {
			config_fail_line(p, section_line(p, child), s->name,
					 "more than %u such section%s; leave some out", s->max,
					 s->max == 1 ? "" : "s");
			return;
		}
		*count = i + 1;
		take_section(p, child, s, (char *)base + s->offset + i * s->size, complete);
	}
	if (opt->nvalues < s->min && complete)
		config_fail(p, base, s->name, 0, "no such section%s%s; add one (%s)",
			    cfg->title ? " in " : "", cfg->title ? cfg->title : "", s->help);
}

static void take_section(struct config_parse *p, cfg_t *cfg, const struct config_section *s, void *base,
			 bool complete)
{
	static const struct config_option title = { .key = "title",
						    .type = OPTION_NAME,
						    .size = RK_NAME_MAX };
	char why[200];
	int line = section_line(p, cfg);

	if (s->parent)
		config_place_add(p, base, NULL, 0, line);
	if (s->titled && config_option_set(&title, base, cfg->title, why, sizeof why) < 0)
		config_fail_line(p, line, s->name, "%s", why);
	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, s->name))
			take_option(p, cfg, &config_options[i], base, complete);
	for (size_t i = 0; i < config_sections_count; i++)
		if (config_sections[i].parent && !strcmp(config_sections[i].parent, s->name))
			take_children(p, cfg, &config_sections[i], base, complete);
}

/* ---- one pass, all passes ---- */

static bool parse_pass(struct pass *pass, const char *text, struct config *c)
{
	struct config_parse *p = pass->parse;
	cfg_opt_t *opts = opts_of_section(pass, "");
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
	bool parsed = false;

	p->places_count = p->hint = 0;
	pass->again = pass->syntax_told = false;
	memset(c, 0, sizeof *c);
	if (cfg) {
		(void)cfg_set_error_function(cfg, on_error);
		parsed = cfg_parse_buf(cfg, text) == CFG_SUCCESS;
		if (!parsed && !pass->syntax_told)
			config_fail_line(p, cfg->line, "syntax", "this cannot be read; see ringkeep.conf(5)");
		if (!pass->again)
			take_section(p, cfg, &config_sections[0], c, parsed);
	} else {
		p->out_of_memory = true;
	}
	if (cfg)
		(void)cfg_free(cfg);
	opts_free(opts);
	return parsed;
}

int config_parse_text(const char *name, const char *text, size_t len, struct config *ret,
		      struct config_errors *errors)
{
	struct config_parse p = { .file = name, .errors = errors };
	struct pass pass = { .parse = &p };
	_cleanup_(config_free_ptr) struct config *c = config_new();
	_cleanup_(free_ptr) char *copy = malloc(len + 1);
	bool parsed = false;

	memset(errors, 0, sizeof *errors);
	if (!c || !copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (len > CONFIG_FILE_BYTES_MAX)
		config_fail_line(&p, 0, "file", "larger than %d bytes; is this a ringkeep configuration?",
				 CONFIG_FILE_BYTES_MAX);
	else if (config_scan(&p, copy, len)) {
		do
			parsed = parse_pass(&pass, copy, c);
		while (pass.again);
		if (parsed)
			config_check(&p, c);
	}
	free(p.places);
	if (p.out_of_memory)
		return -ENOMEM;
	if (errors->count)
		return -EINVAL;
	*ret = *c;
	return 0;
}

int config_parse_file(const char *path, struct config *ret, struct config_errors *errors)
{
	struct config_parse p = { .file = path, .errors = errors };
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_(free_ptr) char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	memset(errors, 0, sizeof *errors);
	if (!text)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && (errno = EINVAL))) {
		int error = errno;

		config_fail_line(&p, 0, "file", "cannot be read: %s; name it with -c", strerror(error));
		return -error;
	}
	while (n > 0 && len <= CONFIG_FILE_BYTES_MAX) {
		n = read(fd, text + len, CONFIG_FILE_BYTES_MAX + 1 - len);
		if (n < 0) {
			int error = errno;

			config_fail_line(&p, 0, "file", "cannot be read: %s; look at the disk",
					 strerror(error));
			return -error;
		}
		len += (size_t)n;
	}
	return config_parse_text(path, text, len, ret, errors);
}
