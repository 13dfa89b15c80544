/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif

static bool protect(int fd, const struct hold_range *range)
{
	struct uffdio_register enrol = {
		.range = { (uintptr_t)range->addr, range->bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect hold = {
		.range = enrol.range,
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return !ioctl(fd, UFFDIO_REGISTER, &enrol) && !ioctl(fd, UFFDIO_WRITEPROTECT, &hold);
}

static int try_begin(const struct hold_range *range, size_t count)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api))
		goto close_fd;
	for (size_t i = 0; i < count; i++)
		if (!protect(fd, &range[i]))
			goto close_fd;
	return fd;

close_fd:
	sys_close(fd);	/* unregisters what was, and wakes whoever waits */
	return -1;
}

int hold_begin(const struct hold_range *range, size_t count)
{
	int saved = errno, fd = -1;

	if (!__libc_single_threaded && count)
		fd = try_begin(range, count);
	errno = saved;
	return fd;
}

bool hold_sure(int descriptor)
{
	return descriptor >= 0 || __libc_single_threaded;
}

void hold_end(int descriptor)
{
	if (descriptor >= 0)
		sys_close(descriptor);
}
