/* SPDX-License-Identifier: MIT */
/*
 * _Fork() in a signal handler that interrupts malloc and free at any point: it is made, or
 * refused with EAGAIN where its memory can only be copied under a lock, but it never hangs.
 * timeout: 60
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"
#include "child.h"
#include "served.h"

enum { FORKS = 500, SECONDS_MOST = 20, SOONEST_US = 50, DELAYS = 700 };

static volatile sig_atomic_t made, refused, failed, armed;
static pid_t (*plain_fork)(void);	/* in glibc from 2.34 on */

static void fork_here(int signal_number)
{
	int saved = errno, status = 0;
	pid_t pid = plain_fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		*(errno == EAGAIN ? &refused : &failed) += 1;
	else if (waitpid(pid, &status, 0) == pid && !status)
		made++;
	else
		failed++;
	armed = 0;
	errno = saved;
}

/* Once: a fork may take longer than any period, and malloc would never come further. */
static void arm(long microseconds)
{
	struct itimerval timer = { .it_value.tv_usec = microseconds };

	armed = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void be_interrupted(void)
{
	struct sigaction action = { .sa_handler = fork_here, .sa_flags = SA_RESTART };
	time_t end = time(NULL) + SECONDS_MOST;

	made = refused = 0;
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; made < FORKS && time(NULL) < end; i++) {
		if (!armed)
			arm(SOONEST_US + (long)(i % DELAYS));
		free(served_hide(malloc(MIB + i % 7 * 512 * KIB)));
	}
	while (armed)
		;
	CHECK(made == FORKS);
	CHECK(!failed);
}

int main(void)
{
	char *kept;

	served_prove();
	plain_fork = (pid_t (*)(void))dlsym(RTLD_DEFAULT, "_Fork");
	kept = malloc(16 * MIB);
	memset(kept, 1, 16 * MIB);
	be_interrupted();
	/* With room in the pool, none need be refused. */
	if (!getenv("CONTIG_FORK"))
		CHECK(!refused);
	free(kept);
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
