/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A terminal that shows one picture after the other and is given back as it was, whatever ends the program: a
 * key, a signal, Ctrl-Z and fg, a crash. Only SIGKILL is beyond it. Signals come by a descriptor while it is
 * open.
 */
#ifndef RK_TOP_TERMINAL_H
#define RK_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct top_terminal {
	int in, out; /* borrowed */
	int signals;
	bool entered;
	struct termios before;
};

enum top_wait { TOP_TIME, TOP_REDRAW, TOP_QUIT };

/* -errno if in and out are no terminal. */
int top_terminal_open(struct top_terminal *t, int in, int out);
/* Back to what was before. */
void top_terminal_close(struct top_terminal *t);
void top_terminal_size(int fd, int *ret_rows, int *ret_columns);
/* One picture of lines that end with '\n', not more of them than rows. False: nobody reads. */
bool top_terminal_draw(struct top_terminal *t, const char *text);
/* Waits for a key, a signal or timeout_ms. ret_signal: what ended it, 0: a key. */
enum top_wait top_terminal_wait(struct top_terminal *t, int timeout_ms, int *ret_signal);

#endif
