/* SPDX-License-Identifier: MIT */
/*
 * What tests of backing/ share: a fresh library on the fake machine for each test, requests by
 * rules as a user writes them, memory filled and checked.
 */
#ifndef TESTS_BACKING_WORLD_H
#define TESTS_BACKING_WORLD_H

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fake_sys.h"
#include "figures.h"
#include "place.h"
#include "policy.h"
#include "pool.h"
#include "span.h"
#include "zone.h"

#define WORLD_ZONE	(1 * GIB)
#define PAGE_4K		((size_t)4096)
#define WORLD_STEP	(16 * PAGE_4K)

static struct policy world_policy;

/* world_run - one test with everything of the library as it is at the start of a process. */
__attribute__((unused)) static void world_run(void (*test)(void), const char *name)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		check_count = check_failures = 0;
		fake_reset();
		fake_sys.address_limit = 4 * WORLD_ZONE;
		test();
		if (check_result())
			fprintf(stderr, "  in %s\n", name);
		fflush(NULL);
		_exit(check_result());
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		fprintf(stderr, "  by %s, status %d\n", name, status);
}
#define WORLD_RUN(test) world_run(test, #test)

__attribute__((unused)) static void world_report(const struct policy_error *error, void *arg)
{
	fprintf(stderr, "rule: %s: expected %s\n", error->text ? error->text : "",
		error->expected);
}

/* world_rules - the rules that requests are decided by from now on, as in CONTIG_POLICY. */
__attribute__((unused)) static void world_rules(const char *rules)
{
	policy_init(&world_policy);
	CHECK(!policy_read_rules(&world_policy, rules, world_report, NULL));
	policy_finish(&world_policy, "test");
}

/* world_begin - start the library; pools, files and limits of the machine are set already. */
__attribute__((unused)) static void world_begin(const char *rules, uint64_t retain,
						uint64_t decay_ms)
{
	world_rules(rules);
	zone_init();
	span_init();
	place_init(retain, decay_ms);
	CHECK(zone.bytes >= WORLD_ZONE);
	/* As the first request would; tests look at the tiling and the pools before they ask. */
	lock_take(&zone_lock);
	CHECK(pool_count() && !span_init());
	lock_drop(&zone_lock);
}

__attribute__((unused)) static struct decision world_decide(size_t bytes, size_t align)
{
	return policy_decide(&world_policy, &(struct request){
		.call = CALL_MALLOC, .bytes = bytes, .align = align,
		.rule_bytes = place_rule_bytes(),
	});
}

/* world_take - as malloc would. */
__attribute__((unused)) static int world_take_aligned(size_t bytes, size_t align,
						      struct place_result *out)
{
	struct decision decision = world_decide(bytes, align);
	struct place_wish wish = { .decision = &decision, .bytes = bytes, .align = align };

	return place_take(&wish, out);
}

/* world_take - one that is expected to be served. Return: all of NULL if it is not. */
__attribute__((unused)) static struct place_result world_take(size_t bytes)
{
	struct place_result got = { .addr = NULL };

	CHECK(world_take_aligned(bytes, 1, &got) == 0);
	return got;
}

/* world_pool - the pool of a backing; @page_bytes 0: the first. */
__attribute__((unused)) static const struct pool *world_pool(enum backing_id backing,
							     uint64_t page_bytes)
{
	struct chain_link link = { .backing = backing, .page_bytes = page_bytes };

	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_serves(pool_at(i), &link))
			return pool_at(i);
	return NULL;
}

__attribute__((unused)) static uint64_t world_fell(const struct pool *pool, enum contig_reason why)
{
	return pool_stats(pool)->fell_through[why];
}

/*
 * Where contents are written and checked: the first and the last page, and between them one page
 * in 64 KiB by address, so that what one owner wrote the next one looks at.
 * Return: the place after @at; NULL: it was the last.
 */
static inline char *world_next(char *p, size_t bytes, char *at)
{
	char *last = p + (bytes - 1) / PAGE_4K * PAGE_4K;
	char *next = (char *)(((uintptr_t)at / WORLD_STEP + 1) * WORLD_STEP);

	if (at == last)
		return NULL;
	return next < last ? next : last;
}

/* Never zero, and different at each place. */
static inline uint64_t world_word(const char *p, const char *at, uint64_t seed)
{
	return ((uint64_t)(at - p) ^ seed * 0x9e3779b97f4a7c15ull) | 1;
}

__attribute__((unused)) static void world_fill(void *p, size_t bytes, uint64_t seed)
{
	for (char *at = p; at; at = world_next(p, bytes, at))
		*(uint64_t *)(void *)at = world_word(p, at, seed);
}

/* world_kept - does a piece of what was filled still hold it? (Its last page may not be one.) */
__attribute__((unused)) static bool world_kept(void *p, size_t bytes, size_t filled, uint64_t seed)
{
	for (char *at = p; at; at = world_next(p, bytes, at))
		if (*(uint64_t *)(void *)at != world_word(p, at, seed) &&
		    (bytes == filled || world_next(p, bytes, at)))
			return false;
	return true;
}

__attribute__((unused)) static bool world_filled(void *p, size_t bytes, uint64_t seed)
{
	return world_kept(p, bytes, bytes, seed);
}

/* world_blank - is it zero at all places where somebody may have written? */
__attribute__((unused)) static bool world_blank(void *p, size_t bytes)
{
	for (char *at = p; at; at = world_next(p, bytes, at))
		if (*(uint64_t *)(void *)at)
			return false;
	return true;
}

/* world_sound - the invariants of the tiling, now. */
__attribute__((unused)) static bool world_sound(void)
{
	const char *broken;

	lock_take(&zone_lock);
	broken = span_check();
	lock_drop(&zone_lock);
	if (broken)
		fprintf(stderr, "broken: %s\n", broken);
	return !broken;
}

/* world_empty - everything was freed: give back what is kept; is all as before the first take? */
__attribute__((unused)) static bool world_empty(void)
{
	const struct span *all;
	bool empty = true;

	place_release();
	for (unsigned int i = 0; i < pool_count(); i++)
		empty &= CHECK(!pool_stats(pool_at(i))->mapped_bytes) &
			 CHECK(!pool_stats(pool_at(i))->live_bytes);
	for (unsigned int i = 0; i < POLICY_RULES + 2; i++)
		empty &= CHECK(!place_rule_bytes()[i]);
	lock_take(&zone_lock);
	all = span_at(0);
	empty &= CHECK(all && all->state == SPAN_RESERVE && span_bytes(all) == zone.bytes);
	lock_drop(&zone_lock);
	empty &= CHECK(world_sound());
	empty &= CHECK(!fake_mapped_bytes((void *)zone.base, zone.bytes));
	empty &= CHECK(!fake_has_hole((void *)zone.base, zone.bytes));
	empty &= CHECK(!fake_sys.misuses);
	return empty;
}

#endif
