/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes of the journal. An event and the snapshot are raw structs (a journal is read by the build that wrote
 * it, and the head says which); a plan is digested field by field, so that padding does not count.
 */
#ifndef RK_JOURNAL_CODEC_H
#define RK_JOURNAL_CODEC_H

#include "core.h"

#define JOURNAL_MAGIC 0x524b4a31U /* "RKJ1" */

struct journal_head {
	uint32_t magic;
	uint32_t core_bytes, event_bytes; /* sizeof of the build that wrote it */
	char version[20];
	int64_t wall_ns;      /* when it was begun ... */
	int64_t boot_ns;      /* ... on both clocks */
	uint32_t names_bytes; /* JSON that follows, before the struct core */
};

struct journal_record {
	uint32_t event_bytes; /* that follow */
	uint32_t actions;     /* of the plan */
	uint64_t digest;      /* of the plan */
};

/* The used part of an event: its head and the one member that its type uses. */
size_t journal_event_bytes(const struct core_event *ev);
const char *journal_event_name(enum core_event_type type);

#endif
