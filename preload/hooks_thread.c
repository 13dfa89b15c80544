/* SPDX-License-Identifier: MIT */
/*
 * pthread_create(), for threads whose stack the program took from malloc or from a mapping on
 * huge pages. At its top lies what libc knows the thread by, and in the child of a fork libc
 * writes to that of every thread before any handler runs, so a snapshot would come too late:
 * the pages it lies in become ordinary memory, which the kernel copies.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "alter.h"
#include "demote.h"
#include "given.h"
#include "hooks.h"
#include "init.h"
#include "next.h"
#include "policy.h"
#include "zone.h"

/* Control block and thread-local variables are seldom more; libc says how much, if it can. */
#define BLOCK_LEAST	(64 * KIB)

static char *block_of(const pthread_attr_t *attr, char *end)
{
	size_t bytes = next.__pthread_get_minstack ? next.__pthread_get_minstack(attr) : 0;

	return end - (bytes > BLOCK_LEAST ? bytes : BLOCK_LEAST);
}

static void prepare_stack(const pthread_attr_t *attr)
{
	char *block, *end;
	size_t bytes;
	void *stack;
	bool shared;

	/* Without a stack of the program's own it says something that is no address of ours. */
	if (init_phase() != INIT_SERVING || pthread_attr_getstack(attr, &stack, &bytes))
		return;
	end = (char *)stack + bytes;
	block = block_of(attr, end);
	block = block > (char *)stack ? block : (char *)stack;
	if (range_owns(&zone, end - 1) && range_owns(&zone, block))
		alter_zone_thread(stack, block, end);
	else if (given_any() && given_overlaps(block, end, &shared) && !shared)
		given_alter(block, &end, ALTER_ALL, DEMOTE_AS_IS);
}

HOOK int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			void *arg)
{
	/* Some library's constructor makes a thread before ours ran. */
	if (!next.pthread_create)
		next.pthread_create = (int (*)(pthread_t *, const pthread_attr_t *,
					       void *(*)(void *), void *))
			dlsym(RTLD_NEXT, "pthread_create");
	if (!next.pthread_create)
		return EAGAIN;
	if (attr)
		prepare_stack(attr);
	return next.pthread_create(thread, attr, start, arg);
}
