/* SPDX-License-Identifier: MIT */
/* Which of some pages to keep, by their physical addresses. Pure. */
#ifndef TOOLS_POOL_RUNS_H
#define TOOLS_POOL_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_page {
	void *va;
	uint64_t pa;
	bool keep;
};

/**
 * pool_runs_choose - mark the pages to keep, so that they form the fewest physical runs
 * @page: @count pages, no two at one address; sorted by physical address on return
 * @want: how many to keep; all, if there are fewer
 *
 * Return: the number of runs of what is kept, or -ENOMEM.
 */
int pool_runs_choose(struct pool_page *page, size_t count, uint64_t page_bytes, size_t want);

#endif
