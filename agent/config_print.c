/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration as text, for machines (canonical form, hash) and for people (explain).
 */
#include "config.h"
#include "config_options.h"
#include "digest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 4

static bool is_quoted(const struct config_option *o)
{
	return o->type == OPTION_STRING || o->type == OPTION_NAME || o->type == OPTION_NAMES ||
	       o->type == OPTION_STRINGS || o->type == OPTION_ADDRESS || o->type == OPTION_ADDRESSES ||
	       o->type == OPTION_PREFIXES;
}

static void print_value(const struct config_option *o, const void *base, FILE *out)
{
	uint32_t count =
		config_option_is_list(o) ? *(const uint32_t *)((const char *)base + o->count_offset) : 1;
	const char *quote = is_quoted(o) ? "\"" : "";
	char text[CONFIG_HOST_MAX + 1];

	(void)fputs(config_option_is_list(o) ? "{ " : "", out);
	for (uint32_t i = 0; i < count; i++) {
		config_option_text(o, base, i, text, sizeof text);
		(void)fprintf(out, "%s%s%s%s", i ? ", " : "", quote, text, quote);
	}
	(void)fputs(config_option_is_list(o) ? " }" : "", out);
}

/* An option that was not given and has no default is left out. */
static bool is_given(const struct config_option *o, const void *base)
{
	const char *field = (const char *)base + o->offset;

	if (o->default_text || (o->flags & OPTION_REQUIRED))
		return true;
	if (config_option_is_list(o))
		return *(const uint32_t *)((const char *)base + o->count_offset) > 0;
	if (o->type == OPTION_STRING || o->type == OPTION_NAME)
		return *field;
	if (o->type == OPTION_ADDRESS)
		return ((const struct ip_address *)(const void *)field)->family != 0;
	return *(const uint32_t *)(const void *)field != 0; /* numbers: 0 stands for none */
}

static void print_section(const struct config_section *s, const void *base, int depth, FILE *out)
{
	for (size_t i = 0; i < config_options_count; i++) {
		const struct config_option *o = &config_options[i];

		if (strcmp(o->section, s->name) || !is_given(o, base))
			continue;
		(void)fprintf(out, "%*s%s = ", 4 * depth, "", o->key);
		print_value(o, base, out);
		(void)fputc('\n', out);
	}
	for (size_t i = 0; i < config_sections_count; i++) {
		const struct config_section *child = &config_sections[i];

		if (!child->parent || strcmp(child->parent, s->name))
			continue;
		for (uint32_t k = 0; k < *(const uint32_t *)((const char *)base + child->count_offset); k++) {
			const char *at = (const char *)base + child->offset + k * child->size;

			(void)fprintf(out, "%*s%s%s%s {\n", 4 * depth, "", child->name,
				      child->titled ? " " : "", child->titled ? at : "");
			print_section(child, at, depth + 1, out);
			(void)fprintf(out, "%*s}\n", 4 * depth, "");
		}
	}
}

void config_print(const struct config *c, FILE *out)
{
	print_section(&config_sections[0], c, 0, out);
}

uint64_t config_hash(const struct config *c)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	char *text = NULL;
	size_t len = 0;
	uint64_t ret = 0;
	FILE *f = open_memstream(&text, &len);

	assert(f); /* only without memory, at start or reload */
	config_print(c, f);
	(void)fclose(f);
	digest_sha256(text, len, hash);
	free(text);
	for (int i = 0; i < 8; i++)
		ret = ret << 8 | hash[i];
	return ret;
}

/* ---- explain ---- */

static void explain_text(const char *text, int indent, FILE *out)
{
	int column = indent;

	(void)fprintf(out, "%*s", indent, "");
	while (*text) {
		int word = (int)strcspn(text, " ");

		if (column > indent && column + word > 100) {
			(void)fprintf(out, "\n%*s", indent, "");
			column = indent;
		}
		(void)fprintf(out, "%.*s", word, text);
		column += word;
		text += word;
		if (*text == ' ') {
			(void)fputc(' ', out);
			column++;
			text++;
		}
	}
	(void)fputc('\n', out);
}

static void explain_option(const struct config_option *o, const void *base, int depth, FILE *out)
{
	char limits[160];

	config_option_limits(o, limits, sizeof limits);
	(void)fprintf(out, "%*s%s = ", 4 * depth, "", o->key);
	print_value(o, base, out);
	if (o->default_text)
		(void)fprintf(out, "    # default %s; %s", o->default_text, limits);
	else
		(void)fprintf(out, "    # %s%s",
			      o->flags & OPTION_COMPUTED   ? "default computed; "
			      : o->flags & OPTION_REQUIRED ? "required; "
							   : "optional; ",
			      limits);
	(void)fprintf(out, "; %s\n", o->flags & OPTION_RELOAD ? "reload" : "restart");
	explain_text(o->help, 4 * depth + 4, out);
}

static void explain_section(const struct config_section *s, const void *base, int depth, FILE *out)
{
	for (size_t i = 0; i < config_options_count; i++)
		if (!strcmp(config_options[i].section, s->name))
			explain_option(&config_options[i], base, depth, out);
	for (size_t i = 0; i < config_sections_count; i++) {
		const struct config_section *child = &config_sections[i];

		if (!child->parent || strcmp(child->parent, s->name))
			continue;
		for (uint32_t k = 0; k < *(const uint32_t *)((const char *)base + child->count_offset); k++) {
			const char *at = (const char *)base + child->offset + k * child->size;

			(void)fprintf(out, "\n%*s%s%s%s    # %s\n", 4 * depth, "", child->name,
				      child->titled ? " " : "", child->titled ? at : "", child->help);
			explain_section(child, at, depth + 1, out);
		}
	}
}

static void explain_timing(const struct config_timing *t, FILE *out)
{
	struct timing_inequality list[TIMING_INEQUALITIES_MAX];
	int n = config_timing_check(t, list);

	(void)fprintf(out,
		      "\nTiming (L = lease, G = guard, rh = clock-error, rv = voter-clock-error, resolution "
		      "= %u ms)\n",
		      TIMING_RESOLUTION_US / 1000);
	(void)fprintf(out,
		      "    L = %u ms, G = %u ms, pulse every %u ms, round trip up to %u ms, L_max = %u ms, "
		      "G_max = %u ms\n",
		      t->lease_ms, t->guard_ms, t->pulse_ms, t->rtt_ms, t->lease_max_ms, t->guard_max_ms);
	for (int i = 0; i < n; i++)
		(void)fprintf(out, "    %s  %s\n          %s, %s\n", list[i].holds ? "holds " : "BROKEN",
			      list[i].rule, list[i].numbers, list[i].why);
	(void)fprintf(out,
		      "    address silent after the holder's node or agent dies: at most %u ms  ((L + G)(1 + "
		      "rv) + pulse + 2 round trips)\n"
		      "    voter mute after the loss of its memory: %u ms  (L_max + G_max)\n"
		      "    after a pause of a whole virtual machine two gates may be open for at most %u ms  "
		      "(L x (1 + rh))\n",
		      config_timing_takeover_ms(t), config_timing_mute_ms(t),
		      (unsigned)((uint64_t)t->lease_ms * (1000000 + t->clock_error_ppm) / 1000000));
}

void config_explain(const struct config *c, FILE *out)
{
	explain_section(&config_sections[0], c, 0, out);
	explain_timing(&c->timing, out);
	if (config_alone_votes(c))
		(void)fprintf(
			out,
			"    two-node = best-effort: an idle node takes over after %u ms without a sign of "
			"life, and not while\n    anybody answers for the addresses; a holder that "
			"reaches neither the other node nor a gateway is shut\n    within %u ms\n",
			config_silence_ms(c), config_cut_off_ms(c));
	(void)fprintf(out, "\nSafety: %s, %s\nHash: %016llx\n", config_safety(c), config_safety_note(c),
		      (unsigned long long)c->hash);
}
