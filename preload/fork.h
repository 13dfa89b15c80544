/* SPDX-License-Identifier: MIT */
/*
 * fork(), so that no child is killed by SIGBUS for our huge pages and none hangs on a lock of
 * ours. doc/design.md, "Fork", tells the order of the locks and why.
 */
#ifndef PRELOAD_FORK_H
#define PRELOAD_FORK_H

/*
 * fork_init - register our fork handlers, if nobody has yet
 * The first registered are the last to prepare, and that is what the order of locks needs; so
 * whoever registers handlers comes through here first.
 *
 * Context: never inside malloc; no lock held; may allocate.
 */
void fork_init(void);

#endif
