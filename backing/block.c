/* SPDX-License-Identifier: MIT */
#include "block.h"

#include "demote.h"
#include "figures.h"
#include "sys.h"

/* How many kept spans are looked at for one that ends where the address space is free. */
enum { TAILS_MOST = 64 };

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
	fresh->pool = pool->index;
	fresh->node = (int16_t)how->node;
	fresh->zero = true;
	fresh->sparse = pool->backing == BACKING_HUGETLB && !how->populate;
	figures_add(&pool_stats(pool)->mapped_bytes, bytes);
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

static struct span *grow_anew(const struct pool *pool, const struct span_wish *wish,
			      const struct map_wish *how, enum contig_reason *why)
{
	uint32_t page_units = page_units_of(pool);
	struct span_wish place = {
		.units = round_up(wish->units, page_units),
		.align_units = wish->align_units > page_units ? wish->align_units : page_units,
		.node = wish->node,
	};
	struct span *where = span_fit(SPAN_RESERVE_POOL, &place);
	struct span *fresh;

	*why = CONTIG_REASON_ZONE;
	if (!where)
		return NULL;
	fresh = span_carve(where, span_fit_start(where, &place), place.units, SPAN_BUSY);
	if (!fresh)
		return NULL;
	return map_fresh(pool, fresh, how, why) ? fresh : NULL;
}

struct span *block_grow(const struct pool *pool, const struct span_wish *wish,
			const struct map_wish *how, bool alone, enum contig_reason *why)
{
	struct span *tail = alone || wish->page_units ? NULL : best_tail(pool, wish);
	struct span *span = NULL;

	if (tail)
		span = grow_tail(pool, tail, wish, how, why);
	else
		span = grow_anew(pool, wish, how, why);
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

void block_trim(uint64_t keep_bytes, uint64_t before_ms)
{
	struct span *span = span_oldest(), *first_passed = NULL;
	int looks = TRIM_LOOKS;

	while (span && span != first_passed && looks--) {
		uint64_t kept = span_free_bytes();
		bool expired = before_ms && span->freed_ms <= before_ms;

		if (kept <= keep_bytes && !expired)
			break;
		/*
		 * The end of a page somebody else is on: young again, or each call would come
		 * upon it anew. It can go once that neighbour is freed, and is as young as it then.
		 */
		if (!releasable(span)) {
			first_passed = first_passed ? first_passed : span;
			span_refresh(span, sys_now_ms());
			span = span_oldest();
			continue;
		}
		if (!block_release(span, expired ? UINT64_MAX : kept - keep_bytes))
			break;
		span = span_oldest();
	}
	figures_set(&contig_stats.retained_bytes, span_free_bytes());
}
