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
#ifndef PRELOAD_LAYOUT_H
#define PRELOAD_LAYOUT_H

#include <stdbool.h>

/* layout_init - a report was asked for. Context: once, before the first fork. */
void layout_init(void);

/**
 * layout_before_fork - take the layout down
 * @huge: memory on huge page pools is left to the kernel, too
 *
 * Costs 12 ms a GiB of what it looks at, 1 GiB of each pool at most, and a hundredth of the time
 * at most if it has to be done again and again.
 *
 * Context: no lock held; no allocation; leaves errno alone.
 */
void layout_before_fork(bool huge);

/* layout_forked - the fork was made: counted. Context: in the parent; always, no lock. */
void layout_forked(bool huge);

/* layout_before_free - the last moment to look at @p. Context: no lock held. */
void layout_before_free(const void *p);

/* layout_at_exit - look at what was not freed. Context: no lock held. */
void layout_at_exit(void);

/* layout_reset - a child starts from nothing. Context: one thread, after the pools' lock is free. */
void layout_reset(void);

#endif
