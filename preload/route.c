/* SPDX-License-Identifier: MIT */
#include "route.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "figures.h"
#include "heap.h"
#include "init.h"
#include "log.h"
#include "move.h"
#include "next.h"
#include "place.h"
#include "stats.h"
#include "sys.h"

enum { USUAL_ALIGN = 16 };

static void *heap_try(size_t bytes, size_t align, bool zero)
{
	void *p = NULL;

	if (align <= USUAL_ALIGN)
		return zero ? cje_calloc(1, bytes) : cje_malloc(bytes);
	if (cje_posix_memalign(&p, align, bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return zero ? memset(p, 0, bytes) : p;
}

/*
 * A process at its limit of addresses may find them in what heap and zone keep. Only for requests
 * that may fit then: what never could is refused without a purge.
 */
static bool give_way(size_t bytes)
{
	if ((heap_range.bytes && !heap_may_own(NULL)) || bytes > sys_limit(RLIMIT_AS))
		return false;
	heap_trim();
	place_release();
	return true;
}

static void *heap_alloc(size_t bytes, size_t align, bool zero)
{
	void *p = heap_try(bytes, align, zero);

	return p || !give_way(bytes) ? p : heap_try(bytes, align, zero);
}

static void *next_alloc(size_t bytes, size_t align, bool zero)
{
	if (align <= USUAL_ALIGN)
		return zero ? next.calloc(1, bytes) : next.malloc(bytes);
	return next.memalign(align, bytes);
}

static struct decision decide(enum call_id call, size_t bytes, size_t align)
{
	return policy_decide(&init_policy, &(struct request){
		.call = call, .bytes = bytes, .align = align, .rule_bytes = place_rule_bytes(),
	});
}

/* The first backing of the chain did not serve: said once a rule, where somebody asked for it. */
static void say_fallback(const struct decision *decision, size_t bytes, const struct pool *got)
{
	static uint64_t said;
	uint64_t bit = 1ull << (decision->rule & 63);
	struct log_line line;
	char link[64];

	if (!decision->warn && init_policy.settings.log == LOG_QUIET)
		return;
	if (got && pool_serves(got, &decision->chain->link[0]))
		return;
	if (__atomic_fetch_or(&said, bit, __ATOMIC_RELAXED) & bit)
		return;
	log_begin(&line);
	log_text(&line, policy_format_link(&decision->chain->link[0], link));
	log_text(&line, ": no room for ");
	log_count(&line, bytes);
	log_text(&line, " bytes; using ");
	log_text(&line, got ? pool_stats(got)->name : decision->chain->strict ? "nothing" :
				"the heap");
	log_text(&line, " (contig doctor says what is missing and the command that mends it)");
	log_end(&line);
}

static void *place(const struct decision *decision, size_t bytes, size_t align, bool zero)
{
	struct place_wish wish = { .decision = decision, .bytes = bytes, .align = align };
	struct place_result got = { .pool = NULL };

	if (place_take(&wish, &got)) {
		say_fallback(decision, bytes, NULL);
		return NULL;
	}
	say_fallback(decision, bytes, got.pool);
	if (zero && !got.zero)
		memset(got.addr, 0, bytes);
	return got.addr;
}

/* By an answer of the policy already known. */
static void *serve(const struct decision *decision, size_t bytes, size_t align, bool zero)
{
	void *p;

	if (!decision->chain->count)
		return heap_alloc(bytes, align, zero);
	p = place(decision, bytes, align, zero);
	if (p)
		return p;
	if (decision->chain->strict) {
		figures_add(&contig_stats.refusals, 1);
		errno = ENOMEM;
		return NULL;
	}
	figures_add(&contig_stats.heap_fallbacks, 1);
	return heap_alloc(bytes, align, zero);
}

/*
 * Nothing of ours runs while a program makes no large requests. So that memory kept does not stay
 * for ever, as long as there is any, requests go the slow way, however small, and here they look:
 * all of a program that makes few; of one that makes many the first in each tenth of a second,
 * which then begins with jemalloc's word that 64 KiB have passed through a thread.
 */
enum { CLOCK_PERIOD_MS = 100, CLOCK_LOOKS = 256 };

static uint64_t period_ms;	/* when it began */
static uint32_t period_looks;

static void clock_arm(void)
{
	if (contig_stats.retained_bytes)
		__atomic_store_n(&init_smallest, 0, __ATOMIC_RELAXED);
}

static void clock_look(void)
{
	uint64_t now;

	if (__atomic_load_n(&init_smallest, __ATOMIC_RELAXED))
		return;
	place_decay();
	now = sys_now_ms();
	if (now - __atomic_load_n(&period_ms, __ATOMIC_RELAXED) >= CLOCK_PERIOD_MS) {
		__atomic_store_n(&period_ms, now, __ATOMIC_RELAXED);
		__atomic_store_n(&period_looks, 0, __ATOMIC_RELAXED);
	}
	if (!contig_stats.retained_bytes ||
	    __atomic_add_fetch(&period_looks, 1, __ATOMIC_RELAXED) >= CLOCK_LOOKS)
		__atomic_store_n(&init_smallest, init_policy.smallest, __ATOMIC_RELAXED);
}

void route_tick(void)
{
	if (contig_stats.retained_bytes &&
	    sys_now_ms() - __atomic_load_n(&period_ms, __ATOMIC_RELAXED) >= CLOCK_PERIOD_MS)
		clock_arm();
}

void *route_alloc(enum call_id call, size_t bytes, size_t align, bool zero)
{
	struct decision decision;

	switch (init_phase()) {
	case INIT_SERVING:
		clock_look();
		if (bytes < init_policy.smallest)
			return heap_alloc(bytes, align, zero);
		decision = decide(call, bytes, align);
		return serve(&decision, bytes, align, zero);
	case INIT_LEAVING:
		return next_alloc(bytes, align, zero);
	default:
		return heap_alloc(bytes, align, zero);
	}
}

/* Neither the heap's nor the zone's: the next functions' while we leave the program alone. */
static bool is_foreign(const void *p)
{
	return !range_owns(&heap_range, p) && !range_owns(&zone, p) &&
	       heap_range.bytes && !heap_may_own(p);
}

static void say_foreign(const char *call, const void *p)
{
	struct log_line line;

	if (__atomic_fetch_add(&contig_stats.foreign_frees, 1, __ATOMIC_RELAXED))
		return;
	log_begin(&line);
	log_text(&line, call);
	log_text(&line, " of ");
	log_pointer(&line, p);
	log_text(&line, ": not memory of this allocator, ignored (said once)");
	log_end(&line);
}

__attribute__((noreturn)) static void die(const char *call, const void *p, enum place_error error)
{
	struct log_line line;

	log_begin(&line);
	log_text(&line, call);
	log_text(&line, " of ");
	log_pointer(&line, p);
	log_text(&line, error == PLACE_INSIDE ? ": points into the middle of an allocation" :
						": already freed, or never allocated");
	log_end(&line);
	abort();
}

static void zone_free(void *p)
{
	int saved = errno;
	enum place_error error;

	stats_before_free(p);
	error = place_free(p);
	if (error)
		die("free", p, error);
	clock_arm();
	errno = saved;
}

void route_free(void *p)
{
	if (!p)
		return;
	if (range_owns(&zone, p))
		zone_free(p);
	else if (range_owns(&heap_range, p))
		cje_free(p);
	else if (init_phase() == INIT_LEAVING && next.free)
		next.free(p);
	else if (is_foreign(p))
		say_foreign("free", p);
	else
		cje_free(p);
}

size_t route_usable(void *p)
{
	if (!p)
		return 0;
	if (range_owns(&zone, p))
		return place_bytes(p);
	if (!range_owns(&heap_range, p)) {
		if (init_phase() == INIT_LEAVING && next.malloc_usable_size)
			return next.malloc_usable_size(p);
		if (is_foreign(p))
			return 0;
	}
	return cje_malloc_usable_size(p);
}

static void *realloc_zone(void *p, size_t bytes)
{
	struct decision decision = decide(CALL_REALLOC, bytes, 1);
	size_t had = place_bytes(p);
	void *to;

	if (!had)
		die("realloc", p, place_wrong(p));
	/* A little below what the rules see it may as well stay where it is. */
	if ((bytes >= init_policy.smallest / 2 && bytes <= had) ||
	    (decision.chain->count && (bytes <= had || !place_better(p, bytes, &decision))))
		if (place_resize(p, bytes, &decision))
			return p;
	to = serve(&decision, bytes, 1, false);
	if (!to)
		return bytes <= had ? p : NULL;
	stats_before_free(p);
	move_contents(to, p, had < bytes ? had : bytes);
	zone_free(p);
	return to;
}

static void *heap_realloc(void *p, size_t bytes)
{
	void *to = cje_realloc(p, bytes);

	if (!to && give_way(bytes))
		to = cje_realloc(p, bytes);
	if (!to)
		errno = ENOMEM;
	return to;
}

static void *realloc_heap(void *p, size_t bytes)
{
	struct decision decision;
	size_t had;
	void *to;

	if (init_phase() != INIT_SERVING)
		return heap_realloc(p, bytes);
	clock_look();
	if (bytes < init_policy.smallest)
		return heap_realloc(p, bytes);
	decision = decide(CALL_REALLOC, bytes, 1);
	if (!decision.chain->count)
		return heap_realloc(p, bytes);
	to = serve(&decision, bytes, 1, false);
	if (!to)
		return NULL;
	had = cje_malloc_usable_size(p);
	memcpy(to, p, had < bytes ? had : bytes);
	cje_free(p);
	return to;
}

void *route_realloc(void *p, size_t bytes)
{
	if (!p)
		return route_alloc(CALL_REALLOC, bytes, 1, false);
	if (!range_owns(&zone, p) && !range_owns(&heap_range, p)) {
		if (init_phase() == INIT_LEAVING)
			return next.realloc(p, bytes);
		if (is_foreign(p)) {
			say_foreign("realloc", p);
			errno = ENOMEM;
			return NULL;
		}
	}
	if (!bytes) {
		route_free(p);
		return NULL;
	}
	return range_owns(&zone, p) ? realloc_zone(p, bytes) : realloc_heap(p, bytes);
}
