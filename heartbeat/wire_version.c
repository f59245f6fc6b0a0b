/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tests build a daemon of another version with these two defined (tests/mixed).
 */
#include "wire_version.h"

#ifndef WIRE_MAJOR
#define WIRE_MAJOR 1
#endif
#ifndef WIRE_MINOR
#define WIRE_MINOR 0
#endif

uint8_t wire_major(void)
{
	return WIRE_MAJOR;
}

uint8_t wire_minor(void)
{
	return WIRE_MINOR;
}
