/* SPDX-License-Identifier: MIT */
/*
 * fork(), so that no child is killed by SIGBUS for our huge pages and none hangs on a lock of
 * ours. doc/design.md, "Fork", tells the order of the locks and why.
 */
#ifndef PRELOAD_FORK_H
#define PRELOAD_FORK_H

/*
 * fork_init - register our fork handlers
 * Context: once, before anybody else can register theirs: the first registered are the last to
 * prepare, and that is what the order of locks needs.
 */
void fork_init(void);

#endif
