/* SPDX-License-Identifier: MIT */
/*
 * timeout: 120
 * main() forks while threads allocate all the time. Each child allocates small and large; none
 * hangs on a lock that a thread held, none is killed, and no fork fails for want of memory that
 * is there. With each way of doing it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { THREADS = 3, FORKS = 50 };

static atomic_bool stop;
static atomic_uint rounds;
static char *kept;

static void *churn(void *arg)
{
	uint64_t state = 5 + (uintptr_t)arg;

	while (!atomic_load(&stop)) {
		size_t bytes = (size_t)100 << pattern_random(&state) % 16;
		char *p = malloc(bytes), *q = calloc(1, bytes / 2);

		pattern_write(p, bytes, bytes);
		p = realloc(p, bytes + bytes / 2);
		CHECK(pattern_holds_upto(p, bytes, bytes, bytes));
		free(q);
		free(p);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static void allocate(void *arg)
{
	CHECK(pattern_holds(kept, 8 * MIB, 3));
	for (size_t bytes = 10; bytes < 6 * MIB; bytes *= 3) {
		char *p = malloc(bytes);

		pattern_write(p, bytes, 1);
		CHECK(pattern_holds(p, bytes, 1));
		free(p);
	}
	pattern_write(kept, 8 * MIB, 4);
	free(kept);
}

static void fork_often(void)
{
	for (int i = 0; i < FORKS; i++)
		if (!CHECK(child_ended_well(child_start(allocate, NULL))))
			break;
}

int main(void)
{
	pthread_t thread[THREADS];

	served_prove();
	kept = malloc(8 * MIB);
	pattern_write(kept, 8 * MIB, 3);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, churn, (void *)i);
	fork_often();
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CHECK(pattern_holds(kept, 8 * MIB, 3));
	CHECK(atomic_load(&rounds) > FORKS);
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
