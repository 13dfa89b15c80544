/* SPDX-License-Identifier: MIT */
/* footprint - memory of a small program: a thousand live objects of 16 to 512 bytes. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct bench_memory memory;
	uint64_t seed = 42;

	bench_start();
	for (unsigned int i = 0; i < 1000; i++) {
		volatile char *object = malloc(16 + bench_random(&seed) % 497);

		if (!object)
			bench_fail("malloc");
		object[0] = 1;
	}
	bench_memory_read(&memory);
	printf("{\"kib\": %.0f, \"anon_kib\": %.0f}\n",
	       (double)(memory.rss_bytes + memory.hugetlb_bytes) / 1024,
	       (double)memory.anon_bytes / 1024);
	return 0;
}
