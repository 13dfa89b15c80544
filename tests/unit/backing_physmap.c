/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
#include "check.h"
#include "physmap.h"
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define IRDMA	(4 * KIB | 2 * MIB | GIB)
#define MLX5	PHYSMAP_SIZES_MLX5
#define VA	(64 * GIB)

enum { EXTENTS_MOST = 4096, SEED = 2 };

/* How the physical side of a case of the table is laid out. */
enum layout {
	SCATTERED,	/* blocks of `block` at multiples of it, none behind the one before */
	SHUFFLED,	/* the same in random order, some of them neighbours by chance */
	STRAY,		/* the same, but the last one is two halves that lie apart */
	RUN,		/* one run; its first byte is at `pa` */
};

/* Each line of the table of facts: what the kernel's algorithm gives for a registration. */
static const struct {
	const char *what;
	uint64_t va, bytes;
	enum layout layout;
	uint64_t block, pa, sizes, page_bytes, entries;
} cases[] = {
	{ "128K, 32 scattered 4K", VA, 128 * KIB, SCATTERED, 4 * KIB, 0, MLX5, 4 * KIB, 32 },
	{ "128K inside one 2M page", VA + 64 * KIB, 128 * KIB, RUN, 0, 6 * MIB + 64 * KIB, MLX5,
	  256 * KIB, 1 },
	{ "128K at a multiple of itself", VA + 256 * KIB, 128 * KIB, RUN, 0, 6 * MIB + 256 * KIB,
	  MLX5, 128 * KIB, 1 },
	{ "16M, 8 scattered 2M", VA, 16 * MIB, SCATTERED, 2 * MIB, 0, MLX5, 2 * MIB, 8 },
	{ "16M at VA+4K in hugetlb", VA + 4 * KIB, 16 * MIB, SCATTERED, 2 * MIB, 0, MLX5, 2 * MIB,
	  9 },
	{ "16M contiguous, VA = PA", VA, 16 * MIB, RUN, 0, 32 * MIB, MLX5, 16 * MIB, 1 },
	{ "16M contiguous, VA != PA mod 4M", VA, 16 * MIB, RUN, 0, 34 * MIB, MLX5, 2 * MIB, 8 },
	{ "64M of 16 4M blocks", VA, 64 * MIB, SCATTERED, 4 * MIB, 0, MLX5, 4 * MIB, 16 },
	{ "64M of 16 4M blocks, any order", VA, 64 * MIB, SHUFFLED, 4 * MIB, 0, MLX5, 4 * MIB, 16 },
	{ "15 4M blocks and two stray 2M", VA, 64 * MIB, STRAY, 4 * MIB, 0, MLX5, 2 * MIB, 32 },
	{ "8M agreeing only mod 64K", VA, 8 * MIB, RUN, 0, 32 * MIB + 64 * KIB, MLX5, 64 * KIB,
	  128 },
	{ "1G page", VA, GIB, RUN, 0, 5 * GIB, MLX5, GIB, 1 },
	{ "6.5G of 4K", VA, 6 * GIB + 512 * MIB, SCATTERED, 4 * KIB, 0, MLX5, 4 * KIB, 1703936 },
	{ "6.5G of 2M", VA, 6 * GIB + 512 * MIB, SCATTERED, 2 * MIB, 0, MLX5, 2 * MIB, 3328 },
	{ "6.5G of 1G", VA, 6 * GIB + 512 * MIB, SCATTERED, GIB, 0, MLX5, GIB, 7 },
	{ "16M contiguous on irdma", VA, 16 * MIB, RUN, 0, 32 * MIB, IRDMA, 2 * MIB, 8 },
	{ "one byte", VA + 77, 1, RUN, 0, 12345 * 4 * KIB + 77, MLX5, 4 * KIB, 1 },
	{ "none fits", VA, 8 * KIB, SCATTERED, 4 * KIB, 0, 2 * MIB, 0, 0 },
};

/* Numbers of blocks in the order of addresses: descending, or any. */
static void number_blocks(size_t *number, size_t count, enum layout layout)
{
	for (size_t i = 0; i < count; i++)
		number[i] = layout == SHUFFLED ? i + 3 : 2 * (count - i) + 5;
	for (size_t i = count; layout == SHUFFLED && i > 1; i--) {
		size_t other = (size_t)rand() % i, kept = number[i - 1];

		number[i - 1] = number[other];
		number[other] = kept;
	}
}

/* The extents of case @i. Return: how many; *@out is to be freed. */
static size_t lay_out(size_t i, struct physmap_extent **out)
{
	uint64_t block = cases[i].layout == RUN ? GIB : cases[i].block;
	uint64_t first = cases[i].va & ~0xfffull, last = cases[i].va + cases[i].bytes - 1;
	uint64_t end = (last | 0xfff) + 1;
	size_t blocks = last / block - first / block + 1, count = 0;
	size_t *number = calloc(blocks, sizeof(*number));
	struct physmap_extent *ext = calloc(blocks + 1, sizeof(*ext));

	number_blocks(number, blocks, cases[i].layout);
	for (uint64_t at = first; at < end && cases[i].layout != RUN;) {
		uint64_t next = (at / block + 1) * block < end ? (at / block + 1) * block : end;

		ext[count] = (struct physmap_extent){ number[count] * block + at % block,
						      next - at };
		count++;
		at = next;
	}
	if (cases[i].layout == RUN)
		ext[count++] = (struct physmap_extent){ cases[i].pa & ~0xfffull, end - first };
	if (cases[i].layout == STRAY) {
		ext[count - 1].bytes /= 2;
		ext[count] = ext[count - 1];
		ext[count++].pa += 100 * block + block / 2;
	}
	free(number);
	*out = ext;
	return count;
}

static void every_case_of_the_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct physmap_extent *ext;
		size_t count = lay_out(i, &ext);
		uint64_t got = physmap_best_page(cases[i].va, cases[i].bytes, ext, count,
						 cases[i].sizes);

		if (!CHECK(got == cases[i].page_bytes) ||
		    (got && !CHECK(physmap_entries(cases[i].va, cases[i].bytes, got) ==
				   cases[i].entries)))
			fprintf(stderr, "  %s: page size %llu\n", cases[i].what,
				(unsigned long long)got);
		free(ext);
	}
}

/*
 * Directly, from what a card does: it takes one page size; the part of the range in each page of
 * that size must lie in one physical page of that size, at the same offset. The ends of the range
 * may fill only part of theirs.
 */
static bool slow_fits(uint64_t va, uint64_t bytes, const uint64_t *pa, uint64_t page)
{
	uint64_t first = va / 4096, block = UINT64_MAX, where = 0;

	for (uint64_t at = first * 4096; at < va + bytes; at += 4096) {
		if (at / page != block) {
			block = at / page;
			where = pa[at / 4096 - first] / page;
		}
		if (pa[at / 4096 - first] != where * page + at % page)
			return false;
	}
	return true;
}

/*
 * From the top, but not above the smallest size that covers the range with one page: more would
 * gain nothing, and the kernel does not look there.
 */
static uint64_t slow_best(uint64_t va, uint64_t bytes, const uint64_t *pa, uint64_t sizes)
{
	uint64_t page = 4096;

	while (page < 2 * GIB && (!(sizes & page) || va / page != (va + bytes - 1) / page))
		page *= 2;
	for (; page >= 4096; page /= 2)
		if ((sizes & page) && slow_fits(va, bytes, pa, page))
			return page;
	return 0;
}

/* Runs of a few pages, often aligned as their addresses are, sometimes adjacent. */
static size_t random_layout(uint64_t va, uint64_t pages, uint64_t *pa, struct physmap_extent *ext)
{
	size_t count = 0;

	for (uint64_t done = 0; done < pages;) {
		uint64_t run = 1ull << rand() % 7, at = va / 4096 + done;
		uint64_t skew = rand() % 3 ? 0 : 1ull << rand() % 8;
		uint64_t base = (1ull + (uint64_t)rand() % 512) * 1024 + (at + skew) % 1024;

		if (rand() % 2 && at % run)
			run -= at % run;
		if (run > pages - done)
			run = pages - done;
		if (count && rand() % 4 == 0)
			base = (ext[count - 1].pa + ext[count - 1].bytes) / 4096;
		ext[count++] = (struct physmap_extent){ base * 4096, run * 4096 };
		for (uint64_t i = 0; i < run; i++)
			pa[done + i] = (base + i) * 4096;
		done += run;
	}
	return count;
}

static void random_layouts_agree_with_trying_each_size(void)
{
	static struct physmap_extent ext[EXTENTS_MOST];
	static uint64_t pa[EXTENTS_MOST];
	uint64_t sizes, va, bytes, pages;
	size_t count, large = 0;

	srand(SEED);
	for (int i = 0; i < 100000; i++) {
		pages = 1 + (uint64_t)rand() % (rand() % 8 ? 40 : 600);
		va = VA + (uint64_t)rand() % 2048 * 4096;
		if (rand() % 2)
			va += (uint64_t)rand() % 4096;
		if (rand() % 2)
			va &= ~0xffffull;
		bytes = pages * 4096 - va % 4096;
		if (rand() % 2 && bytes > 4096)
			bytes -= (uint64_t)rand() % 4095;
		count = random_layout(va, pages, pa, ext);
		sizes = rand() % 4 ? PHYSMAP_SIZES_MLX5 : 4096 | (uint64_t)rand() << 12;
		sizes &= PHYSMAP_SIZES_MLX5;
		large += slow_best(va, bytes, pa, sizes) > 4096;
		if (!CHECK(physmap_best_page(va, bytes, ext, count, sizes) ==
			   slow_best(va, bytes, pa, sizes))) {
			fprintf(stderr, "  seed %d, layout %d: va %llx bytes %llx sizes %llx\n",
				SEED, i, (unsigned long long)va, (unsigned long long)bytes,
				(unsigned long long)sizes);
			return;
		}
	}
	CHECK(large > 10000);	/* or the layouts would show nothing */
}

static void entries_are_pages_touched(void)
{
	CHECK(physmap_entries(4096, 4096, 4096) == 1);
	CHECK(physmap_entries(4095, 2, 4096) == 2);
	CHECK(physmap_entries(VA + 1, 2 * MIB, 2 * MIB) == 2);
	CHECK(physmap_entries(VA, 2 * MIB, GIB) == 1);
}

/* A pagemap made by hand: two runs of 600 and 40 pages. */
static int make_pagemap(uint64_t first, bool present, bool hidden)
{
	int fd = memfd_create("pagemap", 0);

	for (uint64_t i = 0; i < 640; i++) {
		uint64_t pfn = (i < 600 ? 1024 : 9000) + i;
		uint64_t entry = (present ? 1ull << 63 : 0) | (hidden ? 0 : pfn) | 1ull << 55;

		CHECK(pwrite(fd, &entry, 8, (off_t)((first + i) * 8)) == 8);
	}
	return fd;
}

static void pagemap_gives_runs_and_entries(void)
{
	struct physmap_figures got = { .extents = 77 };
	uint64_t va = 4 * MIB + 123;
	int fd = make_pagemap(1024, true, false);

	CHECK(physmap_measure(fd, va, 640 * 4096 - 123, PHYSMAP_SIZES_MLX5, &got) == 0);
	CHECK(got.extents == 2 && got.largest_bytes == 600 * 4096);
	CHECK(got.page_bytes == 32 * KIB && got.entries == 80);
	close(fd);
	got.extents = 77;
	fd = make_pagemap(1024, false, false);
	CHECK(physmap_measure(fd, va, 4096, PHYSMAP_SIZES_MLX5, &got) == -ENODATA);
	close(fd);
	fd = make_pagemap(1024, true, true);
	CHECK(physmap_measure(fd, va, 4096, PHYSMAP_SIZES_MLX5, &got) == -EPERM);
	CHECK(physmap_measure(fd, va, 641 * 4096, PHYSMAP_SIZES_MLX5, &got) < 0);
	close(fd);
	CHECK(physmap_measure(fd, va, 4096, PHYSMAP_SIZES_MLX5, &got) == -EBADF);
	CHECK(got.extents == 77);
}

/* What the pieces of a walk are compared with: the pagemap's entries, one by one. */
struct expected {
	const uint64_t *entry;
	uint64_t va, count, seen;	/* seen: pages given so far */
	uint64_t stop_after;		/* pieces; 0: never */
	struct physmap_piece before;
};

static enum physmap_state state_of(uint64_t entry)
{
	if (!(entry >> 63))
		return PHYSMAP_ABSENT;
	return entry << 9 ? PHYSMAP_KNOWN : PHYSMAP_HIDDEN;
}

static int compare_piece(const struct physmap_piece *piece, void *arg)
{
	struct expected *want = arg;
	bool right = piece->bytes && piece->bytes % 4096 == 0 &&
		     piece->va == want->va + want->seen * 4096 &&
		     want->seen + piece->bytes / 4096 <= want->count;

	for (uint64_t i = 0; right && i < piece->bytes / 4096; i++) {
		uint64_t entry = want->entry[want->seen + i];

		right = state_of(entry) == piece->state &&
			(piece->state == PHYSMAP_KNOWN ?
			 piece->pa + i * 4096 == (entry << 9 >> 9) * 4096 : !piece->pa);
	}
	/* Two that could be one are one. */
	if (want->before.bytes && want->before.state == piece->state)
		right = right && piece->state == PHYSMAP_KNOWN &&
			want->before.pa + want->before.bytes != piece->pa;
	want->seen += piece->bytes / 4096;
	want->before = *piece;
	if (!right)
		return -EILSEQ;
	return want->stop_after && !--want->stop_after ? 1 : 0;
}

/* Runs of known, hidden and absent pages, some longer than a batch. */
static void random_entries(uint64_t *entry, size_t count)
{
	for (size_t done = 0; done < count;) {
		size_t run = 1 + (size_t)rand() % (rand() % 4 ? 9 : 1500);
		uint64_t pfn = 1 + (uint64_t)rand(), kind = (uint64_t)rand() % 4;

		for (size_t i = 0; i < run && done < count; i++)
			entry[done++] = kind == 0 ? 0 : kind == 1 ? 1ull << 63 :
					1ull << 63 | (pfn + i);
	}
}

static void pieces_are_the_pagemap_put_together(void)
{
	static uint64_t entry[4096];

	srand(SEED);
	for (int i = 0; i < 500; i++) {
		uint64_t count = 1 + (uint64_t)rand() % 4096, first = (uint64_t)rand() % 1024;
		struct expected want = { .entry = entry, .va = first * 4096, .count = count };
		int fd = memfd_create("pagemap", 0), ret;

		random_entries(entry, count);
		CHECK(pwrite(fd, entry, count * 8, (off_t)(first * 8)) == (ssize_t)(count * 8));
		ret = physmap_each(fd, first * 4096 + 9, count * 4096 - 9, compare_piece, &want);
		if (!CHECK(ret == 0) || !CHECK(want.seen == count))
			fprintf(stderr, "  seed %d, pagemap %d: %d\n", SEED, i, ret);
		want = (struct expected){ .entry = entry, .va = first * 4096, .count = count,
					  .stop_after = 1 };
		ret = physmap_each(fd, first * 4096, count * 4096, compare_piece, &want);
		CHECK(ret == 1);
		want = (struct expected){ .entry = entry, .va = first * 4096, .count = count };
		CHECK(physmap_each(fd, first * 4096, (count + 1) * 4096, compare_piece, &want) ==
		      -ENODATA);
		close(fd);
	}
}

/* Of the process itself: where the pieces that are in memory begin and end. */
static int note_present(const struct physmap_piece *piece, void *arg)
{
	uint64_t *seen = arg;

	if (piece->state != PHYSMAP_ABSENT) {
		seen[0] += piece->bytes;
		seen[1] = piece->va;
	}
	return 0;
}

static void unpopulated_gigabytes_are_passed_over(void)
{
	size_t bytes = 64 * GIB, at = 40 * GIB + 5 * 4096;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t seen[2] = { 0 };

	if (!CHECK(p != MAP_FAILED) || !CHECK(fd >= 0))
		return;
	madvise(p, bytes, MADV_NOHUGEPAGE);
	p[at] = 1;
	for (int i = 0; i < 20; i++)	/* the test's limit of time is the proof */
		CHECK(physmap_each(fd, (uintptr_t)p, bytes, note_present, seen) == 0);
	CHECK(seen[0] == 20 * 4096 && seen[1] == (uintptr_t)p + at);
	close(fd);
	munmap(p, bytes);
}

int main(void)
{
	every_case_of_the_table();
	random_layouts_agree_with_trying_each_size();
	entries_are_pages_touched();
	pagemap_gives_runs_and_entries();
	pieces_are_the_pagemap_put_together();
	unpopulated_gigabytes_are_passed_over();
	return check_result();
}
