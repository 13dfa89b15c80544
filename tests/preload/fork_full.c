/* SPDX-License-Identifier: MIT */
/*
 * fork() with the pool used up: children live, whatever they and the parent write. Where there
 * is no memory for that either, fork() says ENOMEM, and the parent goes on and can fork later.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "check.h"
#include "child.h"
#include "pieces.h"
#include "served.h"

static int go[2];

static void all_hold(uint64_t seed)
{
	for (int i = 0; i < pieces; i++)
		if (!CHECK(pattern_holds(piece[i], 4 * MIB, seed + (uint64_t)i)))
			break;
}

static void write_all(uint64_t seed)
{
	for (int i = 0; i < pieces; i++)
		pattern_write(piece[i], 4 * MIB, seed + (uint64_t)i);
}

static void be_a_child(void *arg)
{
	char c;

	CHECK(read(go[0], &c, 1) == 1);
	all_hold(0);
	write_all(7000);
	all_hold(7000);
	free(malloc(8 * MIB));
}

static void children_live(void)
{
	pid_t pid[2];

	if (pipe(go))
		exit(1);
	for (int i = 0; i < 2; i++)
		pid[i] = child_start(be_a_child, NULL);
	CHECK(pid[0] > 0 && pid[1] > 0);
	write_all(500);
	CHECK(write(go[1], "xx", 2) == 2);
	for (int i = 0; i < 2; i++)
		CHECK(child_ended_well(pid[i]));
	all_hold(500);
}

static void do_nothing(void *arg)
{
	all_hold(500);
}

static void without_memory_fork_says_so(void)
{
	struct rlimit before, now;
	pid_t pid;

	getrlimit(RLIMIT_AS, &before);
	now = before;
	now.rlim_cur = served_addresses() + MIB;
	/* Past the library, which would give back its reserved addresses. */
	syscall(SYS_prlimit64, 0, RLIMIT_AS, &now, NULL);
	errno = 0;
	pid = child_start(do_nothing, NULL);
	if (served_by("hugetlb")) {
		CHECK(pid == -1 && errno == ENOMEM);
		CHECK(served_stats->fork_refusals == 1);
	} else {
		CHECK(child_ended_well(pid));
	}
	setrlimit(RLIMIT_AS, &before);
	all_hold(500);
	CHECK(child_ended_well(child_start(do_nothing, NULL)));
}

int main(void)
{
	served_prove();
	use_up_the_pool();
	children_live();
	without_memory_fork_says_so();
	for (int i = 0; i < pieces; i++)
		free(piece[i]);
	return check_result();
}
