/* SPDX-License-Identifier: MIT */
/*
 * The program's own pthread_atfork handlers allocate, small and large, and keep some of it; and
 * signals come while it forks. Masks and what is pending are as they must be on both sides.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { MAPPED = 6 };

static char *held[3], *mapped[MAPPED];
static unsigned int prepared, in_parent, in_child;
static volatile sig_atomic_t alarms;

static void renew(int which, uint64_t seed)
{
	free(held[which]);
	free(malloc(200));
	held[which] = malloc(3 * MIB);
	pattern_write(held[which], 3 * MIB, seed);
}

static void prepare(void)
{
	char *more = malloc(9 * MIB);	/* more than there was when fork() was called */

	memset(more, 1, 9 * MIB);
	renew(0, ++prepared);
	free(more);
	renew(1, prepared);
}

static void after_in_parent(void)
{
	renew(2, ++in_parent);
}

static void after_in_child(void)
{
	CHECK(pattern_holds(held[0], 3 * MIB, prepared));
	CHECK(pattern_holds(held[1], 3 * MIB, prepared));
	renew(2, 77);
	/* Where the library's own memory for the fork was there may be room now. */
	for (int i = 0; i < MAPPED; i++) {
		mapped[i] = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pattern_write(mapped[i], 2 * MIB, 80 + (uint64_t)i);
	}
	in_child++;
}

static void look(void *arg)
{
	CHECK(in_child == 1);
	CHECK(pattern_holds(held[2], 3 * MIB, 77));
	CHECK(pattern_holds(held[1], 3 * MIB, prepared));
	for (int i = 0; i < MAPPED; i++)
		CHECK(pattern_holds(mapped[i], 2 * MIB, 80 + (uint64_t)i));
}

static void handlers_may_allocate(void)
{
	for (unsigned int i = 1; i <= 10; i++) {
		CHECK(child_ended_well(child_start(look, NULL)));
		CHECK(prepared == i && in_parent == i && !in_child);
		CHECK(pattern_holds(held[0], 3 * MIB, i));
		CHECK(pattern_holds(held[2], 3 * MIB, i));
	}
}

static void on_alarm(int number)
{
	alarms++;
}

static bool blocked(int number)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, number);
}

static bool pending(int number)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, number);
}

static void look_at_signals(void *arg)
{
	CHECK(blocked(SIGUSR1) && !blocked(SIGUSR2) && !blocked(SIGALRM));
	CHECK(!pending(SIGUSR1));	/* POSIX: a child begins with nothing pending */
}

static void signals_are_as_they_were(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &one, NULL);
	raise(SIGUSR1);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (!pid) {
			look_at_signals(NULL);
			child_finish();
		}
		CHECK(child_ended_well(pid));
		CHECK(blocked(SIGUSR1) && !blocked(SIGUSR2) && !blocked(SIGALRM));
		CHECK(pending(SIGUSR1));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(alarms > 0);
}

int main(void)
{
	char *kept;

	served_prove();
	kept = malloc(8 * MIB);
	pattern_write(kept, 8 * MIB, 5);
	signals_are_as_they_were();
	for (int i = 0; i < 3; i++)
		held[i] = malloc(100);
	pthread_atfork(prepare, after_in_parent, after_in_child);
	handlers_may_allocate();
	CHECK(pattern_holds(kept, 8 * MIB, 5));
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
