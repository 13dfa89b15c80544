/* SPDX-License-Identifier: MIT */
/* Which backing serves a request, and what is counted where one does not. */
#include "backing_world.h"
#include "move.h"

#include <sys/mman.h>

#include "sys.h"

static const struct pool *huge, *giant, *thp, *base;

static void begin(const char *rules, uint64_t huge_pages, uint64_t giant_pages)
{
	fake_pool(2 * MIB, huge_pages);
	fake_pool(GIB, giant_pages);
	world_begin(rules, 256 * MIB, 10000);
	huge = world_pool(BACKING_HUGETLB, 2 * MIB);
	giant = world_pool(BACKING_HUGETLB, GIB);
	thp = world_pool(BACKING_THP, 0);
	base = world_pool(BACKING_BASE, 0);
	CHECK(huge && giant && thp && base);
}

static void the_first_link_that_can_serves(void)
{
	struct place_result a, b, c;

	begin("size=4K..: hugetlb-2M, thp", 3, 0);
	a = world_take(4 * MIB);
	b = world_take(4 * MIB);
	c = world_take(2 * MIB);
	CHECK(a.pool == huge && b.pool == thp && c.pool == huge);
	CHECK(world_fell(huge, CONTIG_REASON_POOL) == 1);
	CHECK(pool_stats(huge)->allocations == 2 && pool_stats(thp)->allocations == 1);
	CHECK(pool_stats(huge)->live_bytes == 6 * MIB && pool_stats(huge)->peak_bytes == 6 * MIB);
	CHECK(fake_pool_free(2 * MIB) == 0);
	CHECK(place_pool(b.addr) == thp && place_bytes(b.addr) == 4 * MIB);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && !place_free(c.addr));
	CHECK(pool_stats(huge)->frees == 2 && pool_stats(huge)->live_bytes == 0);
	CHECK(world_empty());
	CHECK(fake_pool_free(2 * MIB) == 3);
}

static void hugetlb_alone_is_every_size_largest_first(void)
{
	struct place_result a, b;

	begin("size=4K..: hugetlb, base", 100, 1);
	a = world_take(600 * MIB);
	CHECK(a.pool == giant);
	b = world_take(100 * MIB);	/* the end of the page that is kept */
	CHECK(b.pool == giant && pool_stats(giant)->reused == 1);
	CHECK(!place_free(a.addr) && !place_free(b.addr));
	CHECK(world_empty());
	CHECK(fake_pool_free(GIB) == 1);
}

/* Rounded up, at most twice the request less one byte. */
static void a_page_that_wastes_as_much_as_the_request_is_passed_over(void)
{
	struct place_result a, b, c, d;

	begin("size=4K..: hugetlb, base", 100, 1);
	a = world_take(512 * MIB - PAGE_4K);
	CHECK(a.pool == base && world_fell(giant, CONTIG_REASON_WASTE) == 1);
	CHECK(world_fell(huge, CONTIG_REASON_POOL) == 1);
	b = world_take(MIB);
	CHECK(b.pool == base && world_fell(huge, CONTIG_REASON_WASTE) == 1);
	c = world_take(MIB + PAGE_4K);
	CHECK(c.pool == huge);
	world_rules("size=4K..: hugetlb-2M");
	CHECK(!place_free(c.addr));
	place_release();
	d = world_take(64 * KIB);	/* a size that was named is taken at its word */
	CHECK(d.pool == huge && world_fell(huge, CONTIG_REASON_WASTE) == 1);
}

static void every_step_is_counted_by_its_reason(void)
{
	struct place_result got = { .addr = &got };

	begin("size=4K..: hugetlb-2M, thp, base!", 4, 0);
	fake_fail(FAKE_POPULATE, 1, 1, EFAULT);
	CHECK(world_take(2 * MIB).pool == thp);
	CHECK(world_fell(huge, CONTIG_REASON_POPULATE) == 1);
	CHECK(fake_pool_free(2 * MIB) == 4);
	fake_pool(2 * MIB, 0);
	fake_fail(FAKE_ADVISE, 1, 1, EINVAL);
	CHECK(world_take(2 * MIB).pool == base);
	CHECK(world_fell(huge, CONTIG_REASON_POOL) == 1);
	CHECK(world_fell(thp, CONTIG_REASON_MAP) == 1);
	fake_fail(FAKE_MAP, 1, UINT64_MAX, ENOMEM);
	CHECK(world_take_aligned(2 * MIB, 1, &got) == -ENOMEM);
	CHECK(got.addr == &got);	/* untouched unless 0 */
	CHECK(world_fell(base, CONTIG_REASON_MAP) == 1);
	fake_heal();
	CHECK(world_take_aligned(zone.bytes - MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(base, CONTIG_REASON_ZONE) == 1 && world_fell(thp, CONTIG_REASON_ZONE));
	CHECK(world_take_aligned(2 * zone.bytes, 1, &got) == -ENOMEM);
	CHECK(world_take_aligned(MIB, zone.bytes, &got) == -ENOMEM);
	CHECK(world_sound());
}

static void what_the_machine_lacks_is_absent(void)
{
	fake_file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	begin("size=4K..: thp, driver, base", 0, 0);
	CHECK(world_take(2 * MIB).pool == base);
	CHECK(world_fell(thp, CONTIG_REASON_ABSENT) == 1);
	CHECK(world_fell(world_pool(BACKING_DRIVER, 0), CONTIG_REASON_ABSENT) == 1);
}

static void a_spent_chain_is_refused_strict_or_not(void)
{
	struct place_result got;

	begin("size=..1M: hugetlb-2M!; size=1M..: hugetlb-2M", 0, 0);
	CHECK(world_decide(64 * KIB, 1).chain->strict && !world_decide(2 * MIB, 1).chain->strict);
	CHECK(world_take_aligned(64 * KIB, 1, &got) == -ENOMEM);
	CHECK(world_take_aligned(2 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(huge, CONTIG_REASON_POOL) == 2);
	CHECK(world_empty());
}

static void limits_count_the_live_bytes_of_a_rule(void)
{
	struct place_result a, b, c;

	begin("size=4K..,limit=6M: hugetlb-2M; size=4K..: base", 100, 0);
	a = world_take(4 * MIB);
	b = world_take(4 * MIB);
	c = world_take(2 * MIB);
	CHECK(a.pool == huge && b.pool == base && c.pool == huge);
	CHECK(place_rule_bytes()[0] == 6 * MIB && place_rule_bytes()[1] == 4 * MIB);
	CHECK(!place_free(a.addr));
	CHECK(place_rule_bytes()[0] == 2 * MIB);
	a = world_take(4 * MIB);
	CHECK(a.pool == huge);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && !place_free(c.addr));
	CHECK(world_empty());
}

static void alignment_is_kept(void)
{
	struct place_result got[40];
	size_t align = 16;

	begin("size=4K..: hugetlb-2M, thp, base", 20, 0);
	for (int i = 0; i < 40; i++) {
		CHECK(world_take_aligned(64 * KIB + (size_t)i * 7 * PAGE_4K, align, &got[i]) == 0);
		CHECK((uintptr_t)got[i].addr % align == 0);
		align = align == 64 * MIB ? 16 : align * 2;
	}
	CHECK(world_sound());
	for (int i = 0; i < 40; i++)
		CHECK(!place_free(got[i].addr));
	CHECK(world_empty());
}

static void wrong_frees_are_told_apart(void)
{
	struct place_result a;

	begin("size=4K..: thp", 0, 0);
	a = world_take(2 * MIB);
	CHECK(place_free((char *)a.addr + PAGE_4K) == PLACE_INSIDE);
	CHECK(place_free((char *)a.addr + 16) == PLACE_INSIDE);
	CHECK(place_free((char *)a.addr + 2 * MIB - PAGE_4K) == PLACE_INSIDE);
	CHECK(place_bytes((char *)a.addr + PAGE_4K) == 0 && !place_pool((char *)a.addr + 8));
	CHECK(place_free((char *)a.addr + 4 * MIB) == PLACE_FREED);
	CHECK(place_free(a.addr) == PLACE_OK);
	CHECK(place_free(a.addr) == PLACE_FREED);
	CHECK(place_bytes(a.addr) == 0);
	CHECK(pool_stats(thp)->frees == 1);
	CHECK(world_empty());
}

/* What is kept in pieces too small goes back, where the pool has no more. */
static void kept_pieces_make_room_in_an_exhausted_pool(void)
{
	struct place_result a, b, c, d;

	begin("size=4K..: hugetlb-2M", 4, 0);
	a = world_take(2 * MIB);
	b = world_take(2 * MIB);
	c = world_take(2 * MIB);
	CHECK(!place_free(a.addr) && !place_free(c.addr));
	d = world_take(6 * MIB);
	CHECK(d.pool == huge && fake_pool_free(2 * MIB) == 0);
	CHECK(!place_free(b.addr) && !place_free(d.addr));
	CHECK(world_empty());
}

static void page_contents_survive_a_move(void)
{
	struct place_result a, b;

	begin("size=4K..: thp", 8, 0);
	a = world_take(6 * MIB);
	world_fill(a.addr, 6 * MIB, 1);
	b = world_take(8 * MIB);
	move_contents(b.addr, a.addr, 6 * MIB);
	CHECK(world_filled(b.addr, 6 * MIB, 1));
	CHECK(contig_stats.moves == 1 && contig_stats.copies == 0);
	CHECK(!fake_has_hole(a.addr, 6 * MIB));
	world_fill(b.addr, 8 * MIB, 2);
	fake_fail(FAKE_REMAP, 1, 1, ENOMEM);
	move_contents(a.addr, b.addr, 6 * MIB);
	CHECK(world_kept(a.addr, 6 * MIB, 8 * MIB, 2) && contig_stats.copies == 1);
	CHECK(!place_free(b.addr) && !place_free(a.addr));
	CHECK(world_empty());
}

static bool largest_is(const struct place_result *result, uint64_t bytes)
{
	const struct contig_pool_stats *stats = pool_stats(result->pool);

	return stats->largest_address == (bytes ? (uintptr_t)result->addr : 0) &&
	       stats->largest_bytes == bytes;
}

static void the_largest_alive_is_known_until_it_is_freed(void)
{
	struct place_result a, b, c;
	struct decision decision;

	begin("size=4K..: thp", 8, 0);
	a = world_take(4 * MIB);
	b = world_take(6 * MIB);
	CHECK(largest_is(&b, 6 * MIB));
	decision = world_decide(MIB, 1);
	CHECK(place_resize(b.addr, MIB, &decision) && largest_is(&b, MIB));
	CHECK(!place_free(b.addr) && largest_is(&b, 0));
	c = world_take(2 * MIB);
	CHECK(largest_is(&c, 2 * MIB));	/* of those since */
	CHECK(!place_free(a.addr) && largest_is(&c, 2 * MIB));
	CHECK(!place_free(c.addr) && largest_is(&c, 0));
	CHECK(world_empty());
}

/* A child: hugetlb ranges come back on ordinary memory, or not at all. */
static void adopted_memory_is_another_pools(void)
{
	struct place_result a, b, c;
	void *out;

	begin("size=4K..: hugetlb-2M", 8, 0);
	a = world_take(4 * MIB);
	b = world_take(4 * MIB);
	c = world_take(4 * MIB);
	CHECK((char *)b.addr == (char *)a.addr + 4 * MIB);
	CHECK(!place_free(b.addr));
	CHECK(!zone_seal(a.addr, 8 * MIB) && !zone_seal(c.addr, 4 * MIB));
	CHECK(!sys_map(a.addr, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, &out));
	lock_take(&zone_lock);
	place_adopt(a.addr, 8 * MIB, thp);
	place_adopt(c.addr, 4 * MIB, NULL);
	lock_drop(&zone_lock);
	CHECK(world_sound());
	CHECK(place_pool(a.addr) == thp && place_pool(c.addr) == NULL);
	CHECK(pool_stats(huge)->mapped_bytes == 0 && pool_stats(huge)->live_bytes == 0);
	CHECK(pool_stats(thp)->mapped_bytes == 8 * MIB && pool_stats(thp)->live_bytes == 4 * MIB);
	world_rules("size=4K..: thp");
	b = world_take(4 * MIB);
	CHECK(b.pool == thp && (char *)b.addr == (char *)a.addr + 4 * MIB && b.zero);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && !place_free(c.addr));
	CHECK(place_free(c.addr) == PLACE_FREED);
	CHECK(world_empty());
}

static void what_began_too_small_is_better_off_on_huge_pages_that_hold_it(void)
{
	uint64_t before;
	struct place_result small;
	struct decision decision;

	begin("size=4K..: hugetlb, base", 4, 0);
	small = world_take(MIB);
	CHECK(small.pool == base);
	decision = world_decide(4 * MIB, 1);
	CHECK(place_better(small.addr, 4 * MIB, &decision));
	CHECK(!place_better(small.addr, 10 * MIB, &decision));	/* the pool has only eight */
	CHECK(!place_better(small.addr, MIB, &decision));	/* wasteful there */
	fake_pool(2 * MIB, 0);
	CHECK(!place_better(small.addr, 4 * MIB, &decision));
	fake_pool(2 * MIB, 8);
	before = fake_sys.calls[FAKE_READ];
	CHECK(!place_better(small.addr, 6 * MIB, &decision));	/* it was too small just now */
	CHECK(fake_sys.calls[FAKE_READ] == before);
	fake_sys.now_ms += 1000;
	CHECK(place_better(small.addr, 6 * MIB, &decision));
	before = fake_sys.calls[FAKE_READ];
	place_sandbox();
	CHECK(!place_better(small.addr, 6 * MIB, &decision));
	CHECK(fake_sys.calls[FAKE_READ] == before);
	world_rules("size=4K..: base, hugetlb");
	decision = world_decide(4 * MIB, 1);
	CHECK(!place_better(small.addr, 4 * MIB, &decision));
}

int main(void)
{
	WORLD_RUN(what_began_too_small_is_better_off_on_huge_pages_that_hold_it);
	WORLD_RUN(the_first_link_that_can_serves);
	WORLD_RUN(hugetlb_alone_is_every_size_largest_first);
	WORLD_RUN(a_page_that_wastes_as_much_as_the_request_is_passed_over);
	WORLD_RUN(every_step_is_counted_by_its_reason);
	WORLD_RUN(what_the_machine_lacks_is_absent);
	WORLD_RUN(a_spent_chain_is_refused_strict_or_not);
	WORLD_RUN(limits_count_the_live_bytes_of_a_rule);
	WORLD_RUN(alignment_is_kept);
	WORLD_RUN(wrong_frees_are_told_apart);
	WORLD_RUN(kept_pieces_make_room_in_an_exhausted_pool);
	WORLD_RUN(page_contents_survive_a_move);
	WORLD_RUN(the_largest_alive_is_known_until_it_is_freed);
	WORLD_RUN(adopted_memory_is_another_pools);
	return check_result();
}
