/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes secrets out of a text before it leaves the machine: values whose name says that they are one, user
 * and password in addresses, private keys, SIP and HTTP credentials. Rather too much than too little. Pure.
 */
#ifndef RK_REPORT_SCRUB_H
#define RK_REPORT_SCRUB_H

#include <stdio.h>

#define SCRUB_REMOVED "(removed)"

/* Writes the text without its secrets. A zero byte or a control character becomes '?'. */
void scrub_text(const char *text, size_t len, FILE *out);

#endif
