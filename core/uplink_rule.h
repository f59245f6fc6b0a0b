/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UPLINK_RULE(NAME) marks where a rule about uplinks is obeyed. It is always true here. The mutant test
 * builds these files with a definition of its own that takes one rule away, to show that the search sees the
 * loss.
 */
#ifndef RK_UPLINK_RULE_H
#define RK_UPLINK_RULE_H

#ifndef UPLINK_RULE
#define UPLINK_RULE(name) true
#endif

#endif
