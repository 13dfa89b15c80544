/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include <errno.h>
#include <fcntl.h>

#include "pagemap.h"
#include "sys.h"

static int read_one(int fd, uintptr_t at, uint64_t *pfn)
{
	uint64_t entry;
	ssize_t got = sys_pread(fd, &entry, sizeof(entry),
				at / PAGEMAP_UNIT_BYTES * sizeof(entry));

	if (got != (ssize_t)sizeof(entry))
		return got < 0 ? (int)got : -ENODATA;
	if (!(entry & PAGEMAP_PRESENT))
		return -ENODATA;
	if (!(entry & PAGEMAP_PFN))
		return -EPERM;
	*pfn = entry & PAGEMAP_PFN;
	return 0;
}

int frames_sample(const void *addr, size_t step, size_t count, uint64_t *pfns)
{
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0), ret = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < count && !ret; i++)
		ret = read_one(fd, (uintptr_t)addr + i * step, &pfns[i]);
	sys_close(fd);
	return ret;
}

int frames_read(const void *addr, size_t count, uint64_t page_bytes, uint64_t *frames)
{
	int ret = frames_sample(addr, page_bytes, count, frames);

	for (size_t i = 0; i < count && !ret; i++)
		frames[i] = frames[i] * PAGEMAP_UNIT_BYTES / page_bytes;
	return ret;
}
