/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VRRP_RULE(NAME) marks where a rule of the VRRP state machine is obeyed. It is always true here. The mutant
 * test builds the machine with a definition of its own that takes one rule away, to show that the search sees
 * the loss.
 */
#ifndef RK_VRRP_RULE_H
#define RK_VRRP_RULE_H

#ifndef VRRP_RULE
#define VRRP_RULE(name) true
#endif

#endif
