/* SPDX-License-Identifier: MIT */
/*
 * A server that forks for ever: children that have gone cost later forks nothing, neither the
 * parent's nor those of a child that was made late.
 */
#include "check.h"
#include "child.h"
#include "served.h"

enum { FORKS = 1200 };	/* more than the list of relatives has room for */

static pid_t fork_and_leave(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid;
}

static void fork_once(void *arg)
{
	CHECK(child_ended_well(fork_and_leave()));
	CHECK(!served_stats->fork_snapshots);
}

int main(void)
{
	size_t bytes = 48 * MIB;	/* four times that is less than the pool has */
	char *memory;

	served_prove();
	memory = malloc(bytes);
	memset(memory, 1, bytes);
	for (int i = 0; i < FORKS; i++)
		if (!CHECK(child_ended_well(fork_and_leave())))
			break;
	CHECK(!served_stats->fork_snapshots);
	CHECK(child_ended_well(child_start(fork_once, NULL)));
	free(memory);
	return check_result();
}
