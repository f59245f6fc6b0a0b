/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between agent and recorder process only: one datagram a message, raw structs, for both ends are one binary.
 */
#ifndef RK_RECORDER_WIRE_H
#define RK_RECORDER_WIRE_H

#include "recorder.h"

struct recorder_message {
	uint8_t file;  /* enum recorder_file */
	uint8_t fresh; /* JOURNAL: start the other file; CONFIG: the step, and bytes are path, NUL, text */
	int32_t error; /* back: 0 = on disk */
	union {
		uint64_t ceiling;
		struct voter_set voters;
		struct core_intent intent;
		struct state_uplinks uplinks;
		char bytes[RECORDER_MESSAGE_MAX];
	};
};

#define RECORDER_HEAD offsetof(struct recorder_message, bytes)

/* The child's life; never returns. */
_Noreturn void recorder_child(int fd, int dir_fd, int lock_fd, uint32_t history_kib);

#endif
