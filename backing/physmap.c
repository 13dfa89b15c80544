/* SPDX-License-Identifier: MIT */
#include "physmap.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* Linux Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	(1ull << 63)
#define PAGEMAP_PFN	((1ull << 55) - 1)

enum { UNIT_BYTES = 4096, BATCH = 512 };

/*
 * The state of one walk over the extents of a range. It follows the description of
 * ib_umem_find_best_pgsz(): virtual and physical address must agree below the page size, and a
 * physical break must lie on a page boundary; `mask` collects every bit that speaks against.
 */
struct best_walk {
	uint64_t mask;		/* address bits that disagree somewhere */
	uint64_t va;		/* of the next extent */
	uint64_t offset;	/* of the first byte in its 4 KiB page; 0 after the first extent */
	uint64_t run_end;	/* physical end of the current run */
	bool started;
};

static void best_begin(struct best_walk *walk, uint64_t va, uint64_t bytes, uint64_t sizes)
{
	uint64_t differ = va ^ (va + bytes - 1);
	int bits = differ ? 64 - __builtin_clzll(differ) : 1;

	*walk = (struct best_walk){ .va = va, .offset = va % UNIT_BYTES };
	/* The smallest size that covers the whole range is as good as any larger one. */
	if (bits < 64)
		walk->mask = sizes & ~((1ull << bits) - 1);
}

static void best_extent(struct best_walk *walk, uint64_t pa, uint64_t bytes)
{
	if (!walk->started || walk->run_end != pa) {
		walk->mask |= (pa + walk->offset) ^ walk->va;
		if (walk->started)
			walk->mask |= walk->va;
		walk->run_end = pa;
		walk->started = true;
	}
	walk->run_end += bytes;
	walk->va += bytes - walk->offset;
	walk->offset = 0;
}

static uint64_t best_end(const struct best_walk *walk, uint64_t sizes)
{
	int agree = walk->mask ? __builtin_ctzll(walk->mask) : 63;

	if (agree < 63)
		sizes &= (1ull << (agree + 1)) - 1;
	return sizes ? 1ull << (63 - __builtin_clzll(sizes)) : 0;
}

uint64_t physmap_best_page(uint64_t va, uint64_t bytes, const struct physmap_extent *ext,
			   size_t count, uint64_t sizes)
{
	struct best_walk walk;

	best_begin(&walk, va, bytes, sizes);
	for (size_t i = 0; i < count; i++)
		best_extent(&walk, ext[i].pa, ext[i].bytes);
	return best_end(&walk, sizes);
}

uint64_t physmap_entries(uint64_t va, uint64_t bytes, uint64_t page_bytes)
{
	return (va + bytes + page_bytes - 1) / page_bytes - va / page_bytes;
}

/* Extents as they come page by page: counted, and handed on whole. */
struct extent_walk {
	struct best_walk best;
	struct physmap_extent current;
	uint64_t extents, largest_bytes;
};

static void extent_close(struct extent_walk *walk)
{
	if (!walk->current.bytes)
		return;
	best_extent(&walk->best, walk->current.pa, walk->current.bytes);
	walk->extents++;
	if (walk->current.bytes > walk->largest_bytes)
		walk->largest_bytes = walk->current.bytes;
}

static int extent_page(struct extent_walk *walk, uint64_t entry)
{
	uint64_t pa = (entry & PAGEMAP_PFN) * UNIT_BYTES;

	if (!(entry & PAGEMAP_PRESENT))
		return -ENODATA;
	if (!pa)
		return -EPERM;
	if (walk->current.bytes && walk->current.pa + walk->current.bytes == pa) {
		walk->current.bytes += UNIT_BYTES;
		return 0;
	}
	extent_close(walk);
	walk->current = (struct physmap_extent){ pa, UNIT_BYTES };
	return 0;
}

static ssize_t read_batch(int fd, uint64_t *entries, uint64_t first, uint64_t count)
{
	ssize_t got;

	do {
		got = pread(fd, entries, count * sizeof(*entries),
			    (off_t)(first * sizeof(*entries)));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got / (ssize_t)sizeof(*entries);
}

int physmap_measure(int pagemap_fd, uint64_t va, uint64_t bytes, uint64_t sizes,
		    struct physmap_figures *out)
{
	uint64_t page = va / UNIT_BYTES, last = (va + bytes - 1) / UNIT_BYTES;
	struct extent_walk walk = { .extents = 0 };
	uint64_t entries[BATCH];
	uint64_t page_bytes;

	best_begin(&walk.best, va, bytes, sizes);
	while (page <= last) {
		uint64_t want = last - page + 1 < BATCH ? last - page + 1 : BATCH;
		ssize_t got = read_batch(pagemap_fd, entries, page, want);

		if (got <= 0)
			return got ? (int)got : -ENODATA;
		for (ssize_t i = 0; i < got; i++) {
			int ret = extent_page(&walk, entries[i]);

			if (ret)
				return ret;
		}
		page += (uint64_t)got;
	}
	extent_close(&walk);
	page_bytes = best_end(&walk.best, sizes);
	*out = (struct physmap_figures){
		.page_bytes = page_bytes,
		.entries = page_bytes ? physmap_entries(va, bytes, page_bytes) : 0,
		.extents = walk.extents,
		.largest_bytes = walk.largest_bytes,
	};
	return 0;
}
