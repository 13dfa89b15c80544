/* SPDX-License-Identifier: MIT */
/*
 * contiguous malloc|hugetlb|thp MIB - one allocation, each page of it touched: the time of that,
 * and how it lies: physically contiguous pieces in the order of addresses ("extents"), page size
 * and entries of a registration of all of it with a device that has every page size of 4 KiB to
 * 2 GiB (mlx5), the least entries that any placement of the very same pages could have
 * ("best_entries"), and the lines of /proc/self/maps that hold it. Needs CAP_SYS_ADMIN.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PMD_BYTES (2 * BENCH_MIB)
#define PAGE_ORDERS 20	/* 4 KiB << 0 to 4 KiB << 19: 2 GiB */

static char *contiguous_map(size_t bytes, int flags)
{
	char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (start == MAP_FAILED)
		bench_fail("mmap");
	return start;
}

static char *contiguous_get(const char *how, size_t bytes)
{
	char *start;

	if (!strcmp(how, "malloc"))
		return malloc(bytes);
	if (!strcmp(how, "hugetlb")) {
		start = contiguous_map(bytes, MAP_HUGETLB);
		return madvise(start, bytes, MADV_POPULATE_WRITE) ? NULL : start;
	}
	if (strcmp(how, "thp")) {
		errno = EINVAL;
		return NULL;
	}
	start = contiguous_map(bytes + PMD_BYTES, 0);
	start += -(uintptr_t)start & (PMD_BYTES - 1);
	return madvise(start, bytes, MADV_HUGEPAGE) ? NULL : start;
}

static size_t contiguous_count_extents(const uint64_t *frame, size_t pages)
{
	size_t extents = 1;

	for (size_t i = 1; i < pages; i++)
		extents += frame[i] != frame[i - 1] + 1;
	return extents;
}

/*
 * May a registration of @pages pages from page number @first on use pages of 2^@order? As the
 * kernel's ib_umem_find_best_pgsz has it: address and physical address of each piece agree below
 * that size, and no piece but the first starts, nor but the last ends, inside such a page.
 */
static bool contiguous_fits(uint64_t first, const uint64_t *frame, size_t pages, int order)
{
	uint64_t below = ((uint64_t)1 << order) - 1;

	if ((first ^ frame[0]) & below)
		return false;
	for (size_t i = 1; i < pages; i++)
		if (frame[i] != frame[i - 1] + 1 && ((first + i) | frame[i]) & below)
			return false;
	return true;
}

/* Entries of the registration, and the page size it uses, as an order. */
static size_t contiguous_count_entries(uint64_t first, const uint64_t *frame, size_t pages,
				       int *order)
{
	for (*order = PAGE_ORDERS - 1; *order > 0; --*order)
		if (contiguous_fits(first, frame, pages, *order))
			break;
	return ((first + pages - 1) >> *order) - (first >> *order) + 1;
}

static int contiguous_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/*
 * Entries of the best placement that uses pages of 2^@order; 0 if there is none. @frame ascends.
 * Whole pages of that size may come in any order; one piece that ends where such a page ends may
 * come first, one that starts where such a page starts may come last; nothing else is allowed,
 * unless it is the only piece.
 */
static size_t contiguous_place(const uint64_t *frame, size_t pages, int order)
{
	uint64_t below = ((uint64_t)1 << order) - 1;
	size_t entries = 0, heads = 0, tails = 0, from = 0;

	if (frame[pages - 1] - frame[0] == pages - 1)
		return (frame[pages - 1] >> order) - (frame[0] >> order) + 1;
	for (size_t i = 1; i <= pages; i++) {
		if (i < pages && frame[i] == frame[i - 1] + 1 && frame[i] & below)
			continue;
		if (frame[from] & below && (frame[i - 1] + 1) & below)
			return 0;
		tails += (frame[from] & below) != 0;
		heads += ((frame[i - 1] + 1) & below) != 0;
		entries++;
		from = i;
	}
	return heads <= 1 && tails <= 1 ? entries : 0;
}

static size_t contiguous_count_best(uint64_t *frame, size_t pages)
{
	size_t best = pages, entries;

	qsort(frame, pages, sizeof(*frame), contiguous_compare);
	for (int order = 1; order < PAGE_ORDERS; order++) {
		entries = contiguous_place(frame, pages, order);
		if (entries && entries < best)
			best = entries;
	}
	return best;
}

/* Lines of /proc/self/maps that hold a part of the range. */
static size_t contiguous_count_mappings(uintptr_t start, uintptr_t end)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	size_t count = 0;
	char line[4096];

	if (!maps)
		bench_fail("/proc/self/maps");
	while (fgets(line, sizeof(line), maps))
		count += sscanf(line, "%lx-%lx ", &from, &to) == 2 && from < end && to > start;
	fclose(maps);
	return count;
}

static void contiguous_print(char *start, size_t bytes)
{
	uint64_t first = (uintptr_t)start / BENCH_PAGE_BYTES;
	size_t pages = ((uintptr_t)start + bytes - 1) / BENCH_PAGE_BYTES - first + 1;
	size_t mappings = contiguous_count_mappings((uintptr_t)start, (uintptr_t)start + bytes);
	size_t table_bytes = (pages * sizeof(uint64_t) + PMD_BYTES - 1) & ~(PMD_BYTES - 1);
	uint64_t *frame = (uint64_t *)contiguous_map(table_bytes, 0);
	size_t entries, extents, best;
	int order;

	if (!bench_frames_read((char *)(first * BENCH_PAGE_BYTES), pages, frame)) {
		fprintf(stderr, "page frame numbers: not in memory, or no CAP_SYS_ADMIN\n");
		exit(1);
	}
	extents = contiguous_count_extents(frame, pages);
	entries = contiguous_count_entries(first, frame, pages, &order);
	best = contiguous_count_best(frame, pages);
	printf("\"extents\": %zu, \"entries\": %zu, \"entry_kib\": %zu, \"best_entries\": %zu, "
	       "\"to_best\": %.3f, \"mappings\": %zu, ", extents, entries,
	       BENCH_PAGE_BYTES / 1024 << order, best, (double)entries / (double)best, mappings);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "malloc";
	uint64_t start_ns, end_ns;
	size_t bytes;
	char *start;

	bench_start();
	bytes = bench_argument(argc, argv, 2, 2048) * BENCH_MIB;
	start_ns = bench_now_ns();
	start = bytes ? contiguous_get(how, bytes) : NULL;
	if (!start)
		bench_fail(how);
	bench_touch(start, bytes);
	start[bytes - 1] = 1;	/* the start may lie inside a page */
	end_ns = bench_now_ns();
	printf("{\"ns\": %llu, \"ms\": %.1f, ", (unsigned long long)(end_ns - start_ns),
	       (double)(end_ns - start_ns) / 1e6);
	contiguous_print(start, bytes);
	bench_pages_print();
	printf("}\n");
	return 0;
}
