/* SPDX-License-Identifier: MIT */
/*
 * Two address ranges, reserved side by side with no access: the heap range, in which all memory
 * of the small-object heap lies, and the zone, in which all our large memory lies. Nothing else
 * ever lies in them, so who owns a pointer is one subtraction and one compare each.
 *
 * Where they cannot be reserved (an address space limit, a tool that refuses large reservations)
 * they are halved until they can; with no heap range the heap maps where it likes, with no zone
 * every request goes to the heap.
 */
#ifndef BACKING_ZONE_H
#define BACKING_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"

struct range {
	uintptr_t base;
	size_t bytes;		/* 0: not there */
};

/* Hidden, so that they are reached without a detour: they stand on free()'s way. */
extern struct range zone __attribute__((visibility("hidden")));
extern struct range heap_range __attribute__((visibility("hidden")));

/* zone.base at the start: what units are counted from, also when its lower part is given back. */
extern uintptr_t zone_origin __attribute__((visibility("hidden")));

/*
 * The lower part of the zone, in which huge page P of physical memory has the place zone_origin + P,
 * so that neighbours in memory are neighbours in the zone. What is not placed so lies above it as
 * long as there is room. 0: addresses are scarce, nothing is placed so.
 */
extern size_t zone_slot_bytes __attribute__((visibility("hidden")));

/* Guards the tiling of the zone (span.h). Never held over a system call that can be slow. */
extern struct lock zone_lock;

static inline bool range_owns(const struct range *range, const void *p)
{
	return (uintptr_t)p - range->base < range->bytes;
}

/* zone_init - reserve both. Context: once, before any other thread can be in the library. */
void zone_init(void);

/*
 * zone_seal - make [@addr, @addr + @bytes) of either range a bare reservation again, its memory
 * given back. Atomic: at no moment could another mapping land there.
 */
int zone_seal(void *addr, size_t bytes);

/*
 * zone_shrink - give the upper part of the zone back that was never used, because the process
 * ran out of address space. Return: true if there was any.
 */
bool zone_shrink(void);

/*
 * zone_limit - the address space is to be @limit bytes from now on: what was never used of the
 * zone goes back, but for what it would have taken had the limit been there at the start
 * @alone: the process has one thread, so that the lower part can go, too
 * Return: true if any went.
 */
bool zone_limit(uint64_t limit, bool alone);

/* zone_share - the most that either range may take under a limit of @limit bytes; 0: nothing. */
size_t zone_share(uint64_t limit);

#endif
