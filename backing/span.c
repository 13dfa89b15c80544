/* SPDX-License-Identifier: MIT */
#include "span.h"

#include <errno.h>
#include <sys/mman.h>

#include "policy.h"

enum {
	SPANS_MOST = 1 << 20,	/* descriptors: 64 MiB of addresses, touched as they are used */
	SUBS = 8,		/* bins in a doubling */
	BINS = 32 * SUBS,
	BIN_WORDS = BINS / 64,
	SCAN = 32,		/* spans looked at in one bin: the list may be long, the gain is small */
};

struct shelf {			/* the bins of one pool */
	uint64_t filled[BIN_WORDS];
	uint32_t head[BINS];
};

/* Guarded by: zone_lock, all of it. */
static uint32_t *unit_span;	/* unit -> id, for first and last units; 0 inside */
static uint32_t unit_first, unit_count;	/* of the zone: [unit_first, unit_count) */
static struct span *spans;	/* by id; 0 is nobody */
static uint32_t spans_used = 1, spans_spare;
static struct shelf shelves[CONTIG_POOLS + 1];
static uint32_t oldest, newest, kept_count;
static uint64_t free_units[CONTIG_POOLS + 1];

static uint32_t id_of(const struct span *span)
{
	return span ? (uint32_t)(span - spans) : 0;
}

static struct span *span_of(uint32_t id)
{
	return id ? &spans[id] : NULL;
}

static struct span *descriptor_take(void)
{
	uint32_t id = spans_spare;

	if (id) {
		spans_spare = spans[id].bin_next;
	} else {
		if (spans_used == SPANS_MOST)
			return NULL;
		id = spans_used++;
	}
	spans[id] = (struct span){ .rule = -1 };
	return &spans[id];
}

static void descriptor_drop(struct span *span)
{
	span->state = SPAN_NONE;
	span->bin_next = spans_spare;
	spans_spare = id_of(span);
}

static void mark(struct span *span, uint32_t id)
{
	unit_span[span->first] = id;
	unit_span[span->first + span->units - 1] = id;
}

/* Eight bins a doubling: the sizes in one differ by an eighth at most. */
static unsigned int bin_of(uint32_t units)
{
	unsigned int top = 31 - (unsigned int)__builtin_clz(units);

	if (top < 3)
		return units;
	return (top - 2) * SUBS + (units >> (top - 3)) % SUBS;
}

static bool is_kept(const struct span *span)
{
	return span->state == SPAN_FREE || span->state == SPAN_RESERVE;
}

static void bin_insert(struct span *span)
{
	struct shelf *shelf = &shelves[span->pool];
	unsigned int bin = bin_of(span->units);
	struct span *head = span_of(shelf->head[bin]);

	span->bin_prev = 0;
	span->bin_next = id_of(head);
	if (head)
		head->bin_prev = id_of(span);
	shelf->head[bin] = id_of(span);
	shelf->filled[bin / 64] |= 1ull << bin % 64;
	free_units[span->pool] += span->empty ? 0 : span->units;
}

static void bin_remove(struct span *span)
{
	struct shelf *shelf = &shelves[span->pool];
	unsigned int bin = bin_of(span->units);

	if (span->bin_next)
		spans[span->bin_next].bin_prev = span->bin_prev;
	if (span->bin_prev)
		spans[span->bin_prev].bin_next = span->bin_next;
	else
		shelf->head[bin] = span->bin_next;
	if (!shelf->head[bin])
		shelf->filled[bin / 64] &= ~(1ull << bin % 64);
	free_units[span->pool] -= span->empty ? 0 : span->units;
}

static void age_remove(struct span *span)
{
	if (span->newer)
		spans[span->newer].older = span->older;
	else
		newest = span->older;
	if (span->older)
		spans[span->older].newer = span->newer;
	else
		oldest = span->newer;
	span->older = span->newer = 0;
	kept_count--;
}

/* Youngest last, but a piece cut from an old span keeps its place right behind @next_newer. */
static void age_insert(struct span *span, uint32_t next_newer)
{
	uint32_t id = id_of(span);

	span->newer = next_newer;
	span->older = next_newer ? spans[next_newer].older : newest;
	if (span->older)
		spans[span->older].newer = id;
	else
		oldest = id;
	if (next_newer)
		spans[next_newer].older = id;
	else
		newest = id;
	kept_count++;
}

static void keep(struct span *span, uint32_t next_newer)
{
	bin_insert(span);
	if (span->state == SPAN_FREE && !span->empty)
		age_insert(span, next_newer);
}

static void unkeep(struct span *span)
{
	bin_remove(span);
	if (span->state == SPAN_FREE && !span->empty)
		age_remove(span);
}

int span_init(void)
{
	struct span *all;
	void *table, *descriptors;
	uint32_t units;
	int ret;

	if (spans)
		return 0;
	units = (uint32_t)(zone.bytes >> UNIT_SHIFT);
	ret = sys_map(NULL, (size_t)units * sizeof(*unit_span), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_NORESERVE, &table);
	if (ret)
		return ret;
	ret = sys_map(NULL, SPANS_MOST * sizeof(*spans), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_NORESERVE, &descriptors);
	if (ret) {
		sys_unmap(table, (size_t)units * sizeof(*unit_span));
		return ret;
	}
	unit_count = units;
	unit_span = table;
	spans = descriptors;
	all = descriptor_take();
	*all = (struct span){
		.units = unit_count, .state = SPAN_RESERVE, .pool = SPAN_RESERVE_POOL,
		.zero = true, .node = NODE_ANY, .rule = -1,
	};
	mark(all, id_of(all));
	keep(all, 0);
	return 0;
}

struct span *span_at(uint32_t unit)
{
	return unit >= unit_first && unit < unit_count ? span_of(unit_span[unit]) : NULL;
}

struct span *span_after(const struct span *span)
{
	return span_at(span->first + span->units);
}

struct span *span_covering(uint32_t unit)
{
	for (uint32_t id = 1; id < spans_used; id++)
		if (spans[id].state && unit - spans[id].first < spans[id].units)
			return &spans[id];
	return NULL;
}

static uint32_t align_up(uint32_t unit, uint32_t align)
{
	return (unit + align - 1) & ~(align - 1);
}

uint32_t span_fit_start(const struct span *span, const struct span_wish *wish)
{
	uint32_t low = span->first > wish->low_units ? span->first : wish->low_units;
	uint32_t start = low + (wish->phase_units - low) % wish->align_units;
	uint32_t end = span->first + span->units;

	/* RESERVE is bound to no node yet; mapping it will bind it. */
	if (span->state == SPAN_FREE && span->node != wish->node)
		return SPAN_NOWHERE;
	if (wish->page_units &&
	    start / wish->page_units != (start + wish->units - 1) / wish->page_units)
		start = align_up(align_up(start, wish->page_units), wish->align_units);
	if (start < span->first || start > end || end - start < wish->units)
		return SPAN_NOWHERE;
	return start;
}

/* The smallest that fits of the first few; ties to the lower address keep the zone compact. */
static struct span *best_in_bin(const struct shelf *shelf, unsigned int bin,
				const struct span_wish *wish)
{
	struct span *best = NULL;
	int left = SCAN;

	for (struct span *span = span_of(shelf->head[bin]); span && left--;
	     span = span_of(span->bin_next)) {
		if (span_fit_start(span, wish) == SPAN_NOWHERE)
			continue;
		if (!best || span->units < best->units ||
		    (span->units == best->units && span->first < best->first))
			best = span;
	}
	return best;
}

struct span *span_fit(unsigned int pool, const struct span_wish *wish)
{
	const struct shelf *shelf = &shelves[pool];
	unsigned int bin = bin_of(wish->units);
	struct span *best;
	uint64_t filled;

	for (unsigned int word = bin / 64; word < BIN_WORDS; word++) {
		filled = shelf->filled[word];
		if (word == bin / 64)
			filled &= ~0ull << bin % 64;
		for (; filled; filled &= filled - 1) {
			best = best_in_bin(shelf, word * 64 + (unsigned int)__builtin_ctzll(filled),
					   wish);
			if (best)
				return best;
		}
	}
	return NULL;
}

/* @part, cut from @whole, becomes a kept span like it, of the same age. */
static void part_like(struct span *part, const struct span *whole, uint32_t first, uint32_t units,
		      uint32_t next_newer)
{
	*part = *whole;
	part->first = first;
	part->units = units;
	mark(part, id_of(part));
	keep(part, next_newer);
}

struct span *span_carve(struct span *span, uint32_t start, uint32_t units, enum span_state state)
{
	uint32_t before = start - span->first, next_newer = span->newer;
	uint32_t after = span->first + span->units - (start + units);
	struct span *low = NULL, *high = NULL, whole = *span;

	if (before && !(low = descriptor_take()))
		return NULL;
	if (after && !(high = descriptor_take())) {
		if (low)
			descriptor_drop(low);
		return NULL;
	}
	unkeep(span);
	mark(span, 0);
	if (low)
		part_like(low, &whole, whole.first, before, next_newer);
	if (high)
		part_like(high, &whole, start + units, after, next_newer);
	span->first = start;
	span->units = units;
	span->state = state;
	span->empty = false;
	mark(span, id_of(span));
	return span;
}

struct span *span_split(struct span *span, uint32_t units_low)
{
	struct span *high = descriptor_take();

	if (!high)
		return NULL;
	mark(span, 0);
	*high = *span;
	high->first = span->first + units_low;
	high->units = span->units - units_low;
	span->units = units_low;
	mark(span, id_of(span));
	mark(high, id_of(high));
	return high;
}

void span_join(struct span *lower, struct span *upper)
{
	mark(lower, 0);
	mark(upper, 0);
	lower->units += upper->units;
	lower->zero = lower->zero && upper->zero;
	lower->empty = lower->empty && upper->empty;
	lower->sparse = lower->sparse || upper->sparse;
	descriptor_drop(upper);
	mark(lower, id_of(lower));
}

static bool alike(const struct span *kept, const struct span *given)
{
	return kept && is_kept(kept) && kept->state == given->state && kept->pool == given->pool &&
	       (kept->state == SPAN_RESERVE || kept->node == given->node);
}

struct span *span_give(struct span *span, unsigned int pool, uint64_t now_ms)
{
	struct span *before, *after;

	span->state = pool == SPAN_RESERVE_POOL ? SPAN_RESERVE : SPAN_FREE;
	span->pool = (uint8_t)pool;
	span->rule = -1;
	span->fixed = false;
	span->altered = false;
	span->thread = false;
	before = span->first ? span_at(span->first - 1) : NULL;
	after = span_after(span);
	if (alike(after, span)) {
		unkeep(after);
		span_join(span, after);
	}
	if (alike(before, span)) {
		unkeep(before);
		span_join(before, span);
		span = before;
	}
	span->freed_ms = now_ms;
	keep(span, 0);
	return span;
}

void span_refresh(struct span *span, uint64_t now_ms)
{
	span->freed_ms = now_ms;
	age_remove(span);
	age_insert(span, 0);
}

struct span *span_oldest(void)
{
	return span_of(oldest);
}

struct span *span_newer(const struct span *span)
{
	return span_of(span->newer);
}

uint32_t span_kept_count(void)
{
	return kept_count;
}

uint64_t span_free_bytes_of(unsigned int pool)
{
	return free_units[pool] << UNIT_SHIFT;
}

uint64_t span_free_bytes(void)
{
	uint64_t units = 0;

	for (unsigned int pool = 0; pool < CONTIG_POOLS; pool++)
		units += free_units[pool];
	return units << UNIT_SHIFT;
}

void span_each(bool (*visit)(struct span *span, void *arg), void *arg)
{
	for (struct span *span = span_at(unit_first); span; span = span_after(span))
		if (!visit(span, arg))
			return;
}

bool span_tiled(void)
{
	return spans != NULL;
}

/* The table of a zone of the usual size is as large as what some programs may have in all. */
static void drop_table(uint32_t from, uint32_t to)
{
	uintptr_t first = ((uintptr_t)&unit_span[from] + UNIT_BYTES - 1) & ~(UNIT_BYTES - 1);
	uintptr_t end = (uintptr_t)&unit_span[to] & ~(UNIT_BYTES - 1);

	if (first < end)
		sys_unmap((void *)first, end - first);
}

size_t span_cut_top(size_t keep_bytes)
{
	uint32_t kept = (uint32_t)(keep_bytes >> UNIT_SHIFT), cut;
	struct span *top = unit_count > unit_first ? span_at(unit_count - 1) : NULL;

	if (!top || top->state != SPAN_RESERVE || top->units <= kept)
		return 0;
	unkeep(top);
	mark(top, 0);
	cut = top->units - kept;
	unit_count -= cut;
	top->units = kept;
	if (kept) {
		mark(top, id_of(top));
		keep(top, 0);
	} else {
		descriptor_drop(top);
	}
	drop_table(unit_count, unit_count + cut);
	return (size_t)cut << UNIT_SHIFT;
}

size_t span_cut_bottom(void)
{
	struct span *bottom = span_at(unit_first);
	size_t bytes;

	if (!bottom || bottom->state != SPAN_RESERVE)
		return 0;
	bytes = span_bytes(bottom);
	unkeep(bottom);
	mark(bottom, 0);
	drop_table(unit_first, unit_first + bottom->units);
	unit_first += bottom->units;
	descriptor_drop(bottom);
	return bytes;
}

static const char *check_one(const struct span *span, const struct span *before)
{
	if (!span->state || !span->units)
		return "a span in the tiling is alive and not empty";
	if (unit_span[span->first + span->units - 1] != id_of(span))
		return "a span's last unit leads to it";
	if (before && is_kept(before) && alike(before, span))
		return "kept neighbours of one kind are merged";
	if (is_kept(span) && (span->state == SPAN_RESERVE) != (span->pool == SPAN_RESERVE_POOL))
		return "reserve is in the reserve pool";
	if (span->empty && (span->state != SPAN_FREE || !span->zero))
		return "what is empty is free, and zero";
	return NULL;
}

const char *span_check(void)
{
	uint64_t kept[CONTIG_POOLS + 1] = { 0 };
	const struct span *before = NULL;
	uint32_t unit = unit_first;
	const char *broken;

	for (struct span *span = span_at(unit_first); span; span = span_after(span)) {
		if (span->first != unit)
			return "spans tile the zone without gap or overlap";
		broken = check_one(span, before);
		if (broken)
			return broken;
		if (is_kept(span) && !span->empty)
			kept[span->pool] += span->units;
		unit += span->units;
		before = span;
	}
	if (unit != unit_count)
		return "spans tile the zone to its end";
	for (unsigned int pool = 0; pool <= CONTIG_POOLS; pool++)
		if (kept[pool] != free_units[pool])
			return "the sum of kept units of a pool is right";
	return NULL;
}
