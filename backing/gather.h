/* SPDX-License-Identifier: MIT */
/*
 * Huge pages of a pool for one allocation: taken where failing harms nobody, looked at, put into
 * the order in which a registration needs the fewest translation entries, and moved into the
 * zone as one mapping, at an address that is congruent with the physical one.
 */
#ifndef BACKING_GATHER_H
#define BACKING_GATHER_H

#include "pool.h"

struct gathered {
	char *addr;		/* outside the zone; populated, never used, not inherited by a fork */
	size_t bytes;
	uint64_t pa;		/* physical address of the first byte; 0: unknown */
};

/**
 * gather_pages - @bytes, a multiple of the pool's page, of a hugetlb pool
 * @wish: populate is taken for granted; with a promise more pages than needed are looked at, twice
 *	as many each time until the pool holds no more, and the others go back
 * @out: untouched unless 0 is returned
 *
 * Pages that lie well already stay as they are.
 *
 * Context: no lock held; takes system calls and time. Another process that takes pages meanwhile
 * costs order, so a promise is to be checked again by who made it.
 * Return: 0; -ENOSYS: this kernel cannot move huge pages; -ERANGE: the promise cannot be met
 *	(*@why: PROMISE); -errno, *@why says at which step.
 */
int gather_pages(const struct pool *pool, size_t bytes, const struct map_wish *wish,
		 struct gathered *out, enum contig_reason *why);

/*
 * gather_settle - move them to @addr, a bare reservation, which they fill
 * Return: 0; -errno: the reservation is as it was, the pages are gone.
 */
int gather_settle(const struct gathered *got, void *addr);

/*
 * gather_inherit - from now on a fork's child sees them. Context: what keeps a fork from beginning
 * is held: zone_lock, or in preload/ that of given.h.
 */
void gather_inherit(void *addr, size_t bytes);

#endif
