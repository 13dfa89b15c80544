/* SPDX-License-Identifier: MIT */
/*
 * Serve a request from a chain: what is kept first, then each backing in turn. This is the
 * face that preload/ sees of everything below.
 */
#ifndef BACKING_PLACE_H
#define BACKING_PLACE_H

#include "policy.h"
#include "pool.h"
#include "span.h"

struct place_wish {
	const struct decision *decision;
	size_t bytes;
	size_t align;		/* a power of two */
};

struct place_result {
	void *addr;
	bool zero;		/* all bytes read as zero */
	const struct pool *pool;
};

/* place_init - how much to keep, for how long. Context: once, after zone_init(). */
void place_init(uint64_t retain_bytes, uint64_t decay_ms);

/**
 * place_take - memory for a request
 * @out: untouched unless 0 is returned
 *
 * Context: any thread; takes zone_lock, may map and populate.
 * Return: 0; -ENOMEM: the chain is spent, every step counted in contig_stats.
 */
int place_take(const struct place_wish *wish, struct place_result *out);

/* place_promised - was memory with a contiguity promise ever taken? Context: any, no lock. */
bool place_promised(void);

enum place_error { PLACE_OK, PLACE_FREED, PLACE_INSIDE };

/*
 * place_free - give back what place_take() gave.
 * Return: PLACE_OK; PLACE_FREED: it is in nobody's hands; PLACE_INSIDE: it points into the
 *	middle of an allocation.
 */
enum place_error place_free(void *p);

/* place_bytes - how many bytes the program may use at @p; 0: not the start of a span. */
size_t place_bytes(const void *p);

/* place_wrong - what is wrong with @p, where place_bytes() is 0; slow, for messages. */
enum place_error place_wrong(const void *p);

/* place_pool - the pool @p lies in, or NULL. */
const struct pool *place_pool(const void *p);

/**
 * place_resize - make an allocation longer or shorter where it lies
 * @decision: of the new size; a longer one must be of the same rule
 *
 * Return: true: it now has at least @bytes, at the same address.
 */
bool place_resize(void *p, size_t bytes, const struct decision *decision);

/*
 * place_sandbox - the process is about to give up rights: what has to be read from files is read
 * now, and realloc asks for no more.
 */
void place_sandbox(void);

/*
 * place_better - would @bytes, grown from @p, fit a pool that stands before @p's in the chain?
 * An allocation that began too small for huge pages is worth moving to them once.
 */
bool place_better(const void *p, size_t bytes, const struct decision *decision);

/*
 * place_adopt - in a child: what lay in [@addr, @addr + @bytes) lies on other pages now
 * @pool: whose they are like; NULL: there are none, the ranges are bare and their spans lost
 *
 * Context: zone_lock held, one thread.
 */
void place_adopt(void *addr, size_t bytes, const struct pool *pool);

/* place_rule_bytes - live bytes under each rule, for struct request. */
const uint64_t *place_rule_bytes(void);

/*
 * place_count_rule - live bytes under a rule that do not lie in the zone; @bytes: -n takes away n
 * Context: any; atomic.
 */
void place_count_rule(int rule, uint64_t bytes);

/*
 * place_decay - give back what has been kept longer than `decay`. Context: any; does nothing if
 * another thread is at work in the zone.
 */
void place_decay(void);

/* place_release - give back everything kept. Return: bytes. */
uint64_t place_release(void);

#endif
