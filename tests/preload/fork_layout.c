/* SPDX-License-Identifier: MIT */
/*
 * The report says what a fork did to the parent's layout: where a child lives while the parent
 * writes; not where the child is gone before, and not where a snapshot was taken. Without a report
 * nothing is looked at. Each case is this program anew, with a report in a file.
 */
#include <fcntl.h>
#include <spawn.h>

#include "check.h"
#include "child.h"
#include "served.h"

#define BYTES (16 * MIB)

static char report[] = "/tmp/fork_layout.XXXXXX";

/* The pool that has our memory. */
static const struct contig_pool_stats *pool_in_use(void)
{
	for (uint32_t i = 0; i < served_stats->pool_count; i++)
		if (served_stats->pool[i].live_bytes >= BYTES)
			return &served_stats->pool[i];
	return &served_stats->pool[0];
}

/* Lives until the parent closes its end; begins from nothing. */
static pid_t child_that_stays(int go[2])
{
	pid_t pid = fork();
	char c;

	if (pid)
		return pid;
	child_begin();
	close(go[1]);
	CHECK(!pool_in_use()->fork_shares && !pool_in_use()->fork_bytes);
	CHECK(pool_in_use()->largest_bytes >= BYTES);
	CHECK(read(go[0], &c, 1) == 0);
	child_finish();
}

static pid_t child_that_goes(void)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	return pid;
}

/* What the program does that is looked at. @how: "stays", "goes", "freed" */
static int one_case(const char *how, bool reported)
{
	bool stays = strcmp(how, "goes") != 0;
	char *p = served_hide(malloc(BYTES));
	int go[2] = { -1, -1 };
	pid_t pid;

	served_find();
	memset(p, 1, BYTES);
	CHECK(pool_in_use()->largest_address == (uintptr_t)p);
	CHECK(pipe2(go, O_CLOEXEC) == 0);
	pid = stays ? child_that_stays(go) : child_that_goes();
	if (!stays)
		CHECK(child_ended_well(pid));
	memset(p, 2, BYTES);
	CHECK(served_stats->forks == 1);
	CHECK(pool_in_use()->fork_bytes == (reported && pool_in_use()->fork_shares ? BYTES : 0));
	if (!strcmp(how, "freed"))
		free(p);
	close(go[1]);
	if (stays)
		CHECK(child_ended_well(pid));
	return check_result();
}

/* Runs a case; its report is in the file then. */
static void run_case(const char *how, const char *stats)
{
	char path[4096] = "", *argv[] = { path, (char *)how, NULL };
	pid_t pid;

	CHECK(truncate(report, 0) == 0);
	CHECK(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	setenv("CONTIG_STATS", stats, 1);
	CHECK(posix_spawn(&pid, path, NULL, NULL, argv, environ) == 0);
	unsetenv("CONTIG_STATS");
	CHECK(child_ended_well(pid));
}

/* The line in the report, or NULL. */
static const char *line_of_fork(void)
{
	static char line[512];
	FILE *in = fopen(report, "r");
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		found = strstr(line, " after 1 fork: ") != NULL;
	if (in)
		fclose(in);
	return found ? line : NULL;
}

/* All of it on other pages; huge pages stay huge, transparent ones are split. */
static void says_what_happened(const char *line)
{
	bool huge = served_by("hugetlb");
	uint64_t entries[2] = { 0 }, extents[2] = { 0 };

	if (!CHECK(line != NULL))
		return;
	CHECK(sscanf(line, " after 1 fork: 16M of 16M moved, entries %lu -> %lu, extents %lu -> %lu",
		     &entries[0], &entries[1], &extents[0], &extents[1]) == 4);
	CHECK(entries[0] && extents[0] && extents[1]);
	if (huge)
		CHECK(entries[1] <= BYTES / (2 * MIB) && strstr(line, "; fork = snapshot"));
	else
		CHECK(strstr(line, "; hugetlb with fork = snapshot"));
	if (served_by("thp"))
		CHECK(entries[1] > 16 * entries[0] && extents[1] > 16 * extents[0]);
}

static bool sees_frames(void)
{
	uint64_t entry = 0, at = (uintptr_t)&entry / 4096 * sizeof(entry);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	bool seen = fd >= 0 && pread(fd, &entry, sizeof(entry), (off_t)at) == sizeof(entry) &&
		    entry << 9;

	if (fd >= 0)
		close(fd);
	return seen;
}

int main(int argc, char **argv)
{
	char text[64];
	int fd;

	if (argc > 1)
		return one_case(argv[1], getenv("CONTIG_STATS") && *getenv("CONTIG_STATS"));
	served_prove();
	if (!sees_frames()) {
		puts("page frame numbers are hidden from this user");
		return CHECK_SKIP;
	}
	fd = mkstemp(report);
	CHECK(fd >= 0);
	snprintf(text, sizeof(text), "text:%s", report);
	run_case("stays", text);
	says_what_happened(line_of_fork());
	run_case("freed", text);
	says_what_happened(line_of_fork());
	run_case("goes", text);
	CHECK(!line_of_fork());
	run_case("stays", "");
	if (served_by("hugetlb")) {
		setenv("CONTIG_FORK", "snapshot", 1);
		run_case("stays", text);
		CHECK(!line_of_fork());
	}
	close(fd);
	unlink(report);
	return check_result();
}
