/* SPDX-License-Identifier: MIT */
/*
 * A huge page is made ordinary under the feet of the one who asks for it: the stack it runs on
 * lies in that page (coroutines with guard pages on malloc's memory), or its signal handler
 * writes there. Alone, and beside another thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include "child.h"
#include "mmap_area.h"

enum { STACK = 256 * 1024, ROUNDS = 100 };

static ucontext_t caller, coroutine;
static char *stacks;
static volatile uint64_t *ticks;	/* in the page */
static uint64_t ticked;

static void on_tick(int signal)
{
	(void)signal;
	++*ticks;
	++ticked;
}

/* Its own guard page, then those of the stacks above, in the same huge page and in the next. */
static void guard_stacks(void)
{
	volatile uint64_t local[64];

	for (int i = 0; i < 64; i++)
		local[i] = pattern_word(3, (size_t)i);
	for (size_t at = 0; at < 4 * MIB; at += STACK)
		CHECK(mprotect(stacks + at, PAGE, PROT_NONE) == 0);
	for (int i = 0; i < 64; i++)
		CHECK(local[i] == pattern_word(3, (size_t)i));
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static bool can_hold(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void guard_on_own_stack(void *arg)
{
	pthread_t thread;

	if (arg)
		CHECK(!pthread_create(&thread, NULL, wait_for_ever, NULL));
	stacks = malloc(4 * MIB);
	area_fill(stacks, 4 * MIB);
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stacks + PAGE;
	coroutine.uc_stack.ss_size = STACK - PAGE;
	coroutine.uc_link = &caller;
	makecontext(&coroutine, guard_stacks, 0);
	CHECK(swapcontext(&caller, &coroutine) == 0);
	for (size_t at = STACK; at < 4 * MIB; at += PAGE)
		CHECK(area_look(stacks + at, area_word(at / PAGE)) ==
		      (at % STACK ? SEEN_OWN | SEEN_WRITABLE : SEEN_NOTHING));
	free(stacks);
}

static void handler_writes_to_the_page(void *arg)
{
	struct itimerval often = { { 0, 50 }, { 0, 50 } }, never = { 0 };
	uint64_t all = 0;
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	pthread_t thread;

	sigaction(SIGALRM, &action, NULL);
	if (arg) {
		sigset_t tick, old;

		sigemptyset(&tick);
		sigaddset(&tick, SIGALRM);
		pthread_sigmask(SIG_BLOCK, &tick, &old);
		CHECK(!pthread_create(&thread, NULL, wait_for_ever, NULL));
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	/* Where nothing is demoted a round is short: on until a signal has come at all. */
	for (int i = 0; i < ROUNDS || (!all && i < 100000); i++) {
		char *p = malloc(4 * MIB);

		ticks = (uint64_t *)(p + 2 * PAGE);
		*ticks = ticked = 0;
		setitimer(ITIMER_REAL, &often, NULL);
		for (size_t at = 4 * PAGE; at < 4 * MIB; at += MIB)
			CHECK(mprotect(p + at, PAGE, PROT_READ) == 0);
		setitimer(ITIMER_REAL, &never, NULL);
		CHECK(*ticks == ticked);
		all += ticked;
		free(p);
		malloc_trim(0);	/* or the next one would lie on what is ordinary by now */
	}
	CHECK(all > 0);
}

int main(void)
{
	served_prove();
	CHECK(child_ended_well(child_start(guard_on_own_stack, NULL)));
	CHECK(child_ended_well(child_start(handler_writes_to_the_page, NULL)));
	if (can_hold()) {
		CHECK(child_ended_well(child_start(guard_on_own_stack, &stacks)));
		CHECK(child_ended_well(child_start(handler_writes_to_the_page, &stacks)));
	}
	return check_result();
}
