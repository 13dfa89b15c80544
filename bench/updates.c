/* SPDX-License-Identifier: MIT */
/*
 * updates malloc|hugetlb|thp|base MIB [UPDATES] - random updates of 8 bytes: time of one of them,
 * of the first touch of all pages, and what kind of pages it were. `malloc` takes the memory from
 * the allocator, the others by hand from mmap: hugetlb pages, 2 MiB aligned with MADV_HUGEPAGE,
 * and 4 KiB pages.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define THP_BYTES (2 * BENCH_MIB)
#define SLICES 51u

static void *updates_map(size_t bytes, int flags)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

static void *updates_map_aligned(size_t bytes, int advice)
{
	uintptr_t start = (uintptr_t)updates_map(bytes + THP_BYTES, 0);

	if (!start)
		return NULL;
	start = (start + THP_BYTES - 1) & ~(THP_BYTES - 1);
	if (madvise((void *)start, bytes, advice))
		return NULL;
	return (void *)start;
}

static void *updates_get(const char *how, size_t bytes)
{
	if (!strcmp(how, "malloc"))
		return malloc(bytes);
	if (!strcmp(how, "hugetlb"))
		return updates_map(bytes, MAP_HUGETLB);
	if (!strcmp(how, "thp"))
		return updates_map_aligned(bytes, MADV_HUGEPAGE);
	if (!strcmp(how, "base"))
		return updates_map_aligned(bytes, MADV_NOHUGEPAGE);
	errno = EINVAL;
	return NULL;
}

static double updates_run(uint64_t *word, uint64_t words, uint64_t updates, uint64_t *seed)
{
	uint64_t start_ns = bench_now_ns();

	for (uint64_t i = 0; i < updates; i++) {
		uint64_t random = bench_random(seed);

		/* The high half scaled: no division, which would cost as much as the miss. */
		word[((random >> 32) * words) >> 32] += random;
	}
	return (double)(bench_now_ns() - start_ns) / (double)updates;
}

static int updates_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The median of many slices: a neighbour's burst of work falls into a few of them. */
static double updates_median(uint64_t *word, uint64_t words, uint64_t updates)
{
	double slice[SLICES];
	uint64_t seed = 42;

	for (unsigned int i = 0; i < SLICES; i++)
		slice[i] = updates_run(word, words, updates / SLICES, &seed);
	qsort(slice, SLICES, sizeof(*slice), updates_compare);
	return slice[SLICES / 2];
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "malloc";
	size_t bytes;
	uint64_t updates, start_ns, touch_ns;
	uint64_t *word;
	double ns;

	bench_start();
	bytes = bench_argument(argc, argv, 2, 2048) * BENCH_MIB;
	updates = bench_argument(argc, argv, 3, 10000000);
	start_ns = bench_now_ns();
	word = updates_get(how, bytes);
	if (!word)
		bench_fail(how);
	bench_touch(word, bytes);
	touch_ns = bench_now_ns() - start_ns;
	ns = updates_median(word, bytes / sizeof(*word), updates);
	printf("{\"ns\": %.3f, \"touch_ms\": %.1f, ", ns, (double)touch_ns / 1e6);
	bench_pages_print();
	printf("}\n");
	return 0;
}
