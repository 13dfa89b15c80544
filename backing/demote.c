/* SPDX-License-Identifier: MIT */
#include "demote.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "hold.h"
#include "policy.h"
#include "sys.h"
#include "zone.h"

#define CELL_BYTES	(64 * KIB)	/* the smallest huge page there is */
#define CELLS_MOST	(8192 * GIB / CELL_BYTES)

/* One bit a cell, touched only where something was demoted. Guarded by: zone_lock. */
static uint64_t noted[CELLS_MOST / 64];
static bool any_noted;

int demote_page(void *addr, size_t bytes)
{
	struct hold_range range = { addr, bytes };
	uintptr_t base;
	void *raw, *out;
	int hold, ret;

	ret = sys_map(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, &raw);
	if (ret)
		return -ENOMEM;
	base = ((uintptr_t)raw + bytes - 1) & ~(bytes - 1);
	sys_advise((void *)base, bytes, MADV_HUGEPAGE);
	hold = hold_begin(&range, 1);
	if (!hold_sure(hold)) {
		ret = -ENOMEM;
		goto unmap;
	}
	memcpy((void *)base, addr, bytes);
	ret = sys_remap((void *)base, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, addr, &out);
	hold_end(hold);
	if (ret)
		goto unmap;
	/* Only what is left of it: where the copy lay there may be somebody else's by now. */
	if (base > (uintptr_t)raw)
		sys_unmap(raw, base - (uintptr_t)raw);
	sys_unmap((void *)(base + bytes), (uintptr_t)raw + bytes - base);
	return 0;

unmap:
	sys_unmap(raw, 2 * bytes);
	return -ENOMEM;
}

static size_t cell_of(const void *addr)
{
	return ((uintptr_t)addr - zone.base) / CELL_BYTES;
}

void demote_note(const void *addr, size_t bytes)
{
	for (size_t cell = cell_of(addr), left = bytes / CELL_BYTES; left--; cell++)
		noted[cell / 64] |= 1ull << cell % 64;
	any_noted = true;
}

void demote_forget(const void *addr, size_t bytes)
{
	if (!any_noted)
		return;
	for (size_t cell = cell_of(addr), left = bytes / CELL_BYTES; left--; cell++)
		noted[cell / 64] &= ~(1ull << cell % 64);
}

bool demote_noted(const void *addr)
{
	size_t cell = cell_of(addr);

	return any_noted && (noted[cell / 64] >> cell % 64 & 1);
}
