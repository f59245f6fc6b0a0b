/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One command, or one file, as bytes in memory, within a time and a size that cannot be exceeded.
 */
#ifndef RK_REPORT_RUN_H
#define RK_REPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_output {
	char *data; /* the caller's to free */
	size_t len;
	bool cut;   /* there was more */
	bool late;  /* killed at its deadline */
	int status; /* exit code; 128 + signal */
	uint32_t took_ms;
};

/* Runs argv (looked for in PATH) with its output and errors together.
 * @retval -ENOENT no such program
 * @retval -errno  it cannot be started */
int report_run(char *const argv[], size_t bytes_max, uint32_t ms_max, struct report_output *ret);
/* The last bytes of a regular file; returns 0 or -errno. */
int report_read(const char *path, size_t bytes_max, struct report_output *ret);
int64_t report_now_ms(void); /* CLOCK_MONOTONIC */

#endif
