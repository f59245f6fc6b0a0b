/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The version of what nodes say to each other, of pulses and heartbeats alike. Two majors do not hear each
 * other. A higher minor only has more: entries of a pulse, fields of a STATE and types of heartbeats that a
 * lower one skips; what does not come has its default. docs/UPGRADE.md says what may change, and what to do
 * at a release.
 */
#ifndef RK_WIRE_VERSION_H
#define RK_WIRE_VERSION_H

#include <stdint.h>

uint8_t wire_major(void);
uint8_t wire_minor(void);

#endif
