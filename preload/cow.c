/* SPDX-License-Identifier: MIT */
#include "cow.h"

#include <errno.h>
#include <signal.h>

#include "cgroup.h"
#include "heap.h"
#include "lock.h"
#include "pool.h"

enum { RELATIVES_MOST = 64 };

/*
 * Processes that share pages with us by copy-on-write, each of which may still ask for a copy of
 * all of them. One that has died is dropped at the next look; a pid used anew counts as alive,
 * which only makes us cautious. Guarded by: relatives_lock.
 */
static pid_t relatives[RELATIVES_MOST];
static unsigned int relative_count;
static bool relatives_overflowed;
static struct lock relatives_lock;

static void remember(pid_t pid)
{
	lock_take(&relatives_lock);
	if (relative_count < RELATIVES_MOST)
		relatives[relative_count++] = pid;
	else
		relatives_overflowed = true;
	lock_drop(&relatives_lock);
}

void cow_forked(pid_t child)
{
	remember(child);
}

void cow_inherit(pid_t parent)
{
	lock_reset(&relatives_lock);
	remember(parent);
}

static unsigned int living_relatives(void)
{
	unsigned int kept = 0;
	int saved = errno;

	lock_take(&relatives_lock);
	for (unsigned int i = 0; i < relative_count; i++)
		if (!kill(relatives[i], 0) || errno == EPERM)
			relatives[kept++] = relatives[i];
	relative_count = kept;
	lock_drop(&relatives_lock);
	errno = saved;
	return kept;
}

/*
 * Each living relative, the child to come, and a neighbour that forks at the same moment: as many
 * copies of everything may be asked for.
 */
static bool pool_covers(const struct pool *pool, uint64_t copies)
{
	uint64_t mapped = pool_stats(pool)->mapped_bytes;

	if (pool->page_bytes == 2 * MIB)
		mapped += heap_huge_bytes();
	return !mapped || pool_spare_bytes(pool) / copies >= mapped;
}

bool cow_covered(void)
{
	uint64_t copies = (uint64_t)living_relatives() + 2;

	if (relatives_overflowed || cgroup_limits_hugetlb())
		return false;
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_HUGETLB && !pool_covers(pool_at(i), copies))
			return false;
	return true;
}
