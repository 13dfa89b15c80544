/* SPDX-License-Identifier: MIT */
/*
 * In which order huge pages must follow each other so that a registration of them needs the
 * fewest translation entries. Pure: frame numbers in, an order out; no system call, no memory.
 *
 * A frame number is a physical address divided by the size of the page. An arrangement is of
 * order k if an RDMA card can use blocks of 2^k pages for it: each break between two physically
 * contiguous runs then lies on a multiple of 2^k, in virtual and in physical addresses
 * (ib_umem_find_best_pgsz() in Linux, described in physmap.h). So only the first run may begin
 * and only the last may end within a block.
 */
#ifndef BACKING_LAYOUT_H
#define BACKING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define LAYOUT_PAGES_MOST	((size_t)1 << 24)	/* in one call: 32 TiB of 2 MiB pages */
#define LAYOUT_WHOLE		63u			/* the order of a single run */

struct layout {
	unsigned int order;	/* blocks of 2^order pages; LAYOUT_WHOLE: one run */
	size_t extents;		/* physically contiguous runs */
	uint64_t first;		/* frame number of the first page */
};

/*
 * layout_judge - what @count pages are, not 0, in the order of their virtual addresses; with
 * @order, page i is frames[order[i]].
 */
struct layout layout_judge(const uint64_t *frames, const uint32_t *order, size_t count);

/**
 * layout_plan - the best order for @want of @have pages
 * @frames: their frame numbers, all different
 * @keys: room for @have numbers
 * @order: out: a permutation of 0 .. @have - 1; the first @want are the allocation, in the order
 *	of its virtual addresses, the others are left over
 *
 * The smallest run that holds @want, from its beginning; where none does, blocks of the highest
 * order that suffices, ascending.
 *
 * Return: what the first @want will be.
 */
struct layout layout_plan(const uint64_t *frames, size_t have, size_t want, uint64_t *keys,
			  uint32_t *order);

/* layout_entries - translation entries of @count pages, with blocks of 2^@most pages at most. */
uint64_t layout_entries(const struct layout *layout, size_t count, unsigned int most);

#endif
