/* SPDX-License-Identifier: MIT */
/* Maps N pages of 2 MiB of the pool and prints: the physical runs they form, sorted; the extents
 * in the order of the mapping. With "hold", keeps them until its input ends. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	((size_t)2 << 20)
#define PFNS	512	/* 4 KiB pages in one */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static size_t count_runs(const uint64_t *pfn, size_t count)
{
	size_t runs = 1;

	for (size_t i = 1; i < count; i++)
		runs += pfn[i] != pfn[i - 1] + PFNS;
	return runs;
}

int main(int argc, char **argv)
{
	size_t count = strtoul(argv[1], NULL, 10), extents;
	uint64_t *pfn = calloc(count, sizeof(*pfn));
	int fd = open("/proc/self/pagemap", O_RDONLY);
	char *base = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << 26), -1, 0);

	if (base == MAP_FAILED || fd < 0 || !pfn)
		return 1;
	for (size_t i = 0; i < count; i++) {
		uint64_t entry;

		base[i * PAGE] = 1;
		if (pread(fd, &entry, 8, (off_t)((uintptr_t)(base + i * PAGE) / 4096 * 8)) != 8)
			return 1;
		pfn[i] = entry & (((uint64_t)1 << 55) - 1);
		if (!pfn[i])
			return 1;
	}
	extents = count_runs(pfn, count);
	qsort(pfn, count, sizeof(*pfn), compare);
	printf("runs %zu extents %zu\n", count_runs(pfn, count), extents);
	fflush(stdout);
	if (argc > 2 && !strcmp(argv[2], "hold"))
		getchar();
	return 0;
}
