/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmac.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEVICE_WHOLE_MAX 8 /* "v4.255." and so many characters fit into an interface's name */

void vmac_name(int family, uint8_t vrid, const char *device, char ret[IF_NAMESIZE])
{
	int n = snprintf(ret, IF_NAMESIZE, "v%c.%u.", family == AF_INET6 ? '6' : '4', vrid);
	size_t left = IF_NAMESIZE - (size_t)n;

	if (strlen(device) <= DEVICE_WHOLE_MAX)
		(void)snprintf(ret + n, left, "%s", device);
	else
		(void)snprintf(ret + n, left, "%08" PRIx32, group_wire_id(device));
}

int vmac_ensure(struct netlink *request, const struct vmac *want, int *ret_ifindex, struct sentence *reterr)
{
	return sentence_fail(reterr, -EOPNOTSUPP, "virtual MACs are not built yet");
}

int vmac_sweep(struct netlink *request, const struct vmac *keep, size_t count)
{
	return 0;
}
