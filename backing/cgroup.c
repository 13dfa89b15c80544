/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "pool.h"
#include "sys.h"

#define PATH_ROOM 1024

/* "2MB", "1GB", "64KB": the kernel's spelling in the names of the limit files. */
static void size_name(uint64_t bytes, char out[static 24])
{
	policy_format_size(bytes, out);
	strcat(out, "B");
}

/* The limit of one group and one size, "max" or a number as large as an address is none. */
static bool limit_here(const char *dir, uint64_t page_bytes, const char *tail)
{
	char path[PATH_ROOM + 64], text[32], name[32];

	size_name(page_bytes, name);
	strcpy(path, dir);
	strcat(path, "/hugetlb.");
	strcat(path, name);
	strcat(path, tail);
	if (sys_read_file(path, text, sizeof(text)) <= 0 || !strncmp(text, "max", 3))
		return false;
	return strtoull(text, NULL, 10) < (1ull << 62);
}

/* The group and every one above it. */
static bool limit_upwards(const char *root, const char *group, const char *tail)
{
	char dir[PATH_ROOM];
	size_t root_length = strlen(root);

	if (root_length + strlen(group) >= sizeof(dir))
		return true;	/* cannot be looked at: be cautious */
	strcpy(dir, root);
	strcat(dir, group);
	for (;;) {
		for (unsigned int i = 0; i < pool_count(); i++)
			if (pool_at(i)->backing == BACKING_HUGETLB &&
			    limit_here(dir, pool_at(i)->page_bytes, tail))
				return true;
		if (strlen(dir) <= root_length || !strrchr(dir, '/'))
			return false;
		*strrchr(dir, '/') = '\0';
	}
}

static uint64_t read_number(const char *dir, const char *name)
{
	char path[PATH_ROOM + 64], text[32];

	strcpy(path, dir);
	strcat(path, name);
	if (sys_read_file(path, text, sizeof(text)) <= 0 || !strncmp(text, "max", 3))
		return UINT64_MAX;
	return strtoull(text, NULL, 10);
}

/* The least that the group and those above it leave. */
static uint64_t left_upwards(const char *root, const char *group, const char *limit_name,
			     const char *usage_name)
{
	uint64_t least = UINT64_MAX, limit, usage;
	char dir[PATH_ROOM];

	if (strlen(root) + strlen(group) >= sizeof(dir))
		return UINT64_MAX;
	strcpy(dir, root);
	strcat(dir, group);
	for (;;) {
		limit = read_number(dir, limit_name);
		usage = read_number(dir, usage_name);
		if (limit < 1ull << 62 && usage != UINT64_MAX) {
			limit = limit > usage ? limit - usage : 0;
			least = limit < least ? limit : least;
		}
		if (strlen(dir) <= strlen(root) || !strrchr(dir, '/'))
			return least;
		*strrchr(dir, '/') = '\0';
	}
}

/* What one line of /proc/self/cgroup, "ID:CONTROLLERS:PATH", says; in v2 CONTROLLERS is empty. */
struct groups {
	bool hugetlb_limited;
	uint64_t memory_left;
};

static void read_line(char *line, struct groups *groups)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	uint64_t left = UINT64_MAX;

	if (!group)
		return;
	*group++ = '\0';
	controllers++;
	if (!*controllers) {
		groups->hugetlb_limited |= limit_upwards("/sys/fs/cgroup", group, ".max");
		left = left_upwards("/sys/fs/cgroup", group, "/memory.max", "/memory.current");
	} else if (strstr(controllers, "hugetlb")) {
		groups->hugetlb_limited |=
			limit_upwards("/sys/fs/cgroup/hugetlb", group, ".limit_in_bytes");
	} else if (strstr(controllers, "memory")) {
		left = left_upwards("/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes",
				    "/memory.usage_in_bytes");
	}
	if (left < groups->memory_left)
		groups->memory_left = left;
}

static struct groups read_groups(void)
{
	struct groups groups = { .memory_left = UINT64_MAX };
	char text[4096], *line = text, *end;

	if (sys_read_file("/proc/self/cgroup", text, sizeof(text)) <= 0)
		return groups;
	for (; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		read_line(line, &groups);
	}
	return groups;
}

bool cgroup_limits_hugetlb(void)
{
	return read_groups().hugetlb_limited;
}

uint64_t cgroup_memory_left(void)
{
	return read_groups().memory_left;
}
