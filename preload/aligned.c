/* SPDX-License-Identifier: MIT */
#include "aligned.h"

#include <stdint.h>
#include <stdlib.h>

#include "policy.h"
#include "sys.h"

#define ALIGNED_SHIFT	21		/* 2 MiB */
#define ALIGNED_BYTES	((size_t)1 << ALIGNED_SHIFT)
#define USUAL_MAPPINGS	65530		/* vm.max_map_count of a kernel that nobody has set */
#define SHARE		8

enum {
	SLOTS = 16384,		/* twice an eighth of the usual limit */
	PROBES = 16,
};

/*
 * Addresses >> ALIGNED_SHIFT, which have 26 bits; 0 is none. Without a lock: that an entry is lost
 * or stays for nothing, as after a raw munmap, costs one mapping more or fewer.
 */
static uint32_t slots[SLOTS];
static uint32_t count, most;

static uint32_t find_most(void)
{
	char text[32];
	long limit = USUAL_MAPPINGS;

	if (sys_read_file("/proc/sys/vm/max_map_count", text, sizeof(text)) > 0)
		limit = strtol(text, NULL, 10);
	if (limit / SHARE > SLOTS / 2)
		return SLOTS / 2;
	return limit > SHARE ? (uint32_t)(limit / SHARE) : 1;
}

bool aligned_has_room(void)
{
	uint32_t known = __atomic_load_n(&most, __ATOMIC_RELAXED);

	if (!known) {
		known = find_most();
		__atomic_store_n(&most, known, __ATOMIC_RELAXED);
	}
	return __atomic_load_n(&count, __ATOMIC_RELAXED) < known;
}

static uint32_t key_of(const void *addr)
{
	return (uint32_t)((uintptr_t)addr >> ALIGNED_SHIFT);
}

/* Addresses come in regular steps: spread by 2^32 divided by the golden ratio. */
static uint32_t *slot_of(uint32_t key, uint32_t probe)
{
	return &slots[((key * 0x9e3779b1u >> 16) + probe) % SLOTS];
}

static bool swap(uint32_t *slot, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(slot, &from, to, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

static bool forget_key(uint32_t key)
{
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		uint32_t *slot = slot_of(key, probe);

		if (__atomic_load_n(slot, __ATOMIC_RELAXED) == key && swap(slot, key, 0)) {
			__atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
			return true;
		}
	}
	return false;
}

static void remember_key(uint32_t key)
{
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		if (swap(slot_of(key, probe), 0, key)) {
			__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
			return;
		}
	}
}

/* What is right below another of ours is one mapping with it: the entry is for the lower end. */
void aligned_add(const void *addr, size_t bytes)
{
	uint32_t key = key_of(addr);

	forget_key(key);
	if (bytes % ALIGNED_BYTES == 0)
		forget_key(key + (uint32_t)(bytes >> ALIGNED_SHIFT));
	remember_key(key);
}

void aligned_forget(const void *addr, size_t bytes)
{
	uintptr_t first = ((uintptr_t)addr + ALIGNED_BYTES - 1) >> ALIGNED_SHIFT;
	uintptr_t end = ((uintptr_t)addr + bytes + ALIGNED_BYTES - 1) >> ALIGNED_SHIFT;

	if (!__atomic_load_n(&count, __ATOMIC_RELAXED) || first >= end)
		return;
	if (end - first > SLOTS) {
		for (uint32_t i = 0; i < SLOTS; i++) {
			uint32_t key = __atomic_load_n(&slots[i], __ATOMIC_RELAXED);

			if (key >= first && key < end && swap(&slots[i], key, 0))
				__atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
		}
		return;
	}
	for (; first < end; first++)
		forget_key((uint32_t)first);
}
