/* SPDX-License-Identifier: MIT */
/*
 * CONTIG_FORK=dontfork: the child has none of the parent's huge pages, may free what it lost, and
 * gets memory of its own; the parent is as it was. Other memory is inherited as ever.
 */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

static char *large, *small;

static void free_what_was_lost(void *arg)
{
	char *mine;

	CHECK(pattern_holds(small, 1000, 2));
	free(large);
	mine = malloc(8 * MIB);
	pattern_write(mine, 8 * MIB, 3);
	CHECK(pattern_holds(mine, 8 * MIB, 3));
	free(mine);
	free(small);
}

static void read_what_was_lost(void *arg)
{
	signal(SIGSEGV, SIG_DFL);
	CHECK(pattern_holds(large, 8 * MIB, 1));
}

int main(void)
{
	int status;
	pid_t pid;

	if (!getenv("CONTIG_FORK"))
		served_again("CONTIG_FORK", "dontfork");
	served_prove();
	large = malloc(8 * MIB);
	small = malloc(1000);
	pattern_write(large, 8 * MIB, 1);
	pattern_write(small, 1000, 2);
	CHECK(child_ended_well(child_start(free_what_was_lost, NULL)));
	CHECK(pattern_holds(large, 8 * MIB, 1));
	pid = child_start(read_what_was_lost, NULL);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (served_by("hugetlb"))
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	else
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(pattern_holds(large, 8 * MIB, 1));
	CHECK(served_stats->fork_snapshots == 0);
	free(large);
	return check_result();
}
