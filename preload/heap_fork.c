/* SPDX-License-Identifier: MIT */
/*
 * jemalloc's locks around a fork. Its own handlers (5.3.0) pass over the lock of the radix tree in
 * which it looks up addresses: held for each new GiB of addresses, and a child that inherits it held
 * hangs at its own next one. By jemalloc's order of locks it comes between those of stages 5 and 6 of
 * arena_prefork, so the first call of stage 6 takes it first (mk/build.mk).
 */
#include "heap.h"

#include <stdbool.h>

/* jemalloc's own, from its object files: of their types nothing is needed here. */
bool je_malloc_mutex_init(void *mutex, const char *name, unsigned int rank, int order);
void je_malloc_mutex_prefork(void *thread, void *mutex);
void je_malloc_mutex_postfork_parent(void *thread, void *mutex);
void je_malloc_mutex_postfork_child(void *thread, void *mutex);
void je_arena_prefork6(void *thread, void *arena);
void je_jemalloc_prefork(void);
void je_jemalloc_postfork_parent(void);
void je_jemalloc_postfork_child(void);

/* What jemalloc calls in place of two of these. */
bool heap_fork_rtree_lock(void *mutex, const char *name, unsigned int rank, int order);
void heap_fork_prefork6(void *thread, void *arena);

static void *rtree_lock;	/* set when jemalloc boots; it has one such tree */
static bool rtree_held;		/* by the thread that forks. Guarded by: jemalloc's stages 0 to 5 */

bool heap_fork_rtree_lock(void *mutex, const char *name, unsigned int rank, int order)
{
	rtree_lock = mutex;
	return je_malloc_mutex_init(mutex, name, rank, order);
}

void heap_fork_prefork6(void *thread, void *arena)
{
	if (!rtree_held)
		je_malloc_mutex_prefork(thread, rtree_lock);
	rtree_held = true;
	je_arena_prefork6(thread, arena);
}

void heap_fork_prepare(void)
{
	je_jemalloc_prefork();
}

void heap_fork_parent(void)
{
	if (rtree_held) {
		rtree_held = false;
		je_malloc_mutex_postfork_parent(NULL, rtree_lock);
	}
	je_jemalloc_postfork_parent();
}

void heap_fork_child(void)
{
	if (rtree_held) {
		rtree_held = false;
		je_malloc_mutex_postfork_child(NULL, rtree_lock);
	}
	je_jemalloc_postfork_child();
}
