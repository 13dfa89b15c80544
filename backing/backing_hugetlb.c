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
#include "sys.h"

/*
 * A mmap(MAP_FIXED) that fails has unmapped what was there before, and what another thread maps
 * next may come to lie in that hole of the zone. So the pool is asked at another place first.
 */
static int hugetlb_ask(size_t bytes, int flags)
{
	void *elsewhere;
	int ret = sys_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, &elsewhere);

	return ret ? ret : sys_unmap(elsewhere, bytes);
}

static int hugetlb_map(const struct pool *pool, void *addr, size_t bytes,
		       const struct map_wish *wish, enum contig_reason *why)
{
	int flags = MAP_HUGETLB | __builtin_ctzll(pool->page_bytes) << MAP_HUGE_SHIFT;
	int ret = hugetlb_ask(bytes, flags);

	*why = CONTIG_REASON_MAP;
	if (!ret)
		ret = map_over(addr, bytes, flags, 0, wish, why);
	if (ret == -ENOMEM && *why == CONTIG_REASON_MAP)
		*why = CONTIG_REASON_POOL;
	return ret;
}

const struct backing backing_hugetlb = { .map = hugetlb_map };
