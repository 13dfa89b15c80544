/* SPDX-License-Identifier: MIT */
/*
 * Standard error is a pipe that nobody reads any more. A program that writes nothing to it must
 * not be killed by SIGPIPE for the lines of the library; one that asks for SIGPIPE still gets it.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "served.h"

/* Runs this program anew with a broken standard error. Return: how it ended. */
static int run_broken(const char *mode)
{
	static char path[4096];
	int ends[2], status = -1;
	pid_t pid;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0 || pipe(ends))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		setenv("CONTIG_STATS", "text", 1);
		setenv("CONTIG_NO_SUCH_SETTING", "1", 1);
		execl(path, path, mode, (char *)NULL);
		_exit(99);
	}
	close(ends[0]);
	close(ends[1]);
	waitpid(pid, &status, 0);
	return status;
}

static int be_broken(const char *mode)
{
	sigset_t pending;

	free(served_hide(malloc(4 * MIB)));
	free((void *)(uintptr_t)4096);		/* one more line, at run time */
	if (!strcmp(mode, "quiet")) {
		sigpending(&pending);
		return sigismember(&pending, SIGPIPE) ? 3 : 7;
	}
	return write(2, "x", 1) == 1 ? 4 : 5;
}

int main(int argc, char **argv)
{
	int status;

	if (argc > 1)
		return be_broken(argv[1]);
	served_prove();
	status = run_broken("quiet");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	status = run_broken("writes");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	return check_result();
}
