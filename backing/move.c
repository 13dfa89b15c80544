/* SPDX-License-Identifier: MIT */
#include "move.h"

#include <string.h>
#include <sys/mman.h>

#include "alter.h"
#include "figures.h"
#include "place.h"
#include "sys.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/*
 * Page tables of @from to @to, by a place of the kernel's choice: the first move is the one that
 * can be refused (a source of several mappings, before 6.17), and there it leaves no hole.
 * Return: true; false: @from is as it was.
 */
static bool move_pages(void *to, void *from, size_t bytes, bool huge_advice)
{
	void *between, *out;

	if (sys_remap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL, &between))
		return false;
	if (!sys_remap(between, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to, &out))
		return true;
	/* At the limit of mappings. @to may be a hole; what was there is asked for again. */
	sys_map(to, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, &out);
	if (huge_advice)
		sys_advise(to, bytes, MADV_HUGEPAGE);
	memcpy(to, between, bytes);
	sys_unmap(between, bytes);
	return true;
}

/* Return: may the pages of @from be moved as they are, or did the program alter them? */
static bool make_ready_to_move(const void *from)
{
	struct span *span;
	bool altered;

	lock_take(&zone_lock);
	span = span_at(span_unit(from));
	altered = span && span->altered;
	if (altered)
		alter_make_readable(span);
	lock_drop(&zone_lock);
	return !altered;
}

void move_contents(void *to, void *from, size_t bytes)
{
	const struct pool *source = place_pool(from);
	const struct pool *target = range_owns(&zone, to) ? place_pool(to) : NULL;
	bool movable = make_ready_to_move(from);
	size_t whole = 0;

	/*
	 * Only ordinary memory: a hugetlb page cannot be moved without leaving, for a moment, a
	 * hole in the zone (MREMAP_DONTUNMAP is EINVAL there). And with the pages goes what the
	 * program did to them: the next owner of @to must not find them read-only.
	 */
	if (movable && source && target && source->backing != BACKING_HUGETLB &&
	    target->backing != BACKING_HUGETLB &&
	    (((uintptr_t)to | (uintptr_t)from) & (2 * MIB - 1)) == 0)
		whole = bytes & ~(size_t)(2 * MIB - 1);
	if (whole && !move_pages(to, from, whole, target->backing != BACKING_BASE))
		whole = 0;
	memcpy((char *)to + whole, (char *)from + whole, bytes - whole);
	figures_add(whole ? &contig_stats.moves : &contig_stats.copies, 1);
}
