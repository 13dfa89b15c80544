/* SPDX-License-Identifier: MIT */
/*
 * vfork, posix_spawn, system and popen copy nothing: they work with the pool used up, make no
 * snapshot and are no forks of ours. _Fork is one.
 */
#include <spawn.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

static char *kept[256];

static void use_up_the_pool(void)
{
	const struct contig_pool_stats *pool = served_pool("hugetlb-2M");

	for (int i = 0; i < 256; i++) {
		if (served_by("hugetlb") && pool->fell_through[CONTIG_REASON_POOL])
			break;
		kept[i] = malloc(2 * MIB);
		pattern_write(kept[i], 2 * MIB, (uint64_t)i);
	}
}

static bool vfork_runs_true(void)
{
	static char *const argv[] = { "true", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execv("/bin/true", argv);
		_exit(127);
	}
	return child_ended_well(pid);
}

static bool posix_spawn_runs_true(void)
{
	static char *const argv[] = { "true", NULL };
	pid_t pid;

	return !posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) && child_ended_well(pid);
}

static bool popen_reads(void)
{
	char line[64] = "";
	FILE *stream = popen("echo word", "r");

	return stream && fgets(line, sizeof(line), stream) && !pclose(stream) &&
	       !strcmp(line, "word\n");
}

static void the_plain_fork_is_ours(void)
{
	uint64_t forks = served_stats->forks;
	pid_t pid = _Fork();

	if (!pid) {
		child_begin();
		CHECK(pattern_holds(kept[0], 2 * MIB, 0));
		pattern_write(kept[0], 2 * MIB, 44);
		CHECK(pattern_holds(kept[0], 2 * MIB, 44));
		free(malloc(4 * MIB));
		free(malloc(40));
		child_finish();
	}
	CHECK(child_ended_well(pid));
	CHECK(pattern_holds(kept[0], 2 * MIB, 0));
	if (served_by("hugetlb"))
		CHECK(served_stats->forks == forks + 1);
}

int main(void)
{
	uint64_t forks;

	served_prove();
	use_up_the_pool();
	forks = served_stats->forks;
	for (int i = 0; i < 5; i++) {
		CHECK(vfork_runs_true());
		CHECK(posix_spawn_runs_true());
		CHECK(system("exit 0") == 0);
		CHECK(popen_reads());
	}
	CHECK(served_stats->forks == forks && !served_stats->fork_snapshots);
	the_plain_fork_is_ours();
	for (int i = 0; i < 256 && kept[i]; i++)
		CHECK(pattern_holds(kept[i], 2 * MIB, (uint64_t)i));
	return check_result();
}
