/* SPDX-License-Identifier: MIT */
/*
 * Advice that a program gives for its memory ends when the memory is freed: who gets it next is
 * in core dumps, and has huge pages. While it is in use, it stands.
 */
#include <sys/mman.h>

#include "check.h"
#include "served.h"

#define BYTES (4 * MIB)

/* Has any mapping in [@p, @p + BYTES) the flag of two letters in its VmFlags? */
static bool has_flag(const char *p, const char *flag)
{
	unsigned long from = 0, to = 0, low, high;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512], word[8];
	bool found = false;

	snprintf(word, sizeof(word), " %s", flag);
	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &low, &high) == 2) {
			from = low;
			to = high;
			continue;
		}
		if (!strncmp(line, "VmFlags:", 8) && from < (uintptr_t)p + BYTES &&
		    to > (uintptr_t)p)
			found |= strstr(line, word) != NULL;
	}
	if (smaps)
		fclose(smaps);
	return found;
}

static void advice_ends(int advice, const char *flag)
{
	char *p = aligned_alloc(2 * MIB, BYTES), *again;

	memset(p, 1, BYTES);
	CHECK(!has_flag(p, flag));
	CHECK(!madvise(p, BYTES, advice) && has_flag(p, flag));
	CHECK(p[0] == 1 && p[BYTES - 1] == 1);
	free(p);
	again = served_hide(aligned_alloc(2 * MIB, BYTES));
	CHECK(again == p);	/* or nothing is shown by it */
	CHECK(!has_flag(again, flag));
	memset(again, 2, BYTES);
	free(again);
}

/* What has been advised grows and moves as other memory does. */
static void what_was_advised_can_grow(void)
{
	char *p = aligned_alloc(2 * MIB, BYTES);

	memset(p, 3, BYTES);
	CHECK(!madvise(p, BYTES, MADV_DONTDUMP));
	p = realloc(p, 5 * BYTES);
	if (!CHECK(p))
		return;
	for (size_t at = 0; at < BYTES; at += 4096)
		CHECK(p[at] == 3);
	memset(p, 4, 5 * BYTES);
	free(p);
}

int main(void)
{
	served_prove();
	advice_ends(MADV_DONTDUMP, "dd");
	advice_ends(MADV_RANDOM, "rr");
	advice_ends(MADV_SEQUENTIAL, "sr");
	if (!served_by("hugetlb"))	/* on pages of a pool it means nothing */
		advice_ends(MADV_NOHUGEPAGE, "nh");
	what_was_advised_can_grow();
	return check_result();
}
