/* SPDX-License-Identifier: MIT */
/*
 * forkexec TIMES MIB - a process with MIB MiB of memory in allocations of 256 MiB, all touched,
 * starts /bin/true and waits for it, by fork, posix_spawn and vfork by turns: the median time of
 * each. The child gets an empty environment: what a preloaded library costs at its start is
 * another question (spawn.c).
 */
#include "bench.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE_MIB 256
#define TIMES_MAX 1000

enum forkexec_way { FORKEXEC_FORK, FORKEXEC_SPAWN, FORKEXEC_VFORK, FORKEXEC_WAYS };

static char *const forkexec_arguments[] = { "/bin/true", NULL };
static char *const forkexec_environment[] = { NULL };

static double forkexec_once(enum forkexec_way way)
{
	uint64_t start_ns = bench_now_ns();
	pid_t pid = -1;
	int status;

	if (way == FORKEXEC_SPAWN)
		errno = posix_spawn(&pid, forkexec_arguments[0], NULL, NULL, forkexec_arguments,
				    forkexec_environment);
	else
		pid = way == FORKEXEC_FORK ? fork() : vfork();
	if (!pid) {
		execve(forkexec_arguments[0], forkexec_arguments, forkexec_environment);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bench_fail(forkexec_arguments[0]);
	if (status) {
		fprintf(stderr, "%s: wait status %d\n", forkexec_arguments[0], status);
		exit(1);
	}
	return (double)(bench_now_ns() - start_ns);
}

static int forkexec_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
	static double ns[FORKEXEC_WAYS][TIMES_MAX];
	uint64_t times = bench_argument(argc, argv, 1, 20);
	uint64_t mib = bench_argument(argc, argv, 2, 2048);

	bench_start();
	if (!times || times > TIMES_MAX) {
		fprintf(stderr, "usage: forkexec TIMES MIB (1 to %d times)\n", TIMES_MAX);
		return 2;
	}
	for (uint64_t had = 0; had < mib; had += PIECE_MIB) {
		char *piece = malloc(PIECE_MIB * BENCH_MIB);

		if (!piece)
			bench_fail("malloc");
		bench_touch(piece, PIECE_MIB * BENCH_MIB);
	}
	for (uint64_t i = 0; i < times; i++)
		for (int way = 0; way < FORKEXEC_WAYS; way++)
			ns[way][i] = forkexec_once((enum forkexec_way)way);
	for (int way = 0; way < FORKEXEC_WAYS; way++)
		qsort(ns[way], times, sizeof(ns[way][0]), forkexec_compare);
	printf("{\"fork_ns\": %.0f, \"spawn_ns\": %.0f, \"vfork_ns\": %.0f, ",
	       ns[FORKEXEC_FORK][times / 2], ns[FORKEXEC_SPAWN][times / 2],
	       ns[FORKEXEC_VFORK][times / 2]);
	bench_pages_print();
	printf("}\n");
	return 0;
}
