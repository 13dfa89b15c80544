/* SPDX-License-Identifier: MIT */
/* The mappings of a process, from the text of /proc/PID/smaps (or maps, which says less). */
#ifndef TOOLS_SMAPS_H
#define TOOLS_SMAPS_H

#include <stdint.h>
#include <stdio.h>

#define SMAPS_NAME_BYTES 128

struct smaps_mapping {
	uint64_t start, end;	/* start < end, multiples of 4 KiB */
	char access[5];		/* "rw-p" */
	uint64_t inode;		/* 0: no file */
	char name[SMAPS_NAME_BYTES];	/* path or [name], its end if it is long; "": anonymous */
	uint64_t page_bytes;	/* KernelPageSize: of the CPU's mapping; 0: not said */
	uint64_t present_bytes;	/* Rss, and hugetlb memory, which Rss leaves out */
	uint64_t huge_bytes;	/* of them mapped by THP */
};

/**
 * smaps_each - the mappings that a text tells of
 * @in: /proc/PID/smaps; any other bytes do no harm, lines that mean nothing are passed over
 * @visit: called for each mapping. Return: 0 to go on; anything else ends it and is the result
 *
 * Return: 0; what @visit returned; -errno of reading (-ESRCH: the process has ended).
 */
int smaps_each(FILE *in, int (*visit)(const struct smaps_mapping *mapping, void *arg), void *arg);

#endif
