/* SPDX-License-Identifier: MIT */
/* Memory until the pool has none left, for tests of what happens then. */
#ifndef TESTS_PRELOAD_PIECES_H
#define TESTS_PRELOAD_PIECES_H

#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

enum { PIECES_MOST = 512 };

static char *piece[PIECES_MOST];	/* of 4 MiB each, pattern_write() with their number */
static int pieces;

/* In 4 MiB pieces till the pool has none left; without a pool, 64 MiB. */
static void use_up_the_pool(void)
{
	const struct contig_pool_stats *pool = served_pool("hugetlb-2M");
	bool huge = pool && served_by("hugetlb");

	while (pieces < (huge ? PIECES_MOST : 16) &&
	       !(huge && pool->fell_through[CONTIG_REASON_POOL])) {
		piece[pieces] = malloc(4 * MIB);
		pattern_write(piece[pieces], 4 * MIB, (uint64_t)pieces);
		pieces++;
	}
	if (huge)
		CHECK(pieces > 10 && pool->fell_through[CONTIG_REASON_POOL]);
}

#endif
