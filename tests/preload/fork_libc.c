/* SPDX-License-Identifier: MIT */
/*
 * daemon() and forkpty() fork inside libc, past our hook: with the pool used up the process they
 * make lives on, whatever it and its parent write.
 */
#include <pty.h>
#include <unistd.h>

#include "check.h"
#include "child.h"
#include "pieces.h"

static int report[2];

static bool write_and_check_all(void)
{
	bool right = true;

	for (int i = 0; i < pieces; i++) {
		right &= pattern_holds(piece[i], 4 * MIB, (uint64_t)i);
		pattern_write(piece[i], 4 * MIB, (uint64_t)i + 9000);
		right &= pattern_holds(piece[i], 4 * MIB, (uint64_t)i + 9000);
	}
	return right;
}

/* Its parent, which daemon() lets go, is a child of ours that has the pool's pages. */
static void become_a_daemon(void *arg)
{
	char answer;

	(void)arg;
	CHECK(!daemon(1, 1));
	alarm(CHILD_SECONDS);
	answer = write_and_check_all() ? 'y' : 'n';
	CHECK(write(report[1], &answer, 1) == 1);
}

static void a_daemon_lives(void)
{
	char answer = 0;

	CHECK(!pipe(report));
	CHECK(child_ended_well(child_start(become_a_daemon, NULL)));
	close(report[1]);
	CHECK(read(report[0], &answer, 1) == 1 && answer == 'y');
	close(report[0]);
}

static void a_child_on_a_terminal_lives(void)
{
	int terminal;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	if (!pid) {
		child_begin();
		CHECK(write_and_check_all());
		child_finish();
	}
	CHECK(write_and_check_all());
	CHECK(child_ended_well(pid));
	close(terminal);
}

int main(void)
{
	served_prove();
	use_up_the_pool();
	a_daemon_lives();
	a_child_on_a_terminal_lives();
	return check_result();
}
