/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
/* Threads take, grow, shrink and free at once, with a pool that is always nearly empty. */
#include "backing_world.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 2500, SLOTS = 6, HUGE_PAGES = 6 };

struct slot {
	char *addr;
	size_t bytes;
	uint64_t seed;
};

static uint64_t next_random(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % below;
}

static void take(struct slot *slot, size_t bytes, uint64_t seed)
{
	struct place_result got;

	if (world_take_aligned(bytes, 16, &got))
		return;
	CHECK(!got.zero || world_blank(got.addr, bytes));
	CHECK(place_bytes(got.addr) >= bytes && place_pool(got.addr) == got.pool);
	*slot = (struct slot){ got.addr, bytes, seed };
	world_fill(slot->addr, bytes, seed);
}

static void resize(struct slot *slot, size_t bytes)
{
	struct decision decision = world_decide(bytes, 1);
	size_t least = bytes < slot->bytes ? bytes : slot->bytes;

	if (!place_resize(slot->addr, bytes, &decision))
		return;
	CHECK(world_kept(slot->addr, least, slot->bytes, slot->seed));
	slot->bytes = bytes;
	world_fill(slot->addr, bytes, slot->seed);
}

static void *work(void *arg)
{
	uint64_t state = *(const uint64_t *)arg;
	struct slot slot[SLOTS] = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		struct slot *one = &slot[next_random(&state, SLOTS)];
		size_t bytes = (1 + next_random(&state, 768)) * PAGE_4K;

		if (!one->addr) {
			take(one, bytes, state);
		} else if (next_random(&state, 3) == 0) {
			resize(one, bytes);
		} else {
			CHECK(world_filled(one->addr, one->bytes, one->seed));
			CHECK(place_free(one->addr) == PLACE_OK);
			one->addr = NULL;
		}
		if (next_random(&state, 64) == 0)
			__atomic_add_fetch(&fake_sys.now_ms, 4000, __ATOMIC_RELAXED);
		if (next_random(&state, 200) == 0)
			place_release();
	}
	for (int i = 0; i < SLOTS; i++)
		if (slot[i].addr)
			CHECK(world_filled(slot[i].addr, slot[i].bytes, slot[i].seed) &&
			      place_free(slot[i].addr) == PLACE_OK);
	return NULL;
}

int main(void)
{
	uint64_t seed[THREADS];
	pthread_t thread[THREADS];
	uint64_t served = 0;

	fake_reset();
	fake_sys.address_limit = 4 * WORLD_ZONE;
	fake_pool(2 * MIB, HUGE_PAGES);
	world_begin("size=4K..256K,limit=512K: base; size=4K..: hugetlb-2M, thp", 8 * MIB, 10000);
	for (uint64_t i = 0; i < THREADS; i++) {
		seed[i] = 1000 * i + 7;
		CHECK(!pthread_create(&thread[i], NULL, work, &seed[i]));
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (unsigned int i = 0; i < pool_count(); i++) {
		served += pool_stats(pool_at(i))->allocations;
		CHECK(pool_stats(pool_at(i))->allocations == pool_stats(pool_at(i))->frees);
	}
	CHECK(served > THREADS * ROUNDS / 4);
	CHECK(world_empty());
	CHECK(fake_pool_free(2 * MIB) == HUGE_PAGES);
	return check_result();
}
