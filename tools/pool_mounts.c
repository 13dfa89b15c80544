/* SPDX-License-Identifier: MIT */
/* contig pool mounts: where hugetlbfs is mounted, for programs that want files of huge pages. */
#include "command.h"
#include "json.h"
#include "policy.h"
#include "cmd_pool.h"

#include <errno.h>
#include <hugetlbfs.h>
#include <inttypes.h>
#include <mntent.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Where hugeadm makes them, so that either finds what the other made. */
#define POOL_MOUNT_ROOT	"/var/lib/hugetlbfs"
#define POOL_MOUNT_MODE	0770

/* Calls @each for every mount of hugetlbfs; 0 for the page size where it cannot be asked for. */
static void pool_mounts_walk(void (*each)(void *context, const char *path, uint64_t page_bytes),
			     void *context)
{
	FILE *in = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char text[4096];
	struct statfs fs;

	if (!in)
		return;
	while (getmntent_r(in, &entry, text, sizeof(text)))
		if (!strcmp(entry.mnt_type, "hugetlbfs"))
			each(context, entry.mnt_dir, statfs(entry.mnt_dir, &fs) ? 0 :
			     (uint64_t)fs.f_bsize);
	endmntent(in);
}

/* libhugetlbfs takes one mount a size: the first that this user may write to. */
static bool pool_mounts_is_taken(const char *path, uint64_t page_bytes)
{
	const char *taken = page_bytes ? hugetlbfs_find_path_for_size((long)page_bytes) : NULL;

	return taken && !strcmp(taken, path);
}

static void pool_mounts_print_one(void *context, const char *path, uint64_t page_bytes)
{
	unsigned int *count = context;
	char size[24];

	printf("mount of %-4s %s%s\n", page_bytes ? policy_format_size(page_bytes, size) : "?",
	       path, pool_mounts_is_taken(path, page_bytes) ? " (libhugetlbfs takes this one)" :
	       "");
	(*count)++;
}

void pool_mounts_print(void)
{
	unsigned int count = 0;

	pool_mounts_walk(pool_mounts_print_one, &count);
	if (!count)
		printf("no mount of hugetlbfs (contig pool mounts --create makes them)\n");
}

static void pool_mounts_put_one(void *context, const char *path, uint64_t page_bytes)
{
	struct json *json = context;

	json_open_object(json, NULL);
	json_put_text(json, "path", path);
	json_put_number(json, "page_bytes", page_bytes);
	json_put_flag(json, "libhugetlbfs", pool_mounts_is_taken(path, page_bytes));
	json_close(json);
}

void pool_mounts_put_json(struct json *json)
{
	json_open_list(json, "mounts");
	pool_mounts_walk(pool_mounts_put_one, json);
	json_close(json);
}

struct pool_mount_search {
	uint64_t page_bytes;
	bool found;
};

static void pool_mounts_compare(void *context, const char *path, uint64_t page_bytes)
{
	struct pool_mount_search *search = context;

	search->found |= search->page_bytes == page_bytes;
}

static int pool_mounts_create_one(uint64_t page_bytes, bool dry_run)
{
	char path[64], options[64];

	snprintf(path, sizeof(path), POOL_MOUNT_ROOT "/pagesize-%" PRIu64 "%s",
		 page_bytes / (page_bytes < GIB ? MIB : GIB), page_bytes < GIB ? "MB" : "GB");
	if (page_bytes < MIB)
		snprintf(path, sizeof(path), POOL_MOUNT_ROOT "/pagesize-%" PRIu64 "KB",
			 page_bytes / KIB);
	snprintf(options, sizeof(options), "pagesize=%" PRIu64 "K,mode=%o", page_bytes / KIB,
		 POOL_MOUNT_MODE);
	if (dry_run) {
		printf("mkdir -p %s && mount -t hugetlbfs -o %s none %s\n", path, options, path);
		return 0;
	}
	if ((mkdir(POOL_MOUNT_ROOT, 0755) && errno != EEXIST) ||
	    (mkdir(path, POOL_MOUNT_MODE) && errno != EEXIST) ||
	    mount("none", path, "hugetlbfs", MS_NOSUID | MS_NODEV, options)) {
		command_error("%s: %s", path, strerror(errno));
		return -errno;
	}
	return 0;
}

/* One for every size, or the one asked for, that has none yet. */
static int pool_mounts_create(const struct pool_request *req)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool);
	int status = STATUS_DONE;

	for (unsigned int i = 0; i < count; i++) {
		struct pool_mount_search search = { .page_bytes = pool[i].page_bytes };

		if (req->page_bytes && req->page_bytes != pool[i].page_bytes)
			continue;
		pool_mounts_walk(pool_mounts_compare, &search);
		if (!search.found && pool_mounts_create_one(pool[i].page_bytes, req->dry_run))
			status = STATUS_FAILED;
	}
	return status;
}

int pool_mounts(const struct pool_request *req)
{
	struct json json = { .out = stdout };
	int status = req->create ? pool_mounts_create(req) : STATUS_DONE;

	if (req->dry_run)
		return status;
	if (!req->json) {
		pool_mounts_print();
		return status;
	}
	json_open_object(&json, NULL);
	pool_mounts_put_json(&json);
	json_close(&json);
	return status;
}
