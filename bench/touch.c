/* SPDX-License-Identifier: MIT */
/* touch [TIMES] - malloc of 64 MiB, a write to each page, free: the time of one such turn. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES (64 * BENCH_MIB)

static void *touch_get(void)
{
	void *buffer = malloc(BYTES);

	if (!buffer)
		bench_fail("malloc");
	bench_touch(buffer, BYTES);
	return buffer;
}

int main(int argc, char **argv)
{
	uint64_t times, start_ns, spent_ns;
	void *last;

	bench_start();
	times = bench_argument(argc, argv, 1, 100);
	start_ns = bench_now_ns();
	for (uint64_t i = 0; i < times; i++)
		free(touch_get());
	spent_ns = bench_now_ns() - start_ns;
	last = touch_get();
	printf("{\"ns\": %.0f, ", (double)spent_ns / (double)times);
	bench_pages_print();
	printf("}\n");
	free(last);
	return 0;
}
