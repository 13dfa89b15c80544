/* SPDX-License-Identifier: MIT */
#include "cmd_pool.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t pool_signal_number;

static void pool_signal_note(int number)
{
	pool_signal_number = number;
}

void pool_signal_catch(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction action = { .sa_handler = pool_signal_note, .sa_flags = SA_RESTART };
	struct sigaction old;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	/* A reader that went away must not end us between a change and its undoing. */
	signal(SIGPIPE, SIG_IGN);
}

bool pool_signal_caught(void)
{
	return pool_signal_number != 0;
}

void pool_signal_end(void)
{
	int number = pool_signal_number;

	if (!number)
		return;
	fflush(stdout);
	signal(number, SIG_DFL);
	raise(number);
}

void pool_signal_progress(const char *format, ...)
{
	va_list args;

	if (isatty(STDERR_FILENO) != 1)
		return;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}
