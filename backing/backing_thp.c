/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages of any size: ordinary memory, aligned and advised.
 *
 * Which size a fault gets is the kernel's choice, the largest first: where no block of 2 MiB is
 * free it compacts memory for each of them, 10 ms a time and 280 at worst (seen on 6.18), and in
 * vain where pinned pages stand in the way, before it takes the next size. Nothing in a mapping
 * says which sizes to leave out; but a page of 2 MiB is not tried where a page table is there
 * already. So, if free memory has the blocks for smaller pages only, they are put there.
 */
#include <linux/mman.h>
#include <sys/mman.h>

#include "buddy.h"
#include "map.h"
#include "span.h"
#include "sys.h"
#include "zone.h"

#define TABLE_BYTES (2 * MIB)	/* what one page table maps */

/* The largest size below 2 MiB that is switched on; 0: none, or the kernel has no such switch. */
static uint64_t smaller_page(void)
{
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_MTHP && pool_at(i)->usable)
			return pool_at(i)->page_bytes;
	return 0;
}

/*
 * Are blocks of 2 MiB short, and those of the next size not? Half of what is free counts: others
 * take of it, too. All of the memory is then on smaller pages: a few of 2 MiB among them would not
 * make a registration's page larger.
 */
static bool is_short_of_huge(size_t bytes, int node)
{
	uint64_t page = smaller_page();
	char text[4096];
	ssize_t length;

	if (!page)
		return false;
	length = sys_read_file("/proc/buddyinfo", text, sizeof(text));
	if (length <= 0 || (size_t)length == sizeof(text) - 1)
		return false;
	return buddy_free_bytes(text, node, TABLE_BYTES) / 2 < bytes &&
	       buddy_free_bytes(text, node, page) / 2 >= bytes;
}

/*
 * A page table for each 2 MiB: it stays when the one page that brought it goes. Where something
 * fails there is none, and the kernel compacts.
 */
static void make_tables(char *addr, size_t bytes)
{
	if (sys_advise(addr, bytes, MADV_NOHUGEPAGE))
		return;
	for (size_t at = 0; at < bytes; at += TABLE_BYTES)
		if (!sys_advise(addr + at, UNIT_BYTES, MADV_POPULATE_READ))
			sys_advise(addr + at, UNIT_BYTES, MADV_DONTNEED);
}

static int thp_map(const struct pool *pool, void *addr, size_t bytes, const struct map_wish *wish,
		   enum contig_reason *why)
{
	struct map_wish bare = { .node = NODE_ANY };
	int ret;

	if (pool->backing != BACKING_THP || !is_short_of_huge(bytes, wish->node))
		return map_over(addr, bytes, 0, MADV_HUGEPAGE, wish, why);
	ret = map_over(addr, bytes, 0, 0, &bare, why);
	if (ret)
		return ret;
	make_tables(addr, bytes);
	ret = map_finish(addr, bytes, MADV_HUGEPAGE, wish, why);
	if (ret)
		zone_seal(addr, bytes);
	return ret;
}

const struct backing backing_thp = { .map = thp_map };
