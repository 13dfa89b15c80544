/* SPDX-License-Identifier: MIT */
/*
 * A child made by the system call itself, past every hook: the parent is unharmed. What the
 * child may do is the kernel's affair: where the pool is used up it can be killed for a write.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

static char *large, *small;

static void write_all(uint64_t seed)
{
	pattern_write(large, 12 * MIB, seed);
	pattern_write(small, 2000, seed + 1);
}

static bool all_hold(uint64_t seed)
{
	return pattern_holds(large, 12 * MIB, seed) && pattern_holds(small, 2000, seed + 1);
}

static void the_parent_is_unharmed(uint64_t round)
{
	int status;
	pid_t pid;

	write_all(round);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		if (!all_hold(round))
			_exit(1);
		write_all(1000);
		_exit(all_hold(1000) ? 0 : 2);
	}
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK((WIFEXITED(status) && !WEXITSTATUS(status)) ||
	      (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS));
	CHECK(all_hold(round));
	write_all(round + 50);
	CHECK(all_hold(round + 50));
	free(malloc(5 * MIB));
	free(malloc(500));
}

int main(void)
{
	served_prove();
	large = malloc(12 * MIB);
	small = malloc(2000);
	for (uint64_t round = 1; round < 10; round++)
		the_parent_is_unharmed(round);
	CHECK(child_ended_well(fork() ?: (_exit(all_hold(59) ? 0 : 1), 0)));
	free(large);
	free(small);
	return check_result();
}
