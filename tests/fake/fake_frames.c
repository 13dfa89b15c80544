/* SPDX-License-Identifier: MIT */
#include "fake_frames.h"

#include <stdlib.h>
#include <string.h>

#include "fake_memory.h"
#include "fake_sys.h"

enum { FRAMES_MOST = 512, UNIT = 4096 };

struct page {
	uintptr_t va;
	uint64_t frame;
};

static uint64_t page_bytes;		/* of the one pool that has frames; 0: none */
static uint64_t all[FRAMES_MOST], stack[FRAMES_MOST];	/* the top is the last */
static unsigned int all_count, stack_count, page_count;
static struct page pages[FRAMES_MOST];	/* populated, by address */
static uint64_t taken;			/* by another process */

void fake_frames_reset(void)
{
	page_bytes = taken = 0;
	all_count = stack_count = page_count = 0;
}

bool fake_frames_active(void)
{
	return page_bytes;
}

void fake_frames_set(uint64_t bytes, const uint64_t *frames, unsigned int count)
{
	if (page_count || count > FRAMES_MOST)
		abort();
	page_bytes = bytes;
	all_count = stack_count = count;
	memcpy(all, frames, count * sizeof(*frames));
	for (unsigned int i = 0; i < count; i++)
		stack[count - 1 - i] = frames[i];
}

static struct page *page_from(uintptr_t va)
{
	struct page *page = pages;

	while (page < pages + page_count && page->va < va)
		page++;
	return page;
}

static void page_add(uintptr_t va, uint64_t frame)
{
	struct page *page = page_from(va);

	memmove(page + 1, page, (size_t)(pages + page_count - page) * sizeof(*page));
	*page = (struct page){ va, frame };
	page_count++;
	fake_pagemap(va, frame * (page_bytes / UNIT), page_bytes / UNIT);
}

static struct page page_remove(struct page *page)
{
	struct page gone = *page;

	page_count--;
	memmove(page, page + 1, (size_t)(pages + page_count - page) * sizeof(*page));
	fake_pagemap_forget(gone.va, page_bytes / UNIT);
	return gone;
}

void fake_frames_populate(uintptr_t addr, size_t bytes, uint64_t size)
{
	if (!page_bytes || size != page_bytes)
		return;
	for (uintptr_t va = addr & ~(page_bytes - 1); va < addr + bytes; va += page_bytes) {
		struct page *page = page_from(va);

		if (page < pages + page_count && page->va == va)
			continue;
		if (!stack_count)	/* every mapping is reserved for */
			abort();
		page_add(va, stack[--stack_count]);
	}
}

unsigned int fake_frames_drop(uintptr_t addr, size_t bytes)
{
	struct page *page = page_from(addr);
	unsigned int count = 0;

	for (; page < pages + page_count && page->va < addr + bytes; count++)
		stack[stack_count++] = page_remove(page).frame;
	return count;
}

void fake_frames_move(uintptr_t from, uintptr_t to, size_t bytes)
{
	struct page moved[FRAMES_MOST];
	unsigned int count = 0;
	struct page *page = page_from(from);

	while (page < pages + page_count && page->va < from + bytes)
		moved[count++] = page_remove(page);
	for (unsigned int i = 0; i < count; i++)
		page_add(moved[i].va - from + to, moved[i].frame);
}

/* Its mapping lies where no program has any. */
void fake_frames_take(void)
{
	if (!page_bytes || taken || !stack_count || !fake_memory_pool_free(page_bytes))
		return;
	fake_memory_add(page_bytes, page_bytes, page_bytes);
	taken = stack[--stack_count];
}

void fake_frames_give(void)
{
	if (!taken)
		return;
	stack[stack_count++] = taken;
	taken = 0;
	fake_memory_cut(page_bytes, page_bytes);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool fake_frames_are_back(void)
{
	uint64_t was[FRAMES_MOST], is[FRAMES_MOST];

	if (page_count || stack_count != all_count)
		return false;
	memcpy(was, all, all_count * sizeof(*all));
	memcpy(is, stack, all_count * sizeof(*stack));
	qsort(was, all_count, sizeof(*was), compare);
	qsort(is, all_count, sizeof(*is), compare);
	return !memcmp(was, is, all_count * sizeof(*was));
}
