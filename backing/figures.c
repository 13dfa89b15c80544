/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include "sys.h"

__attribute__((visibility("default"))) struct contig_stats contig_stats = {
	.version = CONTIG_STATS_VERSION,
	.bytes = sizeof(struct contig_stats),
};

static void reset_pool(struct contig_pool_stats *pool)
{
	uint64_t live = pool->live_bytes, mapped = pool->mapped_bytes;
	uint64_t address = pool->largest_address, largest = pool->largest_bytes;

#define CONTIG_POOL_STAT(name, unit, help) pool->name = 0;
#include "contig_stats.def"
	for (int i = 0; i < CONTIG_REASON_COUNT; i++)
		pool->fell_through[i] = 0;
	/* What the child inherited is in its hands, so these go on. */
	pool->live_bytes = live;
	pool->largest_address = address;
	pool->largest_bytes = largest;
	pool->peak_bytes = live;
	pool->mapped_bytes = mapped;
}

void figures_reset(int pid)
{
	uint64_t retained = contig_stats.retained_bytes;

#define CONTIG_STAT(name, unit, help) contig_stats.name = 0;
#include "contig_stats.def"
	contig_stats.retained_bytes = retained;
	contig_stats.pid = pid;
	contig_stats.start_ns = sys_now_ns();
	for (unsigned int i = 0; i < contig_stats.pool_count; i++)
		reset_pool(&contig_stats.pool[i]);
}
