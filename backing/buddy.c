/* SPDX-License-Identifier: MIT */
#include "buddy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

/* More orders, and more blocks of one, than any machine has: not a line of the kernel's. */
enum { ORDERS_MOST = 20 };
#define BLOCKS_MOST (1ull << 32)

/* The white space behind @key at @at, which must be there. Return: what follows; NULL. */
static const char *skip_key(const char *at, const char *key)
{
	at += strspn(at, " \t");
	if (strncmp(at, key, strlen(key)) || at[strlen(key)] != ' ')
		return NULL;
	at += strlen(key);
	return at + strspn(at, " \t");
}

/* The counts of a line "Node 0, zone   Normal  11193  10539 ...", for order 0 and up. */
static const char *find_counts(const char *line, int node)
{
	const char *at = skip_key(line, "Node");
	char *end;
	long number;

	if (!at)
		return NULL;
	number = strtol(at, &end, 10);
	if (end == at || *end != ',' || (node >= 0 && number != node))
		return NULL;
	at = skip_key(end + 1, "zone");
	if (!at || skip_key(at, "DMA"))
		return NULL;
	return at + strcspn(at, " \t\n");
}

/* Return: the bytes of a line; 0 if it is not whole, or holds anything but numbers. */
static uint64_t line_bytes(const char *at, const char *end_of_line, uint64_t block_bytes)
{
	uint64_t sum = 0, bytes = 4 * KIB, blocks;
	char *end;

	for (unsigned int order = 0; order < ORDERS_MOST; order++, bytes *= 2) {
		at += strspn(at, " \t");
		if (at == end_of_line)
			return sum;
		blocks = strtoull(at, &end, 10);
		if (end == at || *at == '-' || blocks > BLOCKS_MOST)
			return 0;
		sum += bytes >= block_bytes ? blocks * bytes : 0;
		at = end;
	}
	return 0;
}

uint64_t buddy_free_bytes(const char *text, int node, uint64_t block_bytes)
{
	const char *end, *counts;
	uint64_t sum = 0;

	for (; (end = strchr(text, '\n')); text = end + 1) {
		counts = find_counts(text, node);
		if (counts && counts < end)
			sum += line_bytes(counts, end, block_bytes);
	}
	return sum;
}
