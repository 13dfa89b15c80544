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
