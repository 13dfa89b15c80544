/* SPDX-License-Identifier: MIT */
/*
 * calloc gives zeros, also on memory that was used; realloc keeps what was written, across the
 * border of small and large, in place, moved or copied.
 */
#include <malloc.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

static uint64_t state = 42;

static void calloc_of_used_memory_is_zero(void)
{
	for (size_t bytes = 16; bytes <= 32 * MIB; bytes = bytes * 7 / 4 + 3) {
		for (int i = 0; i < 3; i++) {
			char *p = malloc(bytes), *q;

			memset(p, 0xff, bytes);
			free(p);
			q = calloc(i + 1, bytes / (i + 1));
			CHECK(pattern_is_zero(q, bytes / (i + 1) * (i + 1)));
			memset(q, 0xff, bytes / (i + 1));
			free(q);
		}
	}
}

static void calloc_after_a_shrink_is_zero(void)
{
	char *p = malloc(12 * MIB), *q[6];

	memset(p, 0xff, 12 * MIB);
	p = realloc(p, 2 * MIB + 100);
	for (int i = 0; i < 6; i++) {
		q[i] = calloc(1, MIB + i * 200 * KIB);
		CHECK(pattern_is_zero(q[i], MIB + i * 200 * KIB));
		memset(q[i], 0xff, MIB);
	}
	for (int i = 0; i < 6; i++)
		free(q[i]);
	free(p);
}

static void calloc_among_random_frees_is_zero(void)
{
	char *kept[16] = { NULL };

	for (int i = 0; i < 600; i++) {
		size_t bytes = 64 * KIB + pattern_random(&state) % (5 * MIB);
		int at = (int)(pattern_random(&state) % 16);

		free(kept[at]);
		kept[at] = calloc(1, bytes);
		CHECK(pattern_is_zero(kept[at], bytes));
		memset(kept[at], 0xff, bytes);
	}
	for (int i = 0; i < 16; i++)
		free(kept[i]);
}

/* One step from @from to @to bytes. */
static char *resize(char *p, size_t from, size_t to, uint64_t seed)
{
	char *q;

	pattern_write(p, from, seed);
	q = realloc(p, to);
	if (!CHECK(q))
		exit(1);
	CHECK(malloc_usable_size(q) >= to);
	CHECK(pattern_holds_upto(q, from < to ? from : to, from, seed));
	return q;
}

static void growing_and_shrinking_by_steps_keeps_contents(void)
{
	size_t bytes = 24, next;
	char *p = malloc(bytes);

	for (; bytes < 64 * MIB; bytes = next) {
		next = bytes + bytes / 2;
		p = resize(p, bytes, next, bytes);
	}
	for (; bytes > 24; bytes = next) {
		next = bytes - bytes / 3;
		p = resize(p, bytes, next, bytes + 1);
	}
	free(p);
}

/* The same with a neighbour each time, so that hardly anything can grow where it is. */
static void growing_beside_neighbours_keeps_contents(void)
{
	char *p = malloc(60 * KIB), *neighbour[32] = { NULL };
	size_t bytes = 60 * KIB;
	int count = 0;

	for (; bytes < 40 * MIB; bytes += bytes / 2) {
		p = resize(p, bytes, bytes + bytes / 2, bytes);
		neighbour[count] = malloc(1500 * KIB);
		pattern_write(neighbour[count], 1500 * KIB, count);
		count++;
	}
	for (int i = 0; i < count; i++) {
		CHECK(pattern_holds(neighbour[i], 1500 * KIB, i));
		free(neighbour[i]);
	}
	free(p);
}

static size_t random_size(void)
{
	size_t top = (size_t)16 << pattern_random(&state) % 20;

	return 1 + top / 2 + pattern_random(&state) % top;
}

static void random_sizes_keep_contents(void)
{
	enum { SLOTS = 12 };
	size_t had[SLOTS], to;
	char *p[SLOTS];

	for (int i = 0; i < SLOTS; i++) {
		had[i] = random_size();
		p[i] = malloc(had[i]);
		pattern_write(p[i], had[i], (uint64_t)i);
	}
	for (int round = 0; round < 4000; round++) {
		int i = (int)(pattern_random(&state) % SLOTS);

		CHECK(pattern_holds(p[i], had[i], (uint64_t)i));
		to = random_size();
		p[i] = resize(p[i], had[i], to, (uint64_t)round);
		had[i] = to;
		pattern_write(p[i], to, (uint64_t)i);
	}
	for (int i = 0; i < SLOTS; i++)
		free(p[i]);
}

/* Aligned to huge pages: the library may move page tables rather than copy. */
static void moved_pages_keep_contents_and_leave_zeros(void)
{
	for (size_t bytes = 4 * MIB; bytes <= 32 * MIB; bytes *= 2) {
		char *p = memalign(2 * MIB, bytes), *fence = malloc(2 * MIB), *zero;

		p = resize(p, bytes, bytes * 2, bytes);
		zero = calloc(1, bytes);
		CHECK(pattern_is_zero(zero, bytes));
		free(zero);
		free(fence);
		free(p);
	}
}

int main(void)
{
	served_prove();
	calloc_of_used_memory_is_zero();
	calloc_after_a_shrink_is_zero();
	calloc_among_random_frees_is_zero();
	growing_and_shrinking_by_steps_keeps_contents();
	growing_beside_neighbours_keeps_contents();
	random_sizes_keep_contents();
	moved_pages_keep_contents_and_leave_zeros();
	return check_result();
}
