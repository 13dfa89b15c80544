/* SPDX-License-Identifier: MIT */
/*
 * small [PAIRS] - what a pair of free and malloc of 16 to 512 bytes costs, 4096 objects live.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define LIVE 4096u

static void *live[LIVE];

static void small_replace(uint64_t *seed)
{
	uint64_t random = bench_random(seed);
	unsigned int slot = random % LIVE;
	volatile char *object;

	free(live[slot]);
	object = malloc(16 + (random >> 32) % 497);
	if (!object)
		bench_fail("malloc");
	object[0] = 1;
	live[slot] = (void *)object;
}

int main(int argc, char **argv)
{
	uint64_t pairs, start_ns, seed = 42;

	bench_start();
	pairs = bench_argument(argc, argv, 1, 10000000);
	for (unsigned int i = 0; i < 2 * LIVE; i++)
		small_replace(&seed);
	start_ns = bench_now_ns();
	for (uint64_t i = 0; i < pairs; i++)
		small_replace(&seed);
	printf("{\"ns\": %.3f}\n", (double)(bench_now_ns() - start_ns) / (double)pairs);
	return 0;
}
