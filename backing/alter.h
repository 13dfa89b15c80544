/* SPDX-License-Identifier: MIT */
/*
 * A program that calls mprotect, madvise, munmap or mmap(MAP_FIXED) on part of what malloc gave
 * it (guard pages of a stack, mostly) finds it behaving like ordinary 4 KiB pages.
 */
#ifndef BACKING_ALTER_H
#define BACKING_ALTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum alter_how {
	ALTER_EDGES,	/* the call takes whole huge pages: only those cut by an end are demoted */
	ALTER_ALL,	/* it takes none: every huge page in the range is demoted */
	ALTER_DROP,	/* it wants zeros: as EDGES, and whole pages become ordinary ones of zeros */
};

/**
 * alter_zone - make [@addr, @end) of the zone ready for the call
 * @prot: ALTER_ALL: of the whole huge pages afterwards, or DEMOTE_AS_IS. A huge page of the zone
 *	is always readable and writable, so that it can be copied at a fork or demoted.
 *
 * After ALTER_ALL the span is put in order before it is used again.
 *
 * Context: takes zone_lock.
 * Return: 0; -ENOMEM: a huge page would have to be demoted and cannot be now.
 */
int alter_zone(char *addr, char *end, enum alter_how how, int prot);

/*
 * alter_zone_replaced - something else lies there now, and nothing of it is a huge page of ours
 * Context: takes zone_lock; after alter_zone(ALTER_EDGES) and the call.
 */
void alter_zone_replaced(char *addr, char *end);

/* alter_zone_huge - does any huge page lie in it? Context: takes zone_lock. */
bool alter_zone_huge(char *addr, char *end);

/**
 * alter_zone_thread - make the control block of a thread ordinary memory, that a fork can copy
 * @block, @end: where the block lies
 * @stack: the thread's stack, up to @end; nobody writes to it meanwhile. @block itself: others may
 *
 * Where a page cannot be demoted, since other threads write to it or its place was promised, the
 * span is marked instead (span->thread), until it is freed.
 *
 * Context: takes zone_lock.
 */
void alter_zone_thread(char *stack, char *block, char *end);

/*
 * alter_zone_marked - advice that stays was given to it: spans it touches are put in order before
 * they are used again. Context: takes zone_lock.
 */
void alter_zone_marked(char *addr, char *end);

/*
 * alter_restore - an altered span, freed: readable, writable, private, anonymous, unadvised again
 * Context: zone_lock held. Return: false: it could not be, and must not be used again.
 */
bool alter_restore(struct span *span);

/*
 * alter_make_readable - an altered span, about to be copied away and freed
 * Its owner may have forbidden all access, or put guards there. Context: zone_lock held.
 */
void alter_make_readable(struct span *span);

#endif
