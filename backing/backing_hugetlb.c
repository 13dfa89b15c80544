/* SPDX-License-Identifier: MIT */
/*
 * Pages of the kernel's huge page pools. Without MAP_NORESERVE the kernel reserves them at mmap
 * and fails at once if it has too few; populating them before they are handed out keeps what can
 * still go wrong (a hugetlb cgroup, a reservation that underflowed) from becoming a SIGBUS.
 */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "map.h"

static int hugetlb_map(const struct pool *pool, void *addr, size_t bytes,
		       const struct map_wish *wish, enum contig_reason *why)
{
	int size_flag = __builtin_ctzll(pool->page_bytes) << MAP_HUGE_SHIFT;
	int ret = map_over(addr, bytes, MAP_HUGETLB | size_flag, 0, wish, why);

	if (ret == -ENOMEM && *why == CONTIG_REASON_MAP)
		*why = CONTIG_REASON_POOL;
	return ret;
}

const struct backing backing_hugetlb = { .map = hugetlb_map };
