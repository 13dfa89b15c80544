/* SPDX-License-Identifier: MIT */
/*
 * demo_churn ROUNDS: what a program that works on large buffers does to its allocator. In each
 * round one of 20 buffers is freed, another of 5 to 25 MiB takes its place, and each of its
 * pages is touched. Prints the seconds and a sum that must always be the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIVE = 20 };

static uint32_t churn_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static double churn_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 300;
	unsigned char *buffer[LIVE] = { NULL };
	uint32_t state = 12345;
	uint64_t sum = 0;
	double begin = churn_seconds();

	for (unsigned int round = 0; round < rounds; round++) {
		unsigned int slot = churn_random(&state) % LIVE;
		size_t bytes = ((size_t)5 << 20) + churn_random(&state) % ((uint32_t)20 << 20);

		free(buffer[slot]);
		buffer[slot] = malloc(bytes);
		if (!buffer[slot]) {
			perror("demo_churn: malloc");
			return 1;
		}
		for (size_t at = 0; at < bytes; at += 4096)
			buffer[slot][at] = (unsigned char)(round + at / 4096);
		sum = sum * 31 + buffer[slot][bytes / 8192 * 4096];
	}
	printf("%.3f %016llx\n", churn_seconds() - begin, (unsigned long long)sum);
	return 0;
}
