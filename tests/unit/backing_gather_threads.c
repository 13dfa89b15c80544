/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
/* Threads that gather from one pool at the same moment: contents, promises, and nothing lost. */
#include "backing_world.h"

#include <fcntl.h>
#include <pthread.h>

#include "physmap.h"
#include "sys.h"

#define PAGE	(2 * MIB)

enum { THREADS = 4, ROUNDS = 400, FRAMES = 120, FIRST = 512 };

static bool is_whole(const void *addr, size_t bytes)
{
	struct physmap_figures out = { .extents = 0 };
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);
	int ret = physmap_measure(fd, (uintptr_t)addr, bytes, PHYSMAP_SIZES_MLX5, &out);

	sys_close(fd);
	return !ret && out.extents == 1;
}

static void *work(void *arg)
{
	static const size_t sizes[] = { 34 * MIB, 12 * MIB, 3 * MIB, 40 * MIB, 6 * MIB };
	uint64_t seed = (uintptr_t)arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t bytes = sizes[(i + seed) % 5];
		struct place_result got;

		if (world_take_aligned(bytes, 1, &got))
			continue;
		world_fill(got.addr, bytes, seed * ROUNDS + i);
		CHECK(bytes > 20 * MIB || is_whole(got.addr, bytes));
		CHECK(world_filled(got.addr, bytes, seed * ROUNDS + i));
		CHECK(!place_free(got.addr));
		if (i % 8 == 0)
			place_release();
	}
	return NULL;
}

static void threads_do_not_lose_each_others_pages(void)
{
	uint64_t frames[FRAMES];
	pthread_t threads[THREADS];

	for (uint64_t i = 0; i < FRAMES; i++)
		frames[i] = FIRST + i * 49 % FRAMES;	/* each once: 49 and 120 share no factor */
	fake_sys.address_limit = UINT64_MAX;
	fake_sys.thief = true;
	fake_frames(PAGE, frames, FRAMES);
	world_begin("size=..20M,contiguity=whole: hugetlb-2M!; size=20M..: hugetlb-2M!", 64 * MIB,
		    10000);
	CHECK(!place_free(world_take(34 * MIB).addr));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)i));
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(pool_stats(world_pool(BACKING_HUGETLB, PAGE))->allocations > THREADS * ROUNDS / 4);
	CHECK(world_empty());
	CHECK(fake_frames_whole() && fake_pool_free(PAGE) == FRAMES);
}

int main(void)
{
	WORLD_RUN(threads_do_not_lose_each_others_pages);
	return check_result();
}
