/* SPDX-License-Identifier: MIT */
/*
 * Memory from the system and back to it, in whole pages of a pool. All functions are called with
 * zone_lock held and come back with it held; those marked so let go of it meanwhile, their own
 * pieces BUSY, so that faults and zeroing never stand in another thread's way.
 */
#ifndef BACKING_BLOCK_H
#define BACKING_BLOCK_H

#include "pool.h"
#include "span.h"

/**
 * block_grow - map more memory for a request that no kept span can serve
 * @pool: where from
 * @wish: what the span must be like
 * @how: how to map
 * @alone: take none of what is kept, map all of it anew
 * @why: the step that failed
 *
 * A FREE piece at the upper end of what is mapped already is used first, and only what is
 * missing is mapped behind it; what the last page has left over becomes FREE.
 *
 * Context: lets go of the lock.
 * Return: the span, USED; NULL: nothing changed, see @why.
 */
struct span *block_grow(const struct pool *pool, const struct span_wish *wish,
			const struct map_wish *how, bool alone, enum contig_reason *why);

/**
 * block_extend - make a USED span longer where it lies
 * @span: to grow
 * @units: wanted in all, more than it has
 *
 * Context: lets go of the lock.
 * Return: true, or false: something else lies behind it, or the pool has no more.
 */
bool block_extend(struct span *span, uint32_t units, const struct map_wish *how);

/**
 * block_release - give whole pages of a FREE span back to the system
 * @most_bytes: at most that much, rounded up to a page; from its upper end
 *
 * Context: lets go of the lock; @span is no longer valid.
 * Return: bytes given back; 0: none could be.
 */
uint64_t block_release(struct span *span, uint64_t most_bytes);

/* block_release_pool - everything that is kept of one pool. Context: lets go of the lock. */
uint64_t block_release_pool(const struct pool *pool);

/*
 * block_trim - give back, oldest first, until at most @keep_bytes are kept, and all that was
 * kept since @before_ms or longer
 *
 * Whole pages first. Where a page is shared with a neighbour in use, only the memory goes and the
 * mapping stays, 4 KiB at a time; a huge page of a pool cannot be so divided, and its ends stay.
 * A call looks at some hundred spans at most.
 *
 * Context: lets go of the lock.
 */
void block_trim(uint64_t keep_bytes, uint64_t before_ms);

/* block_trim_all - everything that can go, however much there is to look at. Context: as it. */
void block_trim_all(void);

#endif
