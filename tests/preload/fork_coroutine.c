/* SPDX-License-Identifier: MIT */
/*
 * fork() on a stack that lies in our memory: of a coroutine (makecontext), and of a thread
 * (pthread_attr_setstack). It works, or says ENOMEM; parent and child go on, on their stacks.
 */
#include <errno.h>
#include <pthread.h>
#include <ucontext.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

static ucontext_t home, coroutine;
static char *kept;
static pid_t child;

/* Fills the pool, or what of it is left, so that the kernel's copy-on-write cannot do it. */
static void use_up_the_pool(void)
{
	const struct contig_pool_stats *pool = served_pool("hugetlb-2M");
	uint64_t fell;

	if (!served_by("hugetlb") || !pool)
		return;
	fell = pool->fell_through[CONTIG_REASON_POOL];
	for (int i = 0; i < 1000 && pool->fell_through[CONTIG_REASON_POOL] == fell; i++)
		served_hide(malloc(2 * MIB));
}

static void fork_here(void)
{
	char local[3000];

	pattern_write(local, sizeof(local), 6);
	errno = 0;
	child = fork();
	if (child < 0)
		CHECK(errno == ENOMEM);
	if (!child)
		child_begin();
	CHECK(pattern_holds(local, sizeof(local), 6));
	CHECK(pattern_holds(kept, 4 * MIB, 8));
	pattern_write(local, sizeof(local), child ? 10 : 11);
	pattern_write(kept, 4 * MIB, 8);
	free(malloc(3 * MIB));
	CHECK(pattern_holds(local, sizeof(local), child ? 10 : 11));
}

static void in_a_coroutine(void)
{
	fork_here();
	swapcontext(&coroutine, &home);
}

/* Return: the fork was made. */
static bool finish(void)
{
	if (child < 0)
		return false;
	if (!child)
		child_finish();
	CHECK(child_ended_well(child));
	return true;
}

static bool a_coroutine_forks(size_t bytes)
{
	char *stack = malloc(bytes);

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = bytes;
	coroutine.uc_link = &home;
	makecontext(&coroutine, in_a_coroutine, 0);
	swapcontext(&home, &coroutine);
	finish();
	free(stack);
	return child > 0;
}

static void *in_a_thread(void *arg)
{
	fork_here();
	*(bool *)arg = finish();
	return NULL;
}

static bool a_thread_on_our_stack_forks(size_t bytes)
{
	bool forked = false;
	char *stack = aligned_alloc(4096, bytes);
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	CHECK(pthread_attr_setstack(&attr, stack, bytes) == 0);
	CHECK(pthread_create(&thread, &attr, in_a_thread, &forked) == 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	free(stack);
	return forked;
}

int main(void)
{
	bool all = true;

	served_prove();
	kept = malloc(4 * MIB);
	pattern_write(kept, 4 * MIB, 8);
	for (size_t bytes = MIB; bytes <= 4 * MIB; bytes += MIB) {
		all &= a_coroutine_forks(bytes);
		all &= a_thread_on_our_stack_forks(bytes);
	}
	/* While pool or memory suffices nothing may be refused, but for a thread's own block. */
	if (!getenv("CONTIG_FORK"))
		CHECK(all);
	use_up_the_pool();
	for (size_t bytes = MIB; bytes <= 4 * MIB; bytes += MIB) {
		a_coroutine_forks(bytes);
		a_thread_on_our_stack_forks(bytes);
	}
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
