/* SPDX-License-Identifier: MIT */
#include "block.h"

#include <errno.h>
#include <sys/mman.h>

#include "demote.h"
#include "figures.h"
#include "gather.h"
#include "sys.h"

/* How many kept spans are looked at for one that ends where the address space is free. */
enum { TAILS_MOST = 64 };

enum {
	CONGRUENT_UNITS = 1 << 19,	/* 2 GiB: the largest page that a card registers */
	GATHERED_UNITS = 16 * 512,	/* 32 MiB: a huge page more or less is 6 % at most */
};

/* How many are looked at in one go for what can be given back: malloc must not stall in it. */
enum { TRIM_LOOKS = 256 };

static uint32_t page_units_of(const struct pool *pool)
{
	return (uint32_t)(pool->page_bytes >> UNIT_SHIFT);
}

static uint32_t round_up(uint32_t units, uint32_t to)
{
	return (units + to - 1) / to * to;
}

static uint32_t span_end(const struct span *span)
{
	return span->first + span->units;
}

/*
 * @missing units of fresh memory directly behind unit @at.
 * Return: the piece, BUSY; NULL: the addresses are taken.
 */
static struct span *reserve_behind(uint32_t at, uint32_t missing)
{
	struct span *next = span_at(at);

	if (!next || next->state != SPAN_RESERVE || next->units < missing)
		return NULL;
	return span_carve(next, at, missing, SPAN_BUSY);
}

/* @fresh (BUSY) is mapped now. */
static void note_mapped(const struct pool *pool, struct span *fresh, const struct map_wish *how)
{
	fresh->pool = pool->index;
	fresh->node = (int16_t)how->node;
	fresh->zero = true;
	fresh->sparse = pool->backing == BACKING_HUGETLB && !how->populate;
	figures_add(&pool_stats(pool)->mapped_bytes, span_bytes(fresh));
}

/* Map @fresh (BUSY) without the lock. On failure it is RESERVE again. */
static bool map_fresh(const struct pool *pool, struct span *fresh, const struct map_wish *how,
		      enum contig_reason *why)
{
	void *addr = span_address(fresh);
	size_t bytes = span_bytes(fresh);
	int ret;

	lock_drop(&zone_lock);
	ret = pool->how->map(pool, addr, bytes, how, why);
	lock_take(&zone_lock);
	if (ret) {
		span_give(fresh, SPAN_RESERVE_POOL, 0);
		return false;
	}
	note_mapped(pool, fresh, how);
	return true;
}

/* Cut @span (BUSY) to @units, the rest becomes FREE; if it cannot be cut the program has it all. */
static void cut_to(struct span *span, uint32_t units)
{
	struct span *rest;

	if (span->units > units) {
		rest = span_split(span, units);
		if (rest)
			span_give(rest, rest->pool, sys_now_ms());
	}
}

/* Can @span serve @wish, together with fresh pages of @pool behind it? */
static bool is_tail(const struct pool *pool, const struct span *span, const struct span_wish *wish)
{
	uint32_t start = (span->first + wish->align_units - 1) & ~(wish->align_units - 1);
	const struct span *behind = span_after(span);

	if (span->pool != pool->index || span->node != wish->node || !behind ||
	    behind->state != SPAN_RESERVE || start >= span_end(span))
		return false;
	/* Long enough as it is: span_fit() did not look so far, or it was freed only now. */
	if (span_end(span) - start >= wish->units)
		return false;
	return behind->units >= round_up(wish->units - (span_end(span) - start),
					 page_units_of(pool));
}

/* The largest FREE piece of @pool with room behind it for what it lacks of @wish. */
static struct span *best_tail(const struct pool *pool, const struct span_wish *wish)
{
	struct span *best = NULL;
	int left = TAILS_MOST;

	for (struct span *span = span_oldest(); span && left--; span = span_newer(span)) {
		if (!is_tail(pool, span, wish))
			continue;
		if (!best || span->units > best->units)
			best = span;
	}
	return best;
}

static struct span *grow_tail(const struct pool *pool, struct span *tail,
			      const struct span_wish *wish, const struct map_wish *how,
			      enum contig_reason *why)
{
	uint32_t start = (tail->first + wish->align_units - 1) & ~(wish->align_units - 1);
	uint32_t have = span_end(tail) - start;
	struct span *fresh;

	fresh = reserve_behind(span_end(tail),
			       round_up(wish->units - have, page_units_of(pool)));
	if (!fresh)
		return NULL;
	tail = span_carve(tail, start, have, SPAN_BUSY);
	if (!tail) {
		span_give(fresh, SPAN_RESERVE_POOL, 0);
		return NULL;
	}
	if (!map_fresh(pool, fresh, how, why)) {
		span_give(tail, tail->pool, sys_now_ms());
		return NULL;
	}
	span_join(tail, fresh);
	return tail;
}

/* Above the slots of huge pages while there is room. */
static struct span *reserve_anywhere(const struct span_wish *place)
{
	struct span_wish above = *place;
	struct span *where;

	above.low_units = (uint32_t)(zone_slot_bytes >> UNIT_SHIFT);
	where = span_fit(SPAN_RESERVE_POOL, &above);
	if (where)
		return span_carve(where, span_fit_start(where, &above), place->units, SPAN_BUSY);
	where = span_fit(SPAN_RESERVE_POOL, place);
	return where ? span_carve(where, span_fit_start(where, place), place->units, SPAN_BUSY) :
		       NULL;
}

static struct span *grow_anew(const struct pool *pool, const struct span_wish *wish,
			      const struct map_wish *how, enum contig_reason *why)
{
	uint32_t page_units = page_units_of(pool);
	struct span_wish place = {
		.units = round_up(wish->units, page_units),
		.align_units = wish->align_units > page_units ? wish->align_units : page_units,
		.node = wish->node,
	};
	struct span *fresh = reserve_anywhere(&place);

	*why = CONTIG_REASON_ZONE;
	if (!fresh)
		return NULL;
	return map_fresh(pool, fresh, how, why) ? fresh : NULL;
}

/*
 * A place for pages that begin at physical address @pa: their own slot, or else one that is
 * congruent with it as far as a card's largest page reaches.
 */
static struct span *reserve_for(uint64_t pa, size_t bytes, const struct span_wish *wish,
				uint32_t page_units)
{
	struct span_wish place = {
		.units = (uint32_t)(bytes >> UNIT_SHIFT), .align_units = CONGRUENT_UNITS,
		.phase_units = (uint32_t)(pa >> UNIT_SHIFT) & (CONGRUENT_UNITS - 1),
		.node = wish->node,
	};
	uint32_t slot = (uint32_t)(pa >> UNIT_SHIFT);
	struct span *where, *fresh;

	if (pa && wish->align_units <= CONGRUENT_UNITS &&
	    place.phase_units % wish->align_units == 0) {
		where = pa < zone_slot_bytes && bytes <= zone_slot_bytes - pa ?
			span_covering(slot) : NULL;
		if (where && where->state == SPAN_RESERVE && slot + place.units <= span_end(where))
			return span_carve(where, slot, place.units, SPAN_BUSY);
		fresh = reserve_anywhere(&place);
		if (fresh)
			return fresh;
	}
	place.phase_units = 0;
	place.align_units = wish->align_units > page_units ? wish->align_units : page_units;
	return reserve_anywhere(&place);
}

static struct span *settle(const struct pool *pool, const struct gathered *got,
			   const struct span_wish *wish, const struct map_wish *how,
			   bool *unable)
{
	struct span *fresh = reserve_for(got->pa, got->bytes, wish, page_units_of(pool));
	int ret = 0;

	lock_drop(&zone_lock);
	if (fresh)
		ret = gather_settle(got, span_address(fresh));
	else
		sys_unmap(got->addr, got->bytes);
	lock_take(&zone_lock);
	if (!fresh)
		return NULL;
	*unable = ret == -ENOSYS;
	if (ret) {
		span_give(fresh, SPAN_RESERVE_POOL, 0);
		return NULL;
	}
	gather_inherit(span_address(fresh), span_bytes(fresh));
	note_mapped(pool, fresh, how);
	return fresh;
}

/* *@unable: this kernel cannot move huge pages, the pages are back in the pool. */
static struct span *grow_gathered(const struct pool *pool, const struct span_wish *wish,
				  const struct map_wish *how, enum contig_reason *why,
				  bool *unable)
{
	size_t bytes = (size_t)round_up(wish->units, page_units_of(pool)) << UNIT_SHIFT;
	struct gathered got;
	int ret;

	lock_drop(&zone_lock);
	ret = gather_pages(pool, bytes, how, &got, why);
	lock_take(&zone_lock);
	*unable = ret == -ENOSYS;
	if (ret)
		return NULL;
	*why = CONTIG_REASON_ZONE;
	return settle(pool, &got, wish, how, unable);
}

/*
 * Is the physical order of the pages worth looking at: where it was promised, and where a request
 * is so large that beginning on a fresh page, instead of on what a neighbour left of one, costs
 * little. Small ones that nobody made a demand for are packed densely.
 */
static bool is_gathered(const struct pool *pool, const struct span_wish *wish,
			const struct map_wish *how)
{
	return pool->backing == BACKING_HUGETLB && how->populate && !wish->page_units &&
	       (how->promise || (wish->units >= GATHERED_UNITS && !how->blind));
}

struct span *block_grow(const struct pool *pool, const struct span_wish *wish,
			const struct map_wish *how, bool alone, enum contig_reason *why)
{
	struct span *tail, *span = NULL;
	bool unable;

	if (is_gathered(pool, wish, how)) {
		span = grow_gathered(pool, wish, how, why, &unable);
		if (!span && !unable)
			return NULL;
	}
	if (!span) {
		tail = alone || wish->page_units ? NULL : best_tail(pool, wish);
		span = tail ? grow_tail(pool, tail, wish, how, why) :
			      grow_anew(pool, wish, how, why);
	}
	if (!span)
		return NULL;
	cut_to(span, wish->units);
	span->state = SPAN_USED;
	return span;
}

bool block_extend(struct span *span, uint32_t units, const struct map_wish *how)
{
	const struct pool *pool = pool_at(span->pool);
	uint32_t missing = units - span->units, have = 0;
	struct span *next = span_after(span), *fresh = NULL;
	enum contig_reason why;

	if (next && next->state == SPAN_FREE && next->pool == span->pool &&
	    next->node == span->node)
		have = next->units < missing ? next->units : missing;
	if (have < missing) {
		fresh = reserve_behind(span_end(span) + have,
				       round_up(missing - have, page_units_of(pool)));
		if (!fresh)
			return false;
	}
	if (have) {
		next = span_carve(next, next->first, have, SPAN_BUSY);
		if (!next) {
			if (fresh)
				span_give(fresh, SPAN_RESERVE_POOL, 0);
			return false;
		}
	}
	if (fresh && !map_fresh(pool, fresh, how, &why)) {
		if (have)
			span_give(next, span->pool, sys_now_ms());
		pool_fell_through(pool, why);
		return false;
	}
	if (have)
		span_join(span, next);
	if (fresh)
		span_join(span, fresh);
	cut_to(span, units);
	return true;
}

uint64_t block_release(struct span *span, uint64_t most_bytes)
{
	const struct pool *pool = pool_at(span->pool);
	uint32_t page_units = page_units_of(pool);
	uint32_t first = round_up(span->first, page_units);
	uint32_t end = span_end(span) / page_units * page_units;
	uint64_t most_units = (most_bytes >> UNIT_SHIFT) + !!(most_bytes & (UNIT_BYTES - 1));
	uint64_t bytes;
	int ret;

	if (end <= first)
		return 0;
	if (end - first > most_units)
		first = end - round_up((uint32_t)most_units, page_units);
	span = span_carve(span, first, end - first, SPAN_BUSY);
	if (!span)
		return 0;
	bytes = span_bytes(span);
	lock_drop(&zone_lock);
	ret = zone_seal(span_address(span), bytes);
	lock_take(&zone_lock);
	if (ret) {	/* at the limit of mappings, for one; it stays kept */
		span_give(span, pool->index, sys_now_ms());
		return 0;
	}
	demote_forget(span_address(span), bytes);
	span_give(span, SPAN_RESERVE_POOL, 0);
	figures_sub(&pool_stats(pool)->mapped_bytes, bytes);
	figures_add(&contig_stats.released_bytes, bytes);
	return bytes;
}

static bool releasable(const struct span *span)
{
	uint32_t page_units = page_units_of(pool_at(span->pool));

	return round_up(span->first, page_units) < span_end(span) / page_units * page_units;
}

/* Pages of a pool are whole or not at all; all others can go 4 KiB at a time. */
static bool can_be_emptied(const struct span *span)
{
	return pool_at(span->pool)->backing != BACKING_HUGETLB;
}

/*
 * The memory of @span (FREE), which shares its pages with neighbours in use, goes; the mapping
 * stays, for a hole in it would cost the neighbours more. Return: false: it could not.
 */
static bool empty_out(struct span *span)
{
	size_t bytes = span_bytes(span);
	int ret;

	span = span_carve(span, span->first, span->units, SPAN_BUSY);
	lock_drop(&zone_lock);
	ret = sys_advise(span_address(span), bytes, MADV_DONTNEED);
	lock_take(&zone_lock);
	if (ret) {	/* locked in memory, for one; it stays kept */
		span_give(span, span->pool, sys_now_ms());
		return false;
	}
	span->zero = span->empty = true;
	figures_add(&contig_stats.released_bytes, bytes);
	span = span_give(span, span->pool, sys_now_ms());
	/* With what another thread emptied meanwhile it may be whole pages, which nobody looks for. */
	if (span->empty && releasable(span))
		block_release(span, UINT64_MAX);
	return true;
}

uint64_t block_release_pool(const struct pool *pool)
{
	struct span *span = span_oldest();
	uint64_t bytes = 0, got;

	while (span) {
		if (span->pool != pool->index || !releasable(span)) {
			span = span_newer(span);
			continue;
		}
		got = block_release(span, UINT64_MAX);
		if (!got)
			break;
		bytes += got;
		span = span_oldest();
	}
	return bytes;
}

/*
 * Go through what is kept, oldest first, at most @looks of it, giving back whole pages. Then there
 * are the ends of pages somebody else is on. Emptied, they cost their neighbours a huge page; so
 * only what was in use and is too old, or, with @ends, all that is asked for.
 * Return: some that could be emptied was left.
 */
static bool trim_pass(uint64_t keep_bytes, uint64_t before_ms, bool ends, uint32_t looks)
{
	struct span *span = span_oldest(), *first_passed = NULL;
	bool left = false;

	while (span && span != first_passed && looks--) {
		uint64_t kept = span_free_bytes();
		bool expired = before_ms && span->freed_ms <= before_ms;

		if (kept <= keep_bytes && !expired)
			break;
		if (releasable(span)) {
			if (!block_release(span, expired ? UINT64_MAX : kept - keep_bytes))
				break;
		} else if (can_be_emptied(span) && (ends ? kept > keep_bytes :
						    expired && !span->zero)) {
			if (!empty_out(span))
				break;
		} else {
			/*
			 * Young again, or each call would come upon it anew. It can go once its
			 * neighbour is freed, and is as young as it then.
			 */
			first_passed = first_passed ? first_passed : span;
			left |= can_be_emptied(span);
			span_refresh(span, sys_now_ms());
		}
		span = span_oldest();
	}
	return left;
}

static void trim(uint64_t keep_bytes, uint64_t before_ms, uint32_t looks)
{
	if (trim_pass(keep_bytes, before_ms, false, looks) && span_free_bytes() > keep_bytes)
		trim_pass(keep_bytes, 0, true, looks);
	figures_set(&contig_stats.retained_bytes, span_free_bytes());
}

void block_trim(uint64_t keep_bytes, uint64_t before_ms)
{
	trim(keep_bytes, before_ms, TRIM_LOOKS);
}

void block_trim_all(void)
{
	/* Each once, and two ends that releasing its whole pages may leave. */
	trim(0, UINT64_MAX, 3 * span_kept_count());
}
