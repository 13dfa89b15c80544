/* SPDX-License-Identifier: MIT */
/*
 * A piece of memory of every kind that a program can have from the library, or plain memory from
 * the kernel to compare it with, and what can be seen of it page by page.
 */
#ifndef TESTS_PRELOAD_MMAP_AREA_H
#define TESTS_PRELOAD_MMAP_AREA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

enum {
	PAGE = 4096,
	AREA_BYTES = 8 * 1024 * 1024,
	AREA_PAGES_MOST = 2 * AREA_BYTES / PAGE,	/* after it has grown */
	NEIGHBOUR_BYTES = 1200 * 1024,			/* shares huge pages with the area */
};

enum area_kind { AREA_PLAIN, AREA_MMAP, AREA_MALLOC, AREA_MEMALIGN, AREA_KINDS };

struct area {
	enum area_kind kind;
	char *base;		/* an operation that moves the area says so here */
	size_t bytes;		/* and here, if it grows */
	char *low, *high;	/* neighbours; malloc's only */
};

static inline bool area_is_malloc(const struct area *area)
{
	return area->kind >= AREA_MALLOC;
}

/* Memory of the kernel's, past the library. */
static inline char *area_raw(size_t bytes, int flags)
{
	return (char *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
			       flags | MAP_ANONYMOUS, -1, 0);
}

/* Every word of a page says which page of the area it is. */
static inline uint64_t area_word(size_t page)
{
	return pattern_word(77, page) | 1;
}

static inline void area_fill(char *base, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 8)
		*(volatile uint64_t *)(base + at) = area_word(at / PAGE);
}

static inline char *area_get(enum area_kind kind, size_t bytes)
{
	void *p = NULL;

	switch (kind) {
	case AREA_PLAIN:
		p = area_raw(bytes, MAP_PRIVATE);
		madvise(p, bytes, MADV_NOHUGEPAGE);
		break;
	case AREA_MMAP:
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case AREA_MALLOC:
		p = malloc(bytes);
		break;
	default:
		if (posix_memalign(&p, 2 * MIB, bytes))
			p = NULL;
	}
	return p == MAP_FAILED ? NULL : p;
}

/* area_begin - filled; of malloc's kinds with filled neighbours. Return: it could be had. */
static inline bool area_begin(struct area *area, enum area_kind kind, size_t bytes)
{
	*area = (struct area){ .kind = kind, .bytes = bytes };
	if (area_is_malloc(area)) {
		area->low = malloc(NEIGHBOUR_BYTES);
		pattern_write(area->low, NEIGHBOUR_BYTES, 1);
	}
	area->base = area_get(kind, bytes);
	if (!CHECK(area->base))
		return false;
	if (area_is_malloc(area)) {
		area->high = malloc(NEIGHBOUR_BYTES);
		pattern_write(area->high, NEIGHBOUR_BYTES, 2);
	}
	area_fill(area->base, bytes);
	return true;
}

enum {
	SEEN_NOTHING,	/* it cannot be read */
	SEEN_ZERO,
	SEEN_OWN,	/* as filled */
	SEEN_OTHER,	/* + what differs, in the bits between */
	SEEN_WRITABLE = 128,
};

/* area_look - what a system call sees at one page, without a fault. */
static inline uint8_t area_look(char *at, uint64_t own)
{
	static uint64_t words[PAGE / 8];
	struct iovec here = { words, PAGE }, there = { at, PAGE };
	uint8_t seen = SEEN_OTHER;
	uint64_t sum = 0;
	size_t i;

	if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != PAGE)
		return SEEN_NOTHING;
	for (i = 1; i < PAGE / 8 && words[i] == words[0]; i++)
		;
	if (i == PAGE / 8 && (!words[0] || words[0] == own))
		seen = words[0] ? SEEN_OWN : SEEN_ZERO;
	for (i = 0; seen == SEEN_OTHER && i < PAGE / 8; i++)
		sum = (sum ^ words[i]) * 0x100000001b3ull;
	if (seen == SEEN_OTHER)
		seen |= (uint8_t)(sum >> 40 & 0x7c);
	here.iov_len = there.iov_len = 8;
	if (process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 8)
		seen |= SEEN_WRITABLE;
	return seen;
}

static inline void area_look_at_all(const struct area *area, uint8_t *seen)
{
	for (size_t page = 0; page * PAGE < area->bytes; page++)
		seen[page] = area_look(area->base + page * PAGE, area_word(page));
}

static inline bool area_neighbours_intact(const struct area *area)
{
	return !area_is_malloc(area) ||
	       (pattern_holds(area->low, NEIGHBOUR_BYTES, 1) &&
		pattern_holds(area->high, NEIGHBOUR_BYTES, 2));
}

/*
 * area_end - give it back: malloc's has no hole by now, can be freed, and what the next malloc
 * gives is usable from end to end, twice, and the neighbours never notice.
 */
static inline void area_end(struct area *area)
{
	if (!area_is_malloc(area)) {
		CHECK(munmap(area->base, area->bytes) == 0);
		return;
	}
	CHECK(msync(area->base, area->bytes, MS_ASYNC) == 0);
	for (int round = 0; round < 2; round++) {
		char *again;

		free(area->base);
		again = area_get(area->kind, area->bytes);
		if (!CHECK(again))
			return;
		area->base = again;
		area_fill(again, area->bytes);
		for (size_t at = 0; at < area->bytes; at += PAGE)
			CHECK(*(uint64_t *)(again + at) == area_word(at / PAGE));
		CHECK(area_neighbours_intact(area));
	}
	free(area->base);
	free(area->low);
	free(area->high);
}

#endif
