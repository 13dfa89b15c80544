/* SPDX-License-Identifier: MIT */
/* What the backings share: mapping over a piece of the zone and undoing it. */
#ifndef BACKING_MAP_H
#define BACKING_MAP_H

#include "pool.h"

/*
 * map_finish - bind, advise and populate what was mapped, as @wish has it. Return: as backing.map.
 */
int map_finish(void *addr, size_t bytes, int advice, const struct map_wish *wish,
	       enum contig_reason *why);

/*
 * map_over - anonymous private memory over [@addr, @addr + @bytes)
 * @flags: more mmap flags
 * @advice: madvise afterwards, 0 for none
 * Return: as backing.map.
 */
int map_over(void *addr, size_t bytes, int flags, int advice, const struct map_wish *wish,
	     enum contig_reason *why);

#endif
