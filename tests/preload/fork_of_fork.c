/* SPDX-License-Identifier: MIT */
/*
 * Children of children: each generation sees what its parent had when it forked, and all of them
 * live at the same time.
 */
#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { GENERATIONS = 5 };

static char *inherited, *own[GENERATIONS + 1];

static void live(void *arg)
{
	intptr_t depth = (intptr_t)arg;
	pid_t pid[2] = { -1, -1 };

	for (intptr_t i = 0; i < depth; i++)
		CHECK(pattern_holds(own[i], 2 * MIB, (uint64_t)i));
	if (depth)
		CHECK(pattern_holds(inherited, 6 * MIB, 50 + (uint64_t)depth - 1));
	pattern_write(inherited, 6 * MIB, 50 + (uint64_t)depth);
	own[depth] = malloc(2 * MIB);
	pattern_write(own[depth], 2 * MIB, (uint64_t)depth);
	if (depth < GENERATIONS)
		for (int i = 0; i < (depth < 2 ? 2 : 1); i++)
			pid[i] = child_start(live, (void *)(depth + 1));
	/* Written while the children live; they must not see it. */
	pattern_write(inherited, 6 * MIB, 1000 + (uint64_t)depth);
	for (int i = 0; i < 2; i++)
		if (depth < GENERATIONS && i < (depth < 2 ? 2 : 1))
			CHECK(child_ended_well(pid[i]));
	CHECK(pattern_holds(inherited, 6 * MIB, 1000 + (uint64_t)depth));
	CHECK(pattern_holds(own[depth], 2 * MIB, (uint64_t)depth));
	free(own[depth]);
}

int main(void)
{
	served_prove();
	for (int i = 0; i < 3; i++) {
		inherited = malloc(6 * MIB);
		live((void *)0);
		/* A brother of the second round: its cousins are gone, or still there. */
		free(inherited);
	}
	return check_result();
}
