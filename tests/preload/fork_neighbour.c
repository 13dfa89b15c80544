/* SPDX-License-Identifier: MIT */
/*
 * madvise(MADV_DONTFORK) of one buffer, as verbs libraries do, takes nothing of its neighbours
 * on the same huge page from the child, before it or behind it.
 */
#include <sys/mman.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { BUFFERS = 9, BYTES = 1200 * 1024 };

static char *buffer[BUFFERS];
static bool marked[BUFFERS];

static void look_at_neighbours(void *arg)
{
	for (int i = 0; i < BUFFERS; i++)
		if (!marked[i])
			CHECK(pattern_holds(buffer[i], BYTES, (uint64_t)i));
	for (int i = 0; i < BUFFERS; i++)
		if (!marked[i])
			pattern_write(buffer[i], BYTES, 70 + (uint64_t)i);
	free(malloc(BYTES));
}

static void fork_and_look(void)
{
	CHECK(child_ended_well(child_start(look_at_neighbours, NULL)));
	for (int i = 0; i < BUFFERS; i++)
		CHECK(pattern_holds(buffer[i], BYTES, (uint64_t)i));
}

static void mark(int which, int advice)
{
	/* Of the whole pages in it: what lies before and behind on its pages is others'. */
	uintptr_t from = ((uintptr_t)buffer[which] + 4095) & ~(uintptr_t)4095;
	uintptr_t to = ((uintptr_t)buffer[which] + BYTES) & ~(uintptr_t)4095;

	CHECK(madvise((void *)from, to - from, advice) == 0);
	marked[which] = advice == MADV_DONTFORK;
}

int main(void)
{
	served_prove();
	for (int i = 0; i < BUFFERS; i++) {
		buffer[i] = malloc(BYTES);
		pattern_write(buffer[i], BYTES, (uint64_t)i);
	}
	mark(1, MADV_DONTFORK);
	mark(4, MADV_DONTFORK);
	fork_and_look();
	mark(4, MADV_DOFORK);
	fork_and_look();
	mark(4, MADV_DONTFORK);
	fork_and_look();
	mark(1, MADV_DOFORK);
	mark(4, MADV_DOFORK);
	for (int i = 0; i < BUFFERS; i++)
		free(buffer[i]);
	/* What is handed out next has nothing of the marks. */
	for (int i = 0; i < BUFFERS; i++) {
		buffer[i] = malloc(BYTES);
		pattern_write(buffer[i], BYTES, (uint64_t)i);
	}
	fork_and_look();
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
