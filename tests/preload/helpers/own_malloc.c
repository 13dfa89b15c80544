/* SPDX-License-Identifier: MIT */
/* A program that brings its own malloc: prints what the library thinks of it. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contig.h"

static char arena[64 << 20] __attribute__((aligned(16)));
static size_t used;

void *malloc(size_t bytes)
{
	size_t at = (used + 31) & ~(size_t)15;

	if (bytes > sizeof(arena) - at)
		return NULL;
	used = at + bytes;
	memcpy(arena + at - 8, &bytes, 8);
	return arena + at;
}

void free(void *p)
{
	if (p && ((char *)p < arena || (char *)p >= arena + sizeof(arena)))
		abort();	/* it came from somebody else's malloc */
}

void *calloc(size_t count, size_t bytes)
{
	return malloc(count * bytes);	/* the arena is zero and nothing is used twice */
}

void *realloc(void *p, size_t bytes)
{
	char *q = malloc(bytes);
	size_t had = 0;

	if (p)
		memcpy(&had, (char *)p - 8, 8);
	return q && p ? memcpy(q, p, had < bytes ? had : bytes) : q;
}

int main(void)
{
	const struct contig_stats *stats = dlsym(RTLD_DEFAULT, "contig_stats");
	char *large = malloc(4 << 20), *text = strdup("a word");

	large = realloc(large, 8 << 20);
	if (large < arena || large >= arena + sizeof(arena) || text < arena ||
	    text >= arena + sizeof(arena))
		return 1;
	free(large);
	free(text);
	puts(!stats ? "no library" : stats->serving ? "serving" : stats->why);
	return 0;
}
