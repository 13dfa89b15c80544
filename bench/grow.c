/* SPDX-License-Identifier: MIT */
/*
 * grow - realloc from 1 MiB to 1 GiB in steps of 1.5x, each new part touched: the whole time.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define LAST_BYTES (1024 * BENCH_MIB)

int main(void)
{
	uint64_t start_ns, spent_ns;
	size_t bytes = 0, next = BENCH_MIB;
	unsigned int steps = 0;
	char *buffer = NULL;

	bench_start();
	start_ns = bench_now_ns();
	for (;;) {
		char *grown = realloc(buffer, next);

		if (!grown)
			bench_fail("realloc");
		buffer = grown;
		bench_touch(buffer + bytes, next - bytes);
		bytes = next;
		steps++;
		if (bytes == LAST_BYTES)
			break;
		next = bytes + bytes / 2 > LAST_BYTES ? LAST_BYTES : bytes + bytes / 2;
		next &= ~(BENCH_PAGE_BYTES - 1);
	}
	spent_ns = bench_now_ns() - start_ns;
	for (size_t at = 0; at < bytes; at += BENCH_PAGE_BYTES) {
		if (buffer[at] != 1) {
			fprintf(stderr, "realloc lost the byte at %zu\n", at);
			return 1;
		}
	}
	printf("{\"steps\": %u, ", steps);
	bench_pages_print();
	start_ns = bench_now_ns();
	free(buffer);
	spent_ns += bench_now_ns() - start_ns;
	printf(", \"ns\": %llu}\n", (unsigned long long)spent_ns);
	return 0;
}
