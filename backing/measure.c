/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>

#include "sys.h"

int measure_self(const void *addr, size_t bytes, struct physmap_figures *out)
{
	int saved = errno, ret;
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);

	if (fd < 0)
		return fd;
	ret = physmap_measure(fd, (uintptr_t)addr, bytes, PHYSMAP_SIZES_MLX5, out);
	sys_close(fd);
	errno = saved;
	return ret;
}

int measure_frames(const void *addr, size_t step, size_t count, uint64_t *out)
{
	int saved = errno, ret = 0;
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < count && !ret; i++)
		ret = physmap_read_frame(fd, (uintptr_t)addr + i * step, &out[i]);
	sys_close(fd);
	errno = saved;
	return ret;
}
