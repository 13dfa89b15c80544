/* SPDX-License-Identifier: MIT */
#include "promise.h"

#include "frames.h"
#include "measure.h"

enum {
	SPANS_MOST = 64,	/* kept spans looked at for one request */
	PAGES_MOST = 1024,	/* pages looked at in each: a read of pagemap takes about 1 us */
	CHUNK = 32,
};

bool promise_by_one_page(const struct pool *pool, const struct contiguity *promise, size_t bytes)
{
	return pool->backing == BACKING_HUGETLB && promise->kind != CONTIGUITY_SIZE &&
	       bytes <= pool->page_bytes;
}

bool promise_by_pfn(const struct pool *pool, const struct contiguity *promise, size_t bytes)
{
	if (!promise_made(promise))
		return false;
	if (pool->backing != BACKING_HUGETLB)
		return true;
	return promise->kind == CONTIGUITY_WHOLE ? bytes > pool->page_bytes :
	       promise->kind == CONTIGUITY_SIZE && promise->bytes > pool->page_bytes;
}

bool promise_kept(const struct pool *pool, const struct contiguity *promise, const void *addr,
		  size_t bytes)
{
	struct physmap_figures figures;

	if (pool->backing == BACKING_HUGETLB) {
		if (promise->kind == CONTIGUITY_PAGE || promise_by_one_page(pool, promise, bytes))
			return true;
		if (promise->kind == CONTIGUITY_SIZE && promise->bytes <= pool->page_bytes &&
		    (uintptr_t)addr % pool->page_bytes == 0)
			return true;
	}
	if (measure_self(addr, bytes, &figures))
		return false;
	switch (promise->kind) {
	case CONTIGUITY_PAGE:
		return pool->backing != BACKING_BASE &&
		       (figures.extents == 1 || figures.page_bytes >= pool->page_bytes);
	case CONTIGUITY_WHOLE:
		return figures.extents == 1;
	default:
		return figures.extents == 1 || figures.page_bytes >= promise->bytes;
	}
}

/* The physical run of a span being followed, and the best that ended so far; in units. */
struct search {
	const struct span_wish *like;
	uint32_t run_first, best_first, best_units;
	uint64_t next_frame;
};

static void close_run(struct search *search, uint32_t end)
{
	uint32_t align = search->like->align_units;
	uint32_t first = (search->run_first + align - 1) & ~(align - 1);

	if (end < first || end - first < search->like->units)
		return;
	if (search->best_units && search->best_units <= end - first)
		return;
	search->best_first = first;
	search->best_units = end - first;
}

static bool follow_span(struct search *search, const struct span *span, const struct pool *pool)
{
	uint32_t page_units = (uint32_t)(pool->page_bytes >> UNIT_SHIFT);
	uint32_t first = span->first / page_units, end = span->first + span->units;
	uint32_t pages = (end + page_units - 1) / page_units - first;
	uint64_t frames[CHUNK];

	search->run_first = span->first;
	search->next_frame = 0;
	if (pages > PAGES_MOST)
		pages = PAGES_MOST;
	for (uint32_t i = 0; i < pages; i++) {
		uint32_t left = pages - i < CHUNK ? pages - i : CHUNK;
		char *at = (char *)zone_origin +
			   ((uintptr_t)(first + i) * page_units << UNIT_SHIFT);

		if (i % CHUNK == 0 && frames_read(at, left, pool->page_bytes, frames))
			return false;
		if (i && frames[i % CHUNK] != search->next_frame) {
			close_run(search, (first + i) * page_units);
			search->run_first = (first + i) * page_units;
		}
		search->next_frame = frames[i % CHUNK] + 1;
	}
	if ((first + pages) * page_units < end)
		end = (first + pages) * page_units;
	close_run(search, end);
	return true;
}

static struct span *find_whole(const struct pool *pool, const struct span_wish *like,
			       uint32_t *start)
{
	struct search search = { .like = like };
	struct span *best = NULL;
	int left = SPANS_MOST;

	for (struct span *span = span_oldest(); span && left--; span = span_newer(span)) {
		uint32_t had = search.best_units;

		if (span->pool != pool->index || span->node != like->node ||
		    span->units < like->units)
			continue;
		if (!follow_span(&search, span, pool))
			continue;
		if (search.best_units != had) {
			best = span;
			*start = search.best_first;
		}
	}
	return best;
}

static struct span *find_sized(const struct pool *pool, const struct contiguity *promise,
			       const struct span_wish *like, uint32_t *start)
{
	struct span_wish wish = *like;
	int left = SPANS_MOST;

	if (promise->bytes >> UNIT_SHIFT > wish.align_units)
		wish.align_units = (uint32_t)(promise->bytes >> UNIT_SHIFT);
	for (struct span *span = span_oldest(); span && left--; span = span_newer(span)) {
		if (span->pool != pool->index)
			continue;
		*start = span_fit_start(span, &wish);
		if (*start != SPAN_NOWHERE &&
		    promise_kept(pool, promise,
				 (char *)zone_origin + ((uintptr_t)*start << UNIT_SHIFT),
				 (size_t)like->units << UNIT_SHIFT))
			return span;
	}
	return NULL;
}

struct span *promise_find(const struct pool *pool, const struct contiguity *promise,
			  const struct span_wish *like, uint32_t *start)
{
	return promise->kind == CONTIGUITY_WHOLE ? find_whole(pool, like, start) :
						   find_sized(pool, promise, like, start);
}
