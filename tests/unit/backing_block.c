/* SPDX-License-Identifier: MIT */
#include "backing_world.h"

#include "block.h"

static const struct pool *thp, *huge, *base;

static void begin(uint64_t huge_pages)
{
	fake_pool(2 * MIB, huge_pages);
	world_begin("size=4K..: thp", 256 * MIB, 10000);
	huge = world_pool(BACKING_HUGETLB, 2 * MIB);
	thp = world_pool(BACKING_THP, 0);
	base = world_pool(BACKING_BASE, 0);
	CHECK(huge && thp && base);
	lock_take(&zone_lock);
}

static struct span_wish wish_of(size_t bytes)
{
	return (struct span_wish){
		.units = (uint32_t)(bytes >> UNIT_SHIFT), .align_units = 1, .node = NODE_ANY,
	};
}

static struct span *grow(const struct pool *pool, size_t bytes, enum contig_reason *why)
{
	struct span_wish wish = wish_of(bytes);
	struct map_wish how = { .node = NODE_ANY, .populate = pool == huge };

	return block_grow(pool, &wish, &how, false, why);
}

static void the_end_of_the_last_page_is_kept(void)
{
	enum contig_reason why;
	struct span *span, *rest;

	begin(0);
	span = grow(thp, 3 * MIB, &why);
	if (!CHECK(span))
		return;
	CHECK(span->state == SPAN_USED && span_bytes(span) == 3 * MIB);
	CHECK((uintptr_t)span_address(span) % (2 * MIB) == 0);
	rest = span_after(span);
	CHECK(rest->state == SPAN_FREE && span_bytes(rest) == MIB && rest->pool == thp->index);
	CHECK(pool_stats(thp)->mapped_bytes == 4 * MIB);
	CHECK(fake_mapped_bytes(span_address(span), 4 * MIB) == 4 * MIB);
	CHECK(!span_check());
}

static void what_is_missing_is_mapped_behind_the_tail(void)
{
	enum contig_reason why;
	struct span *first, *second;

	begin(0);
	first = grow(thp, 3 * MIB, &why);
	second = grow(thp, 4 * MIB, &why);
	if (!CHECK(first && second))
		return;
	CHECK((char *)span_address(second) == (char *)span_address(first) + 3 * MIB);
	CHECK(pool_stats(thp)->mapped_bytes == 8 * MIB);
	CHECK(span_free_bytes_of(thp->index) == MIB);
	CHECK(!span_check());
}

/* The next request begins in a tail only where its alignment allows. */
static void a_tail_is_used_from_its_aligned_part_on(void)
{
	struct map_wish how = { .node = NODE_ANY };
	struct span_wish wish = wish_of(3 * MIB);
	enum contig_reason why;
	struct span *first, *second;

	begin(0);
	first = grow(thp, 2 * MIB + 64 * KIB, &why);
	wish.align_units = MIB >> UNIT_SHIFT;
	second = block_grow(thp, &wish, &how, false, &why);
	if (!CHECK(first && second))
		return;
	CHECK((char *)span_address(second) == (char *)span_address(first) + 3 * MIB);
	CHECK(span_bytes(second) == 3 * MIB);
	CHECK(!span_check());
}

/* What fits has to be found first; block_grow() must not choke on a tail that is long enough. */
static void a_tail_that_would_do_as_it_is_harms_nothing(void)
{
	enum contig_reason why;
	struct span *first, *second;

	begin(0);
	first = grow(thp, 2 * MIB + 64 * KIB, &why);
	second = grow(thp, 512 * KIB, &why);
	if (!CHECK(first && second))
		return;
	CHECK(span_bytes(second) == 512 * KIB && second->state == SPAN_USED);
	CHECK(!span_check());
	span_give(second, thp->index, 1);
	span_give(first, thp->index, 1);
	CHECK(!span_check());
	CHECK(block_release_pool(thp) == contig_stats.released_bytes);
	CHECK(pool_stats(thp)->mapped_bytes == 0);
}

static void only_whole_pages_go_back(void)
{
	enum contig_reason why;
	struct span *first, *second, *kept;
	char *start;

	begin(0);
	first = grow(thp, 3 * MIB, &why);
	second = grow(thp, 6 * MIB, &why);
	if (!CHECK(first && second))
		return;
	start = span_address(second);
	/* [3M, 9M) is free, the pages [4M, 8M) and what lies behind 9M whole. */
	kept = span_give(second, thp->index, 1);
	CHECK(span_bytes(kept) == 7 * MIB);
	CHECK(block_release(kept, UINT64_MAX) == 6 * MIB);
	CHECK(pool_stats(thp)->mapped_bytes == 4 * MIB);
	CHECK(fake_mapped_bytes(start, 7 * MIB) == MIB);
	CHECK(span_free_bytes() == MIB);
	CHECK(!span_check());
	kept = span_after(first);
	CHECK(block_release(kept, UINT64_MAX) == 0);	/* not one whole page */
	CHECK(span_free_bytes() == MIB);
	CHECK(contig_stats.released_bytes == 6 * MIB);
	CHECK(!span_check());
}

static void a_part_is_released_from_the_upper_end(void)
{
	enum contig_reason why;
	struct span *span;
	char *start;

	begin(0);
	span = grow(thp, 16 * MIB, &why);
	if (!CHECK(span))
		return;
	start = span_address(span);
	CHECK(block_release(span_give(span, thp->index, 1), 3 * MIB) == 4 * MIB);
	CHECK(fake_mapped_bytes(start, 12 * MIB) == 12 * MIB);
	CHECK(fake_mapped_bytes(start + 12 * MIB, 4 * MIB) == 0);
	CHECK(!span_check());
}

static void a_failed_seal_keeps_the_span(void)
{
	enum contig_reason why;
	struct span *span;

	begin(8);
	span = grow(huge, 4 * MIB, &why);
	if (!CHECK(span))
		return;
	span = span_give(span, huge->index, 1);
	fake_fail(FAKE_SEAL, 1, 1, ENOMEM);
	CHECK(block_release(span, UINT64_MAX) == 0);
	CHECK(fake_sys.failed == 1);
	CHECK(span_free_bytes() == 4 * MIB);
	CHECK(pool_stats(huge)->mapped_bytes == 4 * MIB);
	CHECK(contig_stats.released_bytes == 0);
	CHECK(fake_pool_free(2 * MIB) == 6);
	CHECK(!span_check());
	CHECK(block_release_pool(huge) == 4 * MIB);
	CHECK(fake_pool_free(2 * MIB) == 8);
	CHECK(!span_check());
}

static void a_failed_map_changes_nothing(void)
{
	enum contig_reason why = CONTIG_REASON_COUNT;

	begin(2);
	CHECK(!grow(huge, 6 * MIB, &why));
	CHECK(why == CONTIG_REASON_POOL);
	CHECK(fake_pool_free(2 * MIB) == 2);
	fake_fail(FAKE_POPULATE, 1, 1, EFAULT);
	CHECK(!grow(huge, 4 * MIB, &why));
	CHECK(why == CONTIG_REASON_POPULATE);
	fake_fail(FAKE_MAP, 1, 1, ENOMEM);
	CHECK(!grow(thp, 4 * MIB, &why));
	CHECK(why == CONTIG_REASON_MAP);
	fake_fail(FAKE_ADVISE, 1, 1, EINVAL);
	CHECK(!grow(thp, 4 * MIB, &why));
	CHECK(why == CONTIG_REASON_MAP);
	CHECK(!grow(thp, 2 * WORLD_ZONE, &why));
	CHECK(why == CONTIG_REASON_ZONE);
	lock_drop(&zone_lock);
	CHECK(world_empty());
}

/* mmap(MAP_FIXED) that fails unmaps first; another thread's mapping may come to lie there. */
static void what_another_thread_maps_is_never_sealed(void)
{
	enum contig_reason why;

	begin(1);
	fake_sys.intrude = true;
	CHECK(!grow(huge, 8 * MIB, &why));
	CHECK(!fake_sys.intruder || (!fake_has_hole(fake_sys.intruder, PAGE_4K) &&
				     fake_mapped_bytes((void *)zone.base, zone.bytes) == 0));
	if (fake_sys.intruder) {
		/* A signal here means that it was sealed. */
		CHECK(*fake_sys.intruder == FAKE_INTRUDER_WORD);
		CHECK(!range_owns(&zone, fake_sys.intruder));
	}
	CHECK(!span_check());
}

static void a_span_grows_over_a_kept_neighbour_and_beyond(void)
{
	struct map_wish how = { .node = NODE_ANY };
	enum contig_reason why;
	struct span *span;
	char *start;

	begin(0);
	span = grow(thp, 3 * MIB, &why);
	if (!CHECK(span))
		return;
	start = span_address(span);
	CHECK(block_extend(span, (3 * MIB + 512 * KIB) >> UNIT_SHIFT, &how));
	CHECK(fake_mapped_bytes(start, 8 * MIB) == 4 * MIB);	/* without a system call */
	CHECK(block_extend(span, 7 * MIB >> UNIT_SHIFT, &how));
	CHECK(span_address(span) == start && span_bytes(span) == 7 * MIB);
	CHECK(pool_stats(thp)->mapped_bytes == 8 * MIB);
	CHECK(span_free_bytes() == MIB);
	CHECK(!span_check());
}

static void a_failed_extension_leaves_the_neighbour_kept(void)
{
	struct map_wish how = { .node = NODE_ANY };
	enum contig_reason why;
	struct span *span, *other;

	begin(0);
	span = grow(thp, 3 * MIB, &why);
	if (!CHECK(span))
		return;
	fake_fail(FAKE_MAP, 1, 1, ENOMEM);
	CHECK(!block_extend(span, 7 * MIB >> UNIT_SHIFT, &how));
	CHECK(span_bytes(span) == 3 * MIB && span_free_bytes() == MIB);
	CHECK(world_fell(thp, CONTIG_REASON_MAP) == 1);
	CHECK(!span_check());
	other = grow(base, 64 * KIB, &why);
	CHECK(other && (char *)span_address(other) == (char *)span_address(span) + 4 * MIB);
	CHECK(!block_extend(span, 7 * MIB >> UNIT_SHIFT, &how));
	CHECK(span_bytes(span) == 3 * MIB && span_free_bytes() == MIB);
	CHECK(!span_check());
}

/* Oldest first, no more than asked, and everything that is too old whatever may be kept. */
static void trimming_goes_by_age_then_by_amount(void)
{
	enum contig_reason why;
	struct span *span[4];

	begin(0);
	for (int i = 0; i < 4; i++) {
		span[i] = grow(thp, 4 * MIB, &why);
		if (!CHECK(span[i] && grow(thp, 2 * MIB, &why)))	/* keeps them apart */
			return;
	}
	span_give(span[2], thp->index, 10);
	span_give(span[0], thp->index, 20);
	span_give(span[3], thp->index, 30);
	span_give(span[1], thp->index, 40);
	block_trim(14 * MIB, 0);
	CHECK(span_free_bytes() == 14 * MIB);
	CHECK(span_oldest()->freed_ms == 10 && span_bytes(span_oldest()) == 2 * MIB);
	block_trim(UINT64_MAX, 29);
	CHECK(span_free_bytes() == 8 * MIB);
	CHECK(span_oldest()->freed_ms == 30);
	CHECK(contig_stats.retained_bytes == 8 * MIB);
	CHECK(!span_check());
	block_trim(0, 0);
	CHECK(span_free_bytes() == 0 && !span_oldest());
	CHECK(pool_stats(thp)->mapped_bytes == 8 * MIB);
	CHECK(!span_check());
}

int main(void)
{
	WORLD_RUN(the_end_of_the_last_page_is_kept);
	WORLD_RUN(what_is_missing_is_mapped_behind_the_tail);
	WORLD_RUN(a_tail_is_used_from_its_aligned_part_on);
	WORLD_RUN(a_tail_that_would_do_as_it_is_harms_nothing);
	WORLD_RUN(only_whole_pages_go_back);
	WORLD_RUN(a_part_is_released_from_the_upper_end);
	WORLD_RUN(a_failed_seal_keeps_the_span);
	WORLD_RUN(a_failed_map_changes_nothing);
	WORLD_RUN(what_another_thread_maps_is_never_sealed);
	WORLD_RUN(a_span_grows_over_a_kept_neighbour_and_beyond);
	WORLD_RUN(a_failed_extension_leaves_the_neighbour_kept);
	WORLD_RUN(trimming_goes_by_age_then_by_amount);
	return check_result();
}
