/* SPDX-License-Identifier: MIT */
/*
 * What is kept of freed memory is bounded by `retain`, goes back after `decay` with the next
 * large call, and never makes the process cost more than 1.25 of its peak.
 */
#include <time.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

enum { LIVE = 8, ROUNDS = 400 };

static void rest_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static char *touched(size_t bytes)
{
	char *p = malloc(bytes);

	for (size_t at = 0; at < bytes; at += 4096)
		p[at] = 1;
	return p;
}

static void kept_memory_is_bounded(void)
{
	char *p[10];

	for (int i = 0; i < 10; i++)
		p[i] = touched(10 * MIB);
	for (int i = 0; i < 10; i++) {
		free(p[i]);
		CHECK(served_stats->retained_bytes <= 32 * MIB);
	}
	CHECK(served_stats->retained_bytes > 8 * MIB);
	CHECK(served_footprint() < 32 * MIB + 24 * MIB);
}

static void kept_memory_decays(void)
{
	uint64_t released;
	size_t full;

	free(touched(20 * MIB));
	CHECK(served_stats->retained_bytes >= 16 * MIB);
	released = served_stats->released_bytes;
	full = served_footprint();
	rest_ms(500);
	free(touched(2 * MIB));
	CHECK(served_stats->released_bytes >= released + 12 * MIB);
	/* What was freed only now is young, and what shares a huge page with it stays. */
	CHECK(served_stats->retained_bytes <= 8 * MIB);
	CHECK(served_footprint() + 10 * MIB < full);
}

/* Not of the huge pages of a pool, which are one block each. */
static void what_lies_between_memory_in_use_goes_too(void)
{
	enum { COUNT = 160 };
	size_t full;
	char *p[COUNT];

	for (int i = 0; i < COUNT; i++)
		p[i] = touched(MIB);
	full = served_footprint();
	for (int i = 0; i < COUNT; i += 2) {
		free(p[i]);
		CHECK(served_stats->retained_bytes <= 32 * MIB);
	}
	CHECK(served_footprint() <= full - 40 * MIB);
	rest_ms(500);
	free(malloc(10));
	CHECK(served_footprint() <= full - 70 * MIB);
	CHECK(served_stats->retained_bytes <= 4 * MIB);
	for (int i = 1; i < COUNT; i += 2) {
		CHECK(p[i][0] == 1 && p[i][MIB - 4096] == 1);
		free(p[i]);
	}
}

static void a_churn_costs_little_more_than_what_is_live(void)
{
	size_t bytes[LIVE] = { 0 }, live = 0, peak = 0, most = 0, base = served_footprint(), now;
	char *p[LIVE] = { NULL };
	uint64_t state = 9;

	for (int round = 0; round < ROUNDS; round++) {
		int i = (int)(pattern_random(&state) % LIVE);

		free(p[i]);
		live -= bytes[i];
		bytes[i] = 5 * MIB + pattern_random(&state) % (20 * MIB);
		live += bytes[i];
		peak = live > peak ? live : peak;
		p[i] = touched(bytes[i]);
		now = served_footprint() - base;
		most = now > most ? now : most;
	}
	printf("peak live %zu MiB, peak footprint %zu MiB\n", peak / MIB, most / MIB);
	CHECK(most <= peak / 4 * 5);
	for (int i = 0; i < LIVE; i++)
		free(p[i]);
}

int main(void)
{
	const char *decay = getenv("CONTIG_DECAY");

	if (!decay) {
		setenv("CONTIG_RETAIN", "32M", 1);
		served_again("CONTIG_DECAY", "200ms");
	}
	served_prove();
	if (!strcmp(decay, "200ms")) {
		kept_memory_is_bounded();
		kept_memory_decays();
		if (!served_by("hugetlb"))
			what_lies_between_memory_in_use_goes_too();
		if (check_result())
			return 1;
		unsetenv("CONTIG_RETAIN");
		served_again("CONTIG_DECAY", "10s");
	}
	a_churn_costs_little_more_than_what_is_live();
	return check_result();
}
