/* SPDX-License-Identifier: MIT */
/*
 * spawn TIMES LIBRARY... - median time of starting /bin/true and waiting for it under each
 * LD_PRELOAD, by turns; "-" is none. One line of JSON for each.
 */
#include "bench.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SIDES 8

static double spawn_once(const char *library)
{
	char preload[4096];
	char *environment[] = { preload, NULL };
	char *arguments[] = { "/bin/true", NULL };
	uint64_t start_ns;
	int status;
	pid_t pid;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", strcmp(library, "-") ? library : "");
	start_ns = bench_now_ns();
	errno = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environment);
	if (errno || waitpid(pid, &status, 0) != pid)
		bench_fail("/bin/true");
	if (status) {
		fprintf(stderr, "/bin/true under %s: wait status %d\n", library, status);
		exit(1);
	}
	return (double)(bench_now_ns() - start_ns);
}

static int spawn_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
	uint64_t times = bench_argument(argc, argv, 1, 300);
	double *ns[SIDES];
	int sides = argc > 2 ? argc - 2 : 0;

	if (!times || !sides || sides > SIDES) {
		fprintf(stderr, "usage: spawn TIMES LIBRARY... (1 to %d, - for none)\n", SIDES);
		return 2;
	}
	for (int side = 0; side < sides; side++) {
		ns[side] = calloc(times, sizeof(double));
		if (!ns[side])
			bench_fail("calloc");
	}
	for (uint64_t i = 0; i < times; i++)
		for (int side = 0; side < sides; side++)
			ns[side][i] = spawn_once(argv[2 + side]);
	for (int side = 0; side < sides; side++) {
		qsort(ns[side], times, sizeof(double), spawn_compare);
		printf("{\"library\": \"%s\", \"ns\": %.0f}\n", argv[2 + side],
		       ns[side][times / 2]);
		free(ns[side]);
	}
	return 0;
}
