/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
/*
 * Every system call fails in turn, once and from then on, while a fixed mix of requests runs:
 * nothing leaks, nothing is handed out twice, contents stay.
 */
#include "backing_world.h"
#include "move.h"

enum { OPERATIONS = 200, HELD_MOST = 24, HUGE_PAGES = 24 };

struct held {
	char *addr;
	size_t bytes;
	uint64_t seed;
};

static struct held held[HELD_MOST];
static unsigned int held_count;
static uint64_t state;

/* The same mix each time: a generator of our own. */
static uint64_t next_random(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static bool overlaps(const char *addr, size_t bytes)
{
	for (unsigned int i = 0; i < held_count; i++)
		if (addr < held[i].addr + held[i].bytes && held[i].addr < addr + bytes)
			return true;
	return false;
}

static void take(uint64_t seed)
{
	size_t bytes = (1 + next_random(5 * MIB / PAGE_4K)) * PAGE_4K;
	size_t align = next_random(3) ? 2 * MIB : PAGE_4K << next_random(12);
	struct place_result got;

	if (held_count == HELD_MOST || world_take_aligned(bytes, align, &got))
		return;
	CHECK((uintptr_t)got.addr % align == 0);
	CHECK(range_owns(&zone, got.addr));
	CHECK(place_bytes(got.addr) >= bytes);
	CHECK(!overlaps(got.addr, place_bytes(got.addr)));
	CHECK(fake_mapped_bytes(got.addr, place_bytes(got.addr)) == place_bytes(got.addr));
	CHECK(!got.zero || world_blank(got.addr, bytes));
	world_fill(got.addr, bytes, seed);
	held[held_count++] = (struct held){ got.addr, bytes, seed };
}

static void give(unsigned int which)
{
	struct held gone = held[which];

	CHECK(world_filled(gone.addr, gone.bytes, gone.seed));
	CHECK(place_free(gone.addr) == PLACE_OK);
	held[which] = held[--held_count];
}

static void resize(unsigned int which, uint64_t seed)
{
	struct held *one = &held[which];
	size_t bytes = (1 + next_random(6 * MIB / PAGE_4K)) * PAGE_4K;
	struct decision decision = world_decide(bytes, 1);
	size_t least = bytes < one->bytes ? bytes : one->bytes;

	if (place_resize(one->addr, bytes, &decision)) {
		struct held grown = *one;

		*one = held[--held_count];
		CHECK(!overlaps(grown.addr, place_bytes(grown.addr)));
		CHECK(place_bytes(grown.addr) >= bytes);
		CHECK(fake_mapped_bytes(grown.addr, bytes) == bytes);
		CHECK(world_kept(grown.addr, least, grown.bytes, grown.seed));
		world_fill(grown.addr, bytes, seed);
		held[held_count++] = (struct held){ grown.addr, bytes, seed };
	} else {
		CHECK(world_filled(one->addr, one->bytes, one->seed));
	}
}

static bool moves_by_pages(const struct held *one)
{
	return one->bytes >= 2 * MIB && (uintptr_t)one->addr % (2 * MIB) == 0 &&
	       place_pool(one->addr)->backing == BACKING_THP;
}

static void move(unsigned int which, unsigned int to)
{
	size_t least;

	for (unsigned int i = 0; i < held_count && !moves_by_pages(&held[to]); i++)
		to = i;
	for (unsigned int i = 0; i < held_count && (which == to || !moves_by_pages(&held[which]));
	     i++)
		which = i;
	least = held[which].bytes < held[to].bytes ? held[which].bytes : held[to].bytes;
	/* Only where what was written at one place is looked for at the other. */
	if (which == to || (uintptr_t)(held[which].addr - held[to].addr) % WORLD_STEP)
		return;
	move_contents(held[to].addr, held[which].addr, least);
	CHECK(world_kept(held[to].addr, least, held[which].bytes, held[which].seed));
	world_fill(held[to].addr, held[to].bytes, held[to].seed);
	world_fill(held[which].addr, held[which].bytes, held[which].seed);
}

static void run_mix(void)
{
	state = 42;
	for (uint64_t i = 0; i < OPERATIONS; i++) {
		uint64_t what = next_random(16);
		unsigned int which = (unsigned int)next_random(held_count + !held_count);

		fake_sys.now_ms += next_random(40) ? 10 : 12000;
		if (what < 8 || !held_count)
			take(i + 1);
		else if (what < 12)
			give(which);
		else if (what < 15)
			resize(which, i + 1000);
		else
			move(which, (unsigned int)next_random(held_count));
		if (next_random(50) == 0)
			place_release();
	}
	CHECK(world_sound());
}

static bool nothing_is_left(void)
{
	fake_heal();
	while (held_count)
		give(held_count - 1);
	return world_empty() & CHECK(fake_pool_free(2 * MIB) == HUGE_PAGES);
}

/*
 * The pool is too small for the mix, so that its end, and what comes after it in the chain, are
 * part of it.
 */
static void begin(void)
{
	fake_pool(2 * MIB, HUGE_PAGES);
	fake_sys.node = 1;
	world_begin("size=4K..64K,populate=yes: thp, base; size=64K..1M,node=1: hugetlb-2M, base;"
		    "size=1M..2M,contiguity=whole: hugetlb-2M, thp; size=2M..3M: thp; "
		    "size=4K..: hugetlb, thp, base",
		    32 * MIB, 10000);
}

static void each_call_fails_once(void)
{
	uint64_t nth = 0;

	begin();
	do {
		nth++;
		fake_fail(FAKE_ANY, nth, nth, nth % 3 ? ENOMEM : EFAULT);
		run_mix();
		if (!fake_sys.failed)
			break;
	} while (CHECK(nothing_is_left()));
	CHECK(nth > 100);
	CHECK(nothing_is_left());
}

/* Not of seals: where memory can neither be kept nor given back there is nothing to be proved. */
static void each_kind_fails_from_some_call_on(void)
{
	static const enum fake_call kinds[] = {
		FAKE_MAP, FAKE_POPULATE, FAKE_ADVISE, FAKE_BIND, FAKE_NODE_OF, FAKE_REMAP,
	};
	uint64_t total = 0;

	begin();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		uint64_t before = fake_sys.calls[kinds[i]], calls;

		run_mix();
		CHECK(nothing_is_left());
		calls = fake_sys.calls[kinds[i]] - before;
		if (!CHECK(calls))
			fprintf(stderr, "  kind %u is never called\n", i);
		for (uint64_t nth = 1; nth <= calls; nth += 1 + calls / 16) {
			fake_fail(kinds[i], nth, UINT64_MAX, ENOMEM);
			run_mix();
			total += fake_sys.failed;
			if (!CHECK(nothing_is_left()))
				return;
		}
	}
	CHECK(total > 100);
}

int main(void)
{
	WORLD_RUN(each_call_fails_once);
	WORLD_RUN(each_kind_fails_from_some_call_on);
	return check_result();
}
