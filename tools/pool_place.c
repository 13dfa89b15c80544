/* SPDX-License-Identifier: MIT */
#include "cmd_pool.h"
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POOL_DROP_CACHES	"/proc/sys/vm/drop_caches"
#define POOL_COMPACT		"/proc/sys/vm/compact_memory"

char *pool_place_format(const struct pool_place *place, const char *name,
			char out[static POOL_PATH_BYTES])
{
	char directory[80] = SYSINFO_HUGEPAGES;

	if (place->node != POOL_ANY_NODE)
		snprintf(directory, sizeof(directory), "/sys/devices/system/node/node%d/hugepages",
			 place->node);
	return sysinfo_format_pages_path(directory, place->page_bytes, name, out);
}

int pool_place_read(const struct pool_place *place, struct sysinfo_pool *out)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool), i = 0;
	uint64_t available;
	int ret;

	while (i < count && pool[i].page_bytes != place->page_bytes)
		i++;
	if (i == count || !pool[i].known)
		return -ENOENT;
	if (place->node == POOL_ANY_NODE) {
		*out = pool[i];
		return 0;
	}
	available = sysinfo_count_available(&pool[i]);
	ret = sysinfo_read_node_pool(place->node, place->page_bytes, out);
	if (!ret && out->free > available)
		out->reserved = out->free - available;
	return ret;
}

int pool_place_write(const char *path, uint64_t value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int pool_place_resize(const struct pool_place *place, uint64_t pages)
{
	char path[POOL_PATH_BYTES];

	return pool_place_write(pool_place_format(place, "nr_hugepages", path), pages);
}

/*
 * nr_hugepages reads as all pages and is written as those that are not surplus; the kernel
 * makes surplus pages the pool's own before it takes new ones. So that the free pages grow by
 * @pages, the number written counts the surplus.
 */
int pool_place_grow(const struct pool_place *place, uint64_t pages, struct pool_growth *out)
{
	struct sysinfo_pool before, after;
	int ret = pool_place_read(place, &before), error;

	if (ret)
		return ret;
	error = pool_place_resize(place, before.total + pages);
	ret = pool_place_read(place, &after);
	if (ret)
		return ret;
	if (after.total > before.total)
		out->pages += after.total - before.total;
	if (after.surplus < before.surplus)
		out->absorbed += before.surplus - after.surplus;
	return error;
}

int pool_place_shrink(const struct pool_place *place, uint64_t pages, uint64_t *gone)
{
	struct sysinfo_pool before, after;
	uint64_t own;
	int ret;

	if (gone)
		*gone = 0;
	if (!pages)
		return 0;
	ret = pool_place_read(place, &before);
	if (ret)
		return ret;
	own = before.total - before.surplus;
	ret = pool_place_resize(place, own > pages ? own - pages : 0);
	if (gone && !pool_place_read(place, &after) && after.total < before.total)
		*gone = before.total - after.total;
	return ret;
}

int pool_place_demote(const struct pool_place *place, uint64_t pages, uint64_t *done)
{
	struct sysinfo_pool before, after;
	char path[POOL_PATH_BYTES];
	int ret = pool_place_read(place, &before), error;

	*done = 0;
	if (ret)
		return ret;
	error = pool_place_write(pool_place_format(place, "demote", path), pages);
	ret = pool_place_read(place, &after);
	if (ret)
		return ret;
	if (after.total < before.total)
		*done = before.total - after.total;
	return error;
}

void pool_place_compact(void)
{
	/* 3: page cache, and the dentries and inodes that keep blocks from being free. */
	pool_place_write(POOL_DROP_CACHES, 3);
	pool_place_write(POOL_COMPACT, 1);
}

void pool_place_print_write(const struct pool_place *place, const char *name, uint64_t value,
			    const char *why)
{
	char path[POOL_PATH_BYTES];

	printf("echo %" PRIu64 " > %s%s%s\n", value, pool_place_format(place, name, path),
	       why[0] ? "   # " : "", why);
}
