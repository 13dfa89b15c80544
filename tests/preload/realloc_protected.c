/* SPDX-License-Identifier: MIT */
/*
 * What a program did to the protection of an allocation ends with it: realloc elsewhere keeps the
 * contents, and whoever gets either piece of memory next can write to it.
 */
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "served.h"

enum { PAGE = 4096 };

#define BEFORE	(4 * MIB)
#define AFTER	(64 * MIB)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static bool protect_read(char *p)
{
	return !mprotect(p, BEFORE, PROT_READ);
}

static bool protect_none(char *p)
{
	return !mprotect(p, BEFORE, PROT_NONE);
}

static bool protect_one_page(char *p)
{
	return !mprotect(p + MIB, PAGE, PROT_NONE);
}

/* Of zeros once it is gone, so on a page that is zero; older kernels have none. */
static bool guard_one_page(char *p)
{
	memset(p + MIB, 0, PAGE);
	return !madvise(p + MIB, PAGE, MADV_GUARD_INSTALL) || errno == EINVAL;
}

static bool has_words(const char *p)
{
	for (size_t at = 0; at < BEFORE; at += PAGE)
		if (*(const size_t *)(const void *)(p + at) != (at == MIB ? 0 : at + 1))
			return false;
	return true;
}

static void grows_and_is_written_again(bool (*alter)(char *p), size_t bytes)
{
	char *p = aligned_alloc(2 * MIB, BEFORE), *wall = malloc(2 * MIB), *to;

	for (size_t at = 0; at < BEFORE; at += PAGE)
		*(size_t *)(void *)(p + at) = at == MIB ? 0 : at + 1;
	memset(wall, 1, 2 * MIB);	/* or it would grow where it lies */
	if (!CHECK(alter(p)))
		return;
	to = served_hide(realloc(p, bytes));
	if (!CHECK(to))
		return;
	/* Its own owner may find it as protected as before, by mremap, from libc. */
	CHECK(!mprotect(to, BEFORE, PROT_READ | PROT_WRITE));
	CHECK(has_words(to));
	free(to);
	for (int i = 0; i < 2; i++) {
		size_t again = i ? bytes : BEFORE;

		to = served_hide(aligned_alloc(2 * MIB, again));
		memset(to, 2, again);
		CHECK(to[MIB] == 2 && to[again - 1] == 2);
		free(to);
	}
	free(wall);
}

int main(void)
{
	served_prove();
	grows_and_is_written_again(protect_read, AFTER);
	grows_and_is_written_again(protect_none, AFTER);
	grows_and_is_written_again(protect_none, AFTER + PAGE);
	grows_and_is_written_again(protect_one_page, AFTER);
	grows_and_is_written_again(guard_one_page, AFTER);
	return check_result();
}
