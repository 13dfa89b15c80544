/* SPDX-License-Identifier: MIT */
/*
 * A program that forbids itself to open files, and one that has no descriptor left: neither may
 * die of a large request, and the second gets its pools as soon as there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"
#include "child.h"
#include "pattern.h"
#include "served.h"

#define KILLS(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static bool forbid_files(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILLS(openat), KILLS(faccessat), KILLS(pread64),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static void a_sandboxed_program_gets_memory(void *arg)
{
	char *p, *area;

	CHECK(served_stats->pool_count == 0);
	if (!forbid_files()) {
		fprintf(stderr, "no seccomp here\n");
		return;
	}
	CHECK(served_stats->pool_count > 0);
	p = malloc(4 * MIB);
	CHECK(p && served_allocations() == 1);
	pattern_write(p, 4 * MIB, 1);
	p = realloc(p, 40 * MIB);
	CHECK(p && pattern_holds(p, 4 * MIB, 1));
	free(p);
	area = mmap(NULL, 3 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && (uintptr_t)area % (2 * MIB) == 0);
}

static void no_descriptor_is_no_missing_pool(void *arg)
{
	int fd, first = -1;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		first = first < 0 ? fd : first;
	free(served_hide(malloc(4 * MIB)));
	CHECK(served_stats->pool_count == 0);
	close(first);
	free(served_hide(malloc(4 * MIB)));
	CHECK(served_stats->pool_count > 0 && served_allocations() == 1);
}

int main(void)
{
	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	CHECK(child_ended_well(child_start(a_sandboxed_program_gets_memory, NULL)));
	CHECK(child_ended_well(child_start(no_descriptor_is_no_missing_pool, NULL)));
	return check_result();
}
