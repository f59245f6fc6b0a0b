/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tc filter that carries the gate on one interface in one direction: look, put on, take off. Raw netlink,
 * so that a look costs one dump and the kernel's own words come back.
 *
 * It sits at priority 1 of clsact with one of two handles of ours. Two, because within a priority the filter
 * added last runs first: to get in front of somebody who came later, the gate is added once more under its
 * other handle and the old one is taken away after, with no moment in between without it.
 */
#ifndef RK_GATE_FILTER_H
#define RK_GATE_FILTER_H

#include "netlink.h"

#include <stdbool.h>
#include <stdint.h>

enum gate_direction { GATE_IN, GATE_OUT };

#define GATE_PROGRAM_UNKNOWN UINT32_MAX /* something sits there that is no eBPF program */

struct gate_filter_state {
	uint32_t program[2]; /* BPF program id under each handle of ours; 0 = nothing is there */
	int first;	     /* which of them is the first filter of all; -1 = none is */
};

/* @retval -ENODEV the interface is gone. Without clsact nothing is found, which is no error. */
int gate_filter_look(struct netlink *n, int ifindex, enum gate_direction d, struct gate_filter_state *ret);
/* Creates clsact if needed. Replaces what is under the handle, with no gap. */
int gate_filter_put(struct netlink *n, int ifindex, enum gate_direction d, int handle, int program_fd);
int gate_filter_remove(struct netlink *n, int ifindex, enum gate_direction d, int handle);

#endif
