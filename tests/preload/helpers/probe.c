/* SPDX-License-Identifier: MIT */
/*
 * probe COMMAND [ARGUMENT...]: what the scripts ask a program under other settings. One line on
 * standard output for each question, so that it can be compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#include "served.h"

static struct contig_pool_stats before[CONTIG_POOLS];

/* The pool that has served since; "heap" if none has. */
static const char *who_served(void)
{
	const char *name = "heap";

	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		if (served_stats->pool[i].allocations > before[i].allocations)
			name = served_stats->pool[i].name;
	return name;
}

/* alloc SIZE...: which pool serves each; all are kept. Sizes in KiB. */
static int do_alloc(char **sizes)
{
	for (; *sizes; sizes++) {
		size_t bytes = strtoul(*sizes, NULL, 10) * KIB;
		char *p;

		memcpy(before, served_stats->pool, sizeof(before));
		errno = 0;
		p = served_hide(malloc(bytes));
		if (p)
			memset(p, 1, bytes);
		printf("%s%s", p ? who_served() : errno == ENOMEM ? "ENOMEM" : "?",
		       sizes[1] ? " " : "\n");
	}
	return 0;
}

/* served: "yes", or why not; after something of every kind was asked for and freed. */
static int do_served(char **unused)
{
	for (size_t bytes = 1; bytes < 20 * MIB; bytes *= 3) {
		char *p = malloc(bytes), *q = calloc(2, bytes);

		p = realloc(p, bytes * 2);
		memset(p, 1, bytes * 2);
		free(aligned_alloc(256, bytes));
		free(q);
		free(p);
	}
	puts(served_stats->serving ? "yes" : served_stats->why);
	return 0;
}

/* plain: is the library here at all? For a program that the library is not under. */
static int do_plain(char **unused)
{
	puts(dlsym(RTLD_DEFAULT, "contig_stats") ? "library" : "plain");
	return 0;
}

/* descriptor FILE: FILE takes descriptor 2; then something to complain about. */
static int do_descriptor(char **file)
{
	static char not_ours[16];

	close(2);
	if (open(*file, O_WRONLY | O_CREAT | O_TRUNC, 0644) != 2)
		return 1;
	free(served_hide(not_ours));
	printf("%llu\n", (unsigned long long)served_stats->foreign_frees);
	return 0;
}

/* many: small objects, many of them, "huge" if there are 16 MiB of them on huge pages, or "not". */
static int do_many(char **unused)
{
	enum { COUNT = 400000 };
	static uint32_t *object[COUNT];
	size_t huge;
	int status;
	pid_t pid;

	for (uint32_t i = 0; i < COUNT; i++) {
		object[i] = malloc(16 + i % 200);
		*object[i] = i;
	}
	huge = served_status("HugetlbPages", "") + served_status("AnonHugePages", "");
	if (served_status("HugetlbPages", "") == 0) {
		/* THP of this process are not in its status. */
		FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
		char line[256];
		size_t kib;

		while (rollup && fgets(line, sizeof(line), rollup))
			if (sscanf(line, "AnonHugePages: %zu", &kib) == 1)
				huge = kib * KIB;
		if (rollup)
			fclose(rollup);
	}
	printf("%s", served_status("HugetlbPages", "") >= 16 * MIB ? "hugetlb" :
		     huge >= 16 * MIB ? "thp" : "base");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (uint32_t i = 0; i < COUNT; i++) {
			if (*object[i] != i)
				_exit(1);
			*object[i] = ~i;
		}
		_exit(0);
	}
	/* A heap on huge pages can only be copied by the kernel: refused where the pool is short. */
	if (pid < 0) {
		puts(errno == ENOMEM ? " refused" : " fork failed");
	} else {
		waitpid(pid, &status, 0);
		puts(WIFEXITED(status) && !WEXITSTATUS(status) ? " forked" : " child died");
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		if (*object[i] != i)
			return 1;
		free(object[i]);
	}
	return 0;
}

/* sparse GIB: one byte touched in each; prints the growth of the footprint in MiB. */
static int do_sparse(char **gib)
{
	size_t count = strtoul(*gib, NULL, 10), base = served_footprint();
	char *p = malloc(count * GIB);

	if (!p) {
		puts("ENOMEM");
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		p[i * GIB + 12345] = 1;
	printf("%zu\n", (served_footprint() - base) / MIB);
	free(p);
	return 0;
}

/* quick GIB: the best of five, in microseconds, until malloc() has returned. */
static int do_quick(char **gib)
{
	size_t bytes = strtoul(*gib, NULL, 10) * GIB;
	long best = 1000000000;

	for (int i = 0; i < 5; i++) {
		struct timespec from, to;
		long took;
		void *p;

		clock_gettime(CLOCK_MONOTONIC, &from);
		p = served_hide(malloc(bytes));
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (!p)
			return 1;
		took = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
		best = took < best ? took : best;
		free(p);
	}
	printf("%ld\n", best);
	return 0;
}

/*
 * holes: "none" if nothing is missing between small objects and the rest of the range that their
 * heap has reserved; else another's mapping could come to lie there.
 */
static int do_holes(char **unused)
{
	unsigned long low, high, end = 0;
	const char *first = malloc(10);
	char line[512], prot[8];
	FILE *maps;

	for (int i = 0; i < 3000; i++)
		memset(malloc(12000), 1, 12000);
	maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &low, &high, prot) != 3 ||
		    high <= (uintptr_t)first)
			continue;
		if (end && low != end) {
			printf("%lu KiB\n", (low - end) / 1024);
			return 0;
		}
		end = high;
		if (prot[0] == '-' && high - low >= GIB)
			break;
	}
	puts("none");
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(char **arguments);
} commands[] = {
	{ "alloc", do_alloc }, { "served", do_served }, { "descriptor", do_descriptor },
	{ "many", do_many }, { "sparse", do_sparse }, { "quick", do_quick },
	{ "holes", do_holes },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "plain"))
		return do_plain(argv + 2);
	served_find();
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	return 2;
}
