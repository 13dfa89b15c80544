/* SPDX-License-Identifier: MIT */
/*
 * Memory before the library's own constructor and after its destructor, in atexit handlers, and
 * the same in a program that the library leaves alone.
 */
#include <sys/wait.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

char *early_late_handed_over(void);

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

static char *from_main;

static void at_exit(void)
{
	char *p = malloc(7 * MIB);

	pattern_write(p, 7 * MIB, 5);
	say(pattern_holds(p, 7 * MIB, 5) && pattern_holds(from_main, 3 * MIB, 4) ?
	    "atexit " : "atexit-failed ");
	free(from_main);
	from_main = realloc(p, 9 * MIB);
}

static int be_the_program(void)
{
	char *(*hand_over)(void) = (char *(*)(void))dlsym(RTLD_DEFAULT, "early_late_handed_over");
	char *p = hand_over ? hand_over() : NULL;

	served_find();
	atexit(at_exit);
	from_main = malloc(3 * MIB);
	pattern_write(from_main, 3 * MIB, 4);
	free(realloc(p, 2 * MIB));
	say(p ? "main " : "main-failed ");
	return 0;
}

static void run_and_compare(const char *disabled)
{
	char said[256] = "", path[4096] = "", preload[8400];
	int ends[2], status = 0;
	pid_t pid;

	if (readlink("/proc/self/exe", path, sizeof(path) - 64) < 0 || pipe(ends))
		exit(1);
	snprintf(preload, sizeof(preload), "%s:%s_plugin.so", getenv("LD_PRELOAD"), path);
	pid = fork();
	if (!pid) {
		dup2(ends[1], 1);
		setenv("LD_PRELOAD", preload, 1);
		if (disabled)
			setenv("CONTIG_DISABLE", disabled, 1);
		execl(path, path, "program", NULL);
		_exit(127);
	}
	close(ends[1]);
	for (size_t length = 0; length < sizeof(said) - 1;) {
		ssize_t got = read(ends[0], said + length, sizeof(said) - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	if (!CHECK(!strcmp(said, "constructor main atexit destructor")))
		fprintf(stderr, "said: %s, status %#x\n", said, (unsigned int)status);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return be_the_program();
	served_prove();
	run_and_compare(NULL);
	run_and_compare("1");
	return check_result();
}
