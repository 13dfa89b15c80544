/* SPDX-License-Identifier: MIT */
/*
 * The tiling of the zone. Every 4 KiB unit of it belongs to exactly one span; spans are:
 *
 *   RESERVE  address space only (one pool of its own, SPAN_RESERVE_POOL)
 *   FREE     mapped by a pool, in nobody's hands: what is kept for the next request; `empty` if
 *            only the mapping is, and its memory has gone back
 *   USED     in the program's hands
 *   BUSY     being mapped or unmapped by a thread that let go of the lock meanwhile
 *
 * A table says for the first and the last unit of each span which one it is, so neighbours are
 * found and merged in constant time and free() finds its span with one load. FREE and RESERVE
 * spans stand in bins by size, FREE ones that are not empty also in a list by age.
 *
 * All functions: Context: zone_lock held, unless they say otherwise; no system call, no
 * allocation. A span* is valid until the lock is dropped, USED and BUSY ones until they are
 * given back.
 */
#ifndef BACKING_SPAN_H
#define BACKING_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contig.h"
#include "zone.h"

#define UNIT_SHIFT		12
#define UNIT_BYTES		((size_t)1 << UNIT_SHIFT)
#define SPAN_RESERVE_POOL	CONTIG_POOLS
#define SPAN_NOWHERE		UINT32_MAX

enum span_state { SPAN_NONE, SPAN_RESERVE, SPAN_FREE, SPAN_USED, SPAN_BUSY };

struct span {
	uint32_t first, units;		/* 4 KiB units of the zone */
	uint32_t bin_next, bin_prev;	/* FREE, RESERVE: in its bin; ids, 0 ends */
	uint32_t older, newer;		/* FREE: by age */
	uint64_t freed_ms;		/* FREE: since when */
	uint8_t state;			/* enum span_state */
	uint8_t pool;			/* index, or SPAN_RESERVE_POOL */
	bool zero;			/* every byte is still as the kernel gave it */
	bool empty;			/* FREE: there is no memory in it; not counted as kept */
	bool sparse;			/* hugetlb: some pages are only reserved, not populated */
	bool fixed;			/* USED: has a contiguity promise, must not move at fork */
	bool altered;			/* USED: the program changed its mapping, see alter.h */
	bool thread;			/* USED: holds a thread's control block, see alter.h */
	int16_t node;			/* it was bound to, or NODE_ANY */
	int16_t rule;			/* USED: index of the rule that gave it, -1 none */
};

/* What a span must be like to serve a request. */
struct span_wish {
	uint32_t units;
	uint32_t align_units;	/* of its first unit; a power of two */
	uint32_t phase_units;	/* of its first unit modulo align_units */
	uint32_t low_units;	/* its first unit at least */
	uint32_t page_units;	/* not 0: must lie inside one page of that many units */
	int16_t node;		/* only spans bound alike */
};

/*
 * span_init - the table, and the whole zone as one RESERVE, unless that was done: most programs
 * never need it. Every other function is to be called after it only, but span_each().
 * Return: 0, -errno.
 */
int span_init(void);

/* span_at - the span that begins or ends with @unit, or NULL. */
struct span *span_at(uint32_t unit);
/* span_covering - the span that @unit lies in; slow, for messages. */
struct span *span_covering(uint32_t unit);
struct span *span_after(const struct span *span);	/* NULL at the end of the zone */

static inline void *span_address(const struct span *span)
{
	return (void *)(zone_origin + ((uintptr_t)span->first << UNIT_SHIFT));
}

static inline size_t span_bytes(const struct span *span)
{
	return (size_t)span->units << UNIT_SHIFT;
}

static inline uint32_t span_unit(const void *p)
{
	return (uint32_t)(((uintptr_t)p - zone_origin) >> UNIT_SHIFT);
}

/* span_fit - the best FREE or RESERVE span of @pool for @wish, or NULL. */
struct span *span_fit(unsigned int pool, const struct span_wish *wish);
/* span_fit_start - the first unit in @span at which @wish fits, or SPAN_NOWHERE. */
uint32_t span_fit_start(const struct span *span, const struct span_wish *wish);

/*
 * span_carve - cut [@start, @start + @units) out of a FREE or RESERVE span
 * The ends become spans of the same kind and age. The piece is in no bin, in state @state.
 * Return: the piece; NULL: no descriptors left, nothing changed.
 */
struct span *span_carve(struct span *span, uint32_t start, uint32_t units, enum span_state state);

/*
 * span_split - cut a USED or BUSY span in two
 * Return: the upper part, @units_low units on, in the same state; NULL: no descriptors left.
 */
struct span *span_split(struct span *span, uint32_t units_low);

/* span_join - append @upper, its neighbour above, to @lower; both USED or BUSY. @upper is gone. */
void span_join(struct span *lower, struct span *upper);

/*
 * span_give - a USED or BUSY span becomes FREE (@pool's) or RESERVE (SPAN_RESERVE_POOL)
 * Merges with neighbours of the same kind; what is empty and what is not becomes one that is not.
 * Return: the span it is part of now.
 */
struct span *span_give(struct span *span, unsigned int pool, uint64_t now_ms);

/* span_refresh - a FREE span counts as kept since @now_ms: it becomes the youngest. */
void span_refresh(struct span *span, uint64_t now_ms);

/* span_oldest - the FREE span kept longest; span_newer - the next younger one; NULL ends. */
struct span *span_oldest(void);
struct span *span_newer(const struct span *span);
uint32_t span_kept_count(void);		/* how many these are */

uint64_t span_free_bytes(void);		/* in all FREE spans that are not empty */
uint64_t span_free_bytes_of(unsigned int pool);

/* span_each - call @visit for every span from the lowest address up, until it returns false. */
void span_each(bool (*visit)(struct span *span, void *arg), void *arg);

/* span_tiled - has span_init() been there? */
bool span_tiled(void);

/*
 * span_cut_top, span_cut_bottom - drop the RESERVE at that end of the zone, but for @keep bytes
 * Return: the bytes dropped, 0 if there are none.
 */
size_t span_cut_top(size_t keep);
size_t span_cut_bottom(void);

/* span_check - the name of a broken invariant, or NULL. For tests; walks everything. */
const char *span_check(void);

#endif
