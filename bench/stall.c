/* SPDX-License-Identifier: MIT */
/*
 * stall malloc|thp MIB - one allocation and the first touch of each of its pages: the time of all
 * of it, the longest time from one touch to the next and the median of them, and how much of it
 * lies on pages of 1 MiB and of 2 MiB, by page frame numbers (CAP_SYS_ADMIN; -1 without).
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THP_BYTES (2 * BENCH_MIB)
#define THP_PAGES (THP_BYTES / BENCH_PAGE_BYTES)
#define PFN_MASK (((uint64_t)1 << 55) - 1)	/* of an entry of pagemap; bit 63: present */

static void *stall_map(size_t bytes)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		bench_fail("mmap");
	return start;
}

static char *stall_get(const char *how, size_t bytes)
{
	uintptr_t start;

	if (!strcmp(how, "malloc"))
		return malloc(bytes);
	if (strcmp(how, "thp")) {
		errno = EINVAL;
		return NULL;
	}
	start = ((uintptr_t)stall_map(bytes + THP_BYTES) + THP_BYTES - 1) & ~(THP_BYTES - 1);
	if (madvise((void *)start, bytes, MADV_HUGEPAGE))
		return NULL;
	return (char *)start;
}

/* Nanoseconds of the first touch of each page. */
static void stall_touch(char *start, size_t pages, uint32_t *ns)
{
	uint64_t before_ns = bench_now_ns(), now_ns;

	for (size_t i = 0; i < pages; i++, before_ns = now_ns) {
		*(volatile char *)(start + i * BENCH_PAGE_BYTES) = 1;
		now_ns = bench_now_ns();
		ns[i] = (uint32_t)(now_ns - before_ns);
	}
}

/* Is the naturally aligned group of @count entries one run of page frames, aligned likewise? */
static bool stall_is_one(const uint64_t *entry, size_t count)
{
	uint64_t first = entry[0] & PFN_MASK;

	for (size_t i = 0; i < count; i++)
		if (!(entry[i] >> 63) || !first || (entry[i] & PFN_MASK) != first + i)
			return false;
	return first % count == 0;
}

/* Percent of the pages at @start that lie on pages of @page_pages 4 KiB pages or more. */
static double stall_share(int pagemap, char *start, size_t pages, size_t page_pages)
{
	size_t first = (uintptr_t)start / BENCH_PAGE_BYTES, found = 0;
	uint64_t entry[THP_PAGES];

	for (size_t at = first / page_pages * page_pages; at < first + pages; at += page_pages) {
		size_t from = at > first ? at : first;
		size_t to = at + page_pages < first + pages ? at + page_pages : first + pages;

		if (pread(pagemap, entry, page_pages * sizeof(*entry),
			  (off_t)(at * sizeof(*entry))) != (ssize_t)(page_pages * sizeof(*entry)))
			bench_fail("pagemap");
		if (stall_is_one(entry, page_pages))
			found += to - from;
	}
	return (double)found * 100 / (double)pages;
}

static void stall_print_shares(char *start, size_t pages)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	bool known;

	known = pagemap >= 0 &&
		pread(pagemap, &entry, sizeof(entry),
		      (off_t)((uintptr_t)start / BENCH_PAGE_BYTES * sizeof(entry))) ==
		(ssize_t)sizeof(entry) && (entry & PFN_MASK);
	printf("\"on_1m\": %.1f, \"on_2m\": %.1f, ",
	       known ? stall_share(pagemap, start, pages, THP_PAGES / 2) : -1,
	       known ? stall_share(pagemap, start, pages, THP_PAGES) : -1);
}

static int stall_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "malloc";
	uint64_t start_ns, got_ns, end_ns;
	size_t bytes, pages;
	uint32_t *ns;
	char *start;

	bench_start();
	bytes = bench_argument(argc, argv, 2, 512) * BENCH_MIB;
	pages = bytes / BENCH_PAGE_BYTES;
	ns = stall_map(pages * sizeof(*ns));
	madvise(ns, pages * sizeof(*ns), MADV_NOHUGEPAGE);
	bench_touch(ns, pages * sizeof(*ns));
	start_ns = bench_now_ns();
	start = stall_get(how, bytes);
	got_ns = bench_now_ns();
	if (!start)
		bench_fail(how);
	stall_touch(start, pages, ns);
	end_ns = bench_now_ns();
	qsort(ns, pages, sizeof(*ns), stall_compare);
	printf("{\"ns\": %llu, \"get_ms\": %.3f, \"worst_ns\": %u, \"p50_ns\": %u, ",
	       (unsigned long long)(end_ns - start_ns), (double)(got_ns - start_ns) / 1e6,
	       ns[pages - 1], ns[pages / 2]);
	stall_print_shares(start, pages);
	bench_pages_print();
	printf("}\n");
	return 0;
}
