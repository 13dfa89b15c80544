/* SPDX-License-Identifier: MIT */
#include "physmap.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "pagemap.h"
#include "pagescan.h"

enum { UNIT_BYTES = 4096, BATCH = 512 };

static void best_begin(struct physmap_best *walk, uint64_t va, uint64_t bytes, uint64_t sizes)
{
	uint64_t differ = va ^ (va + bytes - 1);
	int bits = differ ? 64 - __builtin_clzll(differ) : 1;

	*walk = (struct physmap_best){ .va = va, .offset = va % UNIT_BYTES };
	/* The smallest size that covers the whole range is as good as any larger one. */
	if (bits < 64)
		walk->mask = sizes & ~((1ull << bits) - 1);
}

static void best_extent(struct physmap_best *walk, uint64_t pa, uint64_t bytes)
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

static uint64_t best_end(const struct physmap_best *walk, uint64_t sizes)
{
	int agree = walk->mask ? __builtin_ctzll(walk->mask) : 63;

	if (agree < 63)
		sizes &= (1ull << (agree + 1)) - 1;
	return sizes ? 1ull << (63 - __builtin_clzll(sizes)) : 0;
}

uint64_t physmap_best_page(uint64_t va, uint64_t bytes, const struct physmap_extent *ext,
			   size_t count, uint64_t sizes)
{
	struct physmap_best walk;

	best_begin(&walk, va, bytes, sizes);
	for (size_t i = 0; i < count; i++)
		best_extent(&walk, ext[i].pa, ext[i].bytes);
	return best_end(&walk, sizes);
}

uint64_t physmap_entries(uint64_t va, uint64_t bytes, uint64_t page_bytes)
{
	return (va + bytes + page_bytes - 1) / page_bytes - va / page_bytes;
}

void physmap_sum_begin(struct physmap_sum *sum, uint64_t va, uint64_t bytes, uint64_t sizes)
{
	*sum = (struct physmap_sum){ .va = va, .bytes = bytes, .sizes = sizes };
	best_begin(&sum->best, va, bytes, sizes);
}

static void sum_close(struct physmap_sum *sum)
{
	if (!sum->current.bytes)
		return;
	best_extent(&sum->best, sum->current.pa, sum->current.bytes);
	sum->extents++;
	if (sum->current.bytes > sum->largest_bytes)
		sum->largest_bytes = sum->current.bytes;
	sum->current.bytes = 0;
}

void physmap_sum_add(struct physmap_sum *sum, uint64_t pa, uint64_t bytes)
{
	if (sum->current.bytes && sum->current.pa + sum->current.bytes == pa) {
		sum->current.bytes += bytes;
		return;
	}
	sum_close(sum);
	sum->current = (struct physmap_extent){ pa, bytes };
}

void physmap_sum_end(struct physmap_sum *sum, struct physmap_figures *out)
{
	uint64_t page_bytes;

	sum_close(sum);
	page_bytes = best_end(&sum->best, sum->sizes);
	*out = (struct physmap_figures){
		.page_bytes = page_bytes,
		.entries = page_bytes ? physmap_entries(sum->va, sum->bytes, page_bytes) : 0,
		.extents = sum->extents,
		.largest_bytes = sum->largest_bytes,
	};
}

/* One walk over a pagemap: the piece that still grows, and who gets it when it does not. */
struct walk {
	struct physmap_piece piece;	/* bytes 0: none yet */
	physmap_visit *visit;
	void *arg;
	bool demanding;			/* fail at the first page that is absent or hidden */
};

static int walk_end_piece(struct walk *walk)
{
	return walk->piece.bytes ? walk->visit(&walk->piece, walk->arg) : 0;
}

static int walk_add(struct walk *walk, const struct physmap_piece *next)
{
	struct physmap_piece *piece = &walk->piece;
	int ret;

	if (walk->demanding && next->state != PHYSMAP_KNOWN)
		return next->state == PHYSMAP_HIDDEN ? -EPERM : -ENODATA;
	if (piece->bytes && piece->state == next->state &&
	    (piece->state != PHYSMAP_KNOWN || piece->pa + piece->bytes == next->pa)) {
		piece->bytes += next->bytes;
		return 0;
	}
	ret = walk_end_piece(walk);
	*piece = *next;
	return ret;
}

static int walk_add_entry(struct walk *walk, uint64_t page, uint64_t entry)
{
	struct physmap_piece next = { .va = page * UNIT_BYTES, .bytes = UNIT_BYTES };

	if (!(entry & PAGEMAP_PRESENT))
		next.state = PHYSMAP_ABSENT;
	else if (!(entry & PAGEMAP_PFN))
		next.state = PHYSMAP_HIDDEN;
	else
		next.pa = (entry & PAGEMAP_PFN) * UNIT_BYTES;
	return walk_add(walk, &next);
}

/* Passes over absent pages from *@page on. Return: 0; -errno: this kernel cannot. */
static int walk_skip(struct walk *walk, int fd, uint64_t *page, uint64_t end)
{
	struct physmap_piece gap = { .va = *page * UNIT_BYTES, .state = PHYSMAP_ABSENT };
	uint64_t next = end * UNIT_BYTES, ignored;
	int ret = pagescan_find(fd, PAGESCAN_PRESENT, gap.va, next, UNIT_BYTES, &next, &ignored);

	if (ret && ret != -ENOENT)
		return ret;
	gap.bytes = next - gap.va;
	if (gap.bytes)
		walk_add(walk, &gap);	/* grows the absent piece, so it cannot end one */
	*page = next / UNIT_BYTES;
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

static int walk_range(struct walk *walk, int fd, uint64_t va, uint64_t bytes)
{
	uint64_t page = va / UNIT_BYTES, end = (va + bytes - 1) / UNIT_BYTES + 1;
	uint64_t entries[BATCH];
	bool can_skip = true;
	int ret;

	while (page < end) {
		/* The kernel itself goes by 2 MiB: a batch that crosses them costs twice. */
		uint64_t want = BATCH - page % BATCH;
		ssize_t got = read_batch(fd, entries, page, want < end - page ? want : end - page);

		if (got <= 0)
			return got ? (int)got : -ENODATA;
		for (ssize_t i = 0; i < got; i++) {
			ret = walk_add_entry(walk, page + (uint64_t)i, entries[i]);
			if (ret)
				return ret;
		}
		page += (uint64_t)got;
		if (can_skip && page < end && walk->piece.state == PHYSMAP_ABSENT &&
		    walk->piece.bytes >= BATCH * UNIT_BYTES)
			can_skip = !walk_skip(walk, fd, &page, end);
	}
	return walk_end_piece(walk);
}

int physmap_each(int pagemap_fd, uint64_t va, uint64_t bytes, physmap_visit *visit, void *arg)
{
	struct walk walk = { .visit = visit, .arg = arg };

	return walk_range(&walk, pagemap_fd, va, bytes);
}

static int measure_piece(const struct physmap_piece *piece, void *arg)
{
	physmap_sum_add(arg, piece->pa, piece->bytes);
	return 0;
}

int physmap_measure(int pagemap_fd, uint64_t va, uint64_t bytes, uint64_t sizes,
		    struct physmap_figures *out)
{
	struct physmap_sum sum;
	struct walk walk = { .visit = measure_piece, .arg = &sum, .demanding = true };
	int ret;

	physmap_sum_begin(&sum, va, bytes, sizes);
	ret = walk_range(&walk, pagemap_fd, va, bytes);
	if (!ret)
		physmap_sum_end(&sum, out);
	return ret;
}
