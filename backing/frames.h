/* SPDX-License-Identifier: MIT */
/* Where the pages of a range lie in physical memory, by /proc/self/pagemap. */
#ifndef BACKING_FRAMES_H
#define BACKING_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/**
 * frames_read - the frame number (physical address / @page_bytes) of each page
 * @addr: of the first page; all are populated
 * @count: pages; @page_bytes: of each
 * @frames: out: @count numbers, undefined unless 0 is returned
 *
 * One read of 8 bytes a huge page, not a kernel walk over every 4 KiB of it.
 *
 * Context: any; no allocation. What is read holds until a fork or a migration moves the pages, so
 * nobody keeps it.
 * Return: 0; -EPERM: the kernel hides PFNs (CAP_SYS_ADMIN); -ENODATA: a page is not in memory;
 *	-errno of the file.
 */
int frames_read(const void *addr, size_t count, uint64_t page_bytes, uint64_t *frames);

/* frames_sample - the PFN (of 4 KiB) of one page each @step bytes. Else as frames_read(). */
int frames_sample(const void *addr, size_t step, size_t count, uint64_t *pfns);

#endif
