/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lab's C tools share: one clock (BOOTTIME, the clock of the gate, the same for every namespace of
 * one kernel), the echo datagram, and exit with a sentence. The tools only measure; nothing of ringkeep is
 * linked into them, so that no fault of ours hides from them.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAB_ECHO_MAGIC 0x726b6563686f3031ULL
#define LAB_ECHO_PORT  7777

/* One echo probe. The server fills node and echoed_ns and sends it back. */
struct lab_echo {
	uint64_t magic;
	uint64_t seq;
	uint64_t sent_ns;
	uint64_t echoed_ns;
	uint32_t node;
	uint32_t pad;
};

static inline uint64_t lab_clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static inline uint64_t lab_now_ns(void)
{
	return lab_clock_ns(CLOCK_BOOTTIME);
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void lab_die(const char *format, ...)
{
	int error = errno;
	va_list ap;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}
