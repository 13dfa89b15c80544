/* SPDX-License-Identifier: MIT */
#include "given.h"

#include <errno.h>
#include <sys/mman.h>

#include "demote.h"
#include "figures.h"
#include "gather.h"
#include "lock.h"
#include "place.h"
#include "sys.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

enum { GIVEN_MOST = 1024 };

struct entry {
	char *addr, *end;	/* whole pages */
	char *asked_end;	/* where the program's own mapping ends, in the last page or before */
	const struct pool *pool;
	int rule;
	bool shared, promised;
	uint64_t number;	/* of the allocation: its pieces share it */
};

/* Guarded by: given_lock. Taken before zone_lock, never after it. */
static struct entry entries[GIVEN_MOST];
static unsigned int count;
static uint64_t numbers;
static struct lock given_lock;

static bool promised_ever;		/* read without the lock */

bool given_any(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED) != 0;
}

/* What the program asked for of [@addr, @end) of an entry. */
static uint64_t asked_bytes(const struct entry *entry, const char *addr, const char *end)
{
	if (end > entry->asked_end)
		end = entry->asked_end;
	return addr < end ? (uint64_t)(end - addr) : 0;
}

/* [@addr, @end) of an entry comes into the program's hands, or goes out of them. */
static void account(const struct entry *entry, const char *addr, const char *end, bool taken)
{
	struct contig_pool_stats *stats = pool_stats(entry->pool);
	uint64_t live = asked_bytes(entry, addr, end), mapped = (uint64_t)(end - addr);

	figures_add(&stats->live_bytes, taken ? live : -live);
	figures_add(&stats->mapped_bytes, taken ? mapped : -mapped);
	if (taken)
		figures_raise(&stats->peak_bytes, stats->live_bytes);
	if (entry->rule >= 0)
		place_count_rule(entry->rule, taken ? live : -live);
}

static bool add_locked(const struct entry *entry)
{
	if (entry->addr == entry->end)
		return true;
	if (count == GIVEN_MOST)
		return false;
	entries[count] = *entry;
	__atomic_store_n(&count, count + 1, __ATOMIC_RELAXED);
	return true;
}

static void drop_locked(unsigned int i)
{
	__atomic_store_n(&count, count - 1, __ATOMIC_RELAXED);
	entries[i] = entries[count];
}

bool given_add(const struct given *given)
{
	struct entry entry = {
		.addr = given->addr, .end = given->addr + given->bytes,
		.asked_end = given->addr + ((given->asked + 4095) & ~(size_t)4095),
		.pool = given->pool, .rule = given->rule,
		.shared = given->shared, .promised = given->promised,
	};
	bool added;

	if (given->promised)
		__atomic_store_n(&promised_ever, true, __ATOMIC_RELAXED);
	lock_take(&given_lock);
	entry.number = numbers++;
	added = add_locked(&entry);
	if (added)
		account(&entry, entry.addr, entry.end, true);
	lock_drop(&given_lock);
	if (added) {
		figures_add(&pool_stats(given->pool)->allocations, 1);
		figures_add(&contig_stats.mmap_huge, 1);
	}
	return added;
}

/* Half a page can be marked as cold, but not of a huge one. */
static bool still_huge(char *page)
{
	return sys_advise(page + 4096, 4096, MADV_COLD) == -EINVAL;
}

static bool is_gone_locked(uint64_t number)
{
	for (unsigned int i = 0; i < count; i++)
		if (entries[i].number == number)
			return false;
	return true;
}

/*
 * [@addr, @end) of an entry is not huge any more: what is left of it on both sides stays. If the
 * table has no room for the second piece it is forgotten, and then only costs an EINVAL some day.
 */
static void cut_locked(unsigned int i, char *addr, char *end)
{
	struct entry low = entries[i], high = entries[i];

	drop_locked(i);
	account(&low, addr, end, false);
	low.end = addr;
	if (low.asked_end > addr)
		low.asked_end = addr;
	high.addr = end;
	add_locked(&low);
	if (!add_locked(&high))
		account(&high, high.addr, high.end, false);
	if (is_gone_locked(low.number))
		figures_add(&pool_stats(low.pool)->frees, 1);
}

/*
 * The page of entry @i that @at lies in is made ordinary. What the program never asked for goes.
 * @i is void afterwards, unless the page is shared: others map it too, the kernel answers for it.
 */
static int alter_page_locked(unsigned int i, char *at, enum alter_how how, int prot)
{
	size_t bytes = entries[i].pool->page_bytes;
	char *page = (char *)((uintptr_t)at & ~(bytes - 1));
	char *asked_end = entries[i].asked_end;
	int ret = 0;

	if (still_huge(page)) {
		if (entries[i].shared)
			return 0;
		ret = how == ALTER_DROP ? demote_drop(page, bytes) :
					  demote_page(page, bytes, prot);
		if (ret)
			return ret;
		if (asked_end < page + bytes)
			sys_unmap(asked_end, (size_t)(page + bytes - asked_end));
	}
	cut_locked(i, page, page + bytes);
	return 0;
}

static int find_locked(const char *at)
{
	for (unsigned int i = 0; i < count; i++)
		if (at >= entries[i].addr && at < entries[i].end)
			return (int)i;
	return -1;
}

static bool mid_page(unsigned int i, const char *at)
{
	return (uintptr_t)at & (entries[i].pool->page_bytes - 1);
}

/*
 * An end of the range inside a huge page: that page is demoted, or the end is the mapping's own.
 * Of a page that is not huge any more the rest may be a neighbour's: the end stays where it is.
 */
static int settle_end_locked(char *addr, char **end, bool exact)
{
	int i = find_locked(*end - 1);
	char *page;

	if (i < 0 || !mid_page((unsigned int)i, *end))
		return 0;
	page = (char *)((uintptr_t)*end & ~(entries[i].pool->page_bytes - 1));
	if (!exact && addr <= page && *end >= entries[i].asked_end && still_huge(page)) {
		*end = page + entries[i].pool->page_bytes;
		return 0;
	}
	return alter_page_locked((unsigned int)i, *end, ALTER_EDGES, DEMOTE_AS_IS);
}

static int settle_locked(char *addr, char **end, bool exact)
{
	int i = find_locked(addr), ret = 0;

	if (i >= 0 && mid_page((unsigned int)i, addr))
		ret = alter_page_locked((unsigned int)i, addr, ALTER_EDGES, DEMOTE_AS_IS);
	return ret ? ret : settle_end_locked(addr, end, exact);
}

static int alter_whole_locked(char *addr, char *end, enum alter_how how, int prot)
{
	unsigned int i = 0;
	char *at;
	int ret;

	while (i < count) {
		at = entries[i].addr > addr ? entries[i].addr : addr;
		if (at >= entries[i].end || at >= end || entries[i].shared) {
			i++;
			continue;
		}
		ret = alter_page_locked(i, at, how, prot);
		if (ret)
			return ret;
		i = 0;		/* the table has changed */
	}
	return 0;
}

int given_alter(char *addr, char **end, enum alter_how how, int prot)
{
	char *asked_end = *end;
	int ret;

	lock_take(&given_lock);
	ret = settle_locked(addr, end, false);
	if (!ret && how != ALTER_EDGES)
		ret = alter_whole_locked(addr, *end, how, prot);
	if (find_locked(*end - 1) < 0)
		*end = asked_end;	/* the last page is ordinary now, and ends where it should */
	lock_drop(&given_lock);
	return ret;
}

int given_alter_under(char *addr, char *end)
{
	int ret;

	lock_take(&given_lock);
	ret = settle_locked(addr, &end, true);
	lock_drop(&given_lock);
	return ret;
}

void given_replaced(char *addr, char *end)
{
	unsigned int i = 0;

	lock_take(&given_lock);
	while (i < count) {
		char *low = entries[i].addr > addr ? entries[i].addr : addr;
		char *high = entries[i].end < end ? entries[i].end : end;
		size_t page = entries[i].pool->page_bytes;

		low = (char *)(((uintptr_t)low + page - 1) & ~(page - 1));
		high = (char *)((uintptr_t)high & ~(page - 1));
		if (low < high) {
			cut_locked(i, low, high);
			i = 0;
		} else {
			i++;
		}
	}
	lock_drop(&given_lock);
}

void given_unmap(char *addr, size_t asked)
{
	char *end = addr + asked;

	if (given_alter(addr, &end, ALTER_EDGES, DEMOTE_AS_IS))
		return;
	given_replaced(addr, end);
	sys_unmap(addr, (size_t)(end - addr));
}

bool given_overlaps(const char *addr, const char *end, bool *shared)
{
	bool found = false;

	lock_take(&given_lock);
	for (unsigned int i = 0; i < count && !found; i++) {
		found = addr < entries[i].end && end > entries[i].addr;
		*shared = entries[i].shared;
	}
	lock_drop(&given_lock);
	return found;
}

bool given_promised(void)
{
	return __atomic_load_n(&promised_ever, __ATOMIC_RELAXED);
}

void given_hold(void)
{
	lock_take(&given_lock);
}

void given_let_go(void)
{
	lock_drop(&given_lock);
}

void given_inherit(void *addr, size_t bytes)
{
	lock_take(&given_lock);
	gather_inherit(addr, bytes);
	lock_drop(&given_lock);
}

static bool forks(const struct entry *entry, bool promised)
{
	return !entry->shared && (entry->promised || !promised) && still_huge(entry->addr);
}

size_t given_ranges(struct hold_range *range, size_t most, bool promised)
{
	size_t ranges = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!forks(&entries[i], promised))
			continue;
		if (range && ranges < most)
			range[ranges] = (struct hold_range){
				entries[i].addr, (size_t)(entries[i].end - entries[i].addr)
			};
		ranges++;
	}
	return ranges;
}

size_t given_bytes(bool promised)
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < count; i++)
		if (forks(&entries[i], promised))
			bytes += (size_t)(entries[i].end - entries[i].addr);
	return bytes;
}

void given_reset(void)
{
	lock_reset(&given_lock);
}

void given_forget(enum given_fate fate)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++)
		if (entries[i].shared || fate == GIVEN_KEPT ||
		    (fate == GIVEN_PROMISED_COPIED && !entries[i].promised))
			entries[kept++] = entries[i];
		else
			account(&entries[i], entries[i].addr, entries[i].end, false);
	count = kept;
}

const struct pool *given_pool(const char *addr, size_t *bytes)
{
	const struct pool *pool = NULL;
	int i;

	lock_take(&given_lock);
	i = find_locked(addr);
	if (i >= 0) {
		pool = entries[i].pool;
		*bytes = asked_bytes(&entries[i], addr, entries[i].end);
	}
	lock_drop(&given_lock);
	return pool;
}

const char *given_largest(const struct pool *pool, size_t *bytes)
{
	const char *largest = NULL;
	size_t asked;

	*bytes = 0;
	lock_take(&given_lock);
	for (unsigned int i = 0; i < count; i++) {
		asked = asked_bytes(&entries[i], entries[i].addr, entries[i].end);
		if (entries[i].pool != pool || asked <= *bytes)
			continue;
		largest = entries[i].addr;
		*bytes = asked;
	}
	lock_drop(&given_lock);
	return largest;
}

void given_figures(uint64_t *live, uint64_t *mapped)
{
	*live = *mapped = 0;
	lock_take(&given_lock);
	for (unsigned int i = 0; i < count; i++) {
		*live += asked_bytes(&entries[i], entries[i].addr, entries[i].end);
		*mapped += (uint64_t)(entries[i].end - entries[i].addr);
	}
	lock_drop(&given_lock);
}
