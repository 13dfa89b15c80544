/* SPDX-License-Identifier: MIT */
/*
 * Grandchildren whose own parent is gone share the memory of the grandparent all the same. When
 * all of them write at last, none is killed because the pool was promised to too many.
 */
#include <errno.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

enum { ORPHANS = 24, SIZE = 32 * 1024 * 1024 };

static char *shared;
static int go[2], done[2], end[2];

static void be_an_orphan(void)
{
	char c;

	close(done[0]);
	close(go[1]);
	close(end[1]);
	if (read(go[0], &c, 1) != 1)
		_exit(1);
	CHECK(pattern_holds(shared, SIZE, 1));
	pattern_write(shared, SIZE, 2);
	CHECK(pattern_holds(shared, SIZE, 2));
	CHECK(write(done[1], "x", 1) == 1);
	CHECK(read(end[0], &c, 1) == 0);	/* when all have written */
	child_finish();
}

/* As a daemon is made. Where there is no memory for one more, fork() says so: that is right. */
static void orphan_start(void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		child_begin();
		be_an_orphan();
	}
	_exit(pid > 0 ? 0 : errno == ENOMEM ? 2 : 1);
}

int main(void)
{
	int started = 0, ended = 0;
	char c;

	served_prove();
	alarm(60);	/* one that was killed never reports */
	shared = malloc(SIZE);
	pattern_write(shared, SIZE, 1);
	if (pipe(go) || pipe(done) || pipe(end))
		return 1;
	for (int i = 0; i < ORPHANS; i++) {
		int status = 1;
		pid_t pid = child_start(orphan_start, NULL);

		if (pid < 0 && errno == ENOMEM)
			continue;
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		started += status == 0;
	}
	close(done[1]);
	CHECK(started > 0);
	for (int i = 0; i < started; i++)
		CHECK(write(go[1], "x", 1) == 1);
	while (ended < started && read(done[0], &c, 1) == 1)
		ended++;
	CHECK(ended == started);
	CHECK(pattern_holds(shared, SIZE, 1));
	free(shared);
	return check_result();
}
