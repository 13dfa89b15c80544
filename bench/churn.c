/* SPDX-License-Identifier: MIT */
/*
 * churn random|ascending|descending FREE_MIB HOLE_MIB SEED - make the pool of 2 MiB pages a used
 * one: take every free page, give back FREE_MIB of them (0: all), so that whoever asks next gets
 * them in that order, and print one line of JSON. What is kept, is kept in aligned blocks of
 * HOLE_MIB MiB at random places, until standard input ends. For "random", 20 processes take what
 * they can get and give back, each in an order of its own, all at once. Needs CAP_SYS_ADMIN.
 */
#include "bench.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUGE_BYTES (2 * BENCH_MIB)
#define HUGE_FRAMES (HUGE_BYTES / BENCH_PAGE_BYTES)
#define PROCESSES 20
#define FREE_FILE "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

enum churn_order { CHURN_RANDOM, CHURN_ASCENDING, CHURN_DESCENDING };

struct churn_page {
	uint64_t frame;		/* of 2 MiB */
	char *start;		/* in the process that holds it */
	int owner;
	bool kept;
};

/* Shared by all processes. */
static struct churn {
	atomic_size_t count;
	struct churn_page page[];
} *churn;
static size_t churn_pages;	/* room in it */

/* One end of each is held by the parent alone: its end, also by a signal, is the end of all. */
static int churn_go[2], churn_stay[2], churn_done[2];

static void churn_shuffle(struct churn_page **page, size_t count, uint64_t seed)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = bench_random(&seed) % i;
		struct churn_page *one = page[other];

		page[other] = page[i - 1];
		page[i - 1] = one;
	}
}

static int churn_compare(const void *a, const void *b)
{
	const struct churn_page *left = *(struct churn_page *const *)a;
	const struct churn_page *right = *(struct churn_page *const *)b;

	return (left->frame > right->frame) - (left->frame < right->frame);
}

/* The pages of @owner, or of all (-1), by frame; freed by the caller. */
static struct churn_page **churn_list(int owner, size_t *count)
{
	struct churn_page **list = calloc(churn_pages + 1, sizeof(struct churn_page *));

	if (!list)
		bench_fail("calloc");
	*count = 0;
	for (size_t i = 0; i < churn->count; i++)
		if (owner < 0 || churn->page[i].owner == owner)
			list[(*count)++] = &churn->page[i];
	qsort(list, *count, sizeof(struct churn_page *), churn_compare);
	return list;
}

/* Takes pages until none is free. */
static void churn_take(int owner)
{
	uint64_t frame;
	char *start;

	for (;;) {
		struct churn_page *page;

		start = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		if (start == MAP_FAILED)
			return;
		if (madvise(start, HUGE_BYTES, MADV_POPULATE_WRITE) ||
		    !bench_frames_read(start, 1, &frame))
			bench_fail("a page of the pool");
		page = &churn->page[atomic_fetch_add(&churn->count, 1)];
		if (page >= &churn->page[churn_pages])
			exit(1);	/* the pool has grown meanwhile */
		*page = (struct churn_page){ .frame = frame / HUGE_FRAMES, .start = start,
					     .owner = owner };
	}
}

static void churn_wait_end(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

static void churn_tell(void)
{
	if (write(churn_done[1], "", 1) != 1)
		exit(1);
}

/* One process of those that churn. The kernel hands out first what was given back last. */
static void churn_work(int owner, enum churn_order order, uint64_t seed)
{
	struct churn_page **list;
	size_t count;

	close(churn_go[1]);
	close(churn_stay[1]);
	churn_take(owner);
	churn_tell();
	churn_wait_end(churn_go[0]);
	list = churn_list(owner, &count);
	if (order == CHURN_RANDOM)
		churn_shuffle(list, count, seed);
	for (size_t i = 0; i < count; i++) {
		struct churn_page *page = list[order == CHURN_ASCENDING ? count - 1 - i : i];

		if (!page->kept && munmap(page->start, HUGE_BYTES))
			bench_fail("munmap");
	}
	churn_tell();
	churn_wait_end(churn_stay[0]);
	exit(0);
}

static void churn_wait_told(int processes)
{
	char byte;

	for (int i = 0; i < processes; i++)
		if (read(churn_done[0], &byte, 1) != 1) {
			fprintf(stderr, "a process that churns has failed\n");
			exit(1);
		}
}

/* Marks the aligned block of @block pages that holds list[@at] as kept; returns how many more. */
static size_t churn_keep(struct churn_page **list, size_t count, size_t at, size_t block,
			 size_t most)
{
	uint64_t first = list[at]->frame / block * block;
	size_t kept = 0;

	while (at && list[at - 1]->frame >= first)
		at--;
	for (; at < count && list[at]->frame < first + block && kept < most; at++) {
		kept += !list[at]->kept;
		list[at]->kept = true;
	}
	return kept;
}

/* Chooses what to keep: first blocks that the pool has in part only, then others at random. */
static void churn_choose(size_t free_pages, size_t block, uint64_t seed)
{
	size_t count, surplus, run = 1;
	struct churn_page **list = churn_list(-1, &count);

	if (free_pages > count) {
		fprintf(stderr, "%zu pages of the pool are free, %zu needed\n", count, free_pages);
		exit(1);
	}
	surplus = count - free_pages;
	for (size_t i = 0; i < count && surplus; i += run) {
		for (run = 1; i + run < count &&
		     list[i + run]->frame / block == list[i]->frame / block; run++)
			;
		if (run < block)
			surplus -= churn_keep(list, count, i, block, surplus);
	}
	while (surplus)
		surplus -= churn_keep(list, count, bench_random(&seed) % count, block, surplus);
	free(list);
}

/* Runs of neighbours among all pages, or among those given back. */
static size_t churn_count_runs(bool all)
{
	size_t count, runs = 0;
	struct churn_page **list = churn_list(-1, &count);
	uint64_t next = 0;

	for (size_t i = 0; i < count; i++) {
		if (!all && list[i]->kept)
			continue;
		runs += list[i]->frame != next;
		next = list[i]->frame + 1;
	}
	free(list);
	return runs;
}

static size_t churn_count_free(void)
{
	FILE *file = fopen(FREE_FILE, "re");
	size_t count = 0;

	if (!file || fscanf(file, "%zu", &count) != 1)
		bench_fail(FREE_FILE);
	fclose(file);
	return count;
}

static void churn_start(int processes, enum churn_order order, uint64_t seed)
{
	size_t bytes;

	churn_pages = churn_count_free();
	bytes = sizeof(*churn) + (churn_pages + PROCESSES) * sizeof(struct churn_page);
	churn = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (churn == MAP_FAILED || pipe(churn_go) || pipe(churn_stay) || pipe(churn_done))
		bench_fail("churn");
	for (int owner = 0; owner < processes; owner++) {
		pid_t pid = fork();

		if (pid < 0)
			bench_fail("fork");
		if (!pid)
			churn_work(owner, order, seed * PROCESSES + (uint64_t)owner + 1);
	}
	close(churn_done[1]);
}

int main(int argc, char **argv)
{
	static const char *const name[] = { "random", "ascending", "descending" };
	size_t free_pages = bench_argument(argc, argv, 2, 0) * BENCH_MIB / HUGE_BYTES;
	size_t block = bench_argument(argc, argv, 3, 2) * BENCH_MIB / HUGE_BYTES;
	uint64_t seed = bench_argument(argc, argv, 4, 1);
	int order = 0, processes;

	while (order < 3 && strcmp(name[order], argc > 1 ? argv[1] : ""))
		order++;
	if (order == 3 || !block || !seed) {
		fprintf(stderr, "usage: churn random|ascending|descending FREE_MIB HOLE_MIB SEED\n");
		return 2;
	}
	processes = order == CHURN_RANDOM ? PROCESSES : 1;
	churn_start(processes, (enum churn_order)order, seed);
	churn_wait_told(processes);
	churn_choose(free_pages ? free_pages : churn->count, block, seed);
	close(churn_go[1]);
	churn_wait_told(processes);
	printf("{\"pool_mib\": %zu, \"pool_runs\": %zu, \"free_runs\": %zu, \"hole_mib\": %zu}\n",
	       churn->count * HUGE_BYTES / BENCH_MIB, churn_count_runs(true),
	       churn_count_runs(false), block * HUGE_BYTES / BENCH_MIB);
	fflush(stdout);
	churn_wait_end(STDIN_FILENO);
	close(churn_stay[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
