/* SPDX-License-Identifier: MIT */
/*
 * warm MIB HUGETLB_MIB - touch that much memory and give it back. In a virtual machine the first
 * touch of a page that the host has not backed yet costs twenty times a later one; whoever ran
 * first would pay for all.
 */
#include "bench.h"

#include <stdio.h>
#include <sys/mman.h>

static void warm_touch(size_t bytes, int flags)
{
	char *start;

	if (!bytes)
		return;
	start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		     -1, 0);
	if (start == MAP_FAILED)
		bench_fail("warm");
	madvise(start, bytes, MADV_HUGEPAGE);
	bench_touch(start, bytes);
	munmap(start, bytes);
}

int main(int argc, char **argv)
{
	warm_touch(bench_argument(argc, argv, 1, 0) * BENCH_MIB, 0);
	warm_touch(bench_argument(argc, argv, 2, 0) * BENCH_MIB, MAP_HUGETLB);
	return 0;
}
