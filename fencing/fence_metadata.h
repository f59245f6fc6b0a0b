/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a fence agent says about itself (its action "metadata", XML): the parameters that it knows and needs,
 * the actions that it has.
 */
#ifndef RK_FENCE_METADATA_H
#define RK_FENCE_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FENCE_METADATA_PARAMETERS_MAX 160 /* fence_azure_arm, the largest, has 60 */
#define FENCE_METADATA_NAME_MAX	      48
#define FENCE_METADATA_TEXT_MAX	      64

struct fence_metadata_parameter {
	char name[FENCE_METADATA_NAME_MAX];
	char obsoletes[FENCE_METADATA_NAME_MAX];    /* an older name of the same; "" = none */
	char default_text[FENCE_METADATA_TEXT_MAX]; /* "" = none, or longer */
	bool required;
	bool deprecated;
	bool boolean; /* its type */
};

enum fence_metadata_action {
	FENCE_HAS_ON = 1,
	FENCE_HAS_OFF = 2,
	FENCE_HAS_REBOOT = 4,
	FENCE_HAS_STATUS = 8,
	FENCE_HAS_VALIDATE = 16, /* validate-all */
};

struct fence_metadata {
	unsigned actions; /* enum fence_metadata_action */
	size_t count;
	struct fence_metadata_parameter parameter[FENCE_METADATA_PARAMETERS_MAX];
};

/* Returns 0, or -EINVAL: reterr says what is wrong with it. */
int fence_metadata_parse(const char *text, size_t len, struct fence_metadata *ret, char *reterr, size_t size);
/* The parameter of this name, of which name_len bytes count; - and _ are the same. NULL if there is none. */
const struct fence_metadata_parameter *fence_metadata_find(const struct fence_metadata *m, const char *name,
							   size_t name_len);
/* The closest name to one that is unknown, or NULL. */
const char *fence_metadata_suggest(const struct fence_metadata *m, const char *name);
/* Does it tell nodes apart by a plug (or port)? */
const struct fence_metadata_parameter *fence_metadata_plug(const struct fence_metadata *m);

#endif
