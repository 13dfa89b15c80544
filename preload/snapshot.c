/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demote.h"
#include "figures.h"
#include "given.h"
#include "log.h"
#include "place.h"
#include "pool.h"
#include "span.h"
#include "sys.h"

#define HUGE_BYTES	((size_t)2 * MIB)

/* Walks the tiling and puts neighbouring spans that belong out together into ranges. */
struct walk {
	struct snapshot *snap;		/* NULL: only count */
	enum snapshot_scope scope;
	char *start;			/* of the run being followed; NULL: none */
	size_t bytes;			/* of the run */
	unsigned int pool;
	bool promised, huge, spared;
	size_t ranges, total;
	bool overflow;
	bool left_huge;			/* huge pages were left to the kernel */
};

static bool run_counts(const struct walk *walk)
{
	return !walk->spared &&
	       (walk->promised || (walk->scope == SNAPSHOT_ALL && walk->huge));
}

static void close_run(struct walk *walk)
{
	if (walk->start && walk->bytes && run_counts(walk)) {
		if (walk->snap && walk->ranges == walk->snap->most)
			walk->overflow = true;
		else if (walk->snap)
			walk->snap->range[walk->ranges] =
				(struct hold_range){ walk->start, walk->bytes };
		walk->ranges++;
		walk->total += walk->bytes;
	}
	walk->left_huge |= walk->start && walk->bytes && walk->spared && walk->huge;
	walk->start = NULL;
}

static void open_run(struct walk *walk, char *addr, const struct span *span)
{
	walk->start = addr;
	walk->bytes = 0;
	walk->pool = span->pool;
	walk->promised = span->fixed;
	walk->spared = span->thread;
	walk->huge = pool_at(span->pool)->backing == BACKING_HUGETLB;
}

/* Demoted pages are ordinary memory: the kernel copies those, and a run ends before them. */
static void follow_pages(struct walk *walk, const struct span *span)
{
	size_t page = pool_at(span->pool)->page_bytes, step;
	char *at = span_address(span), *end = at + span_bytes(span);

	for (; at < end; at += step) {
		step = page - ((uintptr_t)at & (page - 1));
		if (step > (size_t)(end - at))
			step = (size_t)(end - at);
		if (demote_noted(at)) {
			close_run(walk);
			continue;
		}
		if (!walk->start)
			open_run(walk, at, span);
		walk->bytes += step;
	}
}

static bool visit(struct span *span, void *arg)
{
	struct walk *walk = arg;
	/* BUSY too, once mapped: it may share a huge page with its neighbours. */
	bool mapped = span->state != SPAN_RESERVE && span->pool != SPAN_RESERVE_POOL;

	if (walk->start && (!mapped || span->pool != walk->pool))
		close_run(walk);
	if (!mapped)
		return true;
	if (!walk->start)
		open_run(walk, span_address(span), span);
	walk->promised |= span->fixed;
	walk->spared |= span->thread;
	if (walk->huge)
		follow_pages(walk, span);
	else
		walk->bytes += span_bytes(span);
	return true;
}

/* What mmap() gave on huge pages, behind what malloc gave. */
static void follow_given(struct walk *walk)
{
	struct hold_range *at = NULL;
	bool promised = walk->scope == SNAPSHOT_PROMISED;
	size_t count, room = 0;

	if (walk->snap && walk->ranges <= walk->snap->most) {
		at = walk->snap->range + walk->ranges;
		room = walk->snap->most - walk->ranges;
	}
	count = given_ranges(at, room, promised);
	walk->overflow |= walk->snap && count > room;
	walk->total += given_bytes(promised);
	walk->ranges += count;
}

static void follow(struct walk *walk)
{
	if (zone.bytes) {
		span_each(visit, walk);
		close_run(walk);
	}
	follow_given(walk);
}

static struct walk count_ranges(enum snapshot_scope scope)
{
	struct walk walk = { .scope = scope };

	given_hold();
	lock_take(&zone_lock);
	follow(&walk);
	lock_drop(&zone_lock);
	given_let_go();
	return walk;
}

size_t snapshot_bytes(enum snapshot_scope scope, bool *left_huge)
{
	struct walk walk = count_ranges(scope);

	*left_huge = walk.left_huge;
	return walk.total;
}

/* Room for the list of ranges and for their copies. */
static int map_memory(struct snapshot *snap, const struct walk *need)
{
	size_t table = need->ranges * sizeof(*snap->range) / HUGE_BYTES * HUGE_BYTES + HUGE_BYTES;
	size_t staging_bytes = snap->drop ? 0 : need->total;
	size_t bytes = table + staging_bytes + HUGE_BYTES;
	void *memory;
	int ret = sys_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, &memory);

	if (ret)
		return ret;
	snap->memory = memory;
	snap->memory_bytes = bytes;
	snap->range = memory;
	snap->most = table / sizeof(*snap->range);
	snap->staging_bytes = staging_bytes;
	snap->staging = (char *)(((uintptr_t)memory + table + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	/* Whole huge pages, congruent with the ranges: moving them is then moving a few entries. */
	if (staging_bytes)
		sys_advise(snap->staging, staging_bytes, MADV_HUGEPAGE);
	return 0;
}

int snapshot_begin(struct snapshot *snap)
{
	struct walk need = count_ranges(snap->scope);

	snap->count = 0;
	snap->hold = -1;
	snap->outgrown = NULL;
	return map_memory(snap, &need);
}

/* Other threads, and the program's own fork handlers, may have asked for more meanwhile. */
static int enlarge(struct snapshot *snap)
{
	struct walk need = { .scope = snap->scope };
	struct snapshot had = *snap;
	int ret;

	follow(&need);
	if (need.ranges <= snap->most && (snap->drop || need.total <= snap->staging_bytes))
		return 0;
	ret = map_memory(snap, &need);
	if (ret)
		return ret;
	snap->outgrown = had.memory;
	snap->outgrown_bytes = had.memory_bytes;
	return 0;
}

static void copy_range(const struct hold_range *range, char *to)
{
	char *end = range->addr + range->bytes, *low, *high;
	struct span *span;

	if (!range_owns(&zone, range->addr)) {
		memcpy(to, range->addr, range->bytes);
		return;
	}
	span = span_covering(span_unit(range->addr));
	for (; span && (char *)span_address(span) < end; span = span_after(span))
		if (span->state == SPAN_USED) {
			low = span_address(span);
			high = low + span_bytes(span);
			low = low > range->addr ? low : range->addr;
			high = high < end ? high : end;
			memcpy(to + (low - range->addr), low, (size_t)(high - low));
		}
}

static void copy_all(struct snapshot *snap)
{
	size_t at = 0;

	for (size_t i = 0; i < snap->count; i++) {
		copy_range(&snap->range[i], snap->staging + at);
		at += snap->range[i].bytes;
	}
	figures_add(&contig_stats.fork_snapshot_bytes, at);
}

int snapshot_take(struct snapshot *snap)
{
	struct walk walk = { .snap = snap, .scope = snap->scope };
	size_t i;
	int ret;

	ret = enlarge(snap);
	if (ret)
		return ret;
	follow(&walk);
	if (walk.overflow || (!snap->drop && walk.total > snap->staging_bytes))
		return -ENOMEM;
	snap->count = walk.ranges;
	for (i = 0; i < snap->count; i++) {
		ret = sys_advise(snap->range[i].addr, snap->range[i].bytes, MADV_DONTFORK);
		if (ret)
			goto undo;
	}
	if (!snap->drop) {
		snap->hold = hold_begin(snap->range, snap->count);
		copy_all(snap);
	}
	return 0;

undo:
	while (i--)
		sys_advise(snap->range[i].addr, snap->range[i].bytes, MADV_DOFORK);
	snap->count = 0;
	return -ENOMEM;
}

void snapshot_parent(struct snapshot *snap)
{
	hold_end(snap->hold);
	for (size_t i = 0; i < snap->count; i++)
		sys_advise(snap->range[i].addr, snap->range[i].bytes, MADV_DOFORK);
}

/* The pool that the staging's pages are like; there is always one of it. */
static const struct pool *staging_pool(void)
{
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_THP)
			return pool_at(i);
	return pool_at(0);
}

static void adopt_range(const struct snapshot *snap, const struct hold_range *range, char *from)
{
	bool zones = range_owns(&zone, range->addr);
	void *out;

	if (snap->drop) {
		if (zones) {
			zone_seal(range->addr, range->bytes);
			place_adopt(range->addr, range->bytes, NULL);
		}
		return;
	}
	/* Nothing can be in its way, the range is a hole here; but for the limit of mappings. */
	if (sys_remap(from, range->bytes, range->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, range->addr,
		      &out)) {
		log_say("a child of fork could not be given its memory, and ends ",
			"(sysctl vm.max_map_count)");
		_exit(127);
	}
	if (zones)
		place_adopt(range->addr, range->bytes, staging_pool());
}

void snapshot_child(struct snapshot *snap)
{
	size_t at = 0;

	hold_end(snap->hold);
	for (size_t i = 0; i < snap->count; i++) {
		adopt_range(snap, &snap->range[i], snap->staging + at);
		at += snap->range[i].bytes;
	}
	/* At once: the program's fork handlers may map where the staging has moved away from. */
	sys_unmap(snap->memory, snap->memory_bytes);
	snap->memory = NULL;
}

void snapshot_end(struct snapshot *snap)
{
	if (snap->memory)
		sys_unmap(snap->memory, snap->memory_bytes);
	if (snap->outgrown)
		sys_unmap(snap->outgrown, snap->outgrown_bytes);
}
