/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bench_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* The whole of a small file of /proc, as a string; on the stack, so that nothing is allocated. */
static void bench_read(const char *path, char *out, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		bench_fail(path);
	while (used < bytes - 1 && (got = read(fd, out + used, bytes - 1 - used)) > 0)
		used += (size_t)got;
	close(fd);
	out[used] = '\0';
}

void bench_start(void)
{
	static char maps[1 << 18];
	const char *expect = getenv("BENCH_EXPECT");

	if (!expect)
		return;
	bench_read("/proc/self/maps", maps, sizeof(maps));
	if (strstr(maps, expect))
		return;
	fprintf(stderr, "%s is not loaded\n", expect);
	exit(2);
}

uint64_t bench_argument(int argc, char **argv, int index, uint64_t fallback)
{
	return index < argc ? strtoull(argv[index], NULL, 10) : fallback;
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_touch(void *start, size_t bytes)
{
	volatile char *byte = start;

	for (size_t at = 0; at < bytes; at += BENCH_PAGE_BYTES)
		byte[at] = 1;
}

bool bench_frames_read(const void *start, size_t pages, uint64_t *frame)
{
	const uint64_t number = ((uint64_t)1 << 55) - 1;	/* of an entry; bit 63: present */
	off_t at = (off_t)((uintptr_t)start / BENCH_PAGE_BYTES * sizeof(*frame));
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t bytes = pages * sizeof(*frame), done = 0;
	ssize_t got;

	while (pagemap >= 0 && done < bytes &&
	       (got = pread(pagemap, (char *)frame + done, bytes - done, at + (off_t)done)) > 0)
		done += (size_t)got;
	if (pagemap >= 0)
		close(pagemap);
	for (size_t i = 0; i < done / sizeof(*frame); i++) {
		if (!(frame[i] >> 63) || !(frame[i] & number))
			return false;
		frame[i] &= number;
	}
	return done == bytes;
}

/* A "Name:   123 kB" line of /proc, in bytes; 0 where the kernel has no such line. */
static uint64_t bench_field(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

void bench_memory_read(struct bench_memory *out)
{
	char text[4096];

	bench_read("/proc/self/status", text, sizeof(text));
	out->rss_bytes = bench_field(text, "VmRSS:");
	out->anon_bytes = bench_field(text, "RssAnon:");
	out->hugetlb_bytes = bench_field(text, "HugetlbPages:");
}

void bench_pages_print(void)
{
	struct bench_memory memory;
	char text[4096];

	bench_memory_read(&memory);
	bench_read("/proc/self/smaps_rollup", text, sizeof(text));
	printf("\"hugetlb_mib\": %.0f, \"thp_mib\": %.0f, \"rss_mib\": %.0f",
	       (double)memory.hugetlb_bytes / BENCH_MIB,
	       (double)bench_field(text, "AnonHugePages:") / BENCH_MIB,
	       (double)memory.rss_bytes / BENCH_MIB);
}
