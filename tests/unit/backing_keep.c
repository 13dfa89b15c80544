/* SPDX-License-Identifier: MIT */
/* What is kept of freed memory, for how long, what is blank, and what grows where it lies. */
#include "backing_world.h"

static uint64_t kept(void)
{
	uint64_t bytes;

	lock_take(&zone_lock);
	bytes = span_free_bytes();
	lock_drop(&zone_lock);
	return bytes;
}

static void kept_memory_serves_again_without_a_system_call(void)
{
	struct place_result a, b;
	uint64_t calls;

	fake_pool(2 * MIB, 8);
	world_begin("size=4K..: hugetlb-2M", 256 * MIB, 10000);
	a = world_take(8 * MIB);
	CHECK(!place_free(a.addr));
	calls = fake_sys.calls[FAKE_ANY];
	b = world_take(6 * MIB);
	CHECK(b.addr == a.addr && fake_sys.calls[FAKE_ANY] == calls);
	CHECK(pool_stats(b.pool)->reused == 1);
	CHECK(contig_stats.retained_bytes == 2 * MIB);
	CHECK(!place_free(b.addr) && world_empty());
}

static void no_more_than_retain_is_kept(void)
{
	struct place_result got[8];

	world_begin("size=4K..: thp", 6 * MIB, 10000);
	for (int i = 0; i < 8; i++)
		got[i] = world_take(4 * MIB);
	for (int i = 0; i < 8; i++) {
		CHECK(!place_free(got[i].addr));
		CHECK(kept() <= 6 * MIB);
	}
	CHECK(kept() >= 4 * MIB && contig_stats.retained_bytes == kept());
	CHECK(world_empty());
}

/* Live and kept together stay within 1.23 of the most that was live. */
static void the_footprint_stays_near_its_peak(void)
{
	struct place_result got[10], big;

	world_begin("size=4K..: thp", GIB, 10000);
	for (int i = 0; i < 10; i++)
		got[i] = world_take(20 * MIB);
	for (int i = 0; i < 10; i++)
		CHECK(!place_free(got[i].addr));
	CHECK(kept() == 200 * MIB);
	world_rules("size=4K..: base");
	big = world_take(120 * MIB);
	/* 246 of 200; what is above goes back in whole pages. */
	CHECK(kept() <= 126 * MIB && kept() >= 124 * MIB);
	CHECK(fake_mapped_bytes((void *)zone.base, zone.bytes) == 120 * MIB + kept());
	CHECK(!place_free(big.addr) && world_empty());
}

static void what_is_kept_too_long_goes_back(void)
{
	struct place_result a, b, c, d, apart[2];

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	a = world_take(4 * MIB);
	apart[0] = world_take(2 * MIB);
	b = world_take(4 * MIB);
	apart[1] = world_take(2 * MIB);
	c = world_take(4 * MIB);
	d = world_take(2 * MIB);
	CHECK(!place_free(a.addr));
	fake_sys.now_ms += 5000;
	CHECK(!place_free(b.addr));
	fake_sys.now_ms += 4999;
	CHECK(!place_free(c.addr));
	CHECK(kept() == 12 * MIB);
	fake_sys.now_ms += 1;
	CHECK(!place_free(d.addr));
	CHECK(kept() == 10 * MIB);	/* without the first */
	fake_sys.now_ms += 20000;
	CHECK(!place_free(apart[0].addr));
	CHECK(kept() == 6 * MIB);	/* what merged with it is as young as it is */
	CHECK(!place_free(apart[1].addr) && world_empty());
}

/* Or every request would look at all of them again. */
static void ends_of_pages_are_looked_at_once_in_a_decay(void)
{
	struct place_result a;

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	a = world_take(3 * MIB);	/* leaves 1 MiB of its second page */
	fake_sys.now_ms += 10001;
	place_decay();
	CHECK(kept() == MIB && span_oldest()->freed_ms == fake_sys.now_ms);
	fake_sys.now_ms += 1;
	place_decay();
	CHECK(span_oldest()->freed_ms == fake_sys.now_ms - 1);
	CHECK(!place_free(a.addr));
	fake_sys.now_ms += 10001;
	place_decay();
	CHECK(kept() == 0 && world_empty());
}

static void a_small_request_lets_what_is_old_go(void)
{
	struct place_result a;

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	a = world_take(4 * MIB);
	CHECK(!place_free(a.addr));
	fake_sys.now_ms += 9999;
	place_decay();
	CHECK(kept() == 4 * MIB);
	fake_sys.now_ms += 1;
	lock_take(&zone_lock);
	place_decay();			/* not while somebody is at work */
	lock_drop(&zone_lock);
	CHECK(kept() == 4 * MIB);
	place_decay();
	CHECK(kept() == 0 && world_empty());
}

static void blank_is_only_what_nobody_had(void)
{
	struct place_result a, b, c;

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	a = world_take(3 * MIB);
	CHECK(a.zero);
	world_fill(a.addr, 3 * MIB, 1);
	b = world_take(MIB);		/* the end of its last page */
	CHECK((char *)b.addr == (char *)a.addr + 3 * MIB && b.zero);
	CHECK(!place_free(b.addr) && !place_free(a.addr));
	c = world_take(MIB);
	CHECK(!c.zero && !world_blank(c.addr, MIB));
	CHECK(!place_free(c.addr));
	place_release();
	a = world_take(3 * MIB);
	CHECK(a.zero && world_blank(a.addr, 3 * MIB));
	CHECK(!place_free(a.addr));
	a = world_take(3 * MIB);
	CHECK(!a.zero);
}

static void sizes_change_in_place(void)
{
	struct decision decision, other = { .rule = 7 };
	struct place_result a, b;

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	a = world_take(6 * MIB);
	world_fill(a.addr, 6 * MIB, 1);
	decision = world_decide(10 * MIB, 1);
	CHECK(place_resize(a.addr, 10 * MIB, &decision) && place_bytes(a.addr) == 10 * MIB);
	CHECK(world_filled(a.addr, 6 * MIB, 1) && contig_stats.grown == 1);
	CHECK(pool_stats(a.pool)->live_bytes == 10 * MIB);
	CHECK(place_resize(a.addr, 2 * MIB, &decision) && place_bytes(a.addr) == 2 * MIB);
	CHECK(world_kept(a.addr, 2 * MIB, 6 * MIB, 1) && kept() == 8 * MIB);
	CHECK(place_rule_bytes()[0] == 2 * MIB);
	other.chain = decision.chain;
	CHECK(!place_resize(a.addr, 4 * MIB, &other));	/* of another rule */
	b = world_take(2 * MIB);
	CHECK((char *)b.addr == (char *)a.addr + 2 * MIB);
	CHECK(!place_resize(a.addr, 4 * MIB, &decision));
	CHECK(!place_resize(a.addr, 0, &decision));
	CHECK(!place_resize((char *)a.addr + PAGE_4K, MIB, &decision));
	CHECK(!place_free(b.addr) && !place_free(a.addr) && world_empty());
}

int main(void)
{
	WORLD_RUN(kept_memory_serves_again_without_a_system_call);
	WORLD_RUN(no_more_than_retain_is_kept);
	WORLD_RUN(the_footprint_stays_near_its_peak);
	WORLD_RUN(what_is_kept_too_long_goes_back);
	WORLD_RUN(ends_of_pages_are_looked_at_once_in_a_decay);
	WORLD_RUN(a_small_request_lets_what_is_old_go);
	WORLD_RUN(blank_is_only_what_nobody_had);
	WORLD_RUN(sizes_change_in_place);
	return check_result();
}
