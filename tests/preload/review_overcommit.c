/* SPDX-License-Identifier: MIT */
/*
 * A request beyond all memory and swap of the machine is NULL with ENOMEM, as libc's malloc
 * answers, so that the program can do with less: not a pointer whose use ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysinfo.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

static bool overcommits_always(void)
{
	char c = '0';
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, &c, 1);

	if (fd >= 0)
		close(fd);
	return got == 1 && c == '1';
}

static void refused(void *p)
{
	CHECK(!p && errno == ENOMEM);
	errno = 0;
}

int main(void)
{
	struct sysinfo info;
	size_t beyond;
	char *p;

	served_prove();
	if (overcommits_always()) {
		printf("vm.overcommit_memory is 1: the kernel refuses nothing\n");
		return CHECK_SKIP;
	}
	sysinfo(&info);
	beyond = 4 * ((size_t)info.totalram + info.totalswap) * info.mem_unit + GIB;
	errno = 0;
	refused(served_hide(malloc(beyond)));
	refused(served_hide(calloc(1, beyond)));
	refused(served_hide(aligned_alloc(4096, beyond)));
	p = malloc(3 * MIB);
	pattern_write(p, 3 * MIB, 1);
	refused(served_hide(realloc(p, beyond)));
	CHECK(pattern_holds(p, 3 * MIB, 1));
	free(p);
	p = served_hide(malloc(20000));
	refused(served_hide(realloc(p, beyond)));
	free(p);
	CHECK(served_hide(p = malloc(GIB + 5 * MIB)) != NULL);
	p[GIB] = 1;
	free(p);
	return check_result();
}
