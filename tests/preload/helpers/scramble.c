/* SPDX-License-Identifier: MIT */
/*
 * scramble MIB: take all free 2 MiB pages, give back those of the longest physical runs, in random
 * order, so that the pool has them and hands them out in no order; say "runs PAGES RUNS" and hold
 * the others until killed.
 * scramble churn: take and give back a few at a time until killed.
 */
#include <fcntl.h>
#include <linux/mman.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PAGES_MOST = 1 << 16, CHURN_PAGES = 24 };

#define PAGE	((size_t)2 << 20)

static uint64_t state;

static size_t next_random(size_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static char *take(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | MAP_POPULATE,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void give_in_random_order(char *p, size_t pages)
{
	static uint32_t order[PAGES_MOST];

	for (size_t i = 0; i < pages; i++)
		order[i] = (uint32_t)i;
	for (size_t i = pages; i > 1; i--) {
		size_t other = next_random(i);
		uint32_t kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
	for (size_t i = 0; i < pages; i++)
		munmap(p + order[i] * PAGE, PAGE);
}

static size_t free_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	size_t pages = 0;

	if (!file || fscanf(file, "%zu", &pages) != 1)
		exit(1);
	fclose(file);
	return pages < PAGES_MOST ? pages : PAGES_MOST;
}

struct page {
	char *addr;
	uint64_t frame;
	size_t run;	/* pages in its physical run */
};

static int by_frame(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* The longest runs first. */
static int by_run(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	if (x->run != y->run)
		return x->run > y->run ? -1 : 1;
	return by_frame(a, b);
}

static void look(struct page *pages, size_t count)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	for (size_t i = 0; i < count; i++) {
		if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)pages[i].addr / 512)) != 8)
			exit(1);
		pages[i].frame = (entry & (((uint64_t)1 << 55) - 1)) / 512;
	}
	close(fd);
	qsort(pages, count, sizeof(*pages), by_frame);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count; end++)
			if (pages[end].frame != pages[end - 1].frame + 1)
				break;
		for (size_t i = first; i < end; i++)
			pages[i].run = end - first;
	}
	qsort(pages, count, sizeof(*pages), by_run);
}

static int hold(size_t wanted)
{
	static struct page pages[PAGES_MOST];
	size_t count = free_pages(), runs = 1;
	char *p = take(count);

	if (!p || count < wanted)
		return 1;
	for (size_t i = 0; i < count; i++)
		pages[i].addr = p + i * PAGE;
	look(pages, count);
	for (size_t i = 1; i < wanted; i++)
		runs += pages[i].frame != pages[i - 1].frame + 1;
	for (size_t i = wanted; i > 1; i--) {
		size_t other = next_random(i);
		struct page kept = pages[i - 1];

		pages[i - 1] = pages[other];
		pages[other] = kept;
	}
	for (size_t i = 0; i < wanted; i++)
		munmap(pages[i].addr, PAGE);
	printf("runs %zu %zu\n", wanted, runs);
	fflush(stdout);
	for (;;)
		pause();
}

__attribute__((noreturn)) static void churn(void)
{
	for (;;) {
		size_t pages = 1 + next_random(CHURN_PAGES);
		char *p = take(pages);

		if (p)
			give_in_random_order(p, pages);
	}
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "churn"))
		churn();
	return hold(strtoul(argv[1], NULL, 10) / 2);
}
