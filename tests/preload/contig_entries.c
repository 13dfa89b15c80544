/* SPDX-License-Identifier: MIT */
/* contig_entries() agrees with what the pagemap says to this program itself, and says why not. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "served.h"

#pragma weak contig_entries

enum { PAGE = 4096 };

/* Physical addresses of @count pages from @va on. Return: false: hidden or absent. */
static bool read_frames(uintptr_t va, uint64_t *pa, size_t count)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	bool known = pread(fd, pa, count * 8, (off_t)(va / PAGE * 8)) == (ssize_t)(count * 8);

	close(fd);
	for (size_t i = 0; i < count; i++) {
		pa[i] = pa[i] << 9 >> 9;
		known = known && pa[i];
		pa[i] *= PAGE;
	}
	return known;
}

/* Every page of @size in the range is one physical page of that size, as far as it is in it. */
static bool fits(uintptr_t va, size_t bytes, const uint64_t *pa, uint64_t size)
{
	uint64_t block = UINT64_MAX, where = 0;

	for (uint64_t at = va / PAGE * PAGE, i = 0; at < va + bytes; at += PAGE, i++) {
		if (at / size != block) {
			block = at / size;
			where = pa[i] / size;
		}
		if (pa[i] != where * size + at % size)
			return false;
	}
	return true;
}

static void check_range(char *p, size_t bytes)
{
	uintptr_t va = (uintptr_t)p;
	size_t count = (va + bytes - 1) / PAGE - va / PAGE + 1, extents = 0, run = 0, most = 0;
	uint64_t *pa = calloc(count, sizeof(*pa)), size = PAGE;
	struct contig_figures got = { .struct_bytes = sizeof(got) };
	int ret = contig_entries(p, bytes, &got);

	if (!read_frames(va, pa, count)) {
		CHECK(ret == -EPERM);
		free(pa);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!i || pa[i] != pa[i - 1] + PAGE) {
			extents++;
			run = 0;
		}
		run++;
		most = run > most ? run : most;
	}
	while (size < 2 * GIB && va / size != (va + bytes - 1) / size)
		size *= 2;
	while (!fits(va, bytes, pa, size))
		size /= 2;
	CHECK(ret == 0 && got.struct_bytes == sizeof(got));
	CHECK(got.extents == extents && got.largest_bytes == most * PAGE);
	CHECK(got.page_bytes == size);
	CHECK(got.entries == (va + bytes - 1) / size - va / size + 1);
	free(pa);
}

static void it_agrees_with_the_pagemap(void)
{
	static const size_t sizes[] = { 1, PAGE, 100 * KIB, 2 * MIB, 5 * MIB + 17, 64 * MIB };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = malloc(sizes[i]);

		memset(p, 1, sizes[i]);
		check_range(p, sizes[i]);
		if (sizes[i] > MIB)
			check_range(p + 12345, sizes[i] - 54321);
		free(p);
	}
}

static void failures_have_their_names(void)
{
	struct contig_figures got = { .struct_bytes = sizeof(got), .extents = 77 };
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool hidden;

	*p = 1;
	hidden = contig_entries(p, PAGE, &got) == -EPERM;
	got.extents = 77;
	errno = 4711;
	munmap(p + PAGE, PAGE);
	CHECK(contig_entries(p + PAGE, PAGE, &got) == -ENODATA);
	CHECK(contig_entries(p + 2 * PAGE, PAGE, &got) == -ENODATA);	/* never touched */
	CHECK(contig_entries(p, 2 * PAGE, &got) == (hidden ? -EPERM : -ENODATA));
	CHECK(contig_entries(p, 0, &got) == -EINVAL);
	CHECK(contig_entries(p, SIZE_MAX, &got) == -EINVAL);
	CHECK(contig_entries(p, PAGE, NULL) == -EINVAL);
	got.struct_bytes = 8;
	CHECK(contig_entries(p, PAGE, &got) == -EINVAL);
	CHECK(got.extents == 77 && got.struct_bytes == 8 && errno == 4711);
	munmap(p, 3 * PAGE);
}

/* A program compiled with a longer structure: what the library does not know stays as it was. */
static void a_longer_structure_is_filled_as_far_as_known(void)
{
	struct {
		struct contig_figures known;
		uint64_t later;
	} got = { .known.struct_bytes = sizeof(got), .later = 77 };
	char *p = calloc(1, 1);

	if (contig_entries(p, 1, &got.known) == -EPERM)
		return;
	*p = 1;
	CHECK(contig_entries(p, 1, &got.known) == 0);
	CHECK(got.known.struct_bytes == sizeof(got.known) && got.later == 77);
	CHECK(got.known.extents == 1 && got.known.entries == 1 && got.known.page_bytes == PAGE);
	free(p);
}

/* In a child, without the capability to see page frame numbers. */
static void without_cap_sys_admin_it_is_eperm(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct contig_figures got = { .struct_bytes = sizeof(got) };
	char *p = malloc(4 * MIB);
	int status = -1;
	pid_t child;

	memset(p, 1, 4 * MIB);
	child = fork();
	if (!child) {
		if (syscall(SYS_capset, &head, none))
			_exit(2);
		*p = 2;
		_exit(contig_entries(p, PAGE, &got) != -EPERM);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	free(p);
}

int main(void)
{
	served_prove();
	if (!CHECK(contig_entries != NULL))
		return check_result();
	it_agrees_with_the_pagemap();
	failures_have_their_names();
	a_longer_structure_is_filled_as_far_as_known();
	without_cap_sys_admin_it_is_eperm();
	return check_result();
}
