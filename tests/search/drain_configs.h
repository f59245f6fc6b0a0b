/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RK_SEARCH_DRAIN_CONFIGS_H
#define RK_SEARCH_DRAIN_CONFIGS_H

#include "drain_world.h"

/* A drain of 4 s: two seconds without a call, and some time around them. */
#define DRAIN_BASE .calls = 1, .time = 8, .steps_open = 10

#define DRAIN_CALLS_CONFIG                                              \
	{                                                               \
		DRAIN_BASE, .name = "drain: calls come and go, cancel", \
			    .budget = {                                 \
				    [DRAIN_CALL_BEGINS] = 1,            \
				    [DRAIN_CALLS_END] = 2,              \
				    [DRAIN_CANCEL] = 1,                 \
			    },                                          \
	}
#define DRAIN_RELEASE_CONFIG                                                                       \
	{                                                                                          \
		DRAIN_BASE, .name = "drain: something to say first, cancel", .release_wait = true, \
			    .budget = {                                                            \
				    [DRAIN_CALL_BEGINS] = 1,                                       \
				    [DRAIN_CALLS_END] = 2,                                         \
				    [DRAIN_CANCEL] = 1,                                            \
				    [DRAIN_RELEASED] = 1,                                          \
			    },                                                                     \
	}
#define DRAIN_CUT_CONFIG                                                              \
	{                                                                             \
		DRAIN_BASE, .steps_open = 6, .name = "drain: holder cut off, cancel", \
			    .budget = {                                               \
				    [DRAIN_CALLS_END] = 1,                            \
				    [DRAIN_CANCEL] = 1,                               \
				    [DRAIN_CUT] = 1,                                  \
				    [DRAIN_HEAL] = 1,                                 \
			    },                                                        \
	}

#endif
