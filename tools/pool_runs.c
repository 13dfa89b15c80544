/* SPDX-License-Identifier: MIT */
#include "pool_runs.h"

#include <errno.h>
#include <stdlib.h>

struct pool_run {
	size_t first, count;	/* of the sorted pages */
};

static int pool_runs_compare_pages(const void *a, const void *b)
{
	const struct pool_page *x = a, *y = b;

	return (x->pa > y->pa) - (x->pa < y->pa);
}

/* Longest first; of equal ones the lowest. */
static int pool_runs_compare_runs(const void *a, const void *b)
{
	const struct pool_run *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

static size_t pool_runs_list(const struct pool_page *page, size_t count, uint64_t page_bytes,
			     struct pool_run *run)
{
	size_t runs = 0;

	for (size_t i = 0; i < count; i++) {
		if (i && page[i].pa == page[i - 1].pa + page_bytes)
			run[runs - 1].count++;
		else
			run[runs++] = (struct pool_run){ .first = i, .count = 1 };
	}
	return runs;
}

/*
 * Longest runs first is the fewest; what is still wanted at the end comes from the shortest
 * run that has it, so that a long one is not cut for it.
 */
static int pool_runs_mark(struct pool_page *page, const struct pool_run *run, size_t runs,
			  size_t want)
{
	int used = 0;

	for (size_t i = 0; i < runs && want; i++, used++) {
		size_t take = want, pick = i;

		if (run[i].count < want)
			take = run[i].count;
		else
			while (pick + 1 < runs && run[pick + 1].count >= want)
				pick++;
		for (size_t k = 0; k < take; k++)
			page[run[pick].first + k].keep = true;
		want -= take;
	}
	return used;
}

int pool_runs_choose(struct pool_page *page, size_t count, uint64_t page_bytes, size_t want)
{
	struct pool_run *run = calloc(count ? count : 1, sizeof(*run));
	size_t runs;
	int used;

	if (!run)
		return -ENOMEM;
	qsort(page, count, sizeof(*page), pool_runs_compare_pages);
	for (size_t i = 0; i < count; i++)
		page[i].keep = false;
	runs = pool_runs_list(page, count, page_bytes, run);
	qsort(run, runs, sizeof(*run), pool_runs_compare_runs);
	used = pool_runs_mark(page, run, runs, want);
	free(run);
	return used;
}
