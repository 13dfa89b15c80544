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

/* One line of /proc/self/cgroup, "ID:CONTROLLERS:PATH"; v2 is "0::PATH". */
static bool line_limits(char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return false;
	*group++ = '\0';
	controllers++;
	if (!*controllers)
		return limit_upwards("/sys/fs/cgroup", group, ".max");
	if (strstr(controllers, "hugetlb"))
		return limit_upwards("/sys/fs/cgroup/hugetlb", group, ".limit_in_bytes");
	return false;
}

bool cgroup_limits_hugetlb(void)
{
	char text[4096], *line = text, *end;

	if (sys_read_file("/proc/self/cgroup", text, sizeof(text)) <= 0)
		return false;
	for (; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		if (line_limits(line))
			return true;
	}
	return false;
}
