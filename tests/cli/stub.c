/* SPDX-License-Identifier: MIT */
/* Stands for libcontig.so where a test wants one that it can bend: figures, and nothing else. */
#include "contig.h"

#ifndef STUB_MAGIC
#define STUB_MAGIC CONTIG_STATS_MAGIC
#endif
#ifndef STUB_VERSION
#define STUB_VERSION CONTIG_STATS_VERSION
#endif
#ifndef STUB_LIVE
#define STUB_LIVE (64 << 20)
#endif
#ifdef STUB_LEFT_ALONE
#define STUB_WHY "it said \"no\""
#else
#define STUB_WHY ""
#endif

struct contig_stats contig_stats = {
	.magic = STUB_MAGIC,
	.version = STUB_VERSION,
	.bytes = sizeof(struct contig_stats),
	.serving = sizeof(STUB_WHY) == 1,
	.why = STUB_WHY,
	.zone_base = 0x200000000000,
	.zone_bytes = 1ull << 36,
	.start_ns = 1,
	.syscalls = 4711,
	.retained_bytes = 3ull << 20,
	.pool_count = 2,
	.pool = {
		{ .name = "hugetlb-2M", .page_bytes = 2 << 20, .allocations = 7,
		  .live_bytes = STUB_LIVE, .fell_through = { [CONTIG_REASON_POOL] = 12 } },
		{ .name = "thp", .page_bytes = 2 << 20 },
	},
};
