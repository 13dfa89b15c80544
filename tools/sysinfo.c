/* SPDX-License-Identifier: MIT */
#include "sysinfo.h"
#include "physmap.h"
#include "policy.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSINFO_NODE_DIR "/sys/devices/system/node"

int sysinfo_read(const char *path, char *out, size_t out_bytes)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = 1;
	int ret = 0;

	out[0] = '\0';
	if (fd < 0)
		return -errno;
	while (used < out_bytes - 1 && got > 0) {
		got = read(fd, out + used, out_bytes - 1 - used);
		if (got < 0)
			ret = -errno;
		else
			used += (size_t)got;
	}
	close(fd);
	if (ret)
		used = 0;
	while (used && isspace((unsigned char)out[used - 1]))
		used--;
	out[used] = '\0';
	return ret;
}

int sysinfo_read_number(const char *path, uint64_t *out)
{
	char text[32], *end;
	int ret = sysinfo_read(path, text, sizeof(text));
	uint64_t value;

	if (ret)
		return ret;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || *end || errno)
		return -EINVAL;
	*out = value;
	return 0;
}

void sysinfo_read_choice(const char *path, char out[static SYSINFO_WORD_BYTES])
{
	char text[256], *open, *close;

	out[0] = '\0';
	if (sysinfo_read(path, text, sizeof(text)))
		return;
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return;
	*close = '\0';
	snprintf(out, SYSINFO_WORD_BYTES, "%.*s", SYSINFO_WORD_BYTES - 1, open + 1);
}

int sysinfo_read_kib(const char *key, uint64_t *out)
{
	char text[8192];
	size_t length = strlen(key);
	int ret = sysinfo_read("/proc/meminfo", text, sizeof(text));

	if (ret)
		return ret;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ':') {
			*out = strtoull(line + length + 1, NULL, 10) * KIB;
			return 0;
		}
	}
	return -ENOENT;
}

static int sysinfo_compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

unsigned int sysinfo_list_nodes(int out[static SYSINFO_NODES])
{
	DIR *dir = opendir(SYSINFO_NODE_DIR);
	unsigned int count = 0;
	struct dirent *entry;
	char rest;
	int node;

	if (!dir)
		return 0;
	while (count < SYSINFO_NODES && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%d%c", &node, &rest) == 1)
			out[count++] = node;
	closedir(dir);
	qsort(out, count, sizeof(out[0]), sysinfo_compare_ints);
	return count;
}

char *sysinfo_format_pages_path(const char *directory, uint64_t page_bytes, const char *name,
				char out[static 160])
{
	snprintf(out, 160, "%s/hugepages-%" PRIu64 "kB/%s", directory, page_bytes / KIB, name);
	return out;
}

static int sysinfo_read_pool_number(const char *directory, uint64_t page_bytes, const char *name,
				    uint64_t *out)
{
	char path[160];

	return sysinfo_read_number(sysinfo_format_pages_path(directory, page_bytes, name, path),
				   out);
}

static bool sysinfo_read_pool(const char *directory, struct sysinfo_pool *pool)
{
	return !sysinfo_read_pool_number(directory, pool->page_bytes, "nr_hugepages",
					 &pool->total) &&
	       !sysinfo_read_pool_number(directory, pool->page_bytes, "free_hugepages",
					 &pool->free) &&
	       !sysinfo_read_pool_number(directory, pool->page_bytes, "surplus_hugepages",
					 &pool->surplus);
}

static int sysinfo_compare_longs_down(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x < y) - (x > y);
}

unsigned int sysinfo_list_pools(struct sysinfo_pool out[static SYSINFO_SIZES])
{
	long sizes[SYSINFO_SIZES];
	int count = gethugepagesizes(sizes, SYSINFO_SIZES);

	if (count <= 0)
		return 0;
	qsort(sizes, (size_t)count, sizeof(sizes[0]), sysinfo_compare_longs_down);
	for (int i = 0; i < count; i++) {
		struct sysinfo_pool *pool = &out[i];

		*pool = (struct sysinfo_pool){ .page_bytes = (uint64_t)sizes[i] };
		pool->known = sysinfo_read_pool(SYSINFO_HUGEPAGES, pool) &&
			      !sysinfo_read_pool_number(SYSINFO_HUGEPAGES, pool->page_bytes,
							"resv_hugepages", &pool->reserved);
		/* Giant pages have no overcommit before they can be allocated at run time. */
		sysinfo_read_pool_number(SYSINFO_HUGEPAGES, pool->page_bytes,
					 "nr_overcommit_hugepages", &pool->overcommit);
	}
	return (unsigned int)count;
}

int sysinfo_read_node_pool(int node, uint64_t page_bytes, struct sysinfo_pool *out)
{
	struct sysinfo_pool pool = { .page_bytes = page_bytes, .known = true };
	char directory[80];

	snprintf(directory, sizeof(directory), SYSINFO_NODE_DIR "/node%d/hugepages", node);
	if (!sysinfo_read_pool(directory, &pool))
		return -ENOENT;
	*out = pool;
	return 0;
}

static int sysinfo_compare_thp_sizes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void sysinfo_read_thp(struct sysinfo_thp *out)
{
	struct dirent *entry;
	char path[160];
	DIR *dir;

	memset(out, 0, sizeof(*out));
	sysinfo_read_choice(SYSINFO_THP "/enabled", out->enabled);
	sysinfo_read_choice(SYSINFO_THP "/defrag", out->defrag);
	sysinfo_read_number(SYSINFO_THP "/hpage_pmd_size", &out->pmd_bytes);
	dir = opendir(SYSINFO_THP);
	if (!dir)
		return;
	while (out->count < SYSINFO_SIZES && (entry = readdir(dir))) {
		uint64_t kib;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1)
			continue;
		/* The smallest size is there for shared memory only and has no such switch. */
		sysinfo_format_pages_path(SYSINFO_THP, kib * KIB, "enabled", path);
		if (!access(path, F_OK))
			out->size[out->count++].page_bytes = kib * KIB;
	}
	closedir(dir);
	qsort(out->size, out->count, sizeof(out->size[0]), sysinfo_compare_thp_sizes);
	for (unsigned int i = 0; i < out->count; i++) {
		sysinfo_format_pages_path(SYSINFO_THP, out->size[i].page_bytes, "enabled", path);
		sysinfo_read_choice(path, out->size[i].enabled);
	}
}

bool sysinfo_is_advised_served(const struct sysinfo_thp *thp, uint64_t page_bytes)
{
	const char *word = thp->enabled;

	if (!page_bytes)
		page_bytes = thp->pmd_bytes;
	for (unsigned int i = 0; i < thp->count; i++)
		if (thp->size[i].page_bytes == page_bytes &&
		    strcmp(thp->size[i].enabled, "inherit"))
			word = thp->size[i].enabled;
	return !strcmp(word, "always") || !strcmp(word, "madvise");
}

int sysinfo_check_pfns(void)
{
	struct physmap_figures figures;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	/* The stack page that holds @figures is in memory, or will be by the call. */
	memset(&figures, 0, sizeof(figures));
	ret = physmap_measure(fd, (uint64_t)(uintptr_t)&figures, 1, PHYSMAP_SIZES_MLX5, &figures);
	close(fd);
	return ret;
}
