/* SPDX-License-Identifier: MIT */
/* Pages as the kernel gives them when nothing is asked. */
#include "map.h"

static int base_map(const struct pool *pool, void *addr, size_t bytes, const struct map_wish *wish,
		    enum contig_reason *why)
{
	(void)pool;
	return map_over(addr, bytes, 0, 0, wish, why);
}

const struct backing backing_base = { .map = base_map };
