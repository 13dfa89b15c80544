/* SPDX-License-Identifier: MIT */
/*
 * fork() while threads live on stacks from malloc: of the main thread, and of one of them. The
 * child is never killed; with writers held back (root) it is not refused either.
 */
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { THREADS = 8, NOBODY = 65534 };

static const size_t STACK_BYTES[THREADS] = {
	64 * KIB, 200 * KIB, MIB, MIB + 68 * KIB, 2 * MIB, 3 * MIB, 8 * MIB, 8 * MIB + 4 * KIB,
};

static pthread_barrier_t begun, forked;
static char *kept, *stack[THREADS];
static bool may_be_refused;

static void live(void *arg)
{
	CHECK(pattern_holds(kept, 4 * MIB, 3));
	for (int i = 0; i < THREADS; i++)
		CHECK(pattern_holds(stack[i], 16 * KIB, 20 + (uint64_t)i));
	pattern_write(kept, 4 * MIB, 4);
	free(malloc(3 * MIB));
}

static void fork_here(void)
{
	pid_t pid = child_start(live, NULL);

	if (pid < 0 && may_be_refused)
		CHECK(errno == ENOMEM);
	else
		CHECK(child_ended_well(pid));
	CHECK(pattern_holds(kept, 4 * MIB, 3));
}

static void *run(void *arg)
{
	pthread_barrier_wait(&begun);
	if (arg)
		fork_here();
	pthread_barrier_wait(&forked);
	return NULL;
}

static void make_threads(pthread_t *thread)
{
	pthread_attr_t attr;

	for (intptr_t i = 0; i < THREADS; i++) {
		stack[i] = aligned_alloc(4096, STACK_BYTES[i]);
		pattern_write(stack[i], 16 * KIB, 20 + (uint64_t)i);
		pthread_attr_init(&attr);
		CHECK(pthread_attr_setstack(&attr, stack[i], STACK_BYTES[i]) == 0);
		CHECK(pthread_create(&thread[i], &attr, run, (void *)(i % 4 == 3 ? i : 0)) == 0);
		pthread_attr_destroy(&attr);
	}
}

static void make_them_fork(void)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&begun, NULL, THREADS + 1);
	pthread_barrier_init(&forked, NULL, THREADS + 1);
	make_threads(thread);
	pthread_barrier_wait(&begun);
	fork_here();
	pthread_barrier_wait(&forked);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		free(stack[i]);
	}
}

int main(void)
{
	bool root = geteuid() == 0;

	served_prove();
	kept = malloc(4 * MIB);
	pattern_write(kept, 4 * MIB, 3);
	may_be_refused = !root;
	make_them_fork();
	make_them_fork();
	/* Others' writes can no longer be held: a page that the stack shares stays as it is. */
	if (!getenv("CONTIG_FORK") && !check_result()) {
		served_again("CONTIG_FORK", "snapshot");
		return 1;
	}
	if (root && !setuid(NOBODY)) {
		may_be_refused = true;
		make_them_fork();
		make_them_fork();
	}
	return check_result();
}
