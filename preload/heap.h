/* SPDX-License-Identifier: MIT */
/*
 * The small-object heap: jemalloc 5.3 under other names (heap.syms), its memory taken from the
 * heap range, its system calls and its fork handlers turned to ours.
 */
#ifndef PRELOAD_HEAP_H
#define PRELOAD_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "policy.h"
#include "zone.h"

void *cje_malloc(size_t bytes);
void *cje_calloc(size_t count, size_t bytes);
void *cje_realloc(void *p, size_t bytes);	/* leaves errno alone when it fails */
void cje_free(void *p);
int cje_posix_memalign(void **out, size_t align, size_t bytes);
size_t cje_malloc_usable_size(void *p);
int cje_mallctl(const char *name, void *old, size_t *old_bytes, void *fresh, size_t fresh_bytes);
void cje_malloc_stats_print(void (*write)(void *arg, const char *text), void *arg,
			    const char *options);

/*
 * heap_init - make jemalloc ready, and its smallest size class 16 bytes. By itself it aligns
 * requests of up to 8 bytes to 8; glibc to 16, which programs rely on that keep marks in the low
 * bits of a pointer.
 *
 * Context: once, after zone_init(), before any other use.
 */
void heap_init(void);

/*
 * heap_set_pages - what pages the heap's memory is to be on. Memory mapped before stays as it
 * is. Context: once, when the policy is known.
 */
void heap_set_pages(enum heap_id pages);

/* heap_may_own - may @p, outside heap range and zone, be the heap's all the same? */
bool heap_may_own(const void *p);

/*
 * heap_fork_prepare, heap_fork_parent, heap_fork_child - all of jemalloc's locks around a fork, in
 * its own order: taken; let go of; in the child made anew.
 */
void heap_fork_prepare(void);
void heap_fork_parent(void);
void heap_fork_child(void);

/* heap_hold, heap_let_go, heap_reset - our own lock of the heap, around a fork. After jemalloc's. */
void heap_hold(void);
void heap_let_go(void);
void heap_reset(void);

/* heap_shrink - give back what was never used of the heap range. Return: true if there was any. */
bool heap_shrink(void);

/*
 * heap_give_way - a mapping was refused: where the address space is limited, give back what was
 * never used of heap range and zone. Return: true if there was any, and it is worth another try.
 */
bool heap_give_way(void);

/* heap_huge_bytes - how much of the heap lies on huge page pools, for fork. */
size_t heap_huge_bytes(void);

/* heap_trim - give back every page the heap does not need. Return: true if any was. */
bool heap_trim(void);

/* heap_figures - bytes in use, and bytes mapped, by small objects. */
void heap_figures(size_t *used, size_t *mapped);

#endif
