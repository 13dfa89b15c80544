/* SPDX-License-Identifier: MIT */
#include "fork_layout.h"

#include <stddef.h>
#include <stdint.h>

#include "figures.h"
#include "frames.h"
#include "lock.h"
#include "measure.h"
#include "place.h"
#include "pool.h"
#include "sys.h"

enum { SAMPLES = 256, TIME_SHARE = 100 };

#define BYTES_MOST	GIB	/* looked at before a fork; see fork_layout.h for what that costs */

/* One allocation, as it was before a fork. */
struct layout {
	const char *addr;	/* NULL: none */
	size_t bytes, step;	/* looked at, and between two samples */
	bool closed;		/* freed, and looked at again */
	uint64_t shares;	/* forks before it */
	uint64_t not_before_ns;	/* the next look */
	uint64_t frame[SAMPLES];
};

/*
 * Guarded by: layout_lock, under which zone_lock may be taken. A fork does not wait for it: who
 * holds it is looking at memory, which a fork need not.
 */
static struct layout layouts[CONTIG_POOLS];
static uint64_t frame_now[SAMPLES];
static struct lock layout_lock;
static bool wanted;

void fork_layout_init(void)
{
	wanted = true;
}

/* Is this pool's memory shared with the child by a fork that leaves @huge to the kernel? */
static bool is_shared(const struct pool *pool, bool huge)
{
	return pool_stats(pool)->live_bytes && (huge || pool->backing != BACKING_HUGETLB);
}

static void put_before(struct contig_pool_stats *stats, size_t bytes,
		       const struct physmap_figures *figures)
{
	figures_set(&stats->fork_bytes, bytes);
	figures_set(&stats->fork_page_bytes_before, figures->page_bytes);
	figures_set(&stats->fork_entries_before, figures->entries);
	figures_set(&stats->fork_extents_before, figures->extents);
	figures_set(&stats->fork_page_bytes_after, 0);
	figures_set(&stats->fork_entries_after, 0);
	figures_set(&stats->fork_extents_after, 0);
	figures_set(&stats->fork_moved_bytes, 0);
}

static void take_down(struct layout *layout, const char *addr, size_t whole,
		      struct contig_pool_stats *stats)
{
	size_t bytes = whole < BYTES_MOST ? whole : BYTES_MOST;
	size_t step = (bytes / SAMPLES + UNIT_BYTES - 1) & ~(UNIT_BYTES - 1);
	size_t count = step ? (bytes - 1) / step + 1 : 0;
	struct physmap_figures figures;

	if (!count || measure_self(addr, bytes, &figures) || !figures.entries ||
	    frames_sample(addr, step, count, layout->frame) ||
	    place_bytes(addr) != whole)	/* freed meanwhile */
		return;
	layout->addr = addr;
	layout->bytes = bytes;
	layout->step = step;
	layout->closed = false;
	layout->shares = stats->fork_shares;
	put_before(stats, bytes, &figures);
}

static void look_before(const struct pool *pool)
{
	struct contig_pool_stats *stats = pool_stats(pool);
	struct layout *layout = &layouts[pool->index];
	const char *addr = (const char *)(uintptr_t)stats->largest_address;
	size_t whole = addr ? place_bytes(addr) : 0;
	uint64_t begin = sys_now_ns();

	if (begin < layout->not_before_ns || !whole ||
	    (whole < BYTES_MOST ? whole : BYTES_MOST) <= layout->bytes)
		return;
	take_down(layout, addr, whole, stats);
	layout->not_before_ns = begin + (sys_now_ns() - begin) * TIME_SHARE;
}

void fork_layout_before_fork(bool huge)
{
	if (!wanted || lock_depth || !contig_stats.pool_count || !lock_try(&layout_lock))
		return;
	for (unsigned int i = 0; i < pool_count(); i++)
		if (is_shared(pool_at(i), huge))
			look_before(pool_at(i));
	lock_drop(&layout_lock);
}

bool fork_layout_forked(bool huge)
{
	bool any = false;

	for (unsigned int i = 0; contig_stats.pool_count && i < pool_count(); i++)
		if (is_shared(pool_at(i), huge)) {
			figures_add(&pool_stats(pool_at(i))->fork_shares, 1);
			any = true;
		}
	return any;
}

static void look_after(struct layout *layout, struct contig_pool_stats *stats)
{
	size_t moved = 0, count = (layout->bytes - 1) / layout->step + 1;
	struct physmap_figures figures;

	layout->closed = true;
	if (stats->fork_shares == layout->shares || place_bytes(layout->addr) < layout->bytes ||
	    measure_self(layout->addr, layout->bytes, &figures) ||
	    frames_sample(layout->addr, layout->step, count, frame_now))
		return;
	for (size_t i = 0; i < count; i++)
		moved += frame_now[i] != layout->frame[i];
	figures_set(&stats->fork_page_bytes_after, figures.page_bytes);
	figures_set(&stats->fork_entries_after, figures.entries);
	figures_set(&stats->fork_extents_after, figures.extents);
	figures_set(&stats->fork_moved_bytes, layout->bytes / count * moved);
}

/* @p: NULL: all of them */
static void look_at_open(const void *p)
{
	if (!wanted || !contig_stats.pool_count)
		return;
	lock_take(&layout_lock);
	for (unsigned int i = 0; i < pool_count(); i++)
		if (layouts[i].addr && !layouts[i].closed && (!p || layouts[i].addr == p))
			look_after(&layouts[i], &contig_stats.pool[i]);
	lock_drop(&layout_lock);
}

void fork_layout_before_free(const void *p)
{
	look_at_open(p);
}

void fork_layout_at_exit(void)
{
	look_at_open(NULL);
}

void fork_layout_reset(void)
{
	if (wanted)
		for (unsigned int i = 0; contig_stats.pool_count && i < pool_count(); i++)
			if (layouts[i].bytes)
				layouts[i] = (struct layout){ .addr = NULL };
	lock_reset(&layout_lock);
}
