/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top_terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ENTER	   "\033[?1049h\033[?25l\033[H\033[2J" /* the other screen, no cursor, empty */
#define LEAVE	   "\033[0m\033[?25h\033[?1049l"
#define HOME	   "\033[H"
#define LINE_END   "\033[K\r\n" /* what was longer before goes */
#define SCREEN_END "\033[K\033[J"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

/* A crash has no other way to find the terminal. */
static struct top_terminal *crash_terminal;

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static void leave(struct top_terminal *t)
{
	if (!t->entered)
		return;
	t->entered = false;
	(void)write_all(t->out, LEAVE, sizeof LEAVE - 1); /* it may be gone */
	(void)tcsetattr(t->in, TCSANOW, &t->before);
}

static void on_crash(int signal_number)
{
	if (crash_terminal)
		leave(crash_terminal);
	(void)raise(signal_number); /* SA_RESETHAND: this time it ends the process */
}

static void enter(struct top_terminal *t)
{
	struct termios raw = t->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	t->entered = true;
	(void)tcsetattr(t->in, TCSANOW, &raw);
	(void)write_all(t->out, ENTER, sizeof ENTER - 1);
}

static void catch_crashes(void)
{
	struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		(void)sigaction(crashes[i], &sa, NULL);
}

int top_terminal_open(struct top_terminal *t, int in, int out)
{
	sigset_t wanted;

	*t = (struct top_terminal){ .in = in, .out = out, .signals = -EBADF };
	if (!isatty(out) || tcgetattr(in, &t->before) < 0)
		return -ENOTTY;
	(void)sigemptyset(&wanted);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		(void)sigaddset(&wanted, ending[i]);
	(void)sigaddset(&wanted, SIGWINCH);
	(void)sigaddset(&wanted, SIGTSTP);
	t->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0)
		return -errno;
	(void)sigprocmask(SIG_BLOCK, &wanted, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	crash_terminal = t;
	catch_crashes();
	enter(t);
	return 0;
}

void top_terminal_close(struct top_terminal *t)
{
	leave(t);
	crash_terminal = NULL;
	if (t->signals >= 0)
		(void)close(t->signals);
	t->signals = -EBADF;
}

/* A number from the environment, as shells set it. */
static int env_number(const char *name, int otherwise)
{
	const char *text = getenv(name);
	int n = text ? atoi(text) : 0;

	return n > 0 && n < 10000 ? n : otherwise;
}

void top_terminal_size(int fd, int *ret_rows, int *ret_columns)
{
	struct winsize size;

	*ret_rows = env_number("LINES", 24);
	*ret_columns = env_number("COLUMNS", 80);
	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

bool top_terminal_draw(struct top_terminal *t, const char *text)
{
	char *picture = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&picture, &size);
	bool ok;

	if (!f)
		return false;
	(void)fputs(HOME, f);
	for (const char *p = text; *p; p++)
		if (*p != '\n')
			(void)fputc(*p, f);
		else if (p[1])
			(void)fputs(LINE_END, f);
	(void)fputs(SCREEN_END, f);
	ok = fclose(f) == 0 && write_all(t->out, picture, size);
	free(picture);
	return ok;
}

static void stop_here(struct top_terminal *t)
{
	leave(t);
	(void)raise(SIGSTOP);
	enter(t);
}

static enum top_wait take_signal(struct top_terminal *t, int *ret_signal)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof info) != sizeof info)
		return TOP_TIME;
	if (info.ssi_signo == SIGTSTP)
		stop_here(t);
	if (info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH)
		return TOP_REDRAW;
	*ret_signal = (int)info.ssi_signo;
	return TOP_QUIT;
}

static enum top_wait take_keys(struct top_terminal *t)
{
	char keys[64];
	ssize_t n = read(t->in, keys, sizeof keys);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		return TOP_QUIT; /* the terminal is gone */
	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 4) /* Ctrl-D */
			return TOP_QUIT;
	return n > 0 ? TOP_REDRAW : TOP_TIME;
}

enum top_wait top_terminal_wait(struct top_terminal *t, int timeout_ms, int *ret_signal)
{
	struct pollfd fds[] = { { .fd = t->signals, .events = POLLIN }, { .fd = t->in, .events = POLLIN } };

	*ret_signal = 0;
	if (poll(fds, 2, timeout_ms) <= 0)
		return TOP_TIME;
	if (fds[0].revents)
		return take_signal(t, ret_signal);
	return take_keys(t);
}
