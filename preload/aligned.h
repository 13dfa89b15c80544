/* SPDX-License-Identifier: MIT */
/*
 * The mappings that were put on a boundary of their own, and how many there may be. The kernel
 * merges neighbours, but not across the gap such a boundary leaves, and a process may have only
 * so many mappings (vm.max_map_count): at that number no thread, no library and no mapping of
 * any kind can be had. So ours stop at an eighth of it.
 */
#ifndef PRELOAD_ALIGNED_H
#define PRELOAD_ALIGNED_H

#include <stdbool.h>
#include <stddef.h>

/* aligned_has_room - may one more mapping be aligned? Reads a file at the first call. */
bool aligned_has_room(void);

/* aligned_add - @addr begins on a boundary of 2 MiB, and the mapping is there. */
void aligned_add(const void *addr, size_t bytes);

/*
 * aligned_forget - nothing of ours lies in [@addr, @addr + @bytes) any more
 * For munmap before the call: after it the addresses may be another thread's. Cheap where there
 * is nothing of ours.
 */
void aligned_forget(const void *addr, size_t bytes);

#endif
