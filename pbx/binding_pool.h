/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Blocks of 64-byte multiples for the binding store, cut from large pages, given back to a free list of their
 * size and never to the system: a store that has reached its size allocates nothing more.
 */
#ifndef RK_BINDING_POOL_H
#define RK_BINDING_POOL_H

#include <stddef.h>
#include <stdint.h>

#define BINDING_POOL_UNIT  64
#define BINDING_POOL_UNITS 64 /* largest block: 4 KiB */
#define BINDING_POOL_PAGE  (64 * 1024)

struct binding_pool {
	void *free[BINDING_POOL_UNITS + 1]; /* by units */
	void *pages;
	uint8_t *rest; /* unused end of the newest page */
	size_t rest_len;
	size_t bytes; /* taken from the system */
};

static inline size_t binding_pool_units(size_t len)
{
	return (len + BINDING_POOL_UNIT - 1) / BINDING_POOL_UNIT;
}

/* len <= 4 KiB; NULL = no memory. Not zeroed. */
void *binding_pool_get(struct binding_pool *p, size_t len);
void binding_pool_put(struct binding_pool *p, void *block, size_t len);
void binding_pool_close(struct binding_pool *p);

#endif
