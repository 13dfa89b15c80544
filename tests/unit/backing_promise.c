/* SPDX-License-Identifier: MIT */
/* Contiguity and NUMA nodes: promises are kept or the next link is asked. */
#include "backing_world.h"

static const struct pool *huge, *thp, *base;

static void begin(const char *rules)
{
	fake_pool(2 * MIB, 32);
	world_begin(rules, 256 * MIB, 10000);
	huge = world_pool(BACKING_HUGETLB, 2 * MIB);
	thp = world_pool(BACKING_THP, 0);
	base = world_pool(BACKING_BASE, 0);
}

static void whole_within_one_huge_page_never_crosses_it(void)
{
	struct place_result got[60];

	begin("size=4K..,contiguity=whole: hugetlb-2M!");
	for (int i = 0; i < 60; i++) {
		size_t bytes = (1 + (size_t)i * 37 % 250) * PAGE_4K;
		uintptr_t start;

		got[i] = world_take(bytes);
		start = (uintptr_t)got[i].addr;
		CHECK(start / (2 * MIB) == (start + bytes - 1) / (2 * MIB));
		if (i % 3 == 2)
			CHECK(!place_free(got[i - 1].addr));
	}
	CHECK(fake_sys.calls[FAKE_OPEN] == 0);	/* needs no PFNs */
	CHECK(pool_stats(huge)->reused > 10);
	for (int i = 0; i < 60; i++)
		if (i % 3 != 1)
			CHECK(!place_free(got[i].addr));
	CHECK(world_empty());
}

static void page_is_met_by_any_huge_page(void)
{
	struct place_result got;

	begin("size=4K..,contiguity=page: hugetlb-2M, base");
	got = world_take(9 * MIB);
	CHECK(got.pool == huge && (uintptr_t)got.addr % (2 * MIB) == 0);
	CHECK(fake_sys.calls[FAKE_OPEN] == 0);
}

static void more_than_a_page_is_whole_only_by_pfn(void)
{
	struct place_result got = { .addr = NULL };

	begin("size=4K..,contiguity=whole: hugetlb-2M, thp!");
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);	/* PFNs hidden */
	CHECK(world_fell(huge, CONTIG_REASON_PROMISE) == 1);
	CHECK(world_fell(thp, CONTIG_REASON_PROMISE) == 1);
	CHECK(world_empty() && fake_pool_free(2 * MIB) == 32);
	fake_sys.run_bytes = 2 * MIB;
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(huge, CONTIG_REASON_PROMISE) == 2);
	CHECK(world_empty() && fake_pool_free(2 * MIB) == 32);
	fake_sys.run_bytes = 32 * MIB;
	CHECK(world_take_aligned(8 * MIB, 1, &got) == 0 && got.pool == huge);
	CHECK(!place_free(got.addr));
	fake_fail(FAKE_OPEN, 1, UINT64_MAX, EMFILE);
	CHECK(world_take_aligned(8 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_empty() && fake_pool_free(2 * MIB) == 32);
}

static void a_size_is_met_by_runs_of_that_size(void)
{
	struct place_result got = { .addr = NULL };

	fake_sys.run_bytes = 64 * KIB;
	begin("size=4K..,contiguity=128K: thp, base!");
	CHECK(world_take_aligned(4 * MIB, 1, &got) == -ENOMEM);
	CHECK(world_fell(thp, CONTIG_REASON_PROMISE) == 1);
	CHECK(world_fell(base, CONTIG_REASON_PROMISE) == 1);
	fake_sys.run_bytes = 128 * KIB;
	got = world_take(4 * MIB);
	CHECK(got.pool == thp);
	CHECK(!place_free(got.addr) && world_empty());
}

static void promised_memory_does_not_grow_in_place(void)
{
	struct place_result got;
	struct decision decision;

	begin("size=4K..,contiguity=page: hugetlb-2M!");
	got = world_take(4 * MIB);
	decision = world_decide(6 * MIB, 1);
	CHECK(!place_resize(got.addr, 6 * MIB, &decision) && place_bytes(got.addr) == 4 * MIB);
	CHECK(place_resize(got.addr, 2 * MIB, &decision) && place_bytes(got.addr) == 2 * MIB);
	CHECK(!place_free(got.addr) && world_empty());
}

static void memory_of_another_node_falls_through(void)
{
	struct place_result got;

	begin("size=4K..,node=1: hugetlb-2M, base");
	got = world_take(4 * MIB);
	CHECK(got.pool == base);	/* bound, not populated: nothing to check yet */
	CHECK(world_fell(huge, CONTIG_REASON_NODE) == 1);
	CHECK(fake_pool_free(2 * MIB) == 32);
	fake_sys.node = 1;
	CHECK(!place_free(got.addr) && place_release() > 0);
	got = world_take(4 * MIB);
	CHECK(got.pool == huge);
	CHECK(!place_free(got.addr));
	fake_fail(FAKE_BIND, 1, 1, EINVAL);
	CHECK(place_release() > 0);
	CHECK(world_take(4 * MIB).pool == base && world_fell(huge, CONTIG_REASON_NODE) == 2);
}

static void kept_memory_of_another_node_is_left_alone(void)
{
	struct place_result a, b;

	fake_sys.current_node = fake_sys.node = 1;
	begin("size=4K..,node=local: hugetlb-2M");
	a = world_take(4 * MIB);
	CHECK(!place_free(a.addr));
	fake_sys.current_node = fake_sys.node = 0;
	b = world_take(4 * MIB);
	CHECK(b.addr != a.addr);
	CHECK(!place_free(b.addr));
	fake_sys.current_node = 1;
	CHECK(world_take(4 * MIB).addr == a.addr);
}

static void reserved_only_is_refused_where_a_control_group_limits(void)
{
	begin("size=4K..,populate=no: hugetlb-2M, thp");
	CHECK(world_take(4 * MIB).pool == huge && !fake_sys.populated_bytes);
	fake_file("/proc/self/cgroup", "0::/a\n");
	fake_file("/sys/fs/cgroup/a/hugetlb.2MB.max", "4194304\n");
	CHECK(world_take(4 * MIB).pool == thp);
	CHECK(world_fell(huge, CONTIG_REASON_POPULATE) == 1);
}

int main(void)
{
	WORLD_RUN(reserved_only_is_refused_where_a_control_group_limits);
	WORLD_RUN(whole_within_one_huge_page_never_crosses_it);
	WORLD_RUN(page_is_met_by_any_huge_page);
	WORLD_RUN(more_than_a_page_is_whole_only_by_pfn);
	WORLD_RUN(a_size_is_met_by_runs_of_that_size);
	WORLD_RUN(promised_memory_does_not_grow_in_place);
	WORLD_RUN(memory_of_another_node_falls_through);
	WORLD_RUN(kept_memory_of_another_node_is_left_alone);
	return check_result();
}
