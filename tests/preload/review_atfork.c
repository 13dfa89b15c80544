/* SPDX-License-Identifier: MIT */
/*
 * Fork handlers that another library's constructor registered before ours ran may allocate; and a
 * fork from a destructor that runs after ours, while threads allocate, gives a child that does
 * not hang.
 */
#include <sys/wait.h>

#include "check.h"
#include "child.h"
#include "served.h"

static void do_nothing(void *arg)
{
	free(malloc(4 * MIB));
}

int main(int argc, char **argv)
{
	static char path[4096], preload[8400];
	pid_t pid;

	if (argc > 1) {
		served_find();
		CHECK(child_ended_well(child_start(do_nothing, NULL)));
		return check_result();
	}
	served_prove();
	if (readlink("/proc/self/exe", path, sizeof(path) - 64) < 0)
		return 1;
	snprintf(preload, sizeof(preload), "%s:%s_plugin.so", getenv("LD_PRELOAD"), path);
	pid = fork();
	if (!pid) {
		alarm(40);
		setenv("LD_PRELOAD", preload, 1);
		execl(path, path, "with the plugin", NULL);
		_exit(127);
	}
	CHECK(child_ended_well(pid));
	return check_result();
}
