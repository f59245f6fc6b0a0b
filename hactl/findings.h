/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is said about files that were read (keepalived's, corosync's), by place, each with what to do about
 * it. Owns the list and the names of the files; texts are made printable here, whatever bytes the file had.
 */
#ifndef RK_FINDINGS_H
#define RK_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#define FINDINGS_MAX	   512 /* kept; more are counted */
#define FINDINGS_FILES_MAX 64
#define FINDING_TEXT_MAX   400
#define FINDING_FILE_MAX   256

enum finding_level {
	FINDING_NOTE,  /* worth knowing; the service is the same */
	FINDING_LEFT,  /* left out: the result behaves differently */
	FINDING_ERROR, /* wrong in the file: nothing, or something else, was made of it */
};

/* Where something stands in the files that were read. */
struct place {
	uint32_t file; /* index of findings.file */
	int line;      /* 0: of the whole */
};

struct finding {
	enum finding_level level;
	struct place at;
	char text[FINDING_TEXT_MAX];
};

struct findings {
	uint32_t files_count;
	char file[FINDINGS_FILES_MAX][FINDING_FILE_MAX];
	uint32_t count; /* kept ones */
	uint32_t more;	/* not kept */
	bool behaviour; /* one of all was not a note */
	struct finding list[FINDINGS_MAX];
};

/* A heap struct because it is large; findings_free(NULL) does nothing. */
struct findings *findings_new(void);
void findings_free(struct findings *f);
static inline void findings_free_ptr(struct findings **f)
{
	findings_free(*f);
}

/* The index of a file of this name. @retval -E2BIG there are FINDINGS_FILES_MAX */
int findings_file(struct findings *f, const char *name);
void findings_add(struct findings *f, enum finding_level level, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* By file, then by line. */
void findings_sort(struct findings *f);
const char *finding_level_name(enum finding_level level);

/* Copies what is printable ASCII and puts "?" for anything else; cut to size. Returns ret. */
const char *text_printable(const char *text, char *ret, uint32_t size);

#endif
