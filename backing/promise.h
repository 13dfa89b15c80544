/* SPDX-License-Identifier: MIT */
/* A rule's `contiguity`: is it met by this memory, and which of what is kept would meet it. */
#ifndef BACKING_PROMISE_H
#define BACKING_PROMISE_H

#include "policy.h"
#include "pool.h"
#include "span.h"

static inline bool promise_made(const struct contiguity *promise)
{
	return promise->kind != CONTIGUITY_ANY;
}

/* promise_by_one_page - is `whole` met for @bytes by a huge page of @pool that holds them all? */
bool promise_by_one_page(const struct pool *pool, const struct contiguity *promise, size_t bytes);

/* promise_by_pfn - can only PFNs tell whether pages of @pool keep it for @bytes? */
bool promise_by_pfn(const struct pool *pool, const struct contiguity *promise, size_t bytes);

/*
 * promise_kept - is it, by [@addr, @addr + @bytes) of @pool, as it lies now?
 * Context: reads pagemap where no huge page tells by itself; hidden PFNs mean no.
 */
bool promise_kept(const struct pool *pool, const struct contiguity *promise, const void *addr,
		  size_t bytes);

/**
 * promise_find - among what is kept of @pool, where a request would find its promise kept
 * @like: what the span must be like
 * @start: out: its first unit
 *
 * The smallest physical run that holds it, as the pages lie now: nothing is remembered of them, a
 * fork or a migration may have moved them.
 *
 * Context: zone_lock held; reads pagemap, bounded. Return: the FREE span, or NULL.
 */
struct span *promise_find(const struct pool *pool, const struct contiguity *promise,
			  const struct span_wish *like, uint32_t *start);

#endif
