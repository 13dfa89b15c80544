/* SPDX-License-Identifier: MIT */
/*
 * All a test program needs: CHECK() goes on after a failure, check_result() is main()'s answer.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>

#define CHECK_SKIP 77	/* exit status of a test that cannot run here; print why */

static unsigned int check_count, check_failures;

static inline int check_one(int ok, const char *file, int line, const char *text)
{
	__atomic_add_fetch(&check_count, 1, __ATOMIC_RELAXED);
	if (!ok) {
		__atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED);
		fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
	}
	return ok;
}

/* CHECK - count and, if false, print. Return: whether it held, so that a test may stop early. */
#define CHECK(condition) check_one(!!(condition), __FILE__, __LINE__, #condition)

/* check_result - a program that checked nothing has failed. Return: main()'s. */
static inline int check_result(void)
{
	if (!check_count)
		fprintf(stderr, "nothing was checked\n");
	return check_failures || !check_count;
}

#endif
