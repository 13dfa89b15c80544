/* SPDX-License-Identifier: MIT */
/*
 * Children that check something: a failure, a signal or a hang of theirs is the parent's failure.
 */
#ifndef TESTS_PRELOAD_CHILD_H
#define TESTS_PRELOAD_CHILD_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { CHILD_SECONDS = 30 };

/* What a child does first and last, whichever way it was made. */
static inline void child_begin(void)
{
	alarm(CHILD_SECONDS);
	check_failures = 0;
}

__attribute__((noreturn)) static inline void child_finish(void)
{
	_exit(check_failures ? 1 : 0);
}

/* child_start - fork() and run @what in the child. Return: fork()'s in the parent. */
static inline pid_t child_start(void (*what)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	child_begin();
	what(arg);
	child_finish();
}

/* child_ended_well - wait for it. Return: it exited with 0; if not, how is printed. */
static inline bool child_ended_well(pid_t pid)
{
	int status = 0;

	if (pid < 0) {
		fprintf(stderr, "fork: %s\n", strerror(errno));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "child %d: %s\n", (int)pid, strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "child %d: exit status %d\n", (int)pid, WEXITSTATUS(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

#endif
