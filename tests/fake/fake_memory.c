/* SPDX-License-Identifier: MIT */
#include "fake_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_frames.h"
#include "fake_sys.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { REGIONS_MOST = 8192, POOLS_MOST = 8 };

struct region {
	uintptr_t start, end;
	uint64_t page;		/* of a pool; 0: ordinary memory */
};

struct fake_pool {
	uint64_t page, pages;
};

static struct region regions[REGIONS_MOST];
static unsigned int region_count;
static struct fake_pool pools[POOLS_MOST];

void fake_memory_reset(void)
{
	region_count = 0;
	memset(pools, 0, sizeof(pools));
	fake_frames_reset();
}

static struct fake_pool *pool_of(uint64_t page)
{
	for (unsigned int i = 0; i < POOLS_MOST; i++)
		if (pools[i].page == page)
			return &pools[i];
	return NULL;
}

void fake_memory_set_pool(uint64_t page_bytes, uint64_t pages)
{
	struct fake_pool *pool = pool_of(page_bytes);

	if (!pool)
		pool = pool_of(0);
	if (!pool)
		abort();
	*pool = (struct fake_pool){ page_bytes, pages };
}

uint64_t fake_memory_pool_free(uint64_t page_bytes)
{
	const struct fake_pool *pool = pool_of(page_bytes);
	uint64_t used = 0;

	for (unsigned int i = 0; i < region_count; i++)
		if (regions[i].page == page_bytes)
			used += (regions[i].end - regions[i].start) / page_bytes;
	return pool && pool->pages > used ? pool->pages - used : 0;
}

bool fake_memory_pool_file(const char *path, char *buf, size_t bytes)
{
	char dir[80];

	for (unsigned int i = 0; i < POOLS_MOST; i++) {
		const char *name;

		if (!pools[i].page)
			continue;
		snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB",
			 pools[i].page / 1024);
		if (strncmp(path, dir, strlen(dir)))
			continue;
		name = path + strlen(dir);
		buf[0] = '\0';
		if (!strcmp(name, "/free_hugepages"))
			snprintf(buf, bytes, "%" PRIu64 "\n",
				 fake_memory_pool_free(pools[i].page));
		else if (!strcmp(name, "/nr_hugepages"))
			snprintf(buf, bytes, "%" PRIu64 "\n", pools[i].pages);
		else if (*name)
			return false;
		return true;
	}
	return false;
}

uint64_t fake_memory_page_of(int flags)
{
	if (!(flags & MAP_HUGETLB))
		return 0;
	return 1ull << ((unsigned int)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK);
}

void *fake_memory_map(void *addr, size_t bytes, int prot, int flags, uint64_t page)
{
	int real = (flags & ~(MAP_HUGETLB | (int)((unsigned int)MAP_HUGE_MASK << MAP_HUGE_SHIFT))) |
		   MAP_ANONYMOUS | MAP_NORESERVE;
	uintptr_t raw, start;
	void *p;

	if (page && ((uintptr_t)addr % page || bytes % page)) {
		fake_sys.misuses++;
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (!page || addr)
		return mmap(addr, bytes, prot, real, -1, 0);
	p = mmap(NULL, bytes + page, prot, real, -1, 0);
	if (p == MAP_FAILED)
		return p;
	raw = (uintptr_t)p;
	start = (raw + page - 1) & ~(uintptr_t)(page - 1);
	if (start > raw)
		munmap(p, start - raw);
	munmap((void *)(start + bytes), raw + page - start);
	return (void *)start;
}

static void region_add(uintptr_t start, uintptr_t end, uint64_t page)
{
	if (region_count == REGIONS_MOST) {
		fprintf(stderr, "fake: too many mappings\n");
		abort();
	}
	regions[region_count++] = (struct region){ start, end, page };
}

void fake_memory_add(uintptr_t addr, size_t bytes, uint64_t page)
{
	fake_memory_cut(addr, bytes);
	region_add(addr, addr + bytes, page);
}

static void regions_cut(uintptr_t addr, size_t bytes)
{
	uintptr_t end = addr + bytes;

	for (unsigned int i = region_count; i--;) {
		struct region was = regions[i];

		if (was.end <= addr || end <= was.start)
			continue;
		regions[i] = regions[--region_count];
		if (was.start < addr)
			region_add(was.start, addr, was.page);
		if (end < was.end)
			region_add(end, was.end, was.page);
	}
}

void fake_memory_cut(uintptr_t addr, size_t bytes)
{
	regions_cut(addr, bytes);
	fake_frames_drop(addr, bytes);
}

unsigned int fake_memory_mappings(uintptr_t addr, size_t bytes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < region_count; i++)
		count += regions[i].start < addr + bytes && addr < regions[i].end;
	return count;
}

uint64_t fake_memory_in(uintptr_t addr, size_t bytes)
{
	uintptr_t end = addr + bytes;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < region_count; i++) {
		uintptr_t low = regions[i].start > addr ? regions[i].start : addr;
		uintptr_t high = regions[i].end < end ? regions[i].end : end;

		if (low < high)
			sum += high - low;
	}
	return sum;
}

static bool cuts(uintptr_t at, const struct region *region)
{
	return region->page && at > region->start && at < region->end && at % region->page;
}

bool fake_memory_whole(uintptr_t addr, size_t bytes)
{
	for (unsigned int i = 0; i < region_count; i++)
		if (cuts(addr, &regions[i]) || cuts(addr + bytes, &regions[i])) {
			fake_sys.misuses++;
			return false;
		}
	return true;
}

bool fake_memory_is_one(uintptr_t addr, size_t bytes)
{
	for (unsigned int i = 0; i < region_count; i++)
		if (regions[i].start == addr && regions[i].end == addr + bytes)
			return true;
	return false;
}

uint64_t fake_memory_page_at(uintptr_t addr)
{
	for (unsigned int i = 0; i < region_count; i++)
		if (addr - regions[i].start < regions[i].end - regions[i].start)
			return regions[i].page;
	return 0;
}

bool fake_memory_drop(uintptr_t addr, size_t bytes)
{
	if (fake_memory_in(addr, bytes) != bytes) {
		fake_sys.misuses++;
		return false;
	}
	return fake_memory_whole(addr, bytes) && !madvise((void *)addr, bytes, MADV_DONTNEED);
}

int fake_memory_move(uintptr_t addr, size_t old_bytes, size_t new_bytes, int flags, void *to,
		     void **out)
{
	uint64_t page = fake_memory_page_at(addr);
	void *p;

	if (page && (flags & MREMAP_DONTUNMAP))
		return -EINVAL;
	p = mremap((void *)addr, old_bytes, new_bytes, flags, to);
	if (p == MAP_FAILED)
		return -errno;
	if ((uintptr_t)p != addr)
		fake_memory_cut((uintptr_t)p, new_bytes);
	if (!(flags & MREMAP_DONTUNMAP))
		regions_cut(addr, old_bytes);
	region_add((uintptr_t)p, (uintptr_t)p + new_bytes, page);
	fake_frames_move(addr, (uintptr_t)p, old_bytes);
	*out = p;
	return 0;
}
