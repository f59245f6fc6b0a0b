/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configuration file as the recorder process replaces it: the new text is put beside it (FILE.pushed),
 * takes its place in one step, and what was there is kept (FILE.previous). These block: fsync.
 */
#ifndef RK_CONFIG_FILE_H
#define RK_CONFIG_FILE_H

#include <stddef.h>

enum config_file_step {
	CONFIG_FILE_STAGE, /* on disk beside it, with its mode, and its owner if we may */
	CONFIG_FILE_TAKE,  /* ... in its place */
	CONFIG_FILE_BACK,  /* the previous one again */
	CONFIG_FILE_DROP,  /* what was staged is of no use */
	CONFIG_FILE_STEPS,
};

/* path may be a symbolic link: what it leads to is replaced. text: only of STAGE. 0 or -errno. */
int config_file_step(enum config_file_step step, const char *path, const char *text, size_t len);

#endif
