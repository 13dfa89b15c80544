/* SPDX-License-Identifier: MIT */
/*
 * Put huge pages of a pool into a wanted order, in one mapping, without moving any.
 *
 * The pool's free list is a stack: released one by one in the reverse of the wanted order and
 * then populated from the lowest address up, the pages come back in it. The reservation stays with
 * the mapping meanwhile, so no page can be lost; another process that takes or gives back pages of
 * the pool at the same moment only spoils the order. Contents are lost.
 */
#ifndef BACKING_ARRANGE_H
#define BACKING_ARRANGE_H

#include <stddef.h>
#include <stdint.h>

/**
 * arrange_pages - @scratch becomes its pages order[0], order[1] ...
 * @scratch: one private hugetlb mapping, populated, that the program has never had
 * @have: its pages; @page_bytes: of each
 * @order: a permutation of 0 .. @have - 1
 * @want: how many to keep; the mapping is cut to them, the pages left over go back to the pool
 *
 * Context: any; no allocation. No pin may be on the pages.
 * Return: 0: populated whole, the order is to be read again; -errno: parts of the mapping may
 *	not be populated, the caller unmaps all @have pages.
 */
int arrange_pages(char *scratch, size_t have, uint64_t page_bytes, const uint32_t *order,
		  size_t want);

#endif
