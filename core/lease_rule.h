/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * LEASE_RULE(NAME) marks where a rule of the lease is obeyed. It is always true here. The mutant test builds
 * these files with a definition of its own that takes one rule away, to show that the search sees the loss.
 */
#ifndef RK_LEASE_RULE_H
#define RK_LEASE_RULE_H

#ifndef LEASE_RULE
#define LEASE_RULE(name) true
#endif

#endif
