/* SPDX-License-Identifier: MIT */
#include "cow.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgroup.h"
#include "heap.h"
#include "pool.h"
#include "sys.h"

enum { RELATIVES_MOST = 1024 };

/*
 * Processes that share pages with us by copy-on-write, each of which may still ask for a copy of
 * all of them: children, and theirs, whose own parent may be gone. So the list is in memory that
 * the whole family shares; any of them may be killed at any moment, hence no lock. One that has
 * died is dropped at the next look; a pid used anew counts as alive, which only makes us cautious.
 */
static pid_t *relatives;
static unsigned int relatives_missed;	/* for which there was no room; nobody sees them die */

/* Before the first fork that needs it, so that every child has it. */
static bool have_list(void)
{
	pid_t *none = NULL;
	void *fresh;

	if (__atomic_load_n(&relatives, __ATOMIC_ACQUIRE))
		return true;
	if (sys_map(NULL, RELATIVES_MOST * sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED,
		    &fresh))
		return false;
	if (!__atomic_compare_exchange_n(&relatives, &none, fresh, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		sys_unmap(fresh, RELATIVES_MOST * sizeof(pid_t));
	return true;
}

/* Ourselves left out. */
static unsigned int living_relatives(void)
{
	unsigned int living = 0;
	pid_t self = getpid();
	int saved = errno;

	for (unsigned int i = 0; i < RELATIVES_MOST; i++) {
		pid_t pid = __atomic_load_n(&relatives[i], __ATOMIC_RELAXED);

		if (!pid || pid == self)
			continue;
		if (!kill(pid, 0) || errno == EPERM)
			living++;
		else
			__atomic_compare_exchange_n(&relatives[i], &pid, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	errno = saved;
	return living;
}

static bool is_remembered(pid_t pid)
{
	for (unsigned int i = 0; i < RELATIVES_MOST; i++)
		if (__atomic_load_n(&relatives[i], __ATOMIC_RELAXED) == pid)
			return true;
	return false;
}

/* Two that remember the same one at the same moment come upon the same free place. */
static bool find_place(pid_t pid)
{
	for (unsigned int i = 0; i < RELATIVES_MOST; i++) {
		pid_t holder = 0;

		if (__atomic_compare_exchange_n(&relatives[i], &holder, pid, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    holder == pid)
			return true;
	}
	return false;
}

/* Once each: a parent is remembered by every child of its, and lives on. */
static void remember(pid_t pid)
{
	if (relatives && (is_remembered(pid) || find_place(pid)))
		return;
	if (relatives && living_relatives() < RELATIVES_MOST && find_place(pid))
		return;
	relatives_missed++;
}

void cow_forked(pid_t child)
{
	remember(child);
}

void cow_inherit(pid_t parent)
{
	remember(parent);
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
	uint64_t copies;

	if (!have_list() || cgroup_limits_hugetlb())
		return false;
	copies = (uint64_t)living_relatives() + relatives_missed + 2;
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_HUGETLB && !pool_covers(pool_at(i), copies))
			return false;
	return true;
}
