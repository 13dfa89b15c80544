/* SPDX-License-Identifier: MIT */
#include "mapping.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "aligned.h"
#include "cgroup.h"
#include "figures.h"
#include "gather.h"
#include "given.h"
#include "map.h"
#include "measure.h"
#include "pool.h"
#include "promise.h"
#include "sys.h"

#define CONGRUENT_MOST	(2 * GIB)	/* largest page an mlx5 card registers, see physmap.h */

enum { CONTIG_TRIES = 8 };

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

/*
 * One piece of ordinary memory that begins on a @align boundary, as high as it can be: whole pages
 * then lie right below the mapping before, and the kernel merges the two. NULL: not to be had.
 */
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
	base = (raw + align) & ~(uintptr_t)(align - 1);
	bytes = round_up(bytes, 4096);
	sys_unmap(p, base - raw);
	if (raw + align > base)
		sys_unmap((void *)(base + bytes), raw + align - base);
	return (void *)base;
}

static struct map_wish wish_of(const struct decision *decision, bool populate)
{
	int node = decision->node == NODE_LOCAL ? sys_current_node() : decision->node;

	return (struct map_wish){
		.node = node, .populate = populate, .promise = &decision->contiguity,
	};
}

/* Is what lies at @p as contiguous as the rule promises? */
static bool is_kept(const struct pool *pool, const struct contiguity *promise, const void *p,
		    size_t bytes)
{
	return !promise_made(promise) || promise_kept(pool, promise, p, bytes);
}

/*
 * What cannot hold a page of the pool gains nothing by it, and beyond its share of the process's
 * mappings ordinary memory is to come as libc's does, so that neighbours merge.
 */
static bool is_to_be_aligned(const struct pool *pool, const struct decision *decision,
			     size_t bytes)
{
	return pool->backing != BACKING_BASE && bytes >= pool->page_bytes &&
	       (promise_made(&decision->contiguity) || aligned_has_room());
}

static void *map_ordinary(const struct pool *pool, const struct decision *decision, size_t bytes,
			  int prot, int flags)
{
	struct map_wish wish = wish_of(decision, decision->populate == POPULATE_YES ||
						 promise_made(&decision->contiguity));
	bool aligned = is_to_be_aligned(pool, decision, bytes);
	void *p = map_aligned(bytes, aligned ? pool->page_bytes : 4096, prot, flags);
	enum contig_reason why;

	if (!p)
		return NULL;
	if (aligned)
		sys_advise(p, bytes, MADV_HUGEPAGE);
	if (map_finish(p, bytes, 0, &wish, &why)) {
		pool_fell_through(pool, why);
		goto unmap;
	}
	if (!is_kept(pool, &decision->contiguity, p, bytes)) {
		pool_fell_through(pool, CONTIG_REASON_PROMISE);
		goto unmap;
	}
	if (aligned) {
		aligned_add(p, bytes);
		figures_add(&contig_stats.mmap_aligned, 1);
	}
	return p;

unmap:
	sys_unmap(p, bytes);
	return NULL;
}

/*
 * Huge pages in the order of their frames move to an address congruent with the physical one, as
 * far as a registration can make use of it: then one entry of a card may span many of them.
 */
static int settle(const struct pool *pool, const struct gathered *got, void **out)
{
	uintptr_t align = pool->page_bytes, base, to;
	size_t room;
	void *bare;
	int ret;

	while (got->pa && align < got->bytes && align < CONGRUENT_MOST)
		align *= 2;
	room = got->bytes + align;
	if (sys_map(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE, &bare)) {
		*out = got->addr;	/* addresses are scarce: in order they are all the same */
		return 0;
	}
	base = (uintptr_t)bare;
	to = base + ((got->pa - base) & (align - 1));
	ret = gather_settle(got, (void *)to);
	if (ret) {
		sys_unmap(bare, room);
		return ret;
	}
	if (to > base)
		sys_unmap(bare, to - base);
	if (to + got->bytes < base + room)
		sys_unmap((char *)to + got->bytes, base + room - to - got->bytes);
	*out = (void *)to;
	return 0;
}

static int take_gathered(const struct pool *pool, size_t all, const struct map_wish *wish,
			 void **out, enum contig_reason *why)
{
	struct gathered got;
	int ret = gather_pages(pool, all, wish, &got, why);

	if (ret)
		return ret;
	*why = CONTIG_REASON_MAP;
	return settle(pool, &got, out);
}

static int take_plain(const struct pool *pool, size_t all, const struct map_wish *wish, int prot,
		      int flags, void **out, enum contig_reason *why)
{
	int huge = MAP_HUGETLB | __builtin_ctzll(pool->page_bytes) << MAP_HUGE_SHIFT;
	void *p;
	int ret = sys_map(NULL, all, prot, flags | huge, &p);

	*why = CONTIG_REASON_POOL;
	if (ret)
		return ret;
	ret = map_finish(p, all, 0, wish, why);
	if (ret)
		sys_unmap(p, all);
	else
		*out = p;
	return ret;
}

/*
 * A promise of more than a page is searched for among private pages, which @searched tells: a fork
 * does not see them yet. Shared ones are taken as they come.
 */
static void *take_huge(const struct pool *pool, const struct decision *decision, size_t bytes,
		       int prot, int flags, bool *searched)
{
	bool populate = decision->populate != POPULATE_NO || promise_made(&decision->contiguity);
	struct map_wish wish = wish_of(decision, populate);
	size_t all = round_up(bytes, pool->page_bytes);
	enum contig_reason why = CONTIG_REASON_POPULATE;
	int ret = populate || !cgroup_limits_hugetlb() ? -ENOSYS : -EPERM;
	void *p;

	*searched = (flags & MAP_TYPE) == MAP_PRIVATE &&
		    promise_by_pfn(pool, &decision->contiguity, bytes);
	if (*searched)
		ret = take_gathered(pool, all, &wish, &p, &why);
	if (ret == -ENOSYS)
		ret = take_plain(pool, all, &wish, prot, flags, &p, &why);
	if (!ret && !is_kept(pool, &decision->contiguity, p, bytes)) {
		why = CONTIG_REASON_PROMISE;
		ret = -ERANGE;
		sys_unmap(p, all);
	}
	if (!ret)
		return p;
	pool_fell_through(pool, why);
	return NULL;
}

static void *map_huge(const struct pool *pool, const struct decision *decision, size_t bytes,
		      int prot, int flags)
{
	bool searched;
	struct given given = {
		.addr = take_huge(pool, decision, bytes, prot, flags, &searched),
		.bytes = round_up(bytes, pool->page_bytes), .asked = bytes, .pool = pool,
		.rule = decision->rule, .shared = (flags & MAP_TYPE) == MAP_SHARED,
		.promised = promise_made(&decision->contiguity),
	};

	if (!given.addr)
		return NULL;
	if (!given_add(&given)) {
		sys_unmap(given.addr, given.bytes);
		return NULL;
	}
	if (searched)
		given_inherit(given.addr, given.bytes);
	return given.addr;
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
	return map_huge(pool, decision, bytes, prot, flags);
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
	static const struct decision one_piece = {
		.contiguity = { .kind = CONTIGUITY_WHOLE }, .node = NODE_ANY, .rule = -1,
	};
	void *p = NULL;

	for (unsigned int k = pool_count(); k-- && !p; )
		if (pool_at(k)->backing == BACKING_HUGETLB && pool_at(k)->usable)
			p = map_huge(pool_at(k), &one_piece, bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	return p;
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
