/* SPDX-License-Identifier: MIT */
/* contig pool reserve (without --contiguous) and release. */
#include "command.h"
#include "policy.h"
#include "cmd_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool pool_check_available(uint64_t bytes)
{
	char asked[24], there[24];
	uint64_t available;

	if (sysinfo_read_kib("MemAvailable", &available) || bytes <= available)
		return true;
	command_error("%s: only %s of memory are available", policy_format_size(bytes, asked),
		      policy_format_size(available / MIB * MIB, there));
	return false;
}

static int pool_reserve_fail(const struct pool_place *place, const char *what, int ret)
{
	char path[POOL_PATH_BYTES];

	command_error("%s: %s: %s", pool_place_format(place, "nr_hugepages", path), what,
		      strerror(-ret));
	return STATUS_FAILED;
}

static void pool_reserve_print(const struct pool_place *place)
{
	struct sysinfo_pool pool;
	char size[24], node[24] = "";

	if (place->node != POOL_ANY_NODE)
		snprintf(node, sizeof(node), " on node %d", place->node);
	if (!pool_place_read(place, &pool))
		printf("pool of %s%s: %" PRIu64 " pages, %" PRIu64 " free, %" PRIu64
		       " surplus\n", policy_format_size(place->page_bytes, size), node, pool.total,
		       pool.free, pool.surplus);
}

/* What is missing, and what helps: --compact, and after that only a boot. */
static void pool_reserve_tell_missing(const struct pool_request *req, uint64_t got, uint64_t want)
{
	char missing[24], page[24], node[32] = "";

	policy_format_size((want - got) * req->page_bytes, missing);
	policy_format_size(req->page_bytes, page);
	if (req->node != POOL_ANY_NODE)
		snprintf(node, sizeof(node), " --node %d", req->node);
	if (!req->compact)
		command_error("got %" PRIu64 " of %" PRIu64 " pages of %s, %s are missing: contig "
			      "pool reserve %s --page %s%s --compact", got, want, page, missing,
			      missing, page, node);
	else
		command_error("got %" PRIu64 " of %" PRIu64 " pages of %s, %s are missing, memory is "
			      "fragmented: reserve them at boot, by --persist or hugepagesz=%s "
			      "hugepages=%" PRIu64, got, want, page, missing, page, want);
}

static int pool_reserve_dry(const struct pool_request *req, const struct pool_place *place,
			    uint64_t pages)
{
	struct sysinfo_pool pool;
	int ret = pool_place_read(place, &pool);

	if (ret)
		return pool_reserve_fail(place, "unreadable", ret);
	pool_place_print_write(place, "nr_hugepages", pool.total + pages, "");
	if (req->compact)
		printf("echo 3 > /proc/sys/vm/drop_caches   # if pages are missing then\n"
		       "echo 1 > /proc/sys/vm/compact_memory\n");
	return req->persist ? pool_persist(req) : STATUS_DONE;
}

static int pool_reserve_undo(const struct pool_place *place, const struct pool_growth *growth)
{
	pool_place_shrink(place, growth->pages + growth->absorbed, NULL);
	command_error("interrupted: the pool is as it was before");
	return STATUS_FAILED;
}

int pool_reserve(const struct pool_request *req)
{
	const struct pool_place place = { .page_bytes = req->page_bytes, .node = req->node };
	uint64_t pages = pool_count_pages(req->bytes, req->page_bytes);
	struct pool_growth growth = { 0 };
	int ret, status = STATUS_DONE;
	char size[24];

	if (!pool_check_available(pages * req->page_bytes))
		return STATUS_FAILED;
	if (req->dry_run)
		return pool_reserve_dry(req, &place, pages);
	ret = pool_place_grow(&place, pages, &growth);
	if (req->compact && growth.pages < pages && !pool_signal_caught()) {
		pool_place_compact();
		ret = pool_place_grow(&place, pages - growth.pages, &growth);
	}
	if (pool_signal_caught())
		return pool_reserve_undo(&place, &growth);
	if (ret && !growth.pages)
		return pool_reserve_fail(&place, "not changed", ret);
	printf("%s more: ", policy_format_size(growth.pages * req->page_bytes, size));
	pool_reserve_print(&place);
	if (growth.pages < pages) {
		pool_reserve_tell_missing(req, growth.pages, pages);
		status = STATUS_FAILED;
	}
	if (req->persist && pool_persist(req))
		return STATUS_FAILED;
	return status;
}

/* How many pages to take away, and whether that is all that was asked for. */
static uint64_t pool_release_count(const struct pool_request *req, const struct sysinfo_pool *pool,
				   int *status)
{
	uint64_t own = pool->total - pool->surplus, pages = sysinfo_count_available(pool);
	char size[24];

	if (req->all)
		return pages < own ? pages : own;
	pages = pool_count_pages(req->bytes, req->page_bytes);
	if (pages <= own)
		return pages;
	command_error("%" PRIu64 " pages of %s asked for, the pool has %" PRIu64, pages,
		      policy_format_size(req->page_bytes, size), own);
	*status = STATUS_FAILED;
	return own;
}

int pool_release(const struct pool_request *req)
{
	const struct pool_place place = { .page_bytes = req->page_bytes, .node = req->node };
	int ret, status = STATUS_DONE;
	struct sysinfo_pool pool;
	uint64_t pages, gone;
	char size[24];

	ret = pool_place_read(&place, &pool);
	if (ret)
		return pool_reserve_fail(&place, "unreadable", ret);
	pages = pool_release_count(req, &pool, &status);
	if (req->dry_run) {
		pool_place_print_write(&place, "nr_hugepages", pool.total - pool.surplus - pages,
				       "");
		return status;
	}
	ret = pool_place_shrink(&place, pages, &gone);
	if (ret)
		return pool_reserve_fail(&place, "not changed", ret);
	printf("%s less: ", policy_format_size(gone * req->page_bytes, size));
	pool_reserve_print(&place);
	if (gone < pages) {
		command_error("%" PRIu64 " pages are in use or promised to somebody: they leave the "
			      "pool when they become free", pages - gone);
		status = STATUS_FAILED;
	}
	return status;
}
