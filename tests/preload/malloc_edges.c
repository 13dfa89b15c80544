/* SPDX-License-Identifier: MIT */
/*
 * The malloc family at its edges does what glibc 2.36 does: errors and errno, odd alignments,
 * sizes of zero, every name a program may call it by. Small and large.
 */
#include <errno.h>
#include <malloc.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

static const size_t sizes[] = { 1, 24, 4096, SERVED_SMALL, SERVED_LARGE, 3 * MIB + 5, 9 * MIB };
enum { SIZES = sizeof(sizes) / sizeof(*sizes) };

/* Volatile: otherwise the compiler warns of what is meant here. */
static volatile size_t too_much = SIZE_MAX - 4096, half = SIZE_MAX / 2 + 2, two = 2, three = 3,
		       nothing;

/* A function by its name, which must be the library's own. */
static void *look_up(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);
	Dl_info info = { 0 };

	if (!CHECK(found && dladdr(found, &info) && strstr(info.dli_fname, "libcontig"))) {
		fprintf(stderr, "%s is not the library's\n", name);
		exit(1);
	}
	return found;
}

static bool out_of_memory(void *p)
{
	bool right = !p && errno == ENOMEM;

	errno = 0;
	return right;
}

static void what_cannot_be_is_refused_with_enomem(void)
{
	void *small = malloc(10), *large = malloc(2 * MIB);

	errno = 0;
	CHECK(out_of_memory(malloc(too_much)));
	CHECK(out_of_memory(malloc((size_t)PTRDIFF_MAX + two)));
	CHECK(out_of_memory(calloc(half, two)));
	CHECK(out_of_memory(calloc(too_much, 1)));
	CHECK(out_of_memory(reallocarray(NULL, half, two)));
	CHECK(out_of_memory(memalign(64, too_much)));
	CHECK(out_of_memory(aligned_alloc(4096, too_much)));
	CHECK(out_of_memory(valloc(too_much)));
	CHECK(out_of_memory(pvalloc(too_much)));
	pattern_write(small, 10, 1);
	pattern_write(large, 2 * MIB, 2);
	CHECK(out_of_memory(realloc(served_hide(small), too_much)));
	CHECK(out_of_memory(realloc(served_hide(large), too_much)));
	CHECK(out_of_memory(reallocarray(served_hide(large), half, two)));
	CHECK(pattern_holds(small, 10, 1));
	CHECK(pattern_holds(large, 2 * MIB, 2));
	free(small);
	free(large);
}

static void realloc_to_nothing_frees(void)
{
	uint64_t frees = 0, before = 0;

	for (int i = 0; i < SIZES; i++)
		CHECK(!realloc(served_hide(malloc(sizes[i])), nothing));
	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		before += served_stats->pool[i].frees;
	CHECK(!realloc(served_hide(malloc(8 * MIB)), nothing));
	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		frees += served_stats->pool[i].frees;
	CHECK(frees == before + 1);
	free(realloc(NULL, nothing));
}

static void posix_memalign_touches_neither_result_nor_errno_when_it_fails(void)
{
	static const size_t wrong[] = { 0, 1, 2, 3, 4, 7, 12, 24, 4095, 3 * 4096 };
	void *const mark = &realloc_to_nothing_frees;
	void *p = mark;

	errno = 4711;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		for (int k = 0; k < SIZES; k++)
			CHECK(posix_memalign(&p, wrong[i], sizes[k]) == EINVAL && p == mark);
	CHECK(posix_memalign(&p, 64, too_much) == ENOMEM && p == mark);
	CHECK(posix_memalign(&p, 2 * MIB, too_much) == ENOMEM && p == mark);
	CHECK(errno == 4711);
	CHECK(posix_memalign(&p, 2 * MIB, 5 * MIB) == 0 && p != mark);
	CHECK(errno == 4711);
	free(p);
}

static void odd_alignments_are_rounded_up(void)
{
	static const size_t odd[] = { 0, 1, 3, 5, 17, 48, 100, 5000 };
	size_t power;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (power = 16; power < odd[i]; power *= 2)
			;
		for (int k = 0; k < SIZES; k++) {
			char *a = memalign(odd[i], sizes[k]), *b = aligned_alloc(odd[i], sizes[k]);

			CHECK(a && (uintptr_t)a % power == 0);
			CHECK(b && (uintptr_t)b % power == 0);
			a[sizes[k] - 1] = b[sizes[k] - 1] = 1;
			free(a);
			free(b);
		}
	}
	errno = 0;
	CHECK(!memalign(half, three) && errno == EINVAL);
}

static void every_power_of_two_up_to_1_gib_is_met(void)
{
	for (size_t align = 8; align <= GIB; align *= 2)
		for (int k = 0; k < SIZES; k++) {
			char *p = NULL;

			if (!CHECK(posix_memalign((void **)&p, align, sizes[k]) == 0))
				continue;
			CHECK((uintptr_t)p % align == 0);
			CHECK(malloc_usable_size(p) >= sizes[k]);
			p[0] = p[sizes[k] - 1] = 1;
			free(p);
		}
}

static void malloc_of_nothing_is_unique(void)
{
	void *kept[64];

	for (int i = 0; i < 64; i++) {
		kept[i] = i % 3 == 0 ? malloc(nothing) : i % 3 == 1 ? calloc(nothing, 8) :
				       memalign(64, nothing);
		CHECK(kept[i]);
		for (int k = 0; k < i; k++)
			CHECK(kept[k] != kept[i]);
	}
	for (int i = 0; i < 64; i++)
		free(kept[i]);
}

static void everything_is_aligned_to_16(void)
{
	for (size_t bytes = 0; bytes < 600; bytes++) {
		void *p = malloc(bytes), *q = realloc(calloc(1, bytes), bytes + 3);

		CHECK((uintptr_t)p % 16 == 0 && (uintptr_t)q % 16 == 0);
		free(p);
		free(q);
	}
	for (size_t bytes = 60 * KIB; bytes < 12 * MIB; bytes += bytes / 3 + 1) {
		void *p = malloc(bytes);

		CHECK((uintptr_t)p % 16 == 0);
		free(p);
	}
}

static void page_functions_round_as_they_should(void)
{
	for (int i = 0; i < SIZES; i++) {
		char *v = valloc(sizes[i]), *p = pvalloc(sizes[i]);

		CHECK((uintptr_t)v % 4096 == 0 && (uintptr_t)p % 4096 == 0);
		CHECK(malloc_usable_size(p) >= (sizes[i] + 4095) / 4096 * 4096);
		memset(p, 1, (sizes[i] + 4095) / 4096 * 4096);
		free(v);
		free(p);
	}
	free(pvalloc(nothing));
}

static void every_name_of_the_family_is_ours(void)
{
	static const char *const allocators[] = { "__libc_malloc", "__libc_valloc",
						  "__libc_pvalloc" };
	void *(*alloc_two)(size_t, size_t) = look_up("__libc_memalign");
	void *(*zeroed)(size_t, size_t) = look_up("__libc_calloc");
	void *(*again)(void *, size_t) = look_up("__libc_realloc");
	int (*aligned)(void **, size_t, size_t) = look_up("__posix_memalign");
	void (*sized)(void *, size_t) = look_up("free_sized");
	void (*aligned_sized)(void *, size_t, size_t) = look_up("free_aligned_sized");
	void (*old)(void *) = look_up("cfree");
	void *p = NULL;

	for (int i = 0; i < SIZES; i++) {
		for (int k = 0; k < 3; k++)
			free(memset(((void *(*)(size_t))look_up(allocators[k]))(sizes[i]), 1,
				    sizes[i]));
		((void (*)(void *))look_up("__libc_free"))(malloc(sizes[i]));
		((void (*)(void *))look_up("__libc_cfree"))(malloc(sizes[i]));
		old(alloc_two(256, sizes[i]));
		p = zeroed(1, sizes[i]);
		CHECK(pattern_is_zero(p, sizes[i]));
		sized(again(p, sizes[i] + 100), sizes[i] + 100);
		CHECK(aligned(&p, 512, sizes[i]) == 0 && (uintptr_t)p % 512 == 0);
		aligned_sized(p, 512, sizes[i]);
	}
	sized(NULL, 0);
	aligned_sized(NULL, 16, 0);
	old(NULL);
}

static void the_usable_size_is_stable_and_not_rounded_to_huge_pages(void)
{
	for (size_t bytes = 1; bytes < 40 * MIB; bytes += bytes / 5 + 1) {
		char *p = malloc(bytes), *neighbour = malloc(bytes);
		size_t usable = malloc_usable_size(p);

		CHECK(usable >= bytes);
		if (bytes >= SERVED_LARGE)
			CHECK(usable < bytes + 4096);
		pattern_write(neighbour, bytes, bytes);
		memset(p, 0xa5, usable);
		CHECK(malloc_usable_size(p) == usable);
		CHECK(pattern_holds(neighbour, bytes, bytes));
		free(p);
		free(neighbour);
	}
	CHECK(malloc_usable_size(NULL) == 0);
}

static void free_keeps_errno(void)
{
	uint64_t released = served_stats->released_bytes;

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < SIZES; i++) {
			void *p = malloc(sizes[i]);

			memset(p, 1, sizes[i]);
			errno = 4711;
			free(p);
			CHECK(errno == 4711);
		}
	errno = 4711;
	free(NULL);
	CHECK(errno == 4711);
	/* The second time, nothing is kept: so some of these frees went to the system. */
	if (getenv("CONTIG_RETAIN"))
		CHECK(served_stats->released_bytes > released);
}

int main(void)
{
	served_prove();
	free_keeps_errno();
	what_cannot_be_is_refused_with_enomem();
	realloc_to_nothing_frees();
	posix_memalign_touches_neither_result_nor_errno_when_it_fails();
	odd_alignments_are_rounded_up();
	every_power_of_two_up_to_1_gib_is_met();
	malloc_of_nothing_is_unique();
	everything_is_aligned_to_16();
	page_functions_round_as_they_should();
	every_name_of_the_family_is_ours();
	the_usable_size_is_stable_and_not_rounded_to_huge_pages();
	if (check_result() || getenv("CONTIG_RETAIN"))
		return check_result();
	served_again("CONTIG_RETAIN", "0");
	return 1;
}
