/* SPDX-License-Identifier: MIT */
/*
 * A program that limits its own address space: what the library has reserved must not count
 * against it, whatever was allocated before.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

#define LIMIT	(4 * GIB)
#define SMALL	((size_t)16 * KIB)

enum { SMALLS = 3000, LARGE = 3 * 1024 * 1024 };

enum way { BY_SETRLIMIT, BY_SETRLIMIT64, BY_PRLIMIT, BY_PRLIMIT64, BY_SYSTEM_CALL, WAYS };

static int set_limit(enum way way, uint64_t bytes)
{
	struct rlimit64 limit64 = { bytes, RLIM64_INFINITY };
	struct rlimit limit = { bytes, RLIM_INFINITY };

	switch (way) {
	case BY_SETRLIMIT:
		return setrlimit(RLIMIT_AS, &limit);
	case BY_SETRLIMIT64:
		return setrlimit64(RLIMIT_AS, &limit64);
	case BY_PRLIMIT:
		return prlimit(getpid(), RLIMIT_AS, &limit, NULL);
	case BY_PRLIMIT64:
		return prlimit64(0, RLIMIT_AS, &limit64, NULL);
	default:
		return (int)syscall(SYS_prlimit64, 0, RLIMIT_AS, &limit, NULL);
	}
}

static void use(char *p, size_t bytes)
{
	if (!CHECK(p))
		return;
	pattern_write(p, bytes, 3);
	CHECK(pattern_holds(p, bytes, 3));
}

static void *allocate_in_thread(void *arg)
{
	char *p = malloc(LARGE);

	use(p, LARGE);
	free(p);
	free(malloc(100));
	return arg;
}

static void every_kind_of_memory_can_be_had(void)
{
	static char *small[SMALLS];
	char *large = malloc(8 * MIB), *area;
	pthread_t thread;

	use(large, 8 * MIB);
	for (int i = 0; i < SMALLS; i++)
		use(small[i] = malloc(SMALL), SMALL);
	area = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && munmap(area, 64 * KIB) == 0);
	area = mmap(NULL, 5 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && munmap(area, 5 * MIB) == 0);
	CHECK(pthread_create(&thread, NULL, allocate_in_thread, NULL) == 0 &&
	      pthread_join(thread, NULL) == 0);
	large = realloc(large, 20 * MIB);
	CHECK(large && pattern_holds(large, 8 * MIB, 3));
	free(large);
	for (int i = 0; i < SMALLS; i++)
		free(small[i]);
}

static void limited_at_once(void *arg)
{
	CHECK(set_limit(*(enum way *)arg, LIMIT) == 0);
	every_kind_of_memory_can_be_had();
	CHECK(served_addresses() < LIMIT && served_stats->foreign_frees == 0);
}

static void limited_with_memory_in_use(void *arg)
{
	char *before[3], *small = malloc(100);

	for (int i = 0; i < 3; i++)
		use(before[i] = malloc(LARGE), LARGE);
	free(before[1]);
	CHECK(set_limit(*(enum way *)arg, LIMIT) == 0);
	every_kind_of_memory_can_be_had();
	CHECK(served_addresses() < LIMIT && served_stats->foreign_frees == 0);
	CHECK(pattern_holds(before[0], LARGE, 3) && pattern_holds(before[2], LARGE, 3));
	free(before[0]);
	free(before[2]);
	free(small);
	every_kind_of_memory_can_be_had();
}

/* Beyond the limit it is NULL and ENOMEM, and most of what the limit allows can be had. */
static void the_limit_holds(void *arg)
{
	size_t had = 0, count = 0;
	char **list = NULL, *p;

	CHECK(set_limit(*(enum way *)arg, GIB) == 0);
	errno = 0;
	while ((p = malloc(LARGE))) {
		*(char ***)p = list;
		list = (char **)p;
		had += LARGE;
		count++;
	}
	CHECK(errno == ENOMEM && had < GIB);
	if (!CHECK(had > GIB / 2))
		fprintf(stderr, "  %zu MiB of 1 GiB\n", had / MIB);
	while (list) {
		p = (char *)list;
		list = *(char ***)p;
		free(p);
	}
	free(malloc(100));
	CHECK(served_stats->foreign_frees == 0);
}

static void a_child_of_vfork_leaves_its_parent_alone(void)
{
	uint64_t addresses = served_addresses();
	int status = 1;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(set_limit(BY_SETRLIMIT, LIMIT) != 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(served_addresses() == addresses);
}

/* What is there already fits, so nothing need go. */
static void a_wide_limit_changes_nothing(void *arg)
{
	uint64_t addresses = served_addresses();

	CHECK(set_limit(*(enum way *)arg, (uint64_t)1 << 50) == 0);
	CHECK(served_addresses() == addresses);
}

int main(void)
{
	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	a_child_of_vfork_leaves_its_parent_alone();
	for (enum way way = 0; way < WAYS; way++) {
		CHECK(child_ended_well(child_start(limited_at_once, &way)));
		CHECK(child_ended_well(child_start(the_limit_holds, &way)));
		if (way == BY_SYSTEM_CALL)
			break;
		CHECK(child_ended_well(child_start(limited_with_memory_in_use, &way)));
		CHECK(child_ended_well(child_start(a_wide_limit_changes_nothing, &way)));
	}
	return check_result();
}
