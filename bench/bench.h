/* SPDX-License-Identifier: MIT */
/*
 * What every program of bench/ shares. A program answers one question, times its own loop and
 * prints one line of JSON; it knows nothing of the allocator it runs on.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_MIB ((size_t)1 << 20)
#define BENCH_PAGE_BYTES ((size_t)4096)	/* the step of every touch, on any backing */

struct bench_memory {
	uint64_t rss_bytes;	/* VmRSS: without hugetlb */
	uint64_t anon_bytes;	/* RssAnon */
	uint64_t hugetlb_bytes;	/* HugetlbPages */
};

/**
 * bench_start - prove that the allocator to be measured is in this process
 *
 * $BENCH_EXPECT is a piece of its file name, unset for libc's own. To be called first.
 *
 * Return: only if it is there; otherwise the program ends with status 2, since every figure
 *	would be another allocator's.
 */
void bench_start(void);

/* bench_argument - number @index of the command line, @fallback where there is none. */
uint64_t bench_argument(int argc, char **argv, int index, uint64_t fallback);

uint64_t bench_now_ns(void);	/* CLOCK_MONOTONIC */

/* bench_random - xorshift64*: fast, and the same numbers for every side. @state: not 0. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* bench_touch - write one byte in each page of @bytes bytes at @start. */
void bench_touch(void *start, size_t bytes);

/* bench_memory_read - what this process has in memory now; allocates nothing itself. */
void bench_memory_read(struct bench_memory *out);

/*
 * bench_pages_print - `"hugetlb_mib": 64, "thp_mib": 0, "rss_mib": 66`: what this process's memory
 * is made of now.
 */
void bench_pages_print(void);

/**
 * bench_frames_read - where pages of BENCH_PAGE_BYTES lie, from pagemap
 *
 * @frame: gets the page frame numbers of @pages pages at @start.
 *
 * Return: false if one is not in memory or the kernel does not tell (CAP_SYS_ADMIN).
 */
bool bench_frames_read(const void *start, size_t pages, uint64_t *frame);

/* bench_fail - print @what and the reason in errno, end with status 1. */
__attribute__((noreturn)) void bench_fail(const char *what);

#endif
