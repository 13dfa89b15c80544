/* SPDX-License-Identifier: MIT */
/*
 * What programs ask the allocator about itself: mallinfo2, malloc_info, malloc_stats, mallopt,
 * malloc_trim.
 */
#include <errno.h>
#include <malloc.h>

#include "check.h"
#include "served.h"

/* Deprecated, and used all the same by the programs that are to run. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void mallinfo_counts_small_and_large(void)
{
	struct mallinfo2 before = mallinfo2(), after;
	void *large = malloc(16 * MIB), *small[1000];

	for (int i = 0; i < 1000; i++)
		small[i] = malloc(1000);
	after = mallinfo2();
	CHECK(before.uordblks > 0);
	CHECK(after.uordblks >= before.uordblks + 16 * MIB);
	CHECK(after.hblkhd >= 16 * MIB);
	CHECK((size_t)(unsigned int)mallinfo().uordblks >= 16 * MIB);
	for (int i = 0; i < 1000; i++)
		free(small[i]);
	free(large);
	CHECK(mallinfo2().uordblks < after.uordblks);
}

static void malloc_info_writes_xml(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	CHECK(malloc_info(0, stream) == 0);
	errno = 0;
	CHECK(malloc_info(1, stream) == -1 && errno == EINVAL);
	fclose(stream);
	CHECK(!strncmp(text, "<malloc version=\"1\">", 20));
	CHECK(strstr(text, "</malloc>"));
	free(text);
}

static void malloc_trim_gives_back_what_is_kept(void)
{
	char *p = malloc(24 * MIB);
	size_t full, trimmed;

	memset(p, 1, 24 * MIB);
	free(p);
	full = served_footprint();
	CHECK(served_stats->retained_bytes >= 24 * MIB);
	CHECK(malloc_trim(0) == 1);
	trimmed = served_footprint();
	CHECK(served_stats->retained_bytes < 2 * MIB);
	CHECK(trimmed + 20 * MIB < full);
}

int main(void)
{
	served_prove();
	mallinfo_counts_small_and_large();
	malloc_info_writes_xml();
	malloc_trim_gives_back_what_is_kept();
	CHECK(mallopt(M_MMAP_THRESHOLD, 4096) == 1);
	CHECK(mallopt(M_ARENA_MAX, 1) == 1);
	malloc_stats();
	return check_result();
}
