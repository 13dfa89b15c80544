/* SPDX-License-Identifier: MIT */
/* What /proc/buddyinfo says: free memory by the size of its blocks. */
#ifndef BACKING_BUDDY_H
#define BACKING_BUDDY_H

#include <stdint.h>

/**
 * buddy_free_bytes - free memory in blocks of a size or larger
 * @text: of /proc/buddyinfo; a line cut off or of another form counts for nothing
 * @node: of this NUMA node; negative: of all
 * @block_bytes: the size, a power of two
 *
 * The first 16 MiB (zone DMA) do not count: the kernel keeps them for devices.
 *
 * Context: any; pure.
 * Return: bytes.
 */
uint64_t buddy_free_bytes(const char *text, int node, uint64_t block_bytes);

#endif
