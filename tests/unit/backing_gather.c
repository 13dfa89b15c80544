/* SPDX-License-Identifier: MIT */
/* timeout: 100 */
/*
 * Huge pages in physical order: what a pool gives in any order becomes as few extents as its
 * pages allow, in one mapping, at the right address; and whatever fails on the way costs order,
 * never memory.
 */
#include "backing_world.h"

#include <fcntl.h>
#include <stdlib.h>

#include "physmap.h"
#include "sys.h"

#define PAGE		(2 * MIB)
#define CONGRUENT	(2 * GIB)
#define ANY		"size=1M..: hugetlb-2M!"
#define WHOLE		"size=1M..,contiguity=whole: hugetlb-2M!"

enum { PAGES_MOST = 128, FIRST = 512, THIEF_ROUNDS = 300 };

static const struct pool *huge;
static uint64_t frames[PAGES_MOST];
static unsigned int frame_count;
static uint64_t state = 11;

static uint64_t next_random(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static void add_run(uint64_t first, unsigned int count)
{
	while (count--)
		frames[frame_count++] = first++;
}

static void scramble(void)
{
	for (unsigned int i = frame_count; i > 1; i--) {
		unsigned int other = (unsigned int)next_random(i);
		uint64_t kept = frames[i - 1];

		frames[i - 1] = frames[other];
		frames[other] = kept;
	}
}

/* With room for every page's own slot in the zone. */
static void begin(const char *rules)
{
	fake_sys.address_limit = UINT64_MAX;
	fake_frames(PAGE, frames, frame_count);
	world_begin(rules, GIB, 10000);
	huge = world_pool(BACKING_HUGETLB, PAGE);
	CHECK(huge && zone_slot_bytes);
}

static bool all_is_back(void)
{
	return world_empty() & CHECK(fake_frames_whole()) &
	       CHECK(fake_pool_free(PAGE) == frame_count);
}

static struct physmap_figures figures_of(const void *addr, size_t bytes)
{
	struct physmap_figures out = { .extents = 0 };
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);

	CHECK(!physmap_measure(fd, (uintptr_t)addr, bytes, PHYSMAP_SIZES_MLX5, &out));
	sys_close(fd);
	return out;
}

static uint64_t pa_of(const void *addr)
{
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);
	uint64_t entry = 0;

	CHECK(sys_pread(fd, &entry, sizeof(entry), (uintptr_t)addr / PAGE_4K * 8) == 8);
	sys_close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE_4K;
}

static bool is_one_run(const void *addr, size_t bytes)
{
	struct physmap_figures figures = figures_of(addr, bytes);

	return CHECK(figures.extents == 1) & CHECK(figures.entries == 1) &
	       CHECK(((uintptr_t)addr - pa_of(addr)) % CONGRUENT == 0);
}

static void a_scrambled_pool_becomes_one_extent_in_its_own_slot(void)
{
	struct place_result got;

	add_run(FIRST, 64);
	scramble();
	begin(ANY);
	got = world_take(128 * MIB);
	CHECK(got.pool == huge && got.zero && world_blank(got.addr, 128 * MIB));
	CHECK(is_one_run(got.addr, 128 * MIB));
	CHECK((uintptr_t)got.addr == zone.base + FIRST * PAGE);
	CHECK(fake_mappings(got.addr, 128 * MIB) == 1);
	CHECK(pool_stats(huge)->arranged == 1);
	world_fill(got.addr, 128 * MIB, 1);
	CHECK(world_filled(got.addr, 128 * MIB, 1));
	CHECK(!place_free(got.addr) && all_is_back());
}

/*
 * After a fork the kernel gives pages whose slots live blocks still hold: here by frames that the
 * pool has twice.
 */
static void a_busy_slot_is_evaded_at_the_same_congruence(void)
{
	struct place_result a, b;

	add_run(FIRST, 32);
	add_run(FIRST, 32);
	for (unsigned int i = 0; i < 32; i++)	/* each half descending */
		frames[i] = frames[i + 32] = FIRST + 31 - i;
	begin(ANY);
	a = world_take(64 * MIB);
	b = world_take(64 * MIB);
	CHECK((uintptr_t)a.addr == zone.base + FIRST * PAGE);
	CHECK(is_one_run(a.addr, 64 * MIB) && is_one_run(b.addr, 64 * MIB));
	CHECK(b.addr != a.addr && pa_of(a.addr) == pa_of(b.addr));
	CHECK((uintptr_t)b.addr >= zone.base + zone_slot_bytes);
	CHECK(fake_mappings(b.addr, 64 * MIB) == 1);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && all_is_back());
}

static void no_room_for_slots_leaves_congruence(void)
{
	struct place_result got;

	add_run(FIRST + 3, 32);
	scramble();
	fake_frames(PAGE, frames, frame_count);
	fake_sys.address_limit = 32 * GIB;	/* as a program under ulimit -v */
	world_begin(ANY, GIB, 10000);
	CHECK(!zone_slot_bytes);
	got = world_take(64 * MIB);
	CHECK(is_one_run(got.addr, 64 * MIB));
	CHECK(!place_free(got.addr) && all_is_back());
}

static void pages_in_order_stay_as_they_are(void)
{
	struct place_result got;

	add_run(FIRST, 64);
	begin(ANY);
	got = world_take(128 * MIB);
	CHECK(is_one_run(got.addr, 128 * MIB));
	CHECK(pool_stats(huge)->arranged == 0 && fake_sys.dropped == 0);
	CHECK(fake_sys.populated_bytes == 128 * MIB);
	CHECK(!place_free(got.addr) && all_is_back());
}

/* Two runs of 16 pages apart from each other: two extents, entries of 32 MiB. */
static void blocks_are_as_large_as_the_pages_allow(void)
{
	struct physmap_figures figures;
	struct place_result got;

	add_run(FIRST + 160, 16);
	add_run(FIRST + 64, 16);
	scramble();
	begin(ANY);
	got = world_take(64 * MIB);
	figures = figures_of(got.addr, 64 * MIB);
	CHECK(figures.extents == 2 && figures.entries == 2 && figures.page_bytes == 32 * MIB);
	CHECK(((uintptr_t)got.addr - pa_of(got.addr)) % CONGRUENT == 0);
	CHECK(fake_mappings(got.addr, 64 * MIB) == 1);
	CHECK(!place_free(got.addr) && all_is_back());
}

/* An alignment that the page's own place does not have comes first. */
static void an_alignment_goes_before_congruence(void)
{
	struct place_result got;

	add_run(FIRST + 1, 32);
	scramble();
	begin(ANY);
	CHECK(!world_take_aligned(64 * MIB, 64 * MIB, &got));
	CHECK((uintptr_t)got.addr % (64 * MIB) == 0);
	CHECK(figures_of(got.addr, 64 * MIB).extents == 1);
	CHECK(!place_free(got.addr) && all_is_back());
}

static void small_requests_are_not_gathered(void)
{
	struct place_result a, b;

	add_run(FIRST, 8);
	scramble();
	begin(ANY);
	a = world_take(3 * MIB);
	b = world_take(MIB);
	CHECK((char *)b.addr == (char *)a.addr + 3 * MIB);	/* packed densely */
	CHECK(fake_pool_free(PAGE) == 6 && pool_stats(huge)->arranged == 0);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && all_is_back());
}

static void whole_is_found_among_more_pages_than_it_needs(void)
{
	struct place_result got;

	for (unsigned int i = 0; i < 12; i++)
		add_run(FIRST + 20 + 2 * i, 1);
	add_run(FIRST + 8, 4);
	frames[13] = FIRST + 11;
	frames[15] = FIRST + 9;
	begin(WHOLE);
	got = world_take(8 * MIB);
	CHECK(is_one_run(got.addr, 8 * MIB) && pa_of(got.addr) == (FIRST + 8) * PAGE);
	CHECK((uintptr_t)got.addr == zone.base + (FIRST + 8) * PAGE);
	CHECK(fake_pool_free(PAGE) == frame_count - 4);
	CHECK(fake_mappings(got.addr, 8 * MIB) == 1);
	CHECK(world_fell(huge, CONTIG_REASON_PROMISE) == 0);
	CHECK(!place_free(got.addr) && all_is_back());
}

static void a_promise_that_no_pages_keep_takes_none(void)
{
	struct place_result got;

	for (unsigned int i = 0; i < 16; i++)
		add_run(FIRST + 5 * i, 3);
	scramble();
	begin(WHOLE);
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(huge, CONTIG_REASON_PROMISE) == 1);
	CHECK(fake_pool_free(PAGE) == frame_count && all_is_back());
	got = world_take(6 * MIB);
	CHECK(is_one_run(got.addr, 6 * MIB));
	CHECK(!place_free(got.addr) && all_is_back());
}

static void blocks_of_a_size_are_found_too(void)
{
	struct place_result got;

	for (unsigned int i = 0; i < 12; i++)
		add_run(FIRST + 20 + 3 * i, 1);
	add_run(FIRST + 8, 2);
	add_run(FIRST + 4, 2);
	scramble();
	begin("size=1M..,contiguity=4M: hugetlb-2M!");
	got = world_take(8 * MIB);
	CHECK(figures_of(got.addr, 8 * MIB).page_bytes == 4 * MIB);
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);
	CHECK(fake_pool_free(PAGE) == frame_count - 4);
}

/* 3 MiB come whole from 4 that lie together, and what they leave serves the next. */
static void three_mib_of_four(void)
{
	struct place_result a, b;

	add_run(FIRST + 9, 1);
	add_run(FIRST + 3, 1);
	add_run(FIRST + 17, 1);
	add_run(FIRST + 2, 1);
	begin(WHOLE);
	a = world_take(3 * MIB);
	CHECK(is_one_run(a.addr, 3 * MIB) && pa_of(a.addr) == (FIRST + 2) * PAGE);
	b = world_take(MIB);
	CHECK((char *)b.addr == (char *)a.addr + 3 * MIB && pool_stats(huge)->reused == 1);
	CHECK(fake_pool_free(PAGE) == 2);
	CHECK(!place_free(a.addr) && !place_free(b.addr) && all_is_back());
}

static void three_mib_where_no_two_pages_lie_together(void)
{
	struct physmap_figures figures;
	struct place_result got;

	for (unsigned int i = 0; i < 4; i++)
		add_run(FIRST + 40 - 3 * i, 1);
	begin(WHOLE);
	CHECK(world_take_aligned(3 * MIB, 1, &got) == -ENOMEM);
	CHECK(fake_pool_free(PAGE) == 4);
	world_rules("size=1M..,contiguity=page: hugetlb-2M!");
	got = world_take(3 * MIB);
	figures = figures_of(got.addr, 3 * MIB);
	CHECK(figures.extents == 2 && figures.largest_bytes == 2 * MIB);
	CHECK(figures.entries == 2 && fake_pool_free(PAGE) == 2);
	CHECK(!place_free(got.addr) && all_is_back());
}

static uint64_t memory_calls(void)
{
	return fake_sys.calls[FAKE_MAP] + fake_sys.calls[FAKE_SEAL] + fake_sys.calls[FAKE_UNMAP] +
	       fake_sys.calls[FAKE_ADVISE] + fake_sys.calls[FAKE_REMAP] +
	       fake_sys.calls[FAKE_POPULATE];
}

static void a_kept_run_keeps_the_next_promise(void)
{
	struct place_result a, b, c;
	uint64_t calls;

	add_run(FIRST, 6);
	add_run(FIRST + 20, 10);
	scramble();
	begin(WHOLE);
	a = world_take(20 * MIB);
	b = world_take(12 * MIB);
	CHECK(is_one_run(a.addr, 20 * MIB) && is_one_run(b.addr, 12 * MIB));
	CHECK(!place_free(a.addr) && !place_free(b.addr));
	calls = memory_calls();
	c = world_take(10 * MIB);
	CHECK(c.addr == b.addr);	/* the smallest run that holds it */
	a = world_take(16 * MIB);
	CHECK(is_one_run(c.addr, 10 * MIB) && is_one_run(a.addr, 16 * MIB));
	CHECK(memory_calls() == calls && pool_stats(huge)->reused == 2);
	CHECK(!place_free(a.addr) && !place_free(c.addr) && all_is_back());
}

/* What is kept is three runs in one piece; only the one in the middle is long enough. */
static void a_run_is_found_within_what_is_kept(void)
{
	struct place_result a, b;

	add_run(FIRST, 8);
	add_run(FIRST + 16, 16);
	add_run(FIRST + 48, 8);
	begin(ANY);
	a = world_take(64 * MIB);
	CHECK(figures_of(a.addr, 64 * MIB).extents == 3);
	CHECK(!place_free(a.addr));
	world_rules(WHOLE);
	b = world_take(32 * MIB);
	CHECK((char *)b.addr == (char *)a.addr + 16 * MIB);
	CHECK(figures_of(b.addr, 32 * MIB).extents == 1);
	CHECK(pool_stats(huge)->reused == 1);
	CHECK(!place_free(b.addr) && all_is_back());
}

/* Half of the only run is kept, half is in the pool: what is kept goes back first. */
static void a_promise_is_worth_what_is_kept(void)
{
	struct place_result got;

	for (unsigned int i = 0; i < 12; i++)
		add_run(FIRST + 20 + 2 * i, 1);
	add_run(FIRST, 8);
	begin(WHOLE);
	got = world_take(8 * MIB);
	CHECK(is_one_run(got.addr, 8 * MIB));
	CHECK(!place_free(got.addr) && contig_stats.retained_bytes == 8 * MIB);
	got = world_take(16 * MIB);
	CHECK(got.addr && is_one_run(got.addr, 16 * MIB));
	CHECK(!got.addr || !place_free(got.addr));
	CHECK(all_is_back());
}

static void a_thief_costs_order_never_safety(void)
{
	static const size_t sizes[] = { 64 * MIB, 6 * MIB, 34 * MIB, 3 * MIB, 16 * MIB };
	unsigned int served = 0;

	add_run(FIRST, 40);
	add_run(FIRST + 60, 40);
	begin("size=..20M,contiguity=whole: hugetlb-2M!; size=20M..: hugetlb-2M!");
	fake_sys.thief = true;
	for (unsigned int i = 0; i < THIEF_ROUNDS; i++) {
		size_t bytes = sizes[i % 5];
		struct place_result got;

		scramble();
		fake_frames(PAGE, frames, frame_count);
		if (world_take_aligned(bytes, 1, &got)) {
			if (!all_is_back())
				return;
			continue;
		}
		served++;
		CHECK(world_blank(got.addr, bytes));
		CHECK(fake_mappings(got.addr, bytes) == 1);
		CHECK(bytes > 20 * MIB || is_one_run(got.addr, bytes));
		world_fill(got.addr, bytes, i + 1);
		CHECK(world_filled(got.addr, bytes, i + 1));
		CHECK(!place_free(got.addr));
		if (!all_is_back())
			return;
	}
	CHECK(served > THIEF_ROUNDS / 2);
}

static void without_pfns_there_is_memory_but_no_order(void)
{
	struct place_result got;

	fake_sys.hide_pfns = true;
	add_run(FIRST, 32);
	scramble();
	begin(ANY);
	got = world_take(64 * MIB);
	CHECK(got.pool == huge && (uintptr_t)got.addr % PAGE == 0);
	CHECK(pool_stats(huge)->arranged == 0 && fake_sys.dropped == 0);
	CHECK(!place_free(got.addr) && all_is_back());
	world_rules(WHOLE);
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(huge, CONTIG_REASON_PROMISE) == 1 && all_is_back());
}

/* Linux before 5.16 does not move huge pages: found out once, and nobody goes without. */
static void a_kernel_that_cannot_move_serves_all_the_same(void)
{
	struct place_result got;
	uint64_t calls;

	add_run(FIRST, 64);
	scramble();
	begin(ANY);
	fake_fail(FAKE_REMAP, 1, UINT64_MAX, EINVAL);
	got = world_take(64 * MIB);
	CHECK(got.pool == huge && fake_pool_free(PAGE) == 32);
	calls = fake_sys.calls[FAKE_REMAP];
	CHECK(world_take(64 * MIB).pool == huge);
	CHECK(fake_sys.calls[FAKE_REMAP] == calls);
	CHECK(!fake_has_hole((void *)zone.base, zone.bytes));
}

static void several_nodes_keep_their_order(void)
{
	struct place_result got;

	fake_file("/sys/devices/system/node/node1", "");
	add_run(FIRST, 32);
	scramble();
	begin(ANY);
	got = world_take(64 * MIB);	/* all of one node here */
	CHECK(is_one_run(got.addr, 64 * MIB) && fake_sys.calls[FAKE_NODE_OF] >= 32);
	CHECK(!place_free(got.addr) && all_is_back());
}

enum { MIX = 6 };

/* One of everything that gathers, with one freed and asked for again in between. */
static const size_t mix_bytes[MIX] = { 64 * MIB, 3 * MIB, 12 * MIB, 36 * MIB, 60 * MIB, 10 * MIB };

/* Whatever fails: who is served is served right, and everything can be given back. */
static bool run_mix(void)
{
	struct place_result got[MIX] = { { .addr = NULL } };
	bool served[MIX];

	state = 5;
	scramble();
	fake_frames(PAGE, frames, frame_count);
	for (unsigned int i = 0; i < MIX; i++) {
		served[i] = !world_take_aligned(mix_bytes[i], 1, &got[i]);
		if (served[i])
			world_fill(got[i].addr, mix_bytes[i], i + 1);
		if (i == 3 && served[0])
			CHECK(!place_free(got[0].addr));
	}
	fake_heal();
	for (unsigned int i = 1; i < MIX; i++) {
		size_t bytes = mix_bytes[i];

		if (!served[i])
			continue;
		CHECK(world_filled(got[i].addr, bytes, i + 1));
		CHECK(fake_mapped_bytes(got[i].addr, bytes) == bytes);
		CHECK(bytes > 20 * MIB || figures_of(got[i].addr, bytes).extents == 1);
		CHECK(!place_free(got[i].addr));
	}
	return all_is_back();
}

static void begin_mix(void)
{
	add_run(FIRST, 30);
	add_run(FIRST + 60, 40);
	fake_file("/sys/devices/system/node/node1", "");
	begin("size=..20M,contiguity=whole: hugetlb-2M!; size=20M..: hugetlb-2M!");
}

/* Not seals: where a reservation cannot be put back there is nothing to be proved. */
static const enum fake_call kinds[] = {
	FAKE_MAP, FAKE_UNMAP, FAKE_ADVISE, FAKE_REMAP, FAKE_POPULATE, FAKE_NODE_OF, FAKE_OPEN,
	FAKE_PREAD,
};

static void fail_kind(enum fake_call kind, bool from_then_on)
{
	uint64_t before = fake_sys.calls[kind], calls;
	unsigned int mapped;

	if (!run_mix())
		return;
	mapped = fake_mappings(NULL, SIZE_MAX);	/* the library's own tables */
	calls = fake_sys.calls[kind] - before;
	if (!CHECK(calls))
		fprintf(stderr, "  kind %u is never called\n", kind);
	for (uint64_t nth = 1; nth <= calls; nth += 1 + calls / 64) {
		fake_fail(kind, nth, from_then_on ? UINT64_MAX : nth, ENOMEM);
		if (!(run_mix() & CHECK(fake_mappings(NULL, SIZE_MAX) == mapped))) {
			fprintf(stderr, "  call %u of kind %u\n", (unsigned int)nth, kind);
			return;
		}
	}
}

static void each_call_fails_once(void)
{
	begin_mix();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		fail_kind(kinds[i], false);
}

static void each_call_fails_from_then_on(void)
{
	begin_mix();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		fail_kind(kinds[i], true);
}

int main(void)
{
	WORLD_RUN(a_scrambled_pool_becomes_one_extent_in_its_own_slot);
	WORLD_RUN(a_busy_slot_is_evaded_at_the_same_congruence);
	WORLD_RUN(no_room_for_slots_leaves_congruence);
	WORLD_RUN(pages_in_order_stay_as_they_are);
	WORLD_RUN(blocks_are_as_large_as_the_pages_allow);
	WORLD_RUN(an_alignment_goes_before_congruence);
	WORLD_RUN(small_requests_are_not_gathered);
	WORLD_RUN(whole_is_found_among_more_pages_than_it_needs);
	WORLD_RUN(a_promise_that_no_pages_keep_takes_none);
	WORLD_RUN(blocks_of_a_size_are_found_too);
	WORLD_RUN(three_mib_of_four);
	WORLD_RUN(three_mib_where_no_two_pages_lie_together);
	WORLD_RUN(a_kept_run_keeps_the_next_promise);
	WORLD_RUN(a_run_is_found_within_what_is_kept);
	WORLD_RUN(a_promise_is_worth_what_is_kept);
	WORLD_RUN(a_thief_costs_order_never_safety);
	WORLD_RUN(without_pfns_there_is_memory_but_no_order);
	WORLD_RUN(a_kernel_that_cannot_move_serves_all_the_same);
	WORLD_RUN(several_nodes_keep_their_order);
	WORLD_RUN(each_call_fails_once);
	WORLD_RUN(each_call_fails_from_then_on);
	return check_result();
}
