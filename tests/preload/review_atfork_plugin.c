/* SPDX-License-Identifier: MIT */
/*
 * Preloaded after the library: its constructor registers fork handlers that allocate before the
 * library's own constructor has run, and before anybody asked for memory; its destructor forks
 * when the library's has run, while other threads allocate.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 200, CHURNED = 64 };

static void allocate(void)
{
	free(malloc(100));
	free(malloc(100000));
	free(malloc(3 << 20));
}

static void *churn(void *arg)
{
	void *p[CHURNED];

	for (;;) {
		for (int i = 0; i < CHURNED; i++)
			p[i] = malloc(100 + (size_t)i * 500);
		for (int i = 0; i < CHURNED; i++)
			free(p[i]);
		free(malloc(2 << 20));
	}
	return arg;
}

static int fork_ends_well(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		alarm(5);
		for (int i = 0; i < 50; i++)
			allocate();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

__attribute__((constructor)) static void begin(void)
{
	pthread_atfork(allocate, allocate, allocate);
}

__attribute__((destructor)) static void end(void)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, churn, NULL))
			_exit(8);
	for (int i = 0; i < FORKS; i++)
		if (!fork_ends_well())
			_exit(9);
}
