/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>

#include "alter.h"
#include "block.h"
#include "figures.h"
#include "promise.h"
#include "sys.h"

/* What may be kept beyond what was ever in use at one time, so that small programs keep some. */
#define KEEP_LEAST	(16 * MIB)
#define KEEP_PERCENT	23

#define SHORT_MS	1000	/* how long a pool that was too small is taken to be so */

/* Guarded by: zone_lock. */
static uint64_t live_bytes, peak_bytes;
static uint64_t rule_bytes[POLICY_RULES + 2];	/* but atomic, read without it to decide */
static uint64_t retain_bytes = 256 * MIB, decay_ms = 10000;

static bool promised;			/* some time, to somebody; read without the lock */
static bool sandboxed;		/* files may be out of reach by now, and to ask for one be fatal */

void place_init(uint64_t retain, uint64_t decay)
{
	retain_bytes = retain;
	decay_ms = decay;
}

const uint64_t *place_rule_bytes(void)
{
	return rule_bytes;
}

void place_count_rule(int rule, uint64_t bytes)
{
	figures_add(&rule_bytes[rule], bytes);
}

/*
 * Kept memory is bounded by `retain`, and by what keeps live and kept together within 1.23 of
 * the most that was ever live: a program's footprint must not grow by being served. With a fifth
 * instead, five of a hundred requests of a mixed load found nothing that fits; with this, one.
 */
static uint64_t keep_limit(uint64_t live, uint64_t peak)
{
	uint64_t slack = peak / 100 * KEEP_PERCENT > KEEP_LEAST ?
			 peak / 100 * KEEP_PERCENT : KEEP_LEAST;
	uint64_t room = peak + slack - live;

	return room < retain_bytes ? room : retain_bytes;
}

static void trim_locked(void)
{
	uint64_t now = sys_now_ms();

	block_trim(keep_limit(live_bytes, peak_bytes), now > decay_ms ? now - decay_ms : 0);
}

static void account_bytes(const struct span *span, uint64_t bytes, bool taken)
{
	struct contig_pool_stats *stats = pool_stats(pool_at(span->pool));

	if (taken) {
		live_bytes += bytes;
		if (live_bytes > peak_bytes)
			peak_bytes = live_bytes;
		figures_add(&stats->live_bytes, bytes);
		figures_raise(&stats->peak_bytes, stats->live_bytes);
	} else {
		live_bytes -= bytes;
		figures_sub(&stats->live_bytes, bytes);
	}
	if (span->rule >= 0)
		figures_add(&rule_bytes[span->rule], taken ? bytes : -bytes);
}

/*
 * The largest allocation alive, for those who look from outside. When it is freed the next one is
 * not looked for, since that would be a walk over all: the next request is the largest known then.
 */
static void note_largest(const struct span *span)
{
	struct contig_pool_stats *stats = pool_stats(pool_at(span->pool));
	uint64_t address = (uintptr_t)span_address(span);

	if (span_bytes(span) < stats->largest_bytes && address != stats->largest_address)
		return;
	figures_set(&stats->largest_address, address);
	figures_set(&stats->largest_bytes, span_bytes(span));
}

static void forget_largest(const struct span *span)
{
	struct contig_pool_stats *stats = pool_stats(pool_at(span->pool));

	if ((uintptr_t)span_address(span) != stats->largest_address)
		return;
	figures_set(&stats->largest_address, 0);
	figures_set(&stats->largest_bytes, 0);
}

static void account(const struct span *span, bool taken)
{
	account_bytes(span, span_bytes(span), taken);
	if (taken)
		note_largest(span);
	else
		forget_largest(span);
}

static bool needs_check(const struct decision *decision)
{
	return promise_made(&decision->contiguity);
}

static struct span_wish span_wish_of(const struct pool *pool, const struct place_wish *wish,
				     int node)
{
	struct span_wish out = {
		.units = (uint32_t)((wish->bytes + UNIT_BYTES - 1) >> UNIT_SHIFT),
		.align_units = wish->align > UNIT_BYTES ?
			       (uint32_t)(wish->align >> UNIT_SHIFT) : 1,
		.node = (int16_t)node,
	};
	uint32_t page_units = (uint32_t)(pool->page_bytes >> UNIT_SHIFT);

	if (wish->decision->contiguity.kind == CONTIGUITY_WHOLE &&
	    promise_by_one_page(pool, &wish->decision->contiguity, wish->bytes))
		out.page_units = page_units;
	else if (needs_check(wish->decision) && out.align_units < page_units)
		out.align_units = page_units;
	return out;
}

/* From what is kept; of huge pages only where a promise was made, others may have been split. */
static struct span *reuse(const struct pool *pool, const struct place_wish *wish,
			  const struct span_wish *like)
{
	const struct contiguity *promise = &wish->decision->contiguity;
	uint32_t start = SPAN_NOWHERE;
	struct span *span;

	if (promise_made(promise) && pool->backing != BACKING_HUGETLB)
		return NULL;
	if (promise_by_pfn(pool, promise, wish->bytes)) {
		span = promise_find(pool, promise, like, &start);
	} else {
		span = span_fit(pool->index, like);
		if (span)
			start = span_fit_start(span, like);
	}
	if (!span)
		return NULL;
	span = span_carve(span, start, like->units, SPAN_USED);
	if (span && promise_made(promise) &&
	    !promise_kept(pool, promise, span_address(span), wish->bytes)) {
		span_give(span, pool->index, sys_now_ms());
		return NULL;
	}
	if (span)
		figures_add(&pool_stats(pool)->reused, 1);
	return span;
}

static struct map_wish map_wish_of(const struct pool *pool, const struct place_wish *wish,
				   int node)
{
	enum populate_id populate = wish->decision->populate;

	return (struct map_wish){
		.node = node,
		.blind = __atomic_load_n(&sandboxed, __ATOMIC_RELAXED),
		.promise = promise_by_pfn(pool, &wish->decision->contiguity, wish->bytes) ?
			   &wish->decision->contiguity : NULL,
		.populate = populate == POPULATE_YES || needs_check(wish->decision) ||
			    (populate == POPULATE_AUTO && pool->backing == BACKING_HUGETLB),
	};
}

/*
 * Would this pool serve if it had back what is kept of it? Pieces too small, or parts of the only
 * run that keeps a promise.
 */
static bool kept_is_missing(const struct pool *pool, enum contig_reason why)
{
	return (why == CONTIG_REASON_POOL || why == CONTIG_REASON_PROMISE) &&
	       span_free_bytes_of(pool->index);
}

/* From the system. What is kept of this pool goes back first if it must. */
static struct span *grow(const struct pool *pool, const struct place_wish *wish,
			 const struct span_wish *like, const struct map_wish *how)
{
	enum contig_reason why = CONTIG_REASON_MAP;
	struct span *span;
	size_t bytes;

	span = block_grow(pool, like, how, needs_check(wish->decision), &why);
	if (!span && kept_is_missing(pool, why) && block_release_pool(pool))
		span = block_grow(pool, like, how, needs_check(wish->decision), &why);
	if (!span) {
		pool_fell_through(pool, why);
		return NULL;
	}
	if (needs_check(wish->decision) &&
	    !promise_kept(pool, &wish->decision->contiguity, span_address(span), wish->bytes)) {
		bytes = span_bytes(span);
		block_release(span_give(span, pool->index, sys_now_ms()), bytes);
		pool_fell_through(pool, CONTIG_REASON_PROMISE);
		return NULL;
	}
	return span;
}

/* `hugetlb` alone: no page whose rounding would waste as much as the request, or more. */
static bool wasteful(const struct pool *pool, const struct chain_link *link,
		     const struct place_wish *wish)
{
	uint64_t rounded = (wish->bytes + pool->page_bytes - 1) / pool->page_bytes *
			   pool->page_bytes;

	return pool->backing == BACKING_HUGETLB && !link->page_bytes &&
	       rounded - wish->bytes >= wish->bytes;
}

/* Pages of a reused span may never have been touched; a demand to populate holds all the same. */
static bool populate_rest(const struct pool *pool, struct span *span, const struct map_wish *how)
{
	int ret;

	if (!how->populate || (pool->backing == BACKING_HUGETLB && !span->sparse))
		return true;
	lock_drop(&zone_lock);
	ret = sys_populate(span_address(span), span_bytes(span));
	lock_take(&zone_lock);
	if (!ret) {
		span->sparse = false;
		return true;
	}
	span_give(span, pool->index, sys_now_ms());
	pool_fell_through(pool, CONTIG_REASON_POPULATE);
	return false;
}

static struct span *from_pool(const struct pool *pool, const struct chain_link *link,
			      const struct place_wish *wish, int node, bool kept)
{
	struct span_wish like = span_wish_of(pool, wish, node);
	struct map_wish how = map_wish_of(pool, wish, node);
	struct span *span;

	if (kept) {
		span = reuse(pool, wish, &like);
	} else if (wasteful(pool, link, wish)) {
		pool_fell_through(pool, CONTIG_REASON_WASTE);
		return NULL;
	} else {
		span = grow(pool, wish, &like, &how);
	}
	return span && populate_rest(pool, span, &how) ? span : NULL;
}

/* One way along the chain: from what is kept (@kept), or from the system. */
static struct span *along_chain(const struct place_wish *wish, int node, bool kept)
{
	const struct chain *chain = wish->decision->chain;
	struct span *span;

	for (unsigned int i = 0; i < chain->count; i++) {
		for (unsigned int k = 0; k < pool_count(); k++) {
			const struct pool *pool = pool_at(k);

			if (!pool_serves(pool, &chain->link[i]))
				continue;
			if (!pool->usable) {
				if (!kept)
					pool_fell_through(pool, CONTIG_REASON_ABSENT);
				continue;
			}
			span = from_pool(pool, &chain->link[i], wish, node, kept);
			if (span)
				return span;
		}
	}
	return NULL;
}

/* Before the system is asked: room for the request under the limit, by what is kept longest. */
static void make_room_locked(size_t bytes)
{
	uint64_t live = live_bytes + bytes;
	uint64_t peak = live > peak_bytes ? live : peak_bytes;

	block_trim(keep_limit(live, peak), 0);
}

int place_take(const struct place_wish *wish, struct place_result *out)
{
	int node = wish->decision->node;
	struct span *span;

	if (!zone.bytes || wish->bytes > zone.bytes || wish->align > zone.bytes / 2)
		return -ENOMEM;
	if (node == NODE_LOCAL)
		node = sys_current_node();
	lock_take(&zone_lock);
	if (span_init()) {
		lock_drop(&zone_lock);
		return -ENOMEM;
	}
	trim_locked();	/* before part of what is too old is made young again by its next user */
	span = along_chain(wish, node, true);
	if (!span) {
		make_room_locked(wish->bytes);
		span = along_chain(wish, node, false);
	}
	if (!span) {
		lock_drop(&zone_lock);
		return -ENOMEM;
	}
	span->rule = (int16_t)wish->decision->rule;
	span->fixed = needs_check(wish->decision);
	if (span->fixed)
		__atomic_store_n(&promised, true, __ATOMIC_RELAXED);
	account(span, true);
	*out = (struct place_result){ span_address(span), span->zero, pool_at(span->pool) };
	span->zero = false;
	figures_add(&pool_stats(out->pool)->allocations, 1);
	figures_set(&contig_stats.retained_bytes, span_free_bytes());
	lock_drop(&zone_lock);
	return 0;
}

static struct span *used_at(const void *p)
{
	struct span *span = span_at(span_unit(p));

	if (!span || span->state != SPAN_USED || span_address(span) != p)
		return NULL;
	return span;
}

static enum place_error wrong_pointer(const void *p)
{
	const struct span *span = span_covering(span_unit(p));

	return span && span->state == SPAN_USED ? PLACE_INSIDE : PLACE_FREED;
}

bool place_promised(void)
{
	return __atomic_load_n(&promised, __ATOMIC_RELAXED);
}

enum place_error place_free(void *p)
{
	enum place_error error = PLACE_OK;
	struct span *span;

	lock_take(&zone_lock);
	span = used_at(p);
	if (span && span->pool == SPAN_RESERVE_POOL) {
		span_give(span, SPAN_RESERVE_POOL, 0);	/* lost at a fork with `dontfork` */
	} else if (span) {
		account(span, false);
		figures_add(&pool_stats(pool_at(span->pool))->frees, 1);
		if (span->altered && !alter_restore(span)) {
			span->state = SPAN_BUSY;	/* for good: nobody can use it again */
		} else {
			span_give(span, span->pool, sys_now_ms());
			trim_locked();
		}
	} else {
		error = wrong_pointer(p);
	}
	lock_drop(&zone_lock);
	return error;
}

enum place_error place_wrong(const void *p)
{
	enum place_error error;

	lock_take(&zone_lock);
	error = wrong_pointer(p);
	lock_drop(&zone_lock);
	return error;
}

size_t place_bytes(const void *p)
{
	const struct span *span;
	size_t bytes;

	lock_take(&zone_lock);
	span = used_at(p);
	bytes = span ? span_bytes(span) : 0;
	lock_drop(&zone_lock);
	return bytes;
}

const struct pool *place_pool(const void *p)
{
	const struct pool *pool = NULL;
	const struct span *span;

	lock_take(&zone_lock);
	span = used_at(p);
	if (span && span->pool != SPAN_RESERVE_POOL)
		pool = pool_at(span->pool);
	lock_drop(&zone_lock);
	return pool;
}

static bool shrink_locked(struct span *span, uint32_t units)
{
	struct span *rest;

	if (units == span->units)
		return true;
	rest = span_split(span, units);
	if (!rest)
		return true;
	account(rest, false);
	note_largest(span);
	span_give(rest, rest->pool, sys_now_ms());
	trim_locked();
	return true;
}

static bool grow_locked(struct span *span, uint32_t units, const struct decision *decision)
{
	struct place_wish wish = { .decision = decision };
	const struct pool *pool = pool_at(span->pool);
	struct map_wish how = map_wish_of(pool, &wish, span->node);
	uint32_t had = span->units;
	bool grown;

	if (span->fixed || span->rule != decision->rule || needs_check(decision))
		return false;
	make_room_locked((size_t)(units - had) << UNIT_SHIFT);
	grown = block_extend(span, units, &how);
	if (!grown)
		return false;
	account_bytes(span, (uint64_t)(span->units - had) << UNIT_SHIFT, true);
	note_largest(span);
	figures_add(&contig_stats.grown, 1);
	if (how.populate && (pool->backing != BACKING_HUGETLB || span->sparse)) {
		lock_drop(&zone_lock);	/* what cannot be populated is there all the same */
		sys_populate(span_address(span), span_bytes(span));
		lock_take(&zone_lock);
	}
	return true;
}

bool place_resize(void *p, size_t bytes, const struct decision *decision)
{
	uint32_t units = (uint32_t)((bytes + UNIT_BYTES - 1) >> UNIT_SHIFT);
	struct span *span;
	bool done = false;

	if (!bytes || bytes > zone.bytes)
		return false;
	lock_take(&zone_lock);
	span = used_at(p);
	if (span && span->pool != SPAN_RESERVE_POOL && !span->altered)
		done = units <= span->units ? shrink_locked(span, units) :
					      grow_locked(span, units, decision);
	lock_drop(&zone_lock);
	return done;
}

void place_sandbox(void)
{
	pool_count();
	__atomic_store_n(&sandboxed, true, __ATOMIC_RELAXED);
}

/* What did not fit a moment ago does not now: a buffer that grows step by step asks often. */
static bool spare_holds(const struct pool *pool, size_t bytes)
{
	static uint64_t short_bytes[CONTIG_POOLS], short_ms[CONTIG_POOLS];
	uint64_t now = sys_now_ms();

	if (bytes >= __atomic_load_n(&short_bytes[pool->index], __ATOMIC_RELAXED) &&
	    now - __atomic_load_n(&short_ms[pool->index], __ATOMIC_RELAXED) < SHORT_MS)
		return false;
	if (pool_spare_bytes(pool) / pool->page_bytes * pool->page_bytes >= bytes)
		return true;
	__atomic_store_n(&short_bytes[pool->index], bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&short_ms[pool->index], now, __ATOMIC_RELAXED);
	return false;
}

bool place_better(const void *p, size_t bytes, const struct decision *decision)
{
	struct place_wish wish = { .decision = decision, .bytes = bytes, .align = 1 };
	const struct chain_link *first = decision->chain->link;
	const struct pool *have = place_pool(p);

	if (!have || __atomic_load_n(&sandboxed, __ATOMIC_RELAXED) || !decision->chain->count ||
	    first->backing != BACKING_HUGETLB || pool_serves(have, first))
		return false;
	for (unsigned int k = 0; k < pool_count(); k++) {
		const struct pool *pool = pool_at(k);

		if (pool_serves(pool, first) && !wasteful(pool, first, &wish) &&
		    spare_holds(pool, bytes))
			return true;
	}
	return false;
}

/* @whole: all of it lies on other pages, not only a part. */
static struct span *adopt_one(struct span *span, const struct pool *pool, bool whole)
{
	struct contig_pool_stats *stats = pool_stats(pool_at(span->pool));
	uint64_t bytes = span_bytes(span);

	figures_sub(&stats->mapped_bytes, bytes);
	if (pool)
		figures_add(&pool_stats(pool)->mapped_bytes, bytes);
	if (span->state == SPAN_FREE)
		span = span_carve(span, span->first, span->units, SPAN_BUSY);
	if (span->state == SPAN_BUSY) {	/* also of a thread that the child does not have */
		span->zero = whole;	/* only what was in use was copied */
		return span_give(span, pool ? pool->index : SPAN_RESERVE_POOL, sys_now_ms());
	}
	account(span, false);
	if (!pool && span->rule >= 0)
		span->rule = -1;
	span->pool = pool ? pool->index : SPAN_RESERVE_POOL;
	span->fixed = false;
	if (pool)
		account(span, true);
	return span;
}

/* A range can begin or end inside a span, where pages of it were demoted: the kernel has those. */
void place_adopt(void *addr, size_t bytes, const struct pool *pool)
{
	uint32_t first = span_unit(addr), end = first + (uint32_t)(bytes >> UNIT_SHIFT);
	unsigned int index = pool ? pool->index : SPAN_RESERVE_POOL;

	for (uint32_t unit = first; unit < end;) {
		struct span *span = span_at(unit);

		if (!span)
			span = span_covering(unit);
		if (span->pool != index)
			span = adopt_one(span, pool, span->first >= first &&
					 span->first + span->units <= end);
		unit = span->first + span->units;
	}
}

uint64_t place_release(void)
{
	uint64_t before, after;

	lock_take(&zone_lock);
	before = span_free_bytes();
	block_trim_all();
	after = span_free_bytes();
	lock_drop(&zone_lock);
	return before > after ? before - after : 0;
}

void place_decay(void)
{
	if (!contig_stats.retained_bytes || !lock_try(&zone_lock))
		return;
	trim_locked();
	lock_drop(&zone_lock);
}
