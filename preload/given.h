/* SPDX-License-Identifier: MIT */
/*
 * Results of mmap() that lie on huge page pools, because a rule or MAP_CONTIG said so. A table
 * that may be stale: a raw munmap passes us by. So an entry is checked by the kernel's word
 * before anything is done on its account.
 */
#ifndef PRELOAD_GIVEN_H
#define PRELOAD_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "alter.h"
#include "hold.h"
#include "pool.h"

/* given_any - is there an entry at all? The one load on the way of every munmap. */
bool given_any(void);

/*
 * given_add - remember [@addr, @addr + @bytes), of which the program asked for @asked
 * @promised: its physical place was promised; a fork must not move it
 * Return: false: the table is full.
 */
bool given_add(char *addr, size_t bytes, size_t asked, const struct pool *pool, bool shared,
	       bool promised);

/**
 * given_alter - make [@addr, *@end) ready for a call that takes parts of pages
 * @end: moved up to the end of the last page where the program's own end of a mapping lies in it
 * @prot: ALTER_ALL: of whole pages afterwards, or DEMOTE_AS_IS
 * Return: 0, also if nothing of it is ours; -ENOMEM: a page cannot be demoted now.
 */
int given_alter(char *addr, char **end, enum alter_how how, int prot);

/* given_alter_under - the same, for a mapping that will lie over exactly this. */
int given_alter_under(char *addr, char *end);

/*
 * given_replaced - nothing of [@addr, @end) is a huge page of ours any more
 * For munmap before the call: after it the addresses may be another thread's huge pages.
 */
void given_replaced(char *addr, char *end);

/* given_unmap - what given_add() remembered: forgotten, and unmapped whole. */
void given_unmap(char *addr, size_t asked);

/* given_overlaps - is any of it on huge pages, private (@shared false) or shared ones? */
bool given_overlaps(const char *addr, const char *end, bool *shared);

/* given_hold, given_let_go - keep the table as it is, around a fork. Before zone_lock. */
void given_hold(void);
void given_let_go(void);

/*
 * given_ranges - the private ones, for fork, or only the @promised. @range may be NULL.
 * Context: held. Return: how many there are.
 */
size_t given_ranges(struct hold_range *range, size_t most, bool promised);

/* given_bytes - the sum of given_ranges(). Context: held. */
size_t given_bytes(bool promised);

/* What a fork made of the private ones in the child. */
enum given_fate {
	GIVEN_KEPT,		/* still on huge pages */
	GIVEN_PROMISED_COPIED,	/* the promised ones are on ordinary pages now */
	GIVEN_ALL_COPIED,
};

/* given_reset - in a child: let go, and forget what is not huge any more. */
void given_reset(enum given_fate fate);

/* given_pool - the pool of the entry that holds @addr, or NULL. */
const struct pool *given_pool(const char *addr);

#endif
