/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A fence device of the configuration against what its agent says about itself. Pure: runs nothing.
 */
#ifndef RK_FENCE_CHECK_H
#define RK_FENCE_CHECK_H

#include "config.h"
#include "fence_metadata.h"
#include "findings.h"

/* file: index of the configuration in f. */
void fence_check(const struct config *c, const struct config_fence_device *d, const struct fence_metadata *m,
		 uint32_t file, struct findings *f);

#endif
