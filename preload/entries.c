/* SPDX-License-Identifier: MIT */
/* contig_entries() of include/contig.h: the figures of a range, for the program itself. */
#include "contig.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "hooks.h"
#include "measure.h"

/* The least a caller can know: the structure as it was first released. */
#define ENTRIES_FIRST_BYTES \
	(offsetof(struct contig_figures, largest_bytes) + sizeof(uint64_t))

HOOK int contig_entries(const void *addr, size_t bytes, struct contig_figures *out)
{
	struct contig_figures answer = { .struct_bytes = sizeof(answer) };
	struct physmap_figures figures;
	size_t room;
	int ret;

	if (!out || out->struct_bytes < ENTRIES_FIRST_BYTES || !bytes ||
	    (uintptr_t)addr + bytes - 1 < (uintptr_t)addr)
		return -EINVAL;
	ret = measure_self(addr, bytes, &figures);
	if (ret)
		return ret;
	room = out->struct_bytes;
	if (room < sizeof(answer))
		answer.struct_bytes = (uint32_t)room;
	answer.page_bytes = figures.page_bytes;
	answer.entries = figures.entries;
	answer.extents = figures.extents;
	answer.largest_bytes = figures.largest_bytes;
	memcpy(out, &answer, answer.struct_bytes);
	return 0;
}
