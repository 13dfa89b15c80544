/* SPDX-License-Identifier: MIT */
#include "cgroup.h"
#include "policy.h"
#include "sysinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names of one version's files: "hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes". */
struct cgroup_names {
	const char *fault, *reserve;
	const char *lift;	/* written there: no limit */
};
static const struct cgroup_names cgroup_v1 = { "limit_in_bytes", "rsvd.limit_in_bytes", "-1" };
static const struct cgroup_names cgroup_v2 = { "max", "rsvd.max", "max" };

/* The kernel's word for a page size in these files. */
static void cgroup_format_size(uint64_t bytes, char out[static 24])
{
	if (bytes >= GIB)
		snprintf(out, 24, "%" PRIu64 "GB", bytes / GIB);
	else if (bytes >= MIB)
		snprintf(out, 24, "%" PRIu64 "MB", bytes / MIB);
	else
		snprintf(out, 24, "%" PRIu64 "KB", bytes / KIB);
}

/* Lower @limit to what a group's file says. v1 writes no limit as a huge number. */
static void cgroup_take_limit(struct cgroup_limit *out, const char *file, const char *lift,
			      uint64_t *limit)
{
	uint64_t tightest = out->fault_bytes < out->reserve_bytes ? out->fault_bytes :
			    out->reserve_bytes;
	uint64_t value = UINT64_MAX;
	char text[32];

	if (sysinfo_read(file, text, sizeof(text)))
		return;
	out->found = true;
	if (strcmp(text, "max"))
		value = strtoull(text, NULL, 10);
	if (value >= (uint64_t)1 << 62)
		return;
	if (value < *limit)
		*limit = value;
	if (value < tightest) {
		snprintf(out->file, sizeof(out->file), "%s", file);
		out->lift = lift;
	}
}

/* From the group up to the mount point. */
static void cgroup_walk(struct cgroup_limit *out, const char *mount, const char *group,
			const char *size, const struct cgroup_names *names)
{
	char directory[PATH_MAX], file[PATH_MAX + 80];
	size_t floor = strlen(mount);

	snprintf(directory, sizeof(directory), "%s%s", mount, group);
	for (;;) {
		char *slash;

		snprintf(file, sizeof(file), "%s/hugetlb.%s.%s", directory, size, names->fault);
		cgroup_take_limit(out, file, names->lift, &out->fault_bytes);
		snprintf(file, sizeof(file), "%s/hugetlb.%s.%s", directory, size, names->reserve);
		cgroup_take_limit(out, file, names->lift, &out->reserve_bytes);
		slash = strrchr(directory, '/');
		if (!slash || (size_t)(slash - directory) < floor)
			return;
		*slash = '\0';
	}
}

/*
 * Where a hierarchy is mounted: type cgroup2, or cgroup with the option "hugetlb".
 * Return: 0 or -ENOENT.
 */
static int cgroup_find_mount(bool v2, char out[static PATH_MAX])
{
	FILE *in = fopen("/proc/self/mounts", "re");
	char line[3 * PATH_MAX], where[PATH_MAX], type[64], options[PATH_MAX];
	int ret = -ENOENT;

	if (!in)
		return -errno;
	while (ret && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%*s %4095s %63s %4095s", where, type, options) != 3)
			continue;
		if (v2 ? !strcmp(type, "cgroup2")
		       : !strcmp(type, "cgroup") && strstr(options, "hugetlb")) {
			memcpy(out, where, strlen(where) + 1);
			ret = 0;
		}
	}
	fclose(in);
	return ret;
}

int cgroup_read_limit(uint64_t page_bytes, struct cgroup_limit *out)
{
	FILE *in = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 256], mount[PATH_MAX], size[24];

	if (!in)
		return -errno;
	cgroup_format_size(page_bytes, size);
	*out = (struct cgroup_limit){ .fault_bytes = UINT64_MAX, .reserve_bytes = UINT64_MAX };
	while (fgets(line, sizeof(line), in)) {
		char *controllers = strchr(line, ':');
		char *group = controllers ? strchr(controllers + 1, ':') : NULL;
		bool v2;

		if (!group)
			continue;
		v2 = group == controllers + 1;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if ((v2 || strstr(controllers + 1, "hugetlb")) && !cgroup_find_mount(v2, mount))
			cgroup_walk(out, mount, group, size, v2 ? &cgroup_v2 : &cgroup_v1);
	}
	fclose(in);
	return 0;
}
