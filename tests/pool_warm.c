/* SPDX-License-Identifier: MIT */
/*
 * pool_warm MIB: touch MIB of 2 MiB huge pages once, and let them go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (pages == MAP_FAILED) {
		perror("pool_warm: mmap");
		return 1;
	}
	for (size_t at = 0; at < bytes; at += 4096)
		pages[at] = 1;
	return 0;
}
