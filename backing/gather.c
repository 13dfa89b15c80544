/* SPDX-License-Identifier: MIT */
#include "gather.h"

#include <errno.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "arrange.h"
#include "figures.h"
#include "frames.h"
#include "layout.h"
#include "map.h"
#include "sys.h"
#include "zone.h"

#define DEVICE_MOST	(2 * GIB)	/* largest page an mlx5 card registers, see physmap.h */

enum {
	ROUNDS = 3,		/* tries, where others take pages at the same moment */
	RUN_LEAST = 8,		/* pages in a run, on average, for which fewer runs alone are worth it */
};

/* Linux before 5.16 cannot move huge pages; found out by the first that it refuses. */
static bool cannot_move;

/* What is known of pages not yet handed out. The tables live while one is gathered only. */
struct batch {
	const struct pool *pool;
	char *addr;
	size_t have, want;
	const struct contiguity *promise;
	uint64_t *frames, *keys;
	uint32_t *order;
	void *tables;
	size_t tables_bytes;
};

static int tables_map(struct batch *batch)
{
	int ret;

	batch->tables_bytes = batch->have * (2 * sizeof(uint64_t) + sizeof(uint32_t));
	ret = sys_map(NULL, batch->tables_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, &batch->tables);
	if (ret)
		return ret;
	batch->frames = batch->tables;
	batch->keys = batch->frames + batch->have;
	batch->order = (uint32_t *)(batch->keys + batch->have);
	return 0;
}

static unsigned int device_order(const struct pool *pool)
{
	return pool->page_bytes >= DEVICE_MOST ? 0 :
	       (unsigned int)__builtin_ctzll(DEVICE_MOST / pool->page_bytes);
}

static bool meets(const struct batch *batch, const struct layout *layout)
{
	if (!batch->promise || layout->order == LAYOUT_WHOLE)
		return true;
	return batch->promise->kind != CONTIGUITY_WHOLE &&
	       (batch->promise->kind == CONTIGUITY_PAGE ||
		batch->pool->page_bytes << layout->order >= batch->promise->bytes);
}

/* Is @best worth the zeroing of every page once more? */
static bool is_worth_it(const struct batch *batch, const struct layout *now,
			const struct layout *best)
{
	unsigned int most = device_order(batch->pool);

	if (meets(batch, best) && !meets(batch, now))
		return true;
	return layout_entries(best, batch->want, most) < layout_entries(now, batch->want, most) ||
	       (best->extents < now->extents && best->extents * RUN_LEAST <= batch->want);
}

/* Pages of several nodes come back node by node, whatever the order in which they went. */
static bool on_one_node(const struct batch *batch)
{
	int node;

	if (!sys_exists("/sys/devices/system/node/node1"))
		return true;
	node = sys_node_of(batch->addr);
	for (size_t i = 1; i < batch->have; i++)
		if (sys_node_of(batch->addr + i * batch->pool->page_bytes) != node)
			return false;
	return true;
}

/*
 * The best order of what is there; -ERANGE: none keeps the promise. Where nothing is known of the
 * pages they stay as they are; the promise is then checked by others.
 */
static int put_in_order(struct batch *batch, uint64_t *pa)
{
	uint64_t page = batch->pool->page_bytes;
	struct layout now, best;
	int ret;

	for (int round = 0; ; round++) {
		*pa = 0;
		ret = frames_read(batch->addr, batch->have, page, batch->frames);
		if (ret)
			return batch->have > batch->want ? -ERANGE : 0;
		now = layout_judge(batch->frames, NULL, batch->want);
		*pa = now.first * page;
		best = layout_plan(batch->frames, batch->have, batch->want, batch->keys, batch->order);
		if (!meets(batch, &best))
			return -ERANGE;
		if (batch->have == batch->want &&
		    (round == ROUNDS || !is_worth_it(batch, &now, &best)))
			return 0;
		if (!on_one_node(batch))
			return batch->have > batch->want ? -ERANGE : 0;
		ret = arrange_pages(batch->addr, batch->have, page, batch->order, batch->want);
		if (ret)
			return ret;
		batch->have = batch->want;
		figures_add(&pool_stats(batch->pool)->arranged, 1);
	}
}

static int take(struct batch *batch, const struct map_wish *wish, enum contig_reason *why)
{
	uint64_t page = batch->pool->page_bytes;
	int flags = MAP_PRIVATE | MAP_HUGETLB | __builtin_ctzll(page) << MAP_HUGE_SHIFT;
	void *addr;
	int ret;

	*why = CONTIG_REASON_MAP;
	ret = sys_map(NULL, batch->have * page, PROT_READ | PROT_WRITE, flags, &addr);
	if (ret) {
		*why = ret == -ENOMEM ? CONTIG_REASON_POOL : CONTIG_REASON_MAP;
		return ret;
	}
	/* A fork meanwhile would share them, and the first write would move them. */
	ret = sys_advise(addr, batch->have * page, MADV_DONTFORK);
	if (!ret)
		ret = map_finish(addr, batch->have * page, 0, wish, why);
	if (ret)
		sys_unmap(addr, batch->have * page);
	else
		batch->addr = addr;
	return ret;
}

static int take_in_order(struct batch *batch, const struct map_wish *wish, uint64_t *pa,
			 enum contig_reason *why)
{
	int ret = tables_map(batch);

	*why = CONTIG_REASON_MAP;
	if (ret)
		return ret;
	ret = take(batch, wish, why);
	if (ret)
		goto unmap_tables;
	ret = put_in_order(batch, pa);
	if (ret) {
		*why = ret == -ERANGE ? CONTIG_REASON_PROMISE : CONTIG_REASON_POPULATE;
		sys_unmap(batch->addr, batch->have * batch->pool->page_bytes);
	}
unmap_tables:
	sys_unmap(batch->tables, batch->tables_bytes);
	return ret;
}

/* Twice as many to choose from, as far as the pool has them. 0: that was all. */
static size_t more_pages(const struct batch *batch)
{
	uint64_t spare = pool_spare_bytes(batch->pool) / batch->pool->page_bytes;
	uint64_t more = 2 * batch->have < spare ? 2 * batch->have : spare;

	return more > batch->have && more <= LAYOUT_PAGES_MOST ? (size_t)more : 0;
}

int gather_pages(const struct pool *pool, size_t bytes, const struct map_wish *wish,
		 struct gathered *out, enum contig_reason *why)
{
	struct batch batch = {
		.pool = pool, .want = bytes / pool->page_bytes, .promise = wish->promise,
	};
	uint64_t pa;
	size_t have;
	int ret;

	*why = CONTIG_REASON_MAP;
	if (__atomic_load_n(&cannot_move, __ATOMIC_RELAXED))
		return -ENOSYS;
	for (have = batch.want; have; have = more_pages(&batch)) {
		batch.have = have;
		ret = take_in_order(&batch, wish, &pa, why);
		if (!ret)
			*out = (struct gathered){ batch.addr, bytes, pa };
		if (ret != -ERANGE)
			return ret;
		batch.have = have;
	}
	return -ERANGE;
}

int gather_settle(const struct gathered *got, void *addr)
{
	void *out;
	int ret = sys_remap(got->addr, got->bytes, got->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, addr,
			    &out);

	if (!ret)
		return 0;
	zone_seal(addr, got->bytes);
	sys_unmap(got->addr, got->bytes);
	if (ret != -EINVAL)
		return ret;
	__atomic_store_n(&cannot_move, true, __ATOMIC_RELAXED);
	return -ENOSYS;
}

void gather_inherit(void *addr, size_t bytes)
{
	sys_advise(addr, bytes, MADV_DOFORK);
}
