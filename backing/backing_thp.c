/* SPDX-License-Identifier: MIT */
/* Transparent huge pages of any size: ordinary memory, aligned and advised. */
#include <sys/mman.h>

#include "map.h"

static int thp_map(const struct pool *pool, void *addr, size_t bytes, const struct map_wish *wish,
		   enum contig_reason *why)
{
	(void)pool;
	return map_over(addr, bytes, 0, MADV_HUGEPAGE, wish, why);
}

const struct backing backing_thp = { .map = thp_map };
