/* SPDX-License-Identifier: MIT */
/*
 * buffers [ROUNDS [IDLE_SECONDS]] - buffers of 5 to 25 MiB at random, 20 live, each touched once:
 * time of a round, most memory in use against most bytes live, and what is still held after
 * everything was freed, IDLE_SECONDS have passed and one small malloc was made.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIVE 20u
#define SAMPLE_ROUNDS 20u	/* memory in use is read at least this often */

static struct {
	void *buffer[LIVE];
	size_t bytes[LIVE];
	size_t live_bytes, peak_live_bytes, peak_used_bytes, peak_anon_bytes;
	uint64_t paused_ns;	/* spent reading /proc, not part of the figure */
} run;

static size_t buffers_used(void)
{
	struct bench_memory now;

	bench_memory_read(&now);
	if (now.anon_bytes > run.peak_anon_bytes)
		run.peak_anon_bytes = now.anon_bytes;
	return now.rss_bytes + now.hugetlb_bytes;
}

static void buffers_replace(unsigned int slot, size_t bytes)
{
	free(run.buffer[slot]);
	run.buffer[slot] = malloc(bytes);
	if (!run.buffer[slot])
		bench_fail("malloc");
	bench_touch(run.buffer[slot], bytes);
	run.live_bytes += bytes - run.bytes[slot];
	run.bytes[slot] = bytes;
}

/* A new record of live bytes is always sampled: that is where the peak is to be expected. */
static void buffers_sample(uint64_t round)
{
	uint64_t start_ns = bench_now_ns();
	size_t used;

	if (run.live_bytes <= run.peak_live_bytes && round % SAMPLE_ROUNDS)
		return;
	if (run.live_bytes > run.peak_live_bytes)
		run.peak_live_bytes = run.live_bytes;
	used = buffers_used();
	if (used > run.peak_used_bytes)
		run.peak_used_bytes = used;
	run.paused_ns += bench_now_ns() - start_ns;
}

static void buffers_report_idle(size_t before_bytes, unsigned int seconds)
{
	volatile char *object;
	size_t kept_bytes;

	for (unsigned int i = 0; i < LIVE; i++)
		free(run.buffer[i]);
	sleep(seconds);
	object = malloc(100);
	if (!object)
		bench_fail("malloc");
	object[0] = 1;
	kept_bytes = buffers_used();
	printf(", \"kept_mib\": %.1f",
	       kept_bytes > before_bytes ? (double)(kept_bytes - before_bytes) / BENCH_MIB : 0);
}

int main(int argc, char **argv)
{
	uint64_t rounds, idle_seconds, start_ns, spent_ns, seed = 42;
	size_t before_bytes;

	bench_start();
	rounds = bench_argument(argc, argv, 1, 2000);
	idle_seconds = bench_argument(argc, argv, 2, 0);
	free(malloc(100));	/* the allocator's own beginnings are not kept buffers */
	before_bytes = buffers_used();
	start_ns = bench_now_ns();
	for (uint64_t round = 0; round < rounds; round++) {
		unsigned int slot = bench_random(&seed) % LIVE;

		buffers_replace(slot, 5 * BENCH_MIB + bench_random(&seed) % (20 * BENCH_MIB));
		buffers_sample(round);
	}
	spent_ns = bench_now_ns() - start_ns - run.paused_ns;
	printf("{\"ns\": %.0f, \"peak_live_mib\": %.1f, \"peak_used_mib\": %.1f, "
	       "\"peak_anon_mib\": %.1f, \"peak_ratio\": %.3f",
	       (double)spent_ns / (double)rounds, (double)run.peak_live_bytes / BENCH_MIB,
	       (double)run.peak_used_bytes / BENCH_MIB, (double)run.peak_anon_bytes / BENCH_MIB,
	       (double)run.peak_used_bytes / (double)run.peak_live_bytes);
	if (idle_seconds)
		buffers_report_idle(before_bytes, (unsigned int)idle_seconds);
	printf("}\n");
	return 0;
}
