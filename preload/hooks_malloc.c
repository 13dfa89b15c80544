/* SPDX-License-Identifier: MIT */
/*
 * The malloc family, as libc names it. A small request costs one compare before the heap has it,
 * freeing one too; all else is route.c's.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "figures.h"
#include "given.h"
#include "heap.h"
#include "hooks.h"
#include "init.h"
#include "next.h"
#include "place.h"
#include "route.h"

enum { PAGE_BYTES = 4096, USUAL_ALIGN = 16 };

#ifndef __clang__	/* it has no such warning: an alias need not repeat what its target is */
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

/* Some are in no header of this libc, or no longer. */
HOOK void cfree(void *p);
HOOK void free_sized(void *p, size_t bytes);
HOOK void free_aligned_sized(void *p, size_t align, size_t bytes);
void *hooks_malloc(size_t bytes);
void hooks_free(void *p);

__attribute__((hot)) void *hooks_malloc(size_t bytes)
{
	if (LIKELY(bytes < init_smallest))
		return cje_malloc(bytes);
	return route_alloc(CALL_MALLOC, bytes, 1, false);
}

__attribute__((hot)) void hooks_free(void *p)
{
	if (LIKELY(range_owns(&heap_range, p)))
		cje_free(p);
	else
		route_free(p);
}

HOOK void *malloc(size_t bytes) __attribute__((alias("hooks_malloc")));
HOOK void free(void *p) __attribute__((alias("hooks_free")));
HOOK void cfree(void *p) __attribute__((alias("hooks_free")));

void *hooks_own_malloc(void)
{
	return (void *)hooks_malloc;
}

HOOK void *calloc(size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	if (LIKELY(all < init_smallest))
		return cje_calloc(1, all);
	return route_alloc(CALL_CALLOC, all, 1, true);
}

HOOK void *realloc(void *p, size_t bytes)
{
	void *to;

	if (!LIKELY(range_owns(&heap_range, p) && bytes && bytes < init_smallest))
		return route_realloc(p, bytes);
	to = cje_realloc(p, bytes);
	if (!LIKELY(to))
		errno = ENOMEM;
	return to;
}

HOOK void *reallocarray(void *p, size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

HOOK void free_sized(void *p, size_t bytes)
{
	(void)bytes;
	hooks_free(p);
}

HOOK void free_aligned_sized(void *p, size_t align, size_t bytes)
{
	(void)align;
	(void)bytes;
	hooks_free(p);
}

/* glibc's rule: any alignment goes, and is rounded up to a power of two. */
static void *align_alloc(enum call_id call, size_t align, size_t bytes)
{
	size_t power = USUAL_ALIGN;

	if (align > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	while (power < align)
		power *= 2;
	if (bytes > PTRDIFF_MAX - power) {
		errno = ENOMEM;
		return NULL;
	}
	return route_alloc(call, bytes, power, false);
}

HOOK void *memalign(size_t align, size_t bytes)
{
	return align_alloc(CALL_MEMALIGN, align, bytes);
}

HOOK void *aligned_alloc(size_t align, size_t bytes)
{
	return align_alloc(CALL_ALIGNED_ALLOC, align, bytes);
}

HOOK int posix_memalign(void **out, size_t align, size_t bytes)
{
	int saved = errno;
	void *p;

	if (align < sizeof(void *) || (align & (align - 1)))
		return EINVAL;
	p = align_alloc(CALL_POSIX_MEMALIGN, align, bytes);
	errno = saved;
	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

HOOK void *valloc(size_t bytes)
{
	return align_alloc(CALL_VALLOC, PAGE_BYTES, bytes);
}

HOOK void *pvalloc(size_t bytes)
{
	if (bytes > PTRDIFF_MAX - PAGE_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	bytes = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	return align_alloc(CALL_PVALLOC, PAGE_BYTES, bytes ? bytes : PAGE_BYTES);
}

HOOK size_t malloc_usable_size(void *p)
{
	return route_usable(p);
}

HOOK int malloc_trim(size_t pad)
{
	bool trimmed;

	if (init_phase() == INIT_LEAVING && next.malloc_trim)
		return next.malloc_trim(pad);
	trimmed = heap_trim();
	return place_release() || trimmed;
}

HOOK int mallopt(int key, int value)
{
	if (init_phase() == INIT_LEAVING && next.mallopt)
		return next.mallopt(key, value);
	return 1;	/* none of glibc's arenas is left to be tuned */
}

/* Malloc's, that is: what mmap gave on huge pages stands in the same figures. */
static uint64_t zone_live(uint64_t *mapped)
{
	uint64_t live = 0, given_live, given_mapped;

	*mapped = 0;
	given_figures(&given_live, &given_mapped);
	for (unsigned int i = 0; i < contig_stats.pool_count; i++) {
		live += contig_stats.pool[i].live_bytes;
		*mapped += contig_stats.pool[i].mapped_bytes;
	}
	/* Another thread may have unmapped some of it in between. */
	*mapped -= given_mapped < *mapped ? given_mapped : *mapped;
	return live - (given_live < live ? given_live : live);
}

HOOK struct mallinfo2 mallinfo2(void)
{
	size_t used, heap_mapped;
	uint64_t mapped, live;

	if (init_phase() == INIT_LEAVING && next.mallinfo2)
		return next.mallinfo2();
	heap_figures(&used, &heap_mapped);
	live = zone_live(&mapped);
	return (struct mallinfo2){
		.arena = heap_mapped, .uordblks = used + live,
		.fordblks = heap_mapped - used + contig_stats.retained_bytes,
		.hblkhd = mapped,
	};
}

HOOK struct mallinfo mallinfo(void)
{
	struct mallinfo2 all;

	if (init_phase() == INIT_LEAVING && next.mallinfo)
		return next.mallinfo();
	all = mallinfo2();
	return (struct mallinfo){
		.arena = (int)all.arena, .uordblks = (int)all.uordblks,
		.fordblks = (int)all.fordblks, .hblkhd = (int)all.hblkhd,
	};
}

HOOK int malloc_info(int options, FILE *stream)
{
	struct mallinfo2 all;

	if (options) {
		errno = EINVAL;
		return -1;
	}
	if (init_phase() == INIT_LEAVING && next.malloc_info)
		return next.malloc_info(options, stream);
	all = mallinfo2();
	fprintf(stream, "<malloc version=\"1\">\n<total type=\"rest\" count=\"0\" size=\"%zu\"/>\n"
		"<total type=\"mmap\" count=\"0\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n</malloc>\n",
		all.fordblks, all.hblkhd, all.arena + all.hblkhd);
	return 0;
}

HOOK void malloc_stats(void)
{
	struct mallinfo2 all;

	if (init_phase() == INIT_LEAVING && next.malloc_stats) {
		next.malloc_stats();
		return;
	}
	all = mallinfo2();
	fprintf(stderr, "Total (incl. mmap):\nsystem bytes     = %10zu\nin use bytes     = %10zu\n"
		"max mmap bytes   = %10zu\n", all.arena + all.hblkhd, all.uordblks, all.hblkhd);
}

/* glibc's other names for the same; preloaded allocators are called by them, too. */
HOOK void *__libc_malloc(size_t bytes) __attribute__((alias("hooks_malloc")));
HOOK void __libc_free(void *p) __attribute__((alias("hooks_free")));
HOOK void __libc_cfree(void *p) __attribute__((alias("hooks_free")));
HOOK void *__libc_calloc(size_t count, size_t bytes) __attribute__((alias("calloc")));
HOOK void *__libc_realloc(void *p, size_t bytes) __attribute__((alias("realloc")));
HOOK void *__libc_memalign(size_t align, size_t bytes) __attribute__((alias("memalign")));
HOOK void *__libc_valloc(size_t bytes) __attribute__((alias("valloc")));
HOOK void *__libc_pvalloc(size_t bytes) __attribute__((alias("pvalloc")));
HOOK int __posix_memalign(void **out, size_t align, size_t bytes)
	__attribute__((alias("posix_memalign")));
