/* SPDX-License-Identifier: MIT */
/*
 * A child's copy of memory that the kernel must not copy on write: ranges on huge page pools that
 * could not serve the copies, and memory whose physical place was promised.
 *
 * Before the fork the ranges are copied into private staging memory and marked DONTFORK; in the
 * child the staging is moved over them, in the parent it is dropped. No page of the parent moves.
 */
#ifndef PRELOAD_SNAPSHOT_H
#define PRELOAD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "hold.h"

/* Which ranges stay out of the kernel's hands. */
enum snapshot_scope {
	SNAPSHOT_PROMISED,	/* only those with a contiguity promise in them */
	SNAPSHOT_ALL,		/* those, and everything on huge page pools */
};

struct snapshot {
	enum snapshot_scope scope;
	bool drop;			/* the child is not to have them at all */
	struct hold_range *range;	/* by address */
	size_t count, most;
	char *staging;			/* ranges one behind the other */
	void *memory;			/* what was mapped for both */
	size_t memory_bytes, staging_bytes;
	void *outgrown;			/* the same, where it turned out too small; or NULL */
	size_t outgrown_bytes;
	int hold;			/* userfaultfd that holds writers back, or -1 */
};

/*
 * snapshot_bytes - what a snapshot of @scope would have to hold
 * @left_huge: huge pages are left to the kernel, since a thread's control block lies among them
 * Context: takes zone_lock.
 */
size_t snapshot_bytes(enum snapshot_scope scope, bool *left_huge);

/**
 * snapshot_begin - get the memory for it
 * @snap: scope, drop set; the rest is filled in
 * Context: no lock held; nothing is copied yet.
 * Return: 0 or -ENOMEM.
 */
int snapshot_begin(struct snapshot *snap);

/**
 * snapshot_take - hold writers, copy, mark the ranges DONTFORK
 * Context: given held, zone_lock held, signals blocked; after this the caller may write to nothing of them.
 * Return: 0; -ENOMEM: there is more than when snapshot_begin() looked, and no memory for it;
 *	nothing is marked.
 */
int snapshot_take(struct snapshot *snap);

/* snapshot_parent - as it was. Context: zone_lock held. */
void snapshot_parent(struct snapshot *snap);

/* snapshot_child - the staging over the ranges. Context: one thread, zone_lock held by it. */
void snapshot_child(struct snapshot *snap);

/*
 * snapshot_end - give the memory back; a child has none left.
 * Context: no lock; @snap is not to lie in it.
 */
void snapshot_end(struct snapshot *snap);

#endif
