/* SPDX-License-Identifier: MIT */
/*
 * After fork() each side has its own memory: neither sees what the other writes, frees or
 * allocates. Also with each way of doing it that CONTIG_FORK names.
 */
#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { BUFFERS = 8 };

static const size_t sizes[BUFFERS] = { 100, 5000, 70 * 1024, SERVED_LARGE, 2 * MIB, 3 * MIB + 77,
				       8 * MIB, 16 * MIB + 4096 };
static char *buffer[BUFFERS];
static int to_child[2], to_parent[2];

static void signal_other(int fd)
{
	CHECK(write(fd, "x", 1) == 1);
}

static void wait_for_other(int fd)
{
	char c;

	CHECK(read(fd, &c, 1) == 1);
}

static void all_hold(uint64_t seed)
{
	for (int i = 0; i < BUFFERS; i++)
		CHECK(pattern_holds(buffer[i], sizes[i], seed + (uint64_t)i));
}

static void write_all(uint64_t seed)
{
	for (int i = 0; i < BUFFERS; i++)
		pattern_write(buffer[i], sizes[i], seed + (uint64_t)i);
}

static void allocate_and_free(void)
{
	for (int i = 0; i < BUFFERS; i++) {
		char *p = malloc(sizes[i]), *q = calloc(1, sizes[i]);

		CHECK(pattern_is_zero(q, sizes[i]));
		pattern_write(p, sizes[i], 99);
		p = realloc(p, sizes[i] * 2);
		CHECK(pattern_holds_upto(p, sizes[i], sizes[i] + 1, 99));
		free(p);
		free(q);
	}
}

static void be_the_child(void *arg)
{
	all_hold(100);
	wait_for_other(to_child[0]);	/* the parent has written 200 */
	all_hold(100);
	write_all(300);
	signal_other(to_parent[1]);
	wait_for_other(to_child[0]);	/* the parent has looked, and freed */
	all_hold(300);
	allocate_and_free();
	all_hold(300);
	for (int i = 0; i < BUFFERS; i++)
		free(buffer[i]);
	allocate_and_free();
}

static void each_side_has_its_own(void)
{
	pid_t pid;

	for (int i = 0; i < BUFFERS; i++)
		buffer[i] = malloc(sizes[i]);
	write_all(100);
	if (pipe(to_child) || pipe(to_parent))
		exit(1);
	pid = child_start(be_the_child, NULL);
	if (!CHECK(pid > 0))
		return;
	write_all(200);
	signal_other(to_child[1]);
	wait_for_other(to_parent[0]);	/* the child has written 300 */
	all_hold(200);
	for (int i = 0; i < BUFFERS; i += 2) {
		free(buffer[i]);
		buffer[i] = malloc(sizes[i]);
	}
	write_all(400);
	signal_other(to_child[1]);
	CHECK(child_ended_well(pid));
	all_hold(400);
	for (int i = 0; i < BUFFERS; i++)
		free(buffer[i]);
	allocate_and_free();
}

/* The next of the ways, in a process of its own: a setting is read once. */
static const char *next_way(const char *way)
{
	if (!way)
		return "kernel";
	return strcmp(way, "kernel") ? NULL : "snapshot";
}

int main(void)
{
	const char *next = next_way(getenv("CONTIG_FORK"));
	uint64_t snapshots;

	served_prove();
	snapshots = served_stats->fork_snapshots;
	each_side_has_its_own();
	each_side_has_its_own();
	/* Or it was not the way that was asked for. */
	if (served_by("hugetlb") && !next)
		CHECK(served_stats->fork_snapshots == snapshots + 2);
	if (check_result() || !next)
		return check_result();
	served_again("CONTIG_FORK", next);
	return 1;
}
