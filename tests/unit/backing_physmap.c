/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
#include "check.h"
#include "physmap.h"
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define IRDMA	(4 * KIB | 2 * MIB | GIB)
#define VA	(64 * GIB)

enum { EXTENTS_MOST = 4096 };

/* @count blocks of @bytes, none adjacent to the next, each aligned to its size. */
static void scatter(struct physmap_extent *ext, size_t count, uint64_t bytes)
{
	for (size_t i = 0; i < count; i++)
		ext[i] = (struct physmap_extent){ (2 * (count - i) + 5) * bytes, bytes };
}

static void expect(const char *what, uint64_t va, uint64_t bytes, const struct physmap_extent *ext,
		   size_t count, uint64_t sizes, uint64_t page_bytes, uint64_t entries)
{
	uint64_t got = physmap_best_page(va, bytes, ext, count, sizes);

	if (!CHECK(got == page_bytes) || !CHECK(physmap_entries(va, bytes, got) == entries))
		fprintf(stderr, "  %s: page size %llu\n", what, (unsigned long long)got);
}

static void expect_run(const char *what, uint64_t va, uint64_t bytes, uint64_t pa,
		       uint64_t page_bytes, uint64_t entries)
{
	struct physmap_extent ext = { pa & ~0xfffull, (bytes + va % 4096 + 4095) & ~0xfffull };

	expect(what, va, bytes, &ext, 1, PHYSMAP_SIZES_MLX5, page_bytes, entries);
}

static void expect_scatter(const char *what, size_t count, uint64_t block, uint64_t entries)
{
	struct physmap_extent *ext = calloc(count, sizeof(*ext));

	scatter(ext, count, block);
	expect(what, VA, count * block, ext, count, PHYSMAP_SIZES_MLX5, block, entries);
	free(ext);
}

static void blocks_give_their_own_size(void)
{
	expect_scatter("128K, 32 scattered 4K", 32, 4 * KIB, 32);
	expect_scatter("16M, 8 scattered 2M", 8, 2 * MIB, 8);
	expect_scatter("64M of aligned 4M blocks", 16, 4 * MIB, 16);
	expect_scatter("6.5G of 4K", 1703936, 4 * KIB, 1703936);
	expect_scatter("6.5G of 2M", 3328, 2 * MIB, 3328);
}

static void one_run_is_as_good_as_its_address(void)
{
	expect_run("128K inside one 2M page", VA + 256 * KIB, 128 * KIB, 6 * MIB + 256 * KIB,
		   128 * KIB, 1);
	expect_run("128K, not at a multiple of itself", VA + 64 * KIB, 128 * KIB,
		   6 * MIB + 64 * KIB, 256 * KIB, 1);
	expect_run("16M, VA = PA = 0 mod 16M", VA, 16 * MIB, 32 * MIB, 16 * MIB, 1);
	expect_run("16M, VA != PA mod 4M", VA, 16 * MIB, 34 * MIB, 2 * MIB, 8);
	expect_run("8M agreeing only mod 64K", VA, 8 * MIB, 32 * MIB + 64 * KIB, 64 * KIB, 128);
	expect_run("1G page", VA, GIB, 5 * GIB, GIB, 1);
	expect_run("1 byte", VA + 77, 1, 12345 * 4 * KIB, 4 * KIB, 1);
}

static void a_stray_page_and_the_ends_count_as_in_the_kernel(void)
{
	struct physmap_extent ext[17];

	scatter(ext, 15, 4 * MIB);
	ext[15] = (struct physmap_extent){ 402 * MIB, 2 * MIB };
	ext[16] = (struct physmap_extent){ 802 * MIB, 2 * MIB };
	expect("15 blocks of 4M and two stray 2M", VA, 64 * MIB, ext, 17, PHYSMAP_SIZES_MLX5,
	       2 * MIB, 32);
	scatter(ext, 9, 2 * MIB);
	ext[8].bytes = 4 * KIB;
	expect("16M at VA + 4K in hugetlb", VA + 4 * KIB, 16 * MIB,
	       (struct physmap_extent[]){
		       { ext[0].pa + 4 * KIB, 2 * MIB - 4 * KIB }, ext[1], ext[2], ext[3], ext[4],
		       ext[5], ext[6], ext[7], ext[8] },
	       9, PHYSMAP_SIZES_MLX5, 2 * MIB, 9);
	scatter(ext, 7, GIB);
	ext[6].bytes = 512 * MIB;
	expect("6.5G of 1G", VA, 6 * GIB + 512 * MIB, ext, 7, PHYSMAP_SIZES_MLX5, GIB, 7);
	scatter(ext, 1, 16 * MIB);
	expect("16M on irdma", VA, 16 * MIB, ext, 1, IRDMA, 2 * MIB, 8);
	scatter(ext, 2, 4 * KIB);
	CHECK(physmap_best_page(VA, 8 * KIB, ext, 2, 2 * MIB) == 0);	/* none fits */
}

/*
 * Directly: all of the range lies in pages of that size if each 4 KiB page that is not the first
 * of the range or of a page of that size follows the one before it, and each that is agrees with
 * its address below the page size.
 */
static bool slow_fits(uint64_t va, uint64_t bytes, const uint64_t *pa, uint64_t page)
{
	uint64_t first = va / 4096;

	for (uint64_t at = first; at * 4096 < va + bytes; at++) {
		uint64_t phys = pa[at - first];

		if (at > first && phys == pa[at - first - 1] + 4096)
			continue;
		if (at > first && at * 4096 % page)
			return false;
		if ((at * 4096 ^ phys) & (page - 1))
			return false;
	}
	return true;
}

/* Pages beyond the one that covers the range need not be looked at: no smaller one is better. */
static uint64_t slow_best(uint64_t va, uint64_t bytes, const uint64_t *pa, uint64_t sizes)
{
	uint64_t cover = 0, best = 0;

	for (int bit = 12; bit < 32 && !cover; bit++)
		if ((sizes >> bit & 1) && va >> bit == (va + bytes - 1) >> bit)
			cover = 1ull << bit;
	for (uint64_t page = 4096; page <= 2 * GIB; page *= 2)
		if ((sizes & page) && (!cover || page <= cover) && slow_fits(va, bytes, pa, page))
			best = page;
	return best;
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

	srand(2);
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
			fprintf(stderr, "  layout %d: va %llx bytes %llx sizes %llx\n", i,
				(unsigned long long)va, (unsigned long long)bytes,
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

int main(void)
{
	blocks_give_their_own_size();
	one_run_is_as_good_as_its_address();
	a_stray_page_and_the_ends_count_as_in_the_kernel();
	random_layouts_agree_with_trying_each_size();
	entries_are_pages_touched();
	pagemap_gives_runs_and_entries();
	return check_result();
}
