/* SPDX-License-Identifier: MIT */
/*
 * How fragmented this machine's memory is: free blocks by size, blocks that cannot be moved, and
 * how compaction has fared. From /proc/buddyinfo, /proc/pagetypeinfo (root's) and /proc/vmstat.
 */
#ifndef TOOLS_BLOCKS_H
#define TOOLS_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

struct blocks_free {
	uint64_t bytes;			/* all of it */
	uint64_t huge_bytes;		/* in blocks of 2 MiB or more */
	uint64_t half_bytes;		/* in blocks of 1 MiB or more */
};

struct blocks_kinds {			/* in page blocks, 2 MiB each on x86 */
	uint64_t all, unmovable, reclaimable;
};

struct blocks_compaction {		/* since boot */
	uint64_t tries, failures;
};

/* blocks_read_free - Return: 0; -ENODATA: it tells nothing; -errno. */
int blocks_read_free(struct blocks_free *out);

/* blocks_read_kinds - Return: 0; -ENODATA: it tells nothing; -errno: -EACCES but for root. */
int blocks_read_kinds(struct blocks_kinds *out);

/* blocks_read_compaction - Return: 0; -ENODATA: a kernel without compaction; -errno. */
int blocks_read_compaction(struct blocks_compaction *out);

#endif
