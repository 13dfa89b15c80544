/* SPDX-License-Identifier: MIT */
/* `contig pool reserve --contiguous` keeps the pages that form the fewest physical runs. */
#include "check.h"
#include "pool_runs.h"

#include <stdlib.h>

#define PAGE	((uint64_t)1 << 30)
#define SLOTS	14	/* gigabytes of the property test: every subset of them is tried */

static size_t runs_count_kept(const struct pool_page *page, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		kept += page[i].keep;
	return kept;
}

static void runs_fill(struct pool_page *page, const unsigned int *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page[i] = (struct pool_page){ .pa = at[i] * PAGE, .keep = true };
}

static void neighbours_are_kept_however_they_came(void)
{
	static const unsigned int at[] = { 9, 3, 5, 4, 20 };
	struct pool_page page[5];

	runs_fill(page, at, 5);
	CHECK(pool_runs_choose(page, 5, PAGE, 3) == 1);
	CHECK(page[0].keep && page[1].keep && page[2].keep && !page[3].keep && !page[4].keep);
	CHECK(page[0].pa == 3 * PAGE && page[4].pa == 20 * PAGE);
}

static void the_shortest_run_that_suffices_is_cut(void)
{
	static const unsigned int at[] = { 1, 2, 3, 4, 10, 11 };
	struct pool_page page[6];

	runs_fill(page, at, 6);
	CHECK(pool_runs_choose(page, 6, PAGE, 2) == 1);
	CHECK(page[4].keep && page[5].keep && !page[0].keep);
}

static void too_few_are_all_kept(void)
{
	static const unsigned int at[] = { 8, 1 };
	struct pool_page page[2];

	runs_fill(page, at, 2);
	CHECK(pool_runs_choose(page, 2, PAGE, 5) == 2);
	CHECK(runs_count_kept(page, 2) == 2);
	CHECK(pool_runs_choose(page, 0, PAGE, 5) == 0);
	CHECK(pool_runs_choose(page, 2, PAGE, 0) == 0);
	CHECK(runs_count_kept(page, 2) == 0);
}

static unsigned int runs_count(unsigned int set)
{
	unsigned int runs = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		runs += (set >> i & 1) && !(i && (set >> (i - 1) & 1));
	return runs;
}

/* The slow and obvious way: of all subsets of that many pages, the one with the fewest runs. */
static unsigned int runs_find_fewest(unsigned int there, unsigned int want)
{
	unsigned int fewest = SLOTS;

	for (unsigned int set = there;; set = (set - 1) & there) {
		if ((unsigned int)__builtin_popcount(set) == want && runs_count(set) < fewest)
			fewest = runs_count(set);
		if (!set)
			return fewest;
	}
}

static void no_choice_has_fewer_runs(void)
{
	srand(1);
	for (unsigned int round = 0; round < 300; round++) {
		unsigned int there = (unsigned int)rand() & ((1u << SLOTS) - 1), kept = 0, want;
		struct pool_page page[SLOTS];
		size_t count = 0;
		int runs;

		for (unsigned int i = SLOTS; i-- > 0;)
			if (there >> i & 1)
				page[count++] = (struct pool_page){ .pa = i * PAGE };
		if (!count)
			continue;
		want = (unsigned int)rand() % (unsigned int)count + 1;
		runs = pool_runs_choose(page, count, PAGE, want);
		for (size_t i = 0; i < count; i++)
			kept |= (unsigned int)page[i].keep << (page[i].pa / PAGE);
		CHECK((unsigned int)__builtin_popcount(kept) == want);
		CHECK((unsigned int)runs == runs_count(kept));
		if (!CHECK((unsigned int)runs == runs_find_fewest(there, want)))
			fprintf(stderr, "  of 0x%x, %u wanted: kept 0x%x\n", there, want, kept);
	}
}

int main(void)
{
	neighbours_are_kept_however_they_came();
	the_shortest_run_that_suffices_is_cut();
	too_few_are_all_kept();
	no_choice_has_fewer_runs();
	return check_result();
}
