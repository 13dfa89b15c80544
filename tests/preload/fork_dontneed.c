/* SPDX-License-Identifier: MIT */
/*
 * A child gives inherited memory back with madvise(MADV_DONTNEED): it reads zeros there, also in
 * parts that are no whole huge page, and the parent has all that it had.
 */
#include <sys/mman.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { BYTES = 8 * 1024 * 1024 };

static char *p;

static void drop_a_part(size_t from, size_t bytes)
{
	CHECK(madvise(p + from, bytes, MADV_DONTNEED) == 0);
	CHECK(pattern_is_zero(p + from, bytes));
}

static void drop_parts(void *arg)
{
	CHECK(pattern_holds(p, BYTES, 1));
	drop_a_part(6 * MIB, 2 * MIB);
	drop_a_part(MIB, 4096);
	drop_a_part(4 * MIB - 4096, 8192);
	CHECK(pattern_holds_upto(p, MIB, BYTES, 1));
	memset(p + 6 * MIB, 5, MIB);
	CHECK(p[6 * MIB] == 5 && p[7 * MIB] == 0);
}

static void drop_all(void *arg)
{
	drop_a_part(0, BYTES);
	pattern_write(p, BYTES, 2);
	CHECK(pattern_holds(p, BYTES, 2));
	free(p);
	CHECK(pattern_is_zero(p = calloc(1, BYTES), BYTES));
}

/* The parent's own holes: what lies around them is inherited all the same. */
static void look_around_holes(void *arg)
{
	CHECK(pattern_is_zero(p + 3 * MIB + 4096, 4096));
	CHECK(pattern_holds_upto(p, 3 * MIB, BYTES, 1));
	CHECK(!memcmp(p + 4 * MIB, (char *)arg + 4 * MIB, 4 * MIB));
	memset(p, 7, BYTES);
	free(p);
	free(malloc(BYTES));
}

static void a_hole_of_the_parent_is_one_in_the_child(void)
{
	char *same = malloc(BYTES);

	memset(same, 0, BYTES);
	pattern_write(same, BYTES, 1);
	memset(p, 0, BYTES);
	pattern_write(p, BYTES, 1);
	drop_a_part(3 * MIB + 4096, 4096);
	CHECK(child_ended_well(child_start(look_around_holes, same)));
	CHECK(pattern_is_zero(p + 3 * MIB + 4096, 4096));
	CHECK(!memcmp(p + 4 * MIB, same + 4 * MIB, 4 * MIB));
	free(same);
}

int main(void)
{
	served_prove();
	p = aligned_alloc(2 * MIB, BYTES);
	pattern_write(p, BYTES, 1);
	CHECK(child_ended_well(child_start(drop_parts, NULL)));
	CHECK(pattern_holds(p, BYTES, 1));
	CHECK(child_ended_well(child_start(drop_all, NULL)));
	CHECK(pattern_holds(p, BYTES, 1));
	a_hole_of_the_parent_is_one_in_the_child();
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
