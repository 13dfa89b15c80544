/* SPDX-License-Identifier: MIT */
/*
 * A process may have some 65530 mappings. Neighbours merge, so that programs with many more calls
 * of mmap than that run; they must run with us, too.
 * timeout: 240
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "served.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

enum { MANY = 70000, ROUNDS = 20000 };

static char *piece[MANY];

static long limit_of_mappings(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	long limit = 65530;

	if (file && fscanf(file, "%ld", &limit) != 1)
		limit = 65530;
	if (file)
		fclose(file);
	return limit;
}

static long mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	long lines = 0;
	int c;

	while (file && (c = fgetc(file)) != EOF)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

static void *nothing(void *arg)
{
	return arg;
}

static char *map_raw(size_t bytes)
{
	return (char *)syscall(SYS_mmap, NULL, bytes, RW, ANON, -1, 0);
}

static char *map_ours(size_t bytes)
{
	return mmap(NULL, bytes, RW, ANON, -1, 0);
}

/* Return: how many mappings the process has meanwhile. */
static long map_many(char *(*map)(size_t bytes), size_t bytes, size_t other_bytes)
{
	pthread_t thread;
	int served = 0;
	long made;

	for (int i = 0; i < MANY; i++) {
		piece[i] = map(i % 2 ? other_bytes : bytes);
		served += piece[i] != MAP_FAILED;
	}
	if (!CHECK(served == MANY))
		fprintf(stderr, "  %d of %d mappings of %zu and %zu bytes\n", served, MANY, bytes,
			other_bytes);
	made = mappings();
	CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && !pthread_join(thread, NULL));
	for (int i = 0; i < MANY; i++)
		if (piece[i] != MAP_FAILED)
			CHECK(munmap(piece[i], i % 2 ? other_bytes : bytes) == 0);
	return made;
}

static void many_are_served_and_leave_room(size_t bytes, size_t other_bytes)
{
	long plain = map_many(map_raw, bytes, other_bytes);
	long ours = map_many(map_ours, bytes, other_bytes);

	if (!CHECK(ours < plain + limit_of_mappings() / 6))
		fprintf(stderr, "  %ld mappings of %zu and %zu bytes, %ld without the library\n",
			ours, bytes, other_bytes, plain);
}

/* The share is of those that are there, not of those that ever were. */
static void what_is_unmapped_does_not_count(void)
{
	uint64_t before = served_stats->mmap_aligned;
	int aligned = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char *p = mmap(NULL, 3 * MIB + 4096, RW, ANON, -1, 0);

		CHECK(p != MAP_FAILED);
		aligned += (uintptr_t)p % (2 * MIB) == 0;
		if (i % 2 && p != MAP_FAILED) {
			p = mremap(p, 3 * MIB + 4096, 5 * MIB, MREMAP_MAYMOVE);
			CHECK(p != MAP_FAILED && munmap(p, 5 * MIB) == 0);
		} else {
			CHECK(munmap(p, 3 * MIB + 4096) == 0);
		}
	}
	CHECK(aligned == ROUNDS && served_stats->mmap_aligned == before + ROUNDS);
}

int main(void)
{
	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	many_are_served_and_leave_room(MIB + 4096, MIB + 4096);
	many_are_served_and_leave_room(3 * MIB, 3 * MIB);
	many_are_served_and_leave_room(4 * MIB, 4 * MIB);
	many_are_served_and_leave_room(2 * MIB, 3 * MIB + 4096);
	what_is_unmapped_does_not_count();
	return check_result();
}
