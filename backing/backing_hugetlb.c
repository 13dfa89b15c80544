/* SPDX-License-Identifier: MIT */
/*
 * Pages of the kernel's huge page pools. Without MAP_NORESERVE the kernel reserves them at mmap
 * and fails at once if it has too few; populating them before they are handed out keeps what can
 * still go wrong (a hugetlb cgroup, a reservation that underflowed) from becoming a SIGBUS.
 */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "cgroup.h"
#include "map.h"
#include "sys.h"
#include "zone.h"

/* Linux before 5.16 cannot move huge pages; found out by the first that it refuses. */
static bool cannot_move;

/*
 * A mmap(MAP_FIXED) that fails for want of pages has unmapped what was there before, and what
 * another thread maps next may come to lie in that hole of the zone. So the pages are taken and
 * populated elsewhere, where failing harms nobody, and moved into the zone whole.
 */
static int map_elsewhere(void *addr, size_t bytes, int flags, const struct map_wish *wish,
			 enum contig_reason *why)
{
	void *elsewhere, *out;
	int ret;

	ret = sys_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, &elsewhere);
	if (ret)
		return ret;
	ret = map_finish(elsewhere, bytes, 0, wish, why);
	if (ret)
		goto unmap;
	*why = CONTIG_REASON_MAP;
	ret = sys_remap(elsewhere, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, addr, &out);
	if (!ret)
		return 0;
	zone_seal(addr, bytes);
	if (ret == -EINVAL) {
		__atomic_store_n(&cannot_move, true, __ATOMIC_RELAXED);
		ret = -ENOSYS;
	}
unmap:
	sys_unmap(elsewhere, bytes);
	return ret;
}

/* An old kernel, or pages only reserved, which the kernel forgets to account for when moved. */
static int map_in_place(void *addr, size_t bytes, int flags, const struct map_wish *wish,
			enum contig_reason *why)
{
	void *elsewhere;
	int ret;

	ret = sys_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, &elsewhere);
	if (ret)
		return ret;
	sys_unmap(elsewhere, bytes);
	return map_over(addr, bytes, flags, 0, wish, why);
}

static int hugetlb_map(const struct pool *pool, void *addr, size_t bytes,
		       const struct map_wish *wish, enum contig_reason *why)
{
	int flags = MAP_HUGETLB | __builtin_ctzll(pool->page_bytes) << MAP_HUGE_SHIFT;
	int ret = -ENOSYS;

	/* Under such a limit a reserved page can be refused at the first touch, with SIGBUS. */
	*why = CONTIG_REASON_POPULATE;
	if (!wish->populate && cgroup_limits_hugetlb())
		return -EPERM;
	*why = CONTIG_REASON_MAP;
	if (wish->populate && !__atomic_load_n(&cannot_move, __ATOMIC_RELAXED))
		ret = map_elsewhere(addr, bytes, flags, wish, why);
	if (ret == -ENOSYS)
		ret = map_in_place(addr, bytes, flags, wish, why);
	if (ret == -ENOMEM && *why == CONTIG_REASON_MAP)
		*why = CONTIG_REASON_POOL;
	return ret;
}

const struct backing backing_hugetlb = { .map = hugetlb_map };
