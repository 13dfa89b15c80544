/* SPDX-License-Identifier: MIT */
/*
 * The slow way of a request: everything that is not a small request to the heap. Finds out
 * whether we serve at all, asks the policy, tries the chain, and falls back to the heap.
 *
 * All functions behave as libc's do at the edge: errno is set on failure and only then, and
 * freeing leaves it alone.
 */
#ifndef PRELOAD_ROUTE_H
#define PRELOAD_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy.h"

/* @align: a power of two; up to 16 is what every allocation has. NULL with errno ENOMEM. */
void *route_alloc(enum call_id call, size_t bytes, size_t align, bool zero);

/* As realloc(): NULL with errno ENOMEM leaves @p as it is; 0 bytes free it. */
void *route_realloc(void *p, size_t bytes);

/* @p: anything but memory of the heap range. */
void route_free(void *p);

size_t route_usable(void *p);

/*
 * route_tick - some small requests have gone by: the next one is to look whether memory kept is
 * old. Context: any, also inside the heap; no lock, no system call.
 */
void route_tick(void);

#endif
