/* SPDX-License-Identifier: MIT */
#include "alter.h"

#include <errno.h>
#include <sys/mman.h>

#include "demote.h"
#include "pool.h"
#include "sys.h"

#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif

static char *down(const char *addr, size_t align)
{
	return (char *)((uintptr_t)addr & ~(align - 1));
}

/* The pool of the span that holds @addr, if that is a huge page still; *@next: where it ends. */
static const struct pool *huge_pool_at(char *addr, char **next, struct span **out)
{
	struct span *span = span_covering(span_unit(addr));
	const struct pool *pool;

	*out = span;
	*next = (char *)(zone.base + zone.bytes);
	if (!span)
		return NULL;
	*next = (char *)span_address(span) + span_bytes(span);
	if (span->state == SPAN_RESERVE || span->pool == SPAN_RESERVE_POOL)
		return NULL;
	pool = pool_at(span->pool);
	return pool->backing == BACKING_HUGETLB ? pool : NULL;
}

/* One huge page, of which the call takes [@addr, @end) or what lies inside. */
static int alter_page(char *page, size_t bytes, char *addr, char *end, enum alter_how how,
		      int prot)
{
	bool whole = addr <= page && end >= page + bytes;
	int ret;

	if (demote_noted(page) || (whole && how == ALTER_EDGES))
		return 0;
	if (whole && how == ALTER_DROP)
		ret = demote_drop(page, bytes);
	else
		ret = demote_page(page, bytes, whole ? prot : DEMOTE_AS_IS);
	if (!ret)
		demote_note(page, bytes);
	return ret;
}

int alter_zone(char *addr, char *end, enum alter_how how, int prot)
{
	const struct pool *pool;
	struct span *span;
	char *next;
	int ret = 0;

	lock_take(&zone_lock);
	for (char *at = addr; at < end && !ret; at = next) {
		pool = huge_pool_at(at, &next, &span);
		if (span && how == ALTER_ALL)
			span->altered = true;
		if (!pool)
			continue;
		next = down(at, pool->page_bytes) + pool->page_bytes;
		ret = alter_page(next - pool->page_bytes, pool->page_bytes, addr, end, how, prot);
	}
	lock_drop(&zone_lock);
	return ret;
}

void alter_zone_replaced(char *addr, char *end)
{
	const struct pool *pool;
	struct span *span;
	char *next;

	lock_take(&zone_lock);
	for (char *at = addr; at < end; at = next) {
		pool = huge_pool_at(at, &next, &span);
		if (span)
			span->altered = true;
		if (!pool)
			continue;
		next = down(at, pool->page_bytes) + pool->page_bytes;
		demote_note(next - pool->page_bytes, pool->page_bytes);
	}
	lock_drop(&zone_lock);
}

bool alter_zone_huge(char *addr, char *end)
{
	const struct pool *pool;
	struct span *span;
	bool found = false;
	char *next;

	lock_take(&zone_lock);
	for (char *at = addr; at < end && !found; at = next) {
		pool = huge_pool_at(at, &next, &span);
		if (pool)
			next = down(at, pool->page_bytes) + pool->page_bytes;
		found = pool && !demote_noted(at);
	}
	lock_drop(&zone_lock);
	return found;
}

void alter_zone_marked(char *addr, char *end)
{
	struct span *span;
	char *next;

	lock_take(&zone_lock);
	for (char *at = addr; at < end; at = next) {
		huge_pool_at(at, &next, &span);
		if (span)
			span->altered = true;
	}
	lock_drop(&zone_lock);
}

/* To somebody else than the thread's stack: that will be no device's. */
static bool is_promised(char *page, char *end, const char *stack)
{
	struct span *span = span_covering(span_unit(page)), *own = span_covering(span_unit(stack));

	for (; span && (char *)span_address(span) < end; span = span_after(span))
		if (span->state == SPAN_USED && span->fixed && span != own)
			return true;
	return false;
}

static bool demote_for_thread(char *stack, char *page, size_t bytes, char *end)
{
	bool quiet = stack <= page && end >= page + bytes;

	if (is_promised(page, page + bytes, stack) ||
	    demote_page(page, bytes, quiet ? DEMOTE_QUIET : DEMOTE_AS_IS))
		return false;
	demote_note(page, bytes);
	return true;
}

void alter_zone_thread(char *stack, char *block, char *end)
{
	const struct pool *pool;
	struct span *span;
	char *next, *page;

	lock_take(&zone_lock);
	for (char *at = block; at < end; at = next) {
		pool = huge_pool_at(at, &next, &span);
		if (!pool) {
			if (span && span->state == SPAN_USED && span->fixed)
				span->thread = true;
			continue;
		}
		page = down(at, pool->page_bytes);
		next = page + pool->page_bytes;
		if (!demote_noted(page) && !demote_for_thread(stack, page, pool->page_bytes, end))
			span->thread = true;
	}
	lock_drop(&zone_lock);
}

static bool renew(char *addr, char *end, bool huge_advice)
{
	void *out;

	if (sys_map(addr, (size_t)(end - addr), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
		    &out))
		return false;
	if (huge_advice)
		sys_advise(out, (size_t)(end - addr), MADV_HUGEPAGE);
	return true;
}

/* What the program may have done to ordinary pages only: to all, or to those demoted. */
static bool each_ordinary(const struct span *span, bool (*act)(char *addr, char *end, bool advice))
{
	const struct pool *pool = pool_at(span->pool);
	char *at = span_address(span), *end = at + span_bytes(span), *next;
	bool huge_advice = pool->backing != BACKING_BASE;

	if (pool->backing != BACKING_HUGETLB)
		return act(at, end, huge_advice);
	for (; at < end; at = next) {
		next = down(at, pool->page_bytes) + pool->page_bytes;
		if (demote_noted(at) && !act(at, next < end ? next : end, huge_advice))
			return false;
	}
	return true;
}

/* Huge pages are not mapped anew, and hints can stay on them; on whole ones only. */
static void forget_hints(const struct span *span, size_t page_bytes)
{
	char *at = down((char *)span_address(span) + page_bytes - 1, page_bytes);
	char *end = down((char *)span_address(span) + span_bytes(span), page_bytes);

	if (at >= end)
		return;
	sys_advise(at, (size_t)(end - at), MADV_DODUMP);
	sys_advise(at, (size_t)(end - at), MADV_NORMAL);
}

bool alter_restore(struct span *span)
{
	const struct pool *pool = pool_at(span->pool);

	if (pool->backing == BACKING_HUGETLB)
		forget_hints(span, pool->page_bytes);
	return each_ordinary(span, renew);
}

/* Either fails where there is nothing to be mended: no such kernel, a file that is read only. */
static bool make_readable(char *addr, char *end, bool huge_advice)
{
	(void)huge_advice;
	sys_advise(addr, (size_t)(end - addr), MADV_GUARD_REMOVE);
	sys_protect(addr, (size_t)(end - addr), PROT_READ | PROT_WRITE);
	return true;
}

void alter_make_readable(struct span *span)
{
	each_ordinary(span, make_readable);
}
