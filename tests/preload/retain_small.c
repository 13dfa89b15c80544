/* SPDX-License-Identifier: MIT */
/*
 * Freed memory goes back after `decay` also if the program goes on with small requests only, be
 * they few or as many as it can make, and no large one ever comes again.
 */
#include <time.h>

#include "check.h"
#include "served.h"

enum { BLOCKS = 40, SECONDS = 3 };

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void free_much(void)
{
	char *p[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		p[i] = malloc(2 * MIB);
		memset(p[i], 1, 2 * MIB);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(p[i]);
}

static void goes_back_while(void (*rest)(void))
{
	size_t before = served_footprint(), full;
	double begin = now_s();
	uint64_t pairs = 0;

	free_much();
	full = served_footprint();
	CHECK(full >= before + 50 * MIB);
	while (now_s() < begin + SECONDS) {
		free(served_hide(malloc(100 + pairs++ % 400)));
		rest();
	}
	printf("%.1f million pairs: %zu MiB, then %zu MiB\n", (double)pairs / 1e6, full / MIB,
	       served_footprint() / MIB);
	CHECK(served_footprint() < full - 40 * MIB);
	CHECK(served_stats->retained_bytes <= 4 * MIB);
}

static void for_20_ms(void)
{
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
}

static void not_at_all(void)
{
}

int main(void)
{
	if (!getenv("CONTIG_DECAY"))
		served_again("CONTIG_DECAY", "1s");
	served_prove();
	goes_back_while(for_20_ms);
	goes_back_while(not_at_all);
	return check_result();
}
