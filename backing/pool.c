/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "lock.h"
#include "sys.h"

#define PMD_BYTES	(2 * MIB)
#define THP_DIR		"/sys/kernel/mm/transparent_hugepage/"
#define HUGETLB_DIR	"/sys/kernel/mm/hugepages/"

static struct pool pools[CONTIG_POOLS];
static unsigned int count;
static struct lock find_lock;
static bool found;

const struct pool *pool_at(unsigned int index)
{
	return &pools[index];
}

struct contig_pool_stats *pool_stats(const struct pool *pool)
{
	return &contig_stats.pool[pool->index];
}

void pool_fell_through(const struct pool *pool, enum contig_reason why)
{
	figures_add(&pool_stats(pool)->fell_through[why], 1);
}

bool pool_serves(const struct pool *pool, const struct chain_link *link)
{
	return pool->backing == link->backing &&
	       (!link->page_bytes || link->page_bytes == pool->page_bytes);
}

static void add_pool(enum backing_id backing, uint64_t page_bytes, bool usable,
		     const struct backing *how)
{
	struct chain_link link = { .backing = backing };
	struct contig_pool_stats *stats;
	char name[64];

	if (count == CONTIG_POOLS)
		return;
	/* thp, base and driver are written without a size; there is one of each. */
	if (backing == BACKING_HUGETLB || backing == BACKING_MTHP)
		link.page_bytes = page_bytes;
	pools[count] = (struct pool){ backing, (uint8_t)count, usable, page_bytes, how };
	stats = &contig_stats.pool[count];
	policy_format_link(&link, name);
	memcpy(stats->name, name, strnlen(name, sizeof(stats->name) - 1));
	stats->page_bytes = page_bytes;
	count++;
	contig_stats.pool_count = count;
}

/* "DIR" + "hugepages-" + "2048" + "kB" + "tail" */
static void size_path(char out[static 128], const char *dir, uint64_t page_bytes, const char *tail)
{
	char digits[24];
	int at = sizeof(digits);
	uint64_t kib = page_bytes / KIB;

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + kib % 10);
		kib /= 10;
	} while (kib);
	strcpy(out, dir);
	strcat(out, "hugepages-");
	strcat(out, digits + at);
	strcat(out, "kB");
	strcat(out, tail);
}

static uint64_t read_counter(const struct pool *pool, const char *tail)
{
	char path[128], text[32];

	size_path(path, HUGETLB_DIR, pool->page_bytes, tail);
	return sys_read_file(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

uint64_t pool_spare_bytes(const struct pool *pool)
{
	uint64_t have = read_counter(pool, "/free_hugepages");
	uint64_t overcommit = read_counter(pool, "/nr_overcommit_hugepages");
	uint64_t reserved, surplus, pages, more, blocks;

	if (!have && !overcommit)
		return 0;
	reserved = read_counter(pool, "/resv_hugepages");
	surplus = read_counter(pool, "/surplus_hugepages");
	pages = have > reserved ? have - reserved : 0;
	more = overcommit > surplus ? overcommit - surplus : 0;
	/* A surplus page needs a free block of its size: count on half of the free memory at most. */
	blocks = sys_free_bytes() / 2 / pool->page_bytes;
	return (pages + (more < blocks ? more : blocks)) * pool->page_bytes;
}

static void find_hugetlb(void)
{
	char path[128];

	for (uint64_t page = 16 * GIB; page >= 16 * KIB; page /= 2) {
		size_path(path, HUGETLB_DIR, page, "");
		if (sys_exists(path))
			add_pool(BACKING_HUGETLB, page, true, &backing_hugetlb);
	}
}

/* Is the bracketed choice of a THP switch one under which advised memory gets huge pages. */
static bool switch_allows(const char *path, bool inherits)
{
	char text[128];

	if (sys_read_file(path, text, sizeof(text)) <= 0)
		return false;
	return strstr(text, "[always]") || strstr(text, "[madvise]") ||
	       (inherits && strstr(text, "[inherit]"));
}

static void find_thp(void)
{
	bool top = switch_allows(THP_DIR "enabled", false), disabled = sys_thp_disabled();
	char path[128];
	bool pmd;

	/* The per-size switches came with 6.8; before, there was only the one above. */
	size_path(path, THP_DIR, PMD_BYTES, "/enabled");
	pmd = sys_exists(path) ? switch_allows(path, top) : top;
	add_pool(BACKING_THP, PMD_BYTES, pmd && !disabled, &backing_thp);
	for (uint64_t page = PMD_BYTES / 2; page >= 16 * KIB; page /= 2) {
		size_path(path, THP_DIR, page, "/enabled");
		if (switch_allows(path, top))
			add_pool(BACKING_MTHP, page, !disabled, &backing_thp);
	}
}

static void find_all(void)
{
	find_hugetlb();
	find_thp();
	add_pool(BACKING_BASE, 4 * KIB, true, &backing_base);
	add_pool(BACKING_DRIVER, 4 * KIB, false, NULL);
}

bool pool_known(void)
{
	return __atomic_load_n(&found, __ATOMIC_ACQUIRE);
}

/* Without a free descriptor nothing can be read, which says nothing about the machine. */
static bool can_read(void)
{
	char text[128];
	ssize_t ret = sys_read_file(THP_DIR "enabled", text, sizeof(text));

	return ret != -EMFILE && ret != -ENFILE;
}

unsigned int pool_count(void)
{
	if (pool_known())
		return count;
	lock_take(&find_lock);
	if (!found && can_read()) {
		find_all();
		__atomic_store_n(&found, true, __ATOMIC_RELEASE);
	}
	lock_drop(&find_lock);
	return count;
}

void pool_hold(void)
{
	lock_take(&find_lock);
}

void pool_let_go(void)
{
	lock_drop(&find_lock);
}

void pool_reset(void)
{
	lock_reset(&find_lock);
}
