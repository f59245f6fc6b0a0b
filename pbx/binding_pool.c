/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding_pool.h"

#include <assert.h>
#include <stdlib.h>

struct pool_link {
	struct pool_link *next;
};

/* The first block of a page links the pages, so that the rest stays aligned. */
static int pool_grow(struct binding_pool *p)
{
	struct pool_link *page = aligned_alloc(BINDING_POOL_UNIT, BINDING_POOL_PAGE);

	if (!page)
		return -1;
	while (p->rest_len >= BINDING_POOL_UNIT) { /* what is left of the old page serves small blocks */
		size_t len = p->rest_len < 4096 ? p->rest_len : 4096;
		uint8_t *block = p->rest;

		p->rest += len;
		p->rest_len -= len;
		binding_pool_put(p, block, len);
	}
	page->next = p->pages;
	p->pages = page;
	p->rest = (uint8_t *)page + BINDING_POOL_UNIT;
	p->rest_len = BINDING_POOL_PAGE - BINDING_POOL_UNIT;
	p->bytes += BINDING_POOL_PAGE;
	return 0;
}

void *binding_pool_get(struct binding_pool *p, size_t len)
{
	size_t units = binding_pool_units(len);
	struct pool_link *block;

	assert(units > 0 && units <= BINDING_POOL_UNITS);
	block = p->free[units];
	if (block) {
		p->free[units] = block->next;
		return block;
	}
	if (p->rest_len < units * BINDING_POOL_UNIT && pool_grow(p) < 0)
		return NULL;
	block = (struct pool_link *)p->rest;
	p->rest += units * BINDING_POOL_UNIT;
	p->rest_len -= units * BINDING_POOL_UNIT;
	return block;
}

void binding_pool_put(struct binding_pool *p, void *block, size_t len)
{
	size_t units = binding_pool_units(len);
	struct pool_link *link = block;

	assert(units > 0 && units <= BINDING_POOL_UNITS);
	link->next = p->free[units];
	p->free[units] = link;
}

void binding_pool_close(struct binding_pool *p)
{
	struct pool_link *page = p->pages;

	while (page) {
		struct pool_link *next = page->next;

		free(page);
		page = next;
	}
	*p = (struct binding_pool){ 0 };
}
