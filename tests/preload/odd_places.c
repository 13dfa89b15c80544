/* SPDX-License-Identifier: MIT */
/*
 * Memory inside dlsym() and dlerror(), and in signal handlers that interrupt a program while it
 * does not allocate.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

static void *look_for_what_is_not_there(void *arg)
{
	for (int i = 0; i < 500; i++) {
		char name[64];

		snprintf(name, sizeof(name), "no_such_function_%d", i);
		CHECK(!dlsym(RTLD_DEFAULT, name));
		CHECK(strstr(dlerror(), name));
		CHECK(!dlopen("no-such-library.so", RTLD_NOW));
		CHECK(strstr(dlerror(), "no-such-library.so"));
		free(malloc(2 * MIB));
	}
	return NULL;
}

static void failed_lookups_in_threads_work(void)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, look_for_what_is_not_there, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static volatile sig_atomic_t signals, wrong;
static char *kept;

static void on_signal(int number)
{
	size_t bytes = signals % 2 ? 3 * MIB : 500;
	char *p = malloc(bytes);

	pattern_write(p, bytes, (uint64_t)signals);
	wrong |= !pattern_holds(p, bytes, (uint64_t)signals);
	free(kept);
	kept = p;
	signals++;
}

static void handlers_may_allocate_while_the_program_does_not(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (signals < 300)
		;
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(!wrong);
	free(kept);
}

int main(void)
{
	served_prove();
	failed_lookups_in_threads_work();
	handlers_may_allocate_while_the_program_does_not();
	return check_result();
}
