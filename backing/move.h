/* SPDX-License-Identifier: MIT */
/* What realloc() hands over when memory cannot grow where it lies. */
#ifndef BACKING_MOVE_H
#define BACKING_MOVE_H

#include <stddef.h>

/**
 * move_contents - hand over the contents of one allocation to another
 * @from: loses its contents, and what the program did to its protection
 * @to: at least as long; also memory of the heap
 * @bytes: how much of it
 *
 * By page tables where both lie so that whole pages can be moved, by copying otherwise.
 */
void move_contents(void *to, void *from, size_t bytes);

#endif
