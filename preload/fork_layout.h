/* SPDX-License-Identifier: MIT */
/*
 * What forks did to the physical layout of the parent's large memory. The kernel's copy-on-write
 * moves every page that the parent writes while a child lives, and splits transparent huge pages.
 *
 * Of the largest allocation of each pool, the layout is taken down before the first fork that
 * leaves it to the kernel, and again when it is freed or at exit; contig_stats has both. A later
 * fork does it anew only if there is a larger allocation then. All of it only where a report was
 * asked for and the kernel shows PFNs, and not for forks that libc makes itself (forkpty, daemon).
 */
#ifndef PRELOAD_FORK_LAYOUT_H
#define PRELOAD_FORK_LAYOUT_H

#include <stdbool.h>

/* fork_layout_init - a report was asked for. Context: once, before the first fork. */
void fork_layout_init(void);

/**
 * fork_layout_before_fork - take the layout down
 * @huge: memory on huge page pools is left to the kernel, too
 *
 * Costs 12 ms a GiB of what it looks at, 1 GiB of each pool at most, and a hundredth of the time
 * at most if it has to be done again and again.
 *
 * Context: does nothing in a handler that interrupted a holder of our locks; no allocation; leaves
 * errno alone.
 */
void fork_layout_before_fork(bool huge);

/*
 * fork_layout_forked - the fork was made: counted. Context: in the parent; always, no lock.
 * Return: whether there is memory that the kernel shares with the child.
 */
bool fork_layout_forked(bool huge);

/* fork_layout_before_free - the last moment to look at @p. Context: no lock held. */
void fork_layout_before_free(const void *p);

/* fork_layout_at_exit - look at what was not freed. Context: no lock held. */
void fork_layout_at_exit(void);

/* fork_layout_reset - a child starts from nothing. Context: one thread; the pools' lock is free. */
void fork_layout_reset(void);

#endif
