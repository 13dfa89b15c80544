/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own search through a process's pages (ioctl PAGEMAP_SCAN, Linux 6.7): it passes
 * over what is not there by the page tables' levels, and needs no privilege to say what is huge.
 */
#ifndef BACKING_PAGESCAN_H
#define BACKING_PAGESCAN_H

#include <stdint.h>

enum pagescan_kind {
	PAGESCAN_PRESENT,	/* in memory */
	PAGESCAN_HUGE,		/* mapped by one entry of a huge page: THP or hugetlb */
};

/**
 * pagescan_find - the first range of pages of a kind
 * @pagemap_fd: open /proc/PID/pagemap
 * @start: address to begin at, a multiple of 4 KiB
 * @end: where to stop, likewise
 * @most_bytes: how long a range is of interest; the answer may be cut there
 * @found_start: untouched unless 0 is returned, as is @found_end
 *
 * Context: any; one system call.
 * Return: 0; -ENOENT: none; -ENOTTY: this kernel has no such search; another -errno of it.
 */
int pagescan_find(int pagemap_fd, enum pagescan_kind kind, uint64_t start, uint64_t end,
		  uint64_t most_bytes, uint64_t *found_start, uint64_t *found_end);

#endif
