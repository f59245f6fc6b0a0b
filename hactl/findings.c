/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct findings *findings_new(void)
{
	return calloc(1, sizeof(struct findings));
}

void findings_free(struct findings *f)
{
	free(f);
}

const char *text_printable(const char *text, char *ret, uint32_t size)
{
	uint32_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	ret[i] = 0;
	return ret;
}

int findings_file(struct findings *f, const char *name)
{
	char printable[FINDING_FILE_MAX];

	(void)text_printable(name, printable, sizeof printable);
	for (uint32_t i = 0; i < f->files_count; i++)
		if (!strcmp(f->file[i], printable))
			return (int)i;
	if (f->files_count == FINDINGS_FILES_MAX)
		return -E2BIG;
	memcpy(f->file[f->files_count], printable, sizeof printable);
	return (int)f->files_count++;
}

static bool same_place(struct place a, struct place b)
{
	return a.file == b.file && a.line == b.line;
}

void findings_add(struct findings *f, enum finding_level level, struct place at, const char *fmt, ...)
{
	char text[FINDING_TEXT_MAX], printable[FINDING_TEXT_MAX];
	struct finding *new;
	va_list ap;

	f->behaviour |= level != FINDING_NOTE;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	(void)text_printable(text, printable, sizeof printable);
	for (uint32_t i = 0; i < f->count; i++)
		if (same_place(f->list[i].at, at) && !strcmp(f->list[i].text, printable))
			return; /* for each family, or each group, of one instance */
	if (f->count == FINDINGS_MAX) {
		f->more++;
		return;
	}
	new = &f->list[f->count++];
	new->level = level;
	new->at = at;
	memcpy(new->text, printable, sizeof new->text);
}

/* The order of making decides between equal places: qsort(3) does not keep it, so the address does. */
static int finding_cmp(const void *a, const void *b)
{
	const struct finding *x = *(const struct finding *const *)a, *y = *(const struct finding *const *)b;

	if (x->at.file != y->at.file)
		return x->at.file < y->at.file ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return (x > y) - (x < y);
}

void findings_sort(struct findings *f)
{
	const struct finding *order[FINDINGS_MAX];
	struct finding *copy = malloc(sizeof f->list);

	if (!copy)
		return; /* unsorted is still complete */
	memcpy(copy, f->list, sizeof f->list);
	for (uint32_t i = 0; i < f->count; i++)
		order[i] = &copy[i];
	qsort(order, f->count, sizeof order[0], finding_cmp);
	for (uint32_t i = 0; i < f->count; i++)
		f->list[i] = *order[i];
	free(copy);
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_NOTE] = "note",
		[FINDING_LEFT] = "left out",
		[FINDING_ERROR] = "error",
	};

	return names[level];
}
