/* SPDX-License-Identifier: MIT */
/*
 * placed PART: a program that looks where its large memory lies in physical memory.
 *   order MIB: that much lies in order
 *   fork: a promise after copy-on-write
 *   thief: contents, while another process takes and gives back pages
 */
#include "check.h"
#include "pattern.h"
#include "served.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/wait.h>

#define PAGE		(2 * MIB)
#define CONGRUENT	(2 * GIB)
#define PFN_MASK	(((uint64_t)1 << 55) - 1)

enum { PAGES_MOST = 512, THIEF_ROUNDS = 24, WORTH = 8 /* pages in a run */ };

struct placed {
	uint64_t frame[PAGES_MOST];	/* in the order of addresses */
	size_t pages, extents, runs;	/* runs: were they sorted */
};

static int pagemap;

static uint64_t frame_at(const char *p)
{
	uint64_t entry = 0;

	CHECK(pread(pagemap, &entry, sizeof(entry), (off_t)((uintptr_t)p / 4096 * 8)) == 8);
	return (entry & PFN_MASK) * 4096 / PAGE;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t count_runs(const uint64_t *frame, size_t pages)
{
	size_t runs = 1;

	for (size_t i = 1; i < pages; i++)
		runs += frame[i] != frame[i - 1] + 1;
	return runs;
}

static void look(struct placed *out, const char *p, size_t bytes)
{
	static uint64_t sorted[PAGES_MOST];

	out->pages = bytes / PAGE;
	for (size_t i = 0; i < out->pages; i++)
		out->frame[i] = frame_at(p + i * PAGE);
	out->extents = count_runs(out->frame, out->pages);
	memcpy(sorted, out->frame, sizeof(sorted));
	qsort(sorted, out->pages, sizeof(*sorted), compare);
	out->runs = count_runs(sorted, out->pages);
}

/* Lines of /proc/self/maps that hold a part of the range. */
static unsigned int mappings(const char *p, size_t bytes)
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned int count = 0;
	uintptr_t start, end;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) == 2)
			count += start < (uintptr_t)p + bytes && (uintptr_t)p < end;
	fclose(file);
	return count;
}

static void check_placed(const char *p, size_t bytes, struct placed *placed)
{
	look(placed, p, bytes);
	printf("%zu MiB: %zu pages, %zu runs, %zu extents, %u mappings\n", bytes / MIB,
	       placed->pages, placed->runs, placed->extents, mappings(p, bytes));
	CHECK((uintptr_t)p % PAGE == 0);
	CHECK(((uintptr_t)p - placed->frame[0] * PAGE) % CONGRUENT == 0);
	CHECK(mappings(p, bytes) == 1);
}

/* The best order for a registration may cut a run for each end of the allocation. */
static int large_memory_lies_in_order(size_t bytes)
{
	static struct placed placed;
	char *p = malloc(bytes);

	if (!CHECK(p != NULL))
		return 1;
	check_placed(p, bytes, &placed);
	pattern_write(p, bytes, 1);
	CHECK(pattern_holds(p, bytes, 1));
	free(p);
	if (placed.runs * WORTH > placed.pages) {
		printf("the pool's own memory is scattered: no order would be worth much\n");
		return check_result() ? 1 : CHECK_SKIP;
	}
	CHECK(placed.extents <= placed.runs + 2);
	CHECK(served_pool("hugetlb-2M")->arranged > 0);	/* the pool was in no order */
	return check_result();
}

/* A child that shares the pages until the parent has written to them all. */
static void move_by_copy_on_write(char *p, size_t bytes)
{
	int done[2], status = 1;
	pid_t pid;
	char word;

	CHECK(!pipe(done));
	pid = fork();
	if (pid == 0) {
		close(done[1]);
		word = (char)read(done[0], &word, 1);
		_exit(!pattern_holds(p, bytes, 1));
	}
	pattern_write(p, bytes, 2);
	close(done[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(done[0]);
	CHECK(pattern_holds(p, bytes, 2));
}

/* The rules promise up to 80 MiB; what was larger, and moved, is looked at for it first. */
static void a_promise_is_kept_after_copy_on_write(void)
{
	static struct placed before, after;
	size_t bytes = 96 * MIB, promised = 64 * MIB;
	char *p = malloc(bytes), *again;

	if (!CHECK(p != NULL))
		return;
	pattern_write(p, bytes, 1);
	look(&before, p, bytes);
	move_by_copy_on_write(p, bytes);
	look(&after, p, bytes);
	CHECK(memcmp(before.frame, after.frame, bytes / PAGE * sizeof(*before.frame)));
	free(p);
	/* How long the runs of this machine's pool are is not ours to say; two pages lie side by side. */
	while (!(again = malloc(promised)) && promised > 2 * PAGE)
		promised /= 2;
	if (!CHECK(again != NULL))
		return;
	look(&after, again, promised);
	CHECK(after.extents == 1);
	CHECK(mappings(again, promised) == 1);
	pattern_write(again, promised, 3);
	CHECK(pattern_holds(again, promised, 3));
	free(again);
}

static void contents_are_right_beside_a_thief(void)
{
	size_t huge;

	for (uint64_t i = 0; i < THIEF_ROUNDS; i++) {
		size_t bytes = (32 + i * 37 % 100 * 2) * MIB;
		char *p = calloc(1, bytes), *q = malloc(bytes / 2);

		CHECK(p && q);
		for (size_t at = 0; at < bytes; at += PAGE)
			CHECK(p[at] == 0);
		pattern_write(p, bytes, i);
		pattern_write(q, bytes / 2, i + 1000);
		CHECK(pattern_holds(p, bytes, i) && pattern_holds(q, bytes / 2, i + 1000));
		free(p);
		free(q);
	}
	huge = served_pool("hugetlb-2M")->allocations;
	printf("%zu of %d on huge pages, arranged %" PRIu64 " times\n", huge, 2 * THIEF_ROUNDS,
	       served_pool("hugetlb-2M")->arranged);
	CHECK(huge > THIEF_ROUNDS / 2);
	CHECK(served_pool("hugetlb-2M")->arranged > 0);
}

int main(int argc, char **argv)
{
	served_find();
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (!CHECK(argc >= 2 && pagemap >= 0))
		return 1;
	if (argc == 3)
		return large_memory_lies_in_order(strtoul(argv[2], NULL, 10) * MIB);
	if (!strcmp(argv[1], "fork"))
		a_promise_is_kept_after_copy_on_write();
	else
		contents_are_right_beside_a_thief();
	return check_result();
}
