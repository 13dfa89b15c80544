/* SPDX-License-Identifier: MIT */
/*
 * Preloaded under `contig pool`: a machine that is short of pages. POOL_MOST: no number above it
 * is written to nr_hugepages. POOL_SCATTER: no two page frames are neighbours. Caches are not
 * dropped and memory is not compacted, which is said instead.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_file(int fd, const char *end)
{
	char link[64], path[512];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < (ssize_t)strlen(end))
		return 0;
	path[length] = '\0';
	return !strcmp(path + length - strlen(end), end);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
	const char *most = getenv("POOL_MOST");

	if (is_file(fd, "/vm/drop_caches") || is_file(fd, "/vm/compact_memory")) {
		fprintf(stderr, is_file(fd, "drop_caches") ? "dropped\n" : "compacted\n");
		return (ssize_t)bytes;
	}
	if (most && is_file(fd, "nr_hugepages") &&
	    strtoul(data, NULL, 10) > strtoul(most, NULL, 10)) {
		real(fd, most, strlen(most));
		return (ssize_t)bytes;
	}
	return real(fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t at)
{
	ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
	ssize_t got = real(fd, data, bytes, at);
	uint64_t entry;

	if (getenv("POOL_SCATTER") && got == sizeof(entry) && is_file(fd, "pagemap")) {
		memcpy(&entry, data, sizeof(entry));
		entry += entry & 0xffffffffffffull;
		memcpy(data, &entry, sizeof(entry));
	}
	return got;
}
