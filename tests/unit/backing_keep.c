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

/* 1 MiB in use beside 1 MiB kept, page for page: not one page of 2 MiB can go as a whole. */
static void what_shares_a_page_is_kept_within_retain_too(void)
{
	enum { COUNT = 64 };
	struct place_result got[COUNT];
	uint64_t released = contig_stats.released_bytes;

	world_begin("size=4K..: thp", 6 * MIB, 10000);
	for (int i = 0; i < COUNT; i++) {
		got[i] = world_take(MIB);
		world_fill(got[i].addr, MIB, (uint64_t)i);
	}
	for (int i = 0; i < COUNT; i += 2) {
		CHECK(!place_free(got[i].addr));
		CHECK(kept() <= 6 * MIB && world_sound());
	}
	CHECK(kept() == 6 * MIB && contig_stats.retained_bytes == kept());
	CHECK(contig_stats.released_bytes == released + 26 * MIB);
	CHECK(pool_stats(got[0].pool)->mapped_bytes == COUNT * MIB);
	for (int i = 0; i < COUNT; i += 2) {
		got[i] = world_take(MIB);
		CHECK(!got[i].zero || world_blank(got[i].addr, MIB));
	}
	CHECK(kept() == 0 && pool_stats(got[0].pool)->mapped_bytes == COUNT * MIB);
	for (int i = 1; i < COUNT; i += 2)
		CHECK(world_filled(got[i].addr, MIB, (uint64_t)i));
	for (int i = 0; i < COUNT; i++)
		CHECK(!place_free(got[i].addr));
	CHECK(world_empty());
}

static void what_shares_a_page_goes_when_it_is_old(const char *rules, bool ordinary)
{
	struct place_result a, b, c;

	fake_pool(2 * MIB, 8);
	world_begin(rules, 256 * MIB, 10000);
	a = world_take(MIB);
	b = world_take(MIB);
	world_fill(a.addr, MIB, 1);
	world_fill(b.addr, MIB, 2);
	CHECK(!place_free(a.addr));
	fake_sys.now_ms += 10001;
	if (ordinary) {
		fake_fail(FAKE_ADVISE, 1, 1, EINVAL);	/* somebody locked it in memory */
		place_decay();
		CHECK(kept() == MIB && fake_sys.failed == 1 && world_sound());
		fake_sys.now_ms += 10001;
	}
	place_decay();
	CHECK(kept() == (ordinary ? 0 : MIB) && world_sound());
	c = world_take(512 * KIB);
	CHECK(c.addr == a.addr && c.zero == ordinary);
	CHECK(world_blank(c.addr, 512 * KIB) == ordinary);
	CHECK(kept() == (ordinary ? 0 : 512 * KIB) && world_sound());
	CHECK(!place_free(c.addr));
	CHECK(kept() == MIB && world_sound());	/* one piece again */
	CHECK(world_filled(b.addr, MIB, 2));
	CHECK(!place_free(b.addr) && kept() == 2 * MIB && world_empty());
}

static void ordinary_memory_that_shares_a_page_goes(void)
{
	what_shares_a_page_goes_when_it_is_old("size=4K..: thp", true);
}

static void a_huge_page_that_is_shared_stays(void)
{
	what_shares_a_page_goes_when_it_is_old("size=4K..: hugetlb-2M", false);
}

/* More pieces than one call of malloc looks at. */
static void everything_goes_at_once_if_asked(void)
{
	enum { COUNT = 1400 };
	static struct place_result got[COUNT];

	fake_pool(2 * MIB, 320);
	world_begin("size=4K..: hugetlb-2M, thp", GIB, 10000);
	for (int i = 0; i < COUNT; i++) {
		if (i == 1200)
			world_rules("size=4K..: thp");
		got[i] = world_take(512 * KIB);
	}
	/* First ends that must stay, then others, then whole pages. */
	for (int i = 0; i < 1200; i += 2)
		CHECK(!place_free(got[i].addr));
	for (int i = 1200; i < COUNT; i += i < 1300 ? 2 : 1)
		CHECK(!place_free(got[i].addr));
	CHECK(kept() == 375 * MIB);
	CHECK(place_release() == 75 * MIB && kept() == 300 * MIB && world_sound());
	for (int i = 1; i < 1300; i += 2)
		CHECK(!place_free(got[i].addr));
	CHECK(world_empty());
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
	WORLD_RUN(what_shares_a_page_is_kept_within_retain_too);
	WORLD_RUN(ordinary_memory_that_shares_a_page_goes);
	WORLD_RUN(a_huge_page_that_is_shared_stays);
	WORLD_RUN(everything_goes_at_once_if_asked);
	WORLD_RUN(sizes_change_in_place);
	return check_result();
}
