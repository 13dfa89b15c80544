/* SPDX-License-Identifier: MIT */
/*
 * Threads that make the small-object heap map memory all the time while others fork: a child finds
 * no lock of the heap held. retain:false makes jemalloc map and unmap at every request.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "child.h"
#include "served.h"

enum { THREADS = 3, FORKS = 300, BYTES = 700 << 10 };

static atomic_bool done;

static void *map_all_the_time(void *arg)
{
	while (!atomic_load(&done))
		free(served_hide(malloc(BYTES)));
	return arg;
}

static void ask_the_heap(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		CHECK(served_hide(malloc(BYTES + (size_t)i * 65536)) != NULL);
}

int main(void)
{
	pthread_t thread[THREADS];

	if (!getenv("MALLOC_CONF")) {
		served_prove();
		unsetenv("CONTIG_POLICY");	/* or requests of this size are not the heap's */
		served_again("MALLOC_CONF", "retain:false,dirty_decay_ms:0,oversize_threshold:0");
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, map_all_the_time, NULL));
	for (int i = 0; i < FORKS; i++)
		if (!CHECK(child_ended_well(child_start(ask_the_heap, NULL))))
			break;
	atomic_store(&done, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return check_result();
}
