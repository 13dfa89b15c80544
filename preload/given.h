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
#include <stdint.h>

#include "alter.h"
#include "hold.h"
#include "pool.h"

/*
 * given_inherit - a fork's child is to see [@addr, @addr + @bytes), which gather.h hid from it. No
 * fork comes in between, which may want it hidden.
 */
void given_inherit(void *addr, size_t bytes);

/* given_any - is there an entry at all? The one load on the way of every munmap. */
bool given_any(void);

/* One of them. */
struct given {
	char *addr;
	size_t bytes;		/* whole pages */
	size_t asked;		/* what the program asked for of them */
	const struct pool *pool;
	int rule;		/* index into policy.rule, whose `limit` it counts for; -1: none */
	bool shared;
	bool promised;		/* its physical place was promised; a fork must not move it */
};

/* given_add - remember it, in the figures of its pool, too. Return: false: the table is full. */
bool given_add(const struct given *given);

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

/* given_promised - was the place of an entry ever promised? Context: any, no lock. */
bool given_promised(void);

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

/* given_reset - let go. Context: a child. */
void given_reset(void);

/* given_forget - forget what is not huge any more. Context: a child, one thread. */
void given_forget(enum given_fate fate);

/*
 * given_pool - the pool of the entry that holds @addr, or NULL
 * @bytes: out: from @addr to the end of what the program asked for
 */
const struct pool *given_pool(const char *addr, size_t *bytes);

/* given_largest - the longest of @pool, for the report, *@bytes what was asked for, or NULL. */
const char *given_largest(const struct pool *pool, size_t *bytes);

/* given_figures - what all entries together add to the figures of their pools. */
void given_figures(uint64_t *live, uint64_t *mapped);

#endif
