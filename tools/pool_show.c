/* SPDX-License-Identifier: MIT */
/* contig pool show. */
#include "command.h"
#include "json.h"
#include "policy.h"
#include "cmd_pool.h"

#include <hugetlbfs.h>
#include <inttypes.h>

static void pool_show_nodes(struct json *json, uint64_t page_bytes)
{
	int node[SYSINFO_NODES];
	unsigned int count = sysinfo_list_nodes(node);
	struct sysinfo_pool pool;

	for (unsigned int i = 0; i < count; i++) {
		if (sysinfo_read_node_pool(node[i], page_bytes, &pool))
			continue;
		if (!json) {
			printf("  node %-5d %8" PRIu64 " %8" PRIu64 " %8s %8" PRIu64 "\n", node[i],
			       pool.total, pool.free, "", pool.surplus);
			continue;
		}
		json_open_object(json, NULL);
		json_put_number(json, "node", (uint64_t)node[i]);
		json_put_number(json, "total", pool.total);
		json_put_number(json, "free", pool.free);
		json_put_number(json, "surplus", pool.surplus);
		json_close(json);
	}
}

static void pool_show_text(const struct sysinfo_pool *pool)
{
	char size[24];

	policy_format_size(pool->page_bytes, size);
	if (!pool->known) {
		printf("%-12s the kernel has this size, but /sys does not tell of its pages\n",
		       size);
		return;
	}
	printf("%-12s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 "\n", size,
	       pool->total, pool->free, pool->reserved, pool->surplus, pool->overcommit);
	pool_show_nodes(NULL, pool->page_bytes);
}

static void pool_show_json(struct json *json, const struct sysinfo_pool *pool)
{
	json_open_object(json, NULL);
	json_put_number(json, "page_bytes", pool->page_bytes);
	json_put_flag(json, "known", pool->known);
	if (pool->known) {
		json_put_number(json, "total", pool->total);
		json_put_number(json, "free", pool->free);
		json_put_number(json, "reserved", pool->reserved);
		json_put_number(json, "surplus", pool->surplus);
		json_put_number(json, "overcommit", pool->overcommit);
		json_open_list(json, "nodes");
		pool_show_nodes(json, pool->page_bytes);
		json_close(json);
	}
	json_close(json);
}

int pool_show(const struct pool_request *req)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool);
	struct json json = { .out = stdout };
	long default_bytes = gethugepagesize();
	char size[24];

	if (req->json) {
		json_open_object(&json, NULL);
		json_put_number(&json, "default_page_bytes",
				default_bytes > 0 ? (uint64_t)default_bytes : 0);
		json_open_list(&json, "pools");
		for (unsigned int i = 0; i < count; i++)
			pool_show_json(&json, &pool[i]);
		json_close(&json);
		pool_mounts_put_json(&json);
		json_close(&json);
		return STATUS_DONE;
	}
	if (!count) {
		printf("no pools: this kernel has no huge page pools (CONFIG_HUGETLBFS), or hides "
		       "them\n");
		return STATUS_DONE;
	}
	printf("%-12s %8s %8s %8s %8s %10s\n", "pages of", "total", "free", "reserved", "surplus",
	       "overcommit");
	for (unsigned int i = 0; i < count; i++)
		pool_show_text(&pool[i]);
	if (default_bytes > 0)
		printf("default size %s\n", policy_format_size((uint64_t)default_bytes, size));
	pool_mounts_print();
	return STATUS_DONE;
}
