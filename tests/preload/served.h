/* SPDX-License-Identifier: MIT */
/*
 * What every program here begins with: the proof that libcontig is below it and serves, and
 * with which backing. Without it the program would test glibc.
 */
#ifndef TESTS_PRELOAD_SERVED_H
#define TESTS_PRELOAD_SERVED_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contig.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum {
	SERVED_SMALL = 32 * 1024,	/* below what the rules see, with every backing */
	SERVED_LARGE = 1024 * 1024,	/* above it */
};

static const struct contig_stats *served_stats;

__attribute__((noreturn)) static inline void served_fail(const char *why)
{
	fprintf(stderr, "not under the library: %s\n", why);
	exit(1);
}

/* "hugetlb", "thp" or "none" (no pool, no rule). */
static inline const char *served_backing(void)
{
	const char *backing = getenv("TEST_BACKING");

	return backing ? backing : "none";
}

static inline bool served_by(const char *backing)
{
	return !strcmp(served_backing(), backing);
}

/* The figures of a pool by its name; NULL: the library has no such pool. */
static inline const struct contig_pool_stats *served_pool(const char *name)
{
	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		if (!strcmp(served_stats->pool[i].name, name))
			return &served_stats->pool[i];
	return NULL;
}

static inline uint64_t served_allocations(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		sum += served_stats->pool[i].allocations;
	return sum;
}

/* Hides from the compiler what a pointer or a number is. */
static inline void *served_hide(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* served_find - the library is mapped and its figures are there; exits with 1 otherwise. */
static inline void served_find(void)
{
	served_stats = (const struct contig_stats *)dlsym(RTLD_DEFAULT, "contig_stats");
	if (!served_stats)
		served_fail("contig_stats is not there");
	free(malloc(1));
	if (served_stats->magic != CONTIG_STATS_MAGIC)
		served_fail("contig_stats has no magic number");
}

/* served_prove - it serves, and an allocation comes from where this run wants it. */
static inline void served_prove(void)
{
	const struct contig_pool_stats *wanted;
	uint64_t before;
	void *p;

	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	free(served_hide(malloc(4 * MIB)));	/* pools are looked for when one is needed */
	wanted = served_by("hugetlb") ? served_pool("hugetlb-2M") : NULL;
	if (served_by("thp"))
		wanted = served_pool("thp");
	if (!wanted && !served_by("none"))
		served_fail("the pool that is wanted is not there");
	before = wanted ? wanted->allocations : served_allocations();
	p = served_hide(malloc(4 * MIB));
	if ((wanted ? wanted->allocations : served_allocations()) != before + 1)
		served_fail("4 MiB did not come from the pool that is wanted");
	free(p);
}

/* The sum of the lines of /proc/self/status that begin with one of two names, in bytes. */
static inline size_t served_status(const char *one, const char *other)
{
	char line[256], name[64];
	size_t kib, sum = 0;
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "%63[^:]: %zu kB", name, &kib) == 2 &&
		    (!strcmp(name, one) || !strcmp(name, other)))
			sum += kib * KIB;
	if (status)
		fclose(status);
	return sum;
}

/* RSS and huge pages together: what the process costs the machine. */
static inline size_t served_footprint(void)
{
	return served_status("VmRSS", "HugetlbPages");
}

/* Addresses in use, reserved ones too: what RLIMIT_AS is about. */
static inline size_t served_addresses(void)
{
	return served_status("VmSize", "");
}

/* served_again - run this program anew with another setting. Return: only if that failed. */
static inline void served_again(const char *variable, const char *value)
{
	static char path[4096], *argv[] = { path, NULL };

	setenv(variable, value, 1);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0)
		execv(path, argv);
	perror("cannot run this program again");
}

#endif
