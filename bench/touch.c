/* SPDX-License-Identifier: MIT */
/* touch [TIMES] - malloc of 64 MiB, a write to each page, free: the time of one such turn. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint64_t times, start_ns;

	bench_start();
	times = bench_argument(argc, argv, 1, 100);
	start_ns = bench_now_ns();
	for (uint64_t i = 0; i < times; i++) {
		void *buffer = malloc(64 * BENCH_MIB);

		if (!buffer)
			bench_fail("malloc");
		bench_touch(buffer, 64 * BENCH_MIB);
		free(buffer);
	}
	printf("{\"ns\": %.0f}\n", (double)(bench_now_ns() - start_ns) / (double)times);
	return 0;
}
