/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A corosync.conf as sections and keys, each with its line: what corosync.conf(5) says of the format and no
 * more (a line is a comment, "name {", "}" or "key: value"). Knows no key's meaning. Everything is bounded.
 */
#ifndef RK_COROSYNC_CONF_H
#define RK_COROSYNC_CONF_H

#include "findings.h"

#include <stddef.h>

#define COROSYNC_FILE_BYTES_MAX (1 << 20)
#define COROSYNC_SECTIONS_MAX	512
#define COROSYNC_KEYS_MAX	4096
#define COROSYNC_NAME_MAX	64
#define COROSYNC_VALUE_MAX	256
#define COROSYNC_DEPTH_MAX	8

struct corosync_key {
	int line;
	uint32_t section; /* index */
	char name[COROSYNC_NAME_MAX];
	char value[COROSYNC_VALUE_MAX];
};

struct corosync_section {
	int line;
	uint32_t parent;	      /* of 0, the whole file: itself */
	char name[COROSYNC_NAME_MAX]; /* of 0: "" */
};

struct corosync_conf {
	uint32_t file; /* index in the findings */
	uint32_t sections_count;
	struct corosync_section sections[COROSYNC_SECTIONS_MAX];
	uint32_t keys_count;
	struct corosync_key keys[COROSYNC_KEYS_MAX];
};

/* A heap struct because it is large (1.5 MiB); corosync_conf_free(NULL) does nothing. */
struct corosync_conf *corosync_conf_new(void);
void corosync_conf_free(struct corosync_conf *c);
static inline void corosync_conf_free_ptr(struct corosync_conf **c)
{
	corosync_conf_free(*c);
}

/* What corosync would refuse is an error in f, and the rest is read.
 * @retval -errno  the file cannot be read; nothing is in f
 * @retval -EFBIG  more than COROSYNC_FILE_BYTES_MAX */
int corosync_conf_read(struct corosync_conf *c, const char *path, struct findings *f);
void corosync_conf_parse(struct corosync_conf *c, const char *name, const char *text, size_t len,
			 struct findings *f);

/* The index of the next section with this path ("nodelist.node") after the one given (0: the first one); 0 if
 * there is none. Sections of one name are one to corosync, but for nodes and interfaces. */
uint32_t corosync_section_next(const struct corosync_conf *c, const char *path, uint32_t after);
/* The key in this section; the last one counts, as to corosync. NULL if there is none. */
const struct corosync_key *corosync_key_in(const struct corosync_conf *c, uint32_t section, const char *name);
/* The last key of this name in all sections with this path ("totem", "token"). */
const struct corosync_key *corosync_key(const struct corosync_conf *c, const char *path, const char *name);

#endif
