/* SPDX-License-Identifier: MIT */
#include "mapping.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include "cgroup.h"
#include "figures.h"
#include "given.h"
#include "measure.h"
#include "pool.h"
#include "sys.h"

enum { CONTIG_TRIES = 8 };

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

static bool bind_node(void *addr, size_t bytes, int node)
{
	if (node == NODE_LOCAL)
		node = sys_current_node();
	return node < 0 || !sys_bind(addr, bytes, node);
}

/* One piece of ordinary memory that begins on a @align boundary. NULL: not to be had. */
static void *map_aligned(size_t bytes, size_t align, int prot, int flags)
{
	uintptr_t raw, base;
	void *p;

	if (sys_map(NULL, bytes, prot, flags, &p))
		return NULL;
	if (!((uintptr_t)p & (align - 1)))
		return p;	/* newer kernels align large mappings by themselves */
	sys_unmap(p, bytes);
	if (sys_map(NULL, bytes + align, prot, flags, &p))
		return NULL;
	raw = (uintptr_t)p;
	base = (raw + align - 1) & ~(uintptr_t)(align - 1);
	bytes = round_up(bytes, 4096);
	if (base > raw)
		sys_unmap(p, base - raw);
	sys_unmap((void *)(base + bytes), raw + align - base);
	return (void *)base;
}

static bool needs_check(const struct decision *decision)
{
	return decision->contiguity.kind != CONTIGUITY_ANY;
}

/* Is what lies at @p as contiguous as the rule promises? */
static bool promise_kept(const struct pool *pool, const struct contiguity *promise, void *p,
			 size_t bytes)
{
	uint64_t page_bytes = promise->kind == CONTIGUITY_SIZE ? promise->bytes : pool->page_bytes;
	struct physmap_figures figures;

	if (promise->kind == CONTIGUITY_ANY ||
	    (pool->backing == BACKING_HUGETLB &&
	     (promise->kind == CONTIGUITY_WHOLE ? bytes : page_bytes) <= pool->page_bytes))
		return true;
	if (measure_self(p, bytes, &figures))
		return false;
	return figures.extents == 1 ||
	       (promise->kind != CONTIGUITY_WHOLE && figures.page_bytes >= page_bytes);
}

static void *map_ordinary(const struct pool *pool, const struct decision *decision, size_t bytes,
			  int prot, int flags)
{
	void *p = map_aligned(bytes, pool->page_bytes, prot, flags);

	if (!p)
		return NULL;
	if (pool->backing != BACKING_BASE)
		sys_advise(p, bytes, MADV_HUGEPAGE);
	if (!bind_node(p, bytes, decision->node)) {
		pool_fell_through(pool, CONTIG_REASON_NODE);
		goto unmap;
	}
	if ((decision->populate == POPULATE_YES || needs_check(decision)) &&
	    sys_populate(p, bytes)) {
		pool_fell_through(pool, CONTIG_REASON_POPULATE);
		goto unmap;
	}
	if (!promise_kept(pool, &decision->contiguity, p, bytes)) {
		pool_fell_through(pool, CONTIG_REASON_PROMISE);
		goto unmap;
	}
	figures_add(&contig_stats.mmap_aligned, 1);
	return p;

unmap:
	sys_unmap(p, bytes);
	return NULL;
}

static void *map_huge(const struct pool *pool, int node, int rule, bool populate, bool promised,
		      size_t bytes, int prot, int flags)
{
	size_t all = round_up(bytes, pool->page_bytes);
	int huge = MAP_HUGETLB | __builtin_ctzll(pool->page_bytes) << MAP_HUGE_SHIFT;
	void *p;

	if (!populate && cgroup_limits_hugetlb()) {
		pool_fell_through(pool, CONTIG_REASON_POPULATE);
		return NULL;
	}
	if (sys_map(NULL, all, prot, flags | huge, &p)) {
		pool_fell_through(pool, CONTIG_REASON_POOL);
		return NULL;
	}
	if (!bind_node(p, all, node)) {
		pool_fell_through(pool, CONTIG_REASON_NODE);
		goto unmap;
	}
	if (populate && sys_populate(p, all)) {
		pool_fell_through(pool, CONTIG_REASON_POPULATE);
		goto unmap;
	}
	if (given_add(&(struct given){
			.addr = p, .bytes = all, .asked = bytes, .pool = pool, .rule = rule,
			.shared = (flags & MAP_TYPE) == MAP_SHARED, .promised = promised }))
		return p;
unmap:
	sys_unmap(p, all);
	return NULL;
}

static void *map_huge_by_rule(const struct pool *pool, const struct decision *decision,
			      size_t bytes, int prot, int flags)
{
	bool populate = decision->populate != POPULATE_NO || needs_check(decision);
	void *p = map_huge(pool, decision->node, decision->rule, populate, needs_check(decision),
			   bytes, prot, flags);

	if (!p || promise_kept(pool, &decision->contiguity, p, bytes))
		return p;
	given_unmap(p, bytes);
	pool_fell_through(pool, CONTIG_REASON_PROMISE);
	return NULL;
}

static bool wasteful(const struct pool *pool, const struct chain_link *link, size_t bytes)
{
	return !link->page_bytes && round_up(bytes, pool->page_bytes) - bytes >= bytes;
}

static void *map_from(const struct pool *pool, const struct chain_link *link,
		      const struct decision *decision, size_t bytes, int prot, int flags)
{
	if (!pool->usable) {
		pool_fell_through(pool, CONTIG_REASON_ABSENT);
		return NULL;
	}
	if (pool->backing != BACKING_HUGETLB)
		return map_ordinary(pool, decision, bytes, prot, flags);
	if (wasteful(pool, link, bytes)) {
		pool_fell_through(pool, CONTIG_REASON_WASTE);
		return NULL;
	}
	return map_huge_by_rule(pool, decision, bytes, prot, flags);
}

void *mapping_by_chain(const struct decision *decision, size_t bytes, int prot, int flags)
{
	void *p;

	for (unsigned int i = 0; i < decision->chain->count; i++) {
		const struct chain_link *link = &decision->chain->link[i];

		for (unsigned int k = 0; k < pool_count(); k++) {
			if (!pool_serves(pool_at(k), link))
				continue;
			p = map_from(pool_at(k), link, decision, bytes, prot, flags);
			if (p)
				return p;
		}
	}
	return NULL;
}

/* One page needs no proof; PFNs are for the privileged. */
static bool is_one_piece(void *p, size_t bytes)
{
	struct physmap_figures figures;

	return bytes <= 4096 || (!measure_self(p, bytes, &figures) && figures.extents == 1);
}

/*
 * Ordinary memory that happens to be one piece: the kernel's free blocks often are. What is not
 * is kept until the end, or the next try would be given the same pages.
 */
static void *contig_ordinary(size_t asked)
{
	void *tried[CONTIG_TRIES], *found = NULL;
	size_t used = round_up(asked, 4096), align = used > 4096 ? 2 * MIB : 4096;
	/* A huge page is one piece, and what is not asked for can be cut off it afterwards. */
	size_t bytes = round_up(asked, align);
	int tries = 0;

	while (!found && tries < CONTIG_TRIES) {
		void *p = map_aligned(bytes, align, PROT_READ | PROT_WRITE, MAP_PRIVATE);

		if (!p)
			break;
		sys_advise(p, bytes, MADV_HUGEPAGE);
		if (!sys_populate(p, bytes) && is_one_piece(p, bytes))
			found = p;
		else
			tried[tries++] = p;
	}
	while (tries--)
		sys_unmap(tried[tries], bytes);
	if (found && bytes > used)
		sys_unmap((char *)found + used, bytes - used);
	return found;
}

/* Smallest page first: what holds the request in one page, then runs of smaller ones. */
static void *contig_huge(size_t bytes)
{
	const struct pool *pool;
	void *p;

	for (unsigned int k = pool_count(); k--; ) {
		pool = pool_at(k);
		if (pool->backing != BACKING_HUGETLB)
			continue;
		p = map_huge(pool, NODE_ANY, -1, true, true, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE);
		if (!p)
			continue;
		if (bytes <= pool->page_bytes || is_one_piece(p, bytes))
			return p;
		given_unmap(p, bytes);
	}
	return NULL;
}

static int make_read_only(void *p, size_t bytes)
{
	size_t asked;
	const struct pool *pool = given_pool(p, &asked);

	return sys_protect(p, round_up(bytes, pool ? pool->page_bytes : 4096), PROT_READ);
}

void *mapping_contig(size_t bytes, int prot)
{
	void *p = NULL;

	if (prot != PROT_READ && prot != (PROT_READ | PROT_WRITE))
		return NULL;
	if (bytes <= 2 * MIB)
		p = contig_ordinary(bytes);
	if (!p)
		p = contig_huge(bytes);
	if (!p && bytes > 2 * MIB)
		p = contig_ordinary(bytes);
	if (p && prot == PROT_READ && make_read_only(p, bytes)) {
		given_unmap(p, bytes);
		return NULL;
	}
	return p;
}
