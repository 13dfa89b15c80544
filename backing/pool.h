/* SPDX-License-Identifier: MIT */
/*
 * The pools of this machine: one backing with one page size each, in the order of
 * contig_stats.pool, largest pages first within a backing. Found once, at the first large request,
 * for most programs never make one; a pool that is empty is
 * still a pool, for it may be filled later.
 */
#ifndef BACKING_POOL_H
#define BACKING_POOL_H

#include "contig.h"
#include "policy.h"

struct pool;

/* How a range of the zone is to be mapped. */
struct map_wish {
	int node;			/* NODE_ANY or a number */
	bool populate;
	bool blind;			/* read no file for it: the program may be in a sandbox */
	const struct contiguity *promise;	/* NULL: as contiguous as comes without search */
};

/*
 * One way to get memory. map() puts pages over [@addr, @addr + @bytes) of the zone, both
 * multiples of the pool's page; on failure the range is a bare reservation again.
 * Return: 0; -errno; *@why says at which step it failed.
 */
struct backing {
	int (*map)(const struct pool *pool, void *addr, size_t bytes,
		   const struct map_wish *wish, enum contig_reason *why);
};

struct pool {
	enum backing_id backing;
	uint8_t index;		/* into contig_stats.pool */
	bool usable;		/* false: this machine or this process cannot */
	uint64_t page_bytes;	/* mapping granularity; base: 4 KiB */
	const struct backing *how;
};

/*
 * pool_count - how many there are. The first call finds them, by some forty system calls;
 * contig_stats.pool_count is 0 until then. Context: any; no allocation.
 */
unsigned int pool_count(void);

/* pool_known - have they been found, so that pool_count() takes no lock? */
bool pool_known(void);

/* pool_hold, pool_let_go, pool_reset - nobody is finding them meanwhile; around a fork, last. */
void pool_hold(void);
void pool_let_go(void);
void pool_reset(void);
const struct pool *pool_at(unsigned int index);
struct contig_pool_stats *pool_stats(const struct pool *pool);

/* pool_fell_through - count that @pool did not serve. */
void pool_fell_through(const struct pool *pool, enum contig_reason why);

/*
 * pool_spare_bytes - what a huge page pool could still hand out: free and not reserved, and
 * surplus pages while the machine has free memory for them. Reads sysfs.
 */
uint64_t pool_spare_bytes(const struct pool *pool);

/* pool_serves - may a chain's link use this pool. */
bool pool_serves(const struct pool *pool, const struct chain_link *link);

extern const struct backing backing_hugetlb, backing_thp, backing_base;

#endif
