/* SPDX-License-Identifier: MIT */
/*
 * exchange [ROUNDS] - two threads replace small objects in an array each and change arrays after
 * every round, so that much of what a thread frees was allocated by the other (after P. Larson).
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 2u
#define SLOTS 1024u
#define PAIRS 10000u	/* of a round and a thread */

static struct {
	pthread_barrier_t barrier;
	uint64_t rounds;
	void *slot[THREADS][SLOTS];	/* Guarded by: the barrier; one thread a row and round */
} shared;

static void exchange_replace(void **slots, uint64_t *seed)
{
	uint64_t random = bench_random(seed);
	unsigned int slot = random % SLOTS;
	volatile char *object;

	free(slots[slot]);
	object = malloc(16 + (random >> 32) % 497);
	if (!object)
		bench_fail("malloc");
	object[0] = 1;
	slots[slot] = (void *)object;
}

static void *exchange_run(void *arg)
{
	uintptr_t index = (uintptr_t)arg;
	uint64_t seed = 42 + index;

	for (uint64_t round = 0; round < shared.rounds; round++) {
		for (unsigned int i = 0; i < PAIRS; i++)
			exchange_replace(shared.slot[(index + round) % THREADS], &seed);
		pthread_barrier_wait(&shared.barrier);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	uint64_t start_ns;

	bench_start();
	shared.rounds = bench_argument(argc, argv, 1, 500);
	pthread_barrier_init(&shared.barrier, NULL, THREADS);
	start_ns = bench_now_ns();
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, exchange_run, (void *)i))
			bench_fail("pthread_create");
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("{\"ns\": %.3f}\n", (double)(bench_now_ns() - start_ns) /
	       (double)(shared.rounds * PAIRS * THREADS));
	return 0;
}
