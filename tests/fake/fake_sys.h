/* SPDX-License-Identifier: MIT */
/*
 * The machine that unit tests of backing/ run on: everything in backing/sys.h, under a test's
 * control. Ordinary memory is real; huge pages are ordinary memory counted against a pretended
 * pool; populating only counts; files, clock and NUMA nodes are made up. Any call can be made to
 * fail. No privileges, no pool, no sysfs needed.
 */
#ifndef FAKE_SYS_H
#define FAKE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The calls that can fail. A map of memory and a seal (PROT_NONE over it) are two kinds. */
enum fake_call {
	FAKE_MAP, FAKE_SEAL, FAKE_UNMAP, FAKE_ADVISE, FAKE_PROTECT, FAKE_REMAP, FAKE_POPULATE,
	FAKE_BIND, FAKE_NODE_OF, FAKE_READ, FAKE_OPEN, FAKE_PREAD, FAKE_WRITE,
	FAKE_CALLS,
	FAKE_ANY = FAKE_CALLS	/* the count over all of them */
};

struct fake_sys {
	/* The machine; fake_reset() sets a usual one. */
	uint64_t ram_bytes, free_bytes, address_limit;
	bool thp_disabled;
	uint64_t now_ms;		/* stands still unless a test moves it */
	int node, current_node;		/* where pages come from; where the caller runs */
	uint64_t most_reserve;		/* no reservation larger than that; 0: any */
	uint64_t run_bytes;		/* physical memory comes in runs of that; 0: PFNs hidden */
	bool hide_pfns;			/* pagemap can be opened, but says present and no more */
	bool thief;			/* another process: before each second populate it takes a
					 * page of the pool that has frames, then gives it back */

	/* Calls @fail_from to @fail_to of kind @fail_call give -@fail_error; fail_from 0: none. */
	enum fake_call fail_call;
	uint64_t fail_from, fail_to;
	int fail_error;
	/*
	 * Another thread maps a page wherever a failed mmap(MAP_FIXED) has left a hole, as the
	 * kernel would let it. It lies at @intruder then.
	 */
	bool intrude;
	uint32_t *intruder;

	/* What happened. */
	uint64_t calls[FAKE_CALLS + 1];
	uint64_t failed;		/* calls made to fail as asked */
	uint64_t populated_bytes, sealed_bytes;
	uint64_t dropped;		/* huge pages given back by MADV_DONTNEED */
	uint64_t misuses;		/* calls that Linux would refuse: half a huge page */
};
extern struct fake_sys fake_sys;

#define FAKE_INTRUDER_WORD 0x1a7e57e0u

/* fake_reset - a machine without pools: THP on madvise, no address space limit, one node. */
void fake_reset(void);

/* fake_fail - let calls @from to @to of kind @call, counted from now, give -@error. */
void fake_fail(enum fake_call call, uint64_t from, uint64_t to, int error);
/* fake_heal - no call fails any more. */
void fake_heal(void);

/* fake_pool - a pool of huge pages, and its files. Again: the new number of pages. */
void fake_pool(uint64_t page_bytes, uint64_t pages);
uint64_t fake_pool_free(uint64_t page_bytes);	/* pages neither mapped nor reserved */

/*
 * fake_frames - a pool whose pages have places in physical memory, as pagemap tells: page i of the
 * free list is frame @frames[i] (physical address / @page_bytes). The list is a stack. One pool.
 */
void fake_frames(uint64_t page_bytes, const uint64_t *frames, unsigned int count);
/* fake_frames_whole - the thief has gone; is every page of that pool free, and there once? */
bool fake_frames_whole(void);
/* fake_mappings - of how many mappings does a range hold a part? */
unsigned int fake_mappings(const void *addr, size_t bytes);

/* fake_file - a file exists and says @text; NULL: it does not exist. Both strings must last. */
void fake_file(const char *path, const char *text);

/* fake_mapped_bytes - readable memory that was mapped and is there still, in a range. */
uint64_t fake_mapped_bytes(const void *addr, size_t bytes);
/* For fake_frames.c: what pagemap says of @count 4 KiB pages from @va on, one run from @pfn. */
void fake_pagemap(uintptr_t va, uint64_t pfn, size_t count);
void fake_pagemap_forget(uintptr_t va, size_t count);
/* fake_has_hole - is there a page in the range at which nothing at all is mapped? */
bool fake_has_hole(const void *addr, size_t bytes);

#endif
