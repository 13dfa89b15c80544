/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "policy.h"
#include "sys.h"

static bool known;
static struct stat start;

void log_init(void)
{
	int saved = errno;

	known = fstat(2, &start) == 0;
	errno = saved;
}

static bool same_descriptor(void)
{
	struct stat now;
	int saved = errno;
	bool same;

	same = known && fstat(2, &now) == 0 && now.st_dev == start.st_dev &&
	       now.st_ino == start.st_ino;
	errno = saved;
	return same;
}

/*
 * Standard error may be a pipe that nobody reads any more. The program, which may never have
 * written a byte to it, must not be killed for what we have to say: the signal is taken back.
 */
static void write_without_signal(const char *text, size_t bytes)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe_only, old, pending;
	bool ours;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	sigemptyset(&pending);
	sigpending(&pending);
	ours = !sigismember(&pending, SIGPIPE);
	if (sys_write(2, text, bytes) == -EPIPE && ours)
		while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void log_write(const char *text, size_t bytes)
{
	int saved = errno;

	if (same_descriptor())
		write_without_signal(text, bytes);
	errno = saved;
}

void log_begin(struct log_line *line)
{
	line->length = 0;
	log_text(line, "contig: ");
}

void log_text(struct log_line *line, const char *text)
{
	size_t room = sizeof(line->text) - 1 - line->length;
	size_t bytes = strnlen(text, room);

	memcpy(line->text + line->length, text, bytes);
	line->length += bytes;
}

static void log_number(struct log_line *line, uint64_t value, unsigned int base)
{
	char digits[24];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	log_text(line, digits + at);
}

void log_count(struct log_line *line, uint64_t value)
{
	log_number(line, value, 10);
}

void log_bytes(struct log_line *line, uint64_t bytes)
{
	char text[24];

	log_text(line, policy_format_size(bytes, text));
}

void log_pointer(struct log_line *line, const void *p)
{
	log_text(line, "0x");
	log_number(line, (uintptr_t)p, 16);
}

void log_end(struct log_line *line)
{
	line->text[line->length++] = '\n';
	log_write(line->text, line->length);
}

void log_say(const char *text, const char *more)
{
	struct log_line line;

	log_begin(&line);
	log_text(&line, text);
	log_text(&line, more);
	log_end(&line);
}
