/* SPDX-License-Identifier: MIT */
/*
 * From the first malloc to serving. In steps, because the first call comes before libc has an
 * environment, and the first thousands may come before our constructor:
 *
 *   1 the two ranges are reserved: the heap can serve
 *   2 the environment is there: the policy is read; large requests are served
 *   3 the constructor: libc's functions are known, the fork handlers registered; whether the program is to be left alone
 *     is decided for good
 */
#ifndef PRELOAD_INIT_H
#define PRELOAD_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

enum init_phase {
	INIT_UNBORN,		/* nothing yet */
	INIT_HEAP,		/* step 1 is done: everything from the heap */
	INIT_SERVING,		/* by policy */
	INIT_LEAVING,		/* this program is left alone: the next functions serve it */
};

/*
 * Requests below it go straight to the heap. 0 until step 2 and while a program is left alone:
 * then every call takes the slow way, which asks init_phase(). 0 also at times while freed memory
 * is kept: the next requests, however small, look whether it has decayed (route.c).
 */
extern uint64_t init_smallest __attribute__((visibility("hidden")));

/* The policy in force. Context: INIT_SERVING, then constant. */
extern struct policy init_policy;

/* init_phase - do what can be done now. Context: any; takes a lock only until it is serving. */
enum init_phase init_phase(void);

/* init_program - base name of the executable, "" if it is not known. */
const char *init_program(void);

/* init_leave - decide to leave the program alone from now on. @why: a constant text. */
void init_leave(const char *why);

#endif
