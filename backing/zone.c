/* SPDX-License-Identifier: MIT */
#include "zone.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "figures.h"
#include "policy.h"
#include "span.h"

#define ZONE_ALIGN	(2 * GIB)	/* so that VA can equal PA modulo every size an HCA can use */
#define ZONE_LEAST	GIB
#define ZONE_MOST	(8192 * GIB)	/* 2^31 units of 4 KiB: below what a uint32_t counts */
#define RANGE_USUAL	(256 * GIB)

struct range zone, heap_range;
uintptr_t zone_origin;
size_t zone_slot_bytes;
struct lock zone_lock;

static int map_reserve(void *addr, size_t bytes, int more_flags, void **out)
{
	return sys_map(addr, bytes, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE | more_flags, out);
}

/* An aligned reservation: one piece too large, its ends cut off. */
static int reserve_aligned(size_t bytes, uintptr_t *out)
{
	uintptr_t start, base;
	void *raw;
	int ret;

	ret = map_reserve(NULL, bytes + ZONE_ALIGN, 0, &raw);
	if (ret)
		return ret;
	start = (uintptr_t)raw;
	base = (start + ZONE_ALIGN - 1) & ~(ZONE_ALIGN - 1);
	if (base > start)
		sys_unmap(raw, base - start);
	if (start + ZONE_ALIGN > base)
		sys_unmap((void *)(base + bytes), start + ZONE_ALIGN - base);
	*out = base;
	return 0;
}

/* Room for four times the memory of the machine: fragmented addresses cost nothing. */
static uint64_t usual_bytes(void)
{
	uint64_t bytes = RANGE_USUAL, ram = sys_ram_bytes();

	while (bytes < 4 * ram && bytes < ZONE_MOST)
		bytes *= 2;
	return bytes;
}

size_t zone_share(uint64_t limit)
{
	size_t most = ZONE_MOST;

	while (most > limit / 4)
		most /= 2;
	return most < ZONE_LEAST ? 0 : most;
}

/*
 * A limited address space belongs to the program: the heap then maps where it needs to, and the
 * zone takes a quarter at most, which zone_shrink() gives back when the program runs short.
 */
static bool address_space_limited(uint64_t *zone_most)
{
	uint64_t limit = sys_limit(RLIMIT_AS);

	if (limit == UINT64_MAX)
		return false;
	*zone_most = zone_share(limit);
	return true;
}

void zone_init(void)
{
	uint64_t zone_bytes = usual_bytes(), heap_bytes = zone_bytes;
	uintptr_t base;

	if (address_space_limited(&zone_bytes))
		heap_bytes = 0;
	for (; zone_bytes >= ZONE_LEAST; zone_bytes /= 2, heap_bytes /= 2) {
		if (reserve_aligned(heap_bytes + zone_bytes, &base))
			continue;
		heap_range = (struct range){ base, heap_bytes };
		zone = (struct range){ base + heap_bytes, zone_bytes };
		break;
	}
	zone_origin = zone.base;
	/* Twice the memory of the machine: physical addresses have holes. */
	if (zone.bytes >= usual_bytes())
		zone_slot_bytes = zone.bytes / 2;
	contig_stats.zone_base = zone.base;
	contig_stats.zone_bytes = zone.bytes;
}

int zone_seal(void *addr, size_t bytes)
{
	void *out;

	return map_reserve(addr, bytes, MAP_FIXED, &out);
}

/* Return: the bytes that went from the upper end; from @cut on. */
static size_t cut_top_locked(size_t keep, uintptr_t *cut)
{
	size_t bytes;

	if (span_tiled())
		bytes = span_cut_top(keep);
	else
		bytes = zone.bytes > keep ? zone.bytes - keep : 0;
	__atomic_store_n(&zone.bytes, zone.bytes - bytes, __ATOMIC_RELAXED);
	*cut = zone.base + zone.bytes;
	return bytes;
}

/*
 * Whose a pointer is is read without a lock: base first, for that the zone is for a moment too
 * large is seen by nobody but another thread, and there is none.
 */
static size_t cut_bottom_locked(uintptr_t *cut)
{
	size_t bytes = span_tiled() ? span_cut_bottom() : 0;

	*cut = zone.base;
	__atomic_store_n(&zone.base, zone.base + bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&zone.bytes, zone.bytes - bytes, __ATOMIC_RELAXED);
	return bytes;
}

static bool cut_ends(size_t keep, bool bottom)
{
	uintptr_t high, low;
	size_t above, below = 0;

	lock_take(&zone_lock);
	above = cut_top_locked(keep, &high);
	if (bottom)
		below = cut_bottom_locked(&low);
	contig_stats.zone_base = zone.base;
	contig_stats.zone_bytes = zone.bytes;
	lock_drop(&zone_lock);
	if (above)
		sys_unmap((void *)high, above);
	if (below)
		sys_unmap((void *)low, below);
	return above || below;
}

bool zone_shrink(void)
{
	return cut_ends(0, false);
}

bool zone_limit(uint64_t limit, bool alone)
{
	size_t share = zone_share(limit);

	if (zone.bytes <= share)
		return false;
	lock_take(&zone_lock);
	zone_slot_bytes = 0;
	lock_drop(&zone_lock);
	return cut_ends(share, alone);
}
