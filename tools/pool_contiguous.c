/* SPDX-License-Identifier: MIT */
/*
 * contig pool reserve --contiguous: gigabytes side by side. Pages of 1 GiB are taken one by one
 * until enough of them are neighbours; those are held while the others go back; then they are let
 * go, so that they lie on top of the free ones, and demoted. What came of it is looked up again.
 */
#include "command.h"
#include "policy.h"
#include "cmd_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL_GIANT_BYTES	GIB
#define POOL_RUNS_SHOWN		16
/* Gigabytes tried beyond those wanted: as many again, and these. */
#define POOL_SPARE		6

struct pool_take {
	const struct pool_request *req;
	struct pool_place giant, small;
	uint64_t want;			/* giant pages */
	struct pool_growth giant_added;	/* ours to give back */
	uint64_t small_added;
	struct pool_hold hold;
	bool compacted;
};

/* The node with the most free memory; the pools of one node only are sure to have neighbours. */
static int pool_contiguous_pick_node(void)
{
	int node[SYSINFO_NODES], best = POOL_ANY_NODE;
	unsigned int count = sysinfo_list_nodes(node);
	uint64_t most = 0, kib;

	for (unsigned int i = 0; i < count; i++) {
		char path[64], text[4096], *at;

		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node[i]);
		at = sysinfo_read(path, text, sizeof(text)) ? NULL : strstr(text, "MemFree:");
		kib = at ? strtoull(at + strlen("MemFree:"), NULL, 10) : 0;
		if (best == POOL_ANY_NODE || kib > most) {
			best = node[i];
			most = kib;
		}
	}
	return best;
}

static bool pool_contiguous_check_demotion(const struct pool_take *take)
{
	char path[POOL_PATH_BYTES], text[32], wanted[32];

	if (take->small.page_bytes == POOL_GIANT_BYTES)
		return true;
	pool_place_format(&take->giant, "demote_size", path);
	if (sysinfo_read(path, text, sizeof(text))) {
		command_error("this kernel cannot demote pages of 1G (that came with 5.16): --page "
			      "1G leaves them whole");
		return false;
	}
	snprintf(wanted, sizeof(wanted), "%" PRIu64 "kB", take->small.page_bytes / KIB);
	if (!strcmp(text, wanted))
		return true;
	command_error("pages of 1G are demoted to %s here: echo %s > %s", text, wanted, path);
	return false;
}

static bool pool_contiguous_check(const struct pool_take *take)
{
	struct sysinfo_pool pool;
	int ret;

	if (pool_place_read(&take->giant, &pool)) {
		command_error("this machine has no pages of 1G to take at run time");
		return false;
	}
	if (!pool_contiguous_check_demotion(take) ||
	    !pool_check_available(take->want * POOL_GIANT_BYTES))
		return false;
	ret = take->req->dry_run ? 0 : sysinfo_check_pfns();
	if (ret)
		command_error("physical addresses are hidden (%s): --contiguous needs "
			      "CAP_SYS_ADMIN", strerror(-ret));
	return !ret;
}

/* Never more than seven eighths of what is available, unless so much was asked for. */
static uint64_t pool_contiguous_bound(uint64_t want)
{
	uint64_t most = 2 * want + POOL_SPARE, available;

	if (!sysinfo_read_kib("MemAvailable", &available) &&
	    most > available / 8 * 7 / POOL_GIANT_BYTES)
		most = available / 8 * 7 / POOL_GIANT_BYTES;
	return most > want ? most : want;
}

static int pool_contiguous_print_plan(const struct pool_take *take)
{
	uint64_t most = pool_contiguous_bound(take->want);
	uint64_t small = pool_count_pages(take->req->bytes, take->small.page_bytes);
	struct sysinfo_pool pool;
	char why[128];

	if (pool_place_read(&take->giant, &pool))
		return STATUS_FAILED;
	snprintf(why, sizeof(why), "one by one, up to %" PRIu64 ", until %" PRIu64
		 " are neighbours", pool.total + most, take->want);
	pool_place_print_write(&take->giant, "nr_hugepages", pool.total + take->want, why);
	if (take->req->compact)
		printf("echo 3 > /proc/sys/vm/drop_caches   # if pages are missing then\n"
		       "echo 1 > /proc/sys/vm/compact_memory\n");
	pool_place_print_write(&take->giant, "nr_hugepages", pool.total + take->want,
			       "the others go back");
	if (take->small.page_bytes == POOL_GIANT_BYTES)
		return STATUS_DONE;
	pool_place_print_write(&take->giant, "demote", take->want, "");
	if (take->want * POOL_GIANT_BYTES == small * take->small.page_bytes)
		return STATUS_DONE;
	if (pool_place_read(&take->small, &pool))
		return STATUS_FAILED;
	pool_place_print_write(&take->small, "nr_hugepages", pool.total + small,
			       "what is more than was asked for goes back");
	return STATUS_DONE;
}

/* One more page of 1 GiB, held. Return: -ENOSPC: there is none. */
static int pool_contiguous_take_one(struct pool_take *take)
{
	uint64_t before = take->giant_added.pages;
	int ret;

	pool_signal_progress("contig: taking and zeroing gigabyte %zu, %" PRIu64 " wanted",
			     take->hold.count + 1, take->want);
	ret = pool_place_grow(&take->giant, 1, &take->giant_added);
	if (take->giant_added.pages == before && take->req->compact && !take->compacted) {
		take->compacted = true;
		pool_place_compact();
		ret = pool_place_grow(&take->giant, 1, &take->giant_added);
	}
	if (take->giant_added.pages == before)
		return ret == -ENOENT ? ret : -ENOSPC;
	return pool_hold_add(&take->hold, 1);
}

static int pool_contiguous_choose(struct pool_take *take, uint64_t want)
{
	return pool_runs_choose(take->hold.page, take->hold.count, take->hold.place.page_bytes,
				want);
}

/* Until enough of them are one run, or no more may be taken. */
static int pool_contiguous_gather(struct pool_take *take)
{
	uint64_t most = pool_contiguous_bound(take->want);
	int ret = 0;

	while (take->hold.count < most && !ret) {
		if (pool_signal_caught())
			return -EINTR;
		ret = pool_contiguous_take_one(take);
		if (!ret && take->hold.count >= take->want) {
			ret = pool_contiguous_choose(take, take->want);
			if (ret == 1)
				return 0;
			ret = ret < 0 ? ret : 0;
		}
	}
	if (ret && ret != -ENOSPC)
		return ret;
	if (!take->hold.count)
		return -ENOSPC;
	ret = pool_contiguous_choose(take, take->want);
	return ret < 0 ? ret : 0;
}

/* What is not kept leaves the pool at once: it is on top. */
static int pool_contiguous_return_rest(struct pool_take *take, uint64_t *added)
{
	ssize_t dropped = pool_hold_drop(&take->hold);

	if (dropped < 0)
		return (int)dropped;
	*added -= (uint64_t)dropped;
	return pool_place_shrink(&take->hold.place, (uint64_t)dropped, NULL);
}

/* The held gigabytes become small pages, which are held instead. */
static int pool_contiguous_demote(struct pool_take *take)
{
	uint64_t pages = take->hold.count, ratio = POOL_GIANT_BYTES / take->small.page_bytes, done;
	int ret;

	pool_signal_progress("contig: demoting %" PRIu64 " gigabytes", pages);
	pool_hold_release(&take->hold);
	ret = pool_place_demote(&take->giant, pages, &done);
	take->giant_added.pages -= done < take->giant_added.pages ? done : take->giant_added.pages;
	take->small_added = done * ratio;
	if (!ret && !done)
		ret = -EBUSY;
	if (ret)
		return ret;
	/* Also what of ours somebody took before it was demoted. */
	pool_place_shrink(&take->giant, take->giant_added.pages + take->giant_added.absorbed, NULL);
	take->giant_added = (struct pool_growth){ 0 };
	take->hold.place = take->small;
	ret = pool_hold_add(&take->hold, take->small_added);
	if (ret)
		return ret;
	ret = pool_contiguous_choose(take, pool_count_pages(take->req->bytes,
							    take->small.page_bytes));
	return ret < 0 ? ret : pool_contiguous_return_rest(take, &take->small_added);
}

static void pool_contiguous_undo(struct pool_take *take, int ret)
{
	pool_hold_release(&take->hold);
	pool_place_shrink(&take->giant, take->giant_added.pages + take->giant_added.absorbed, NULL);
	pool_place_shrink(&take->small, take->small_added, NULL);
	pool_signal_progress("%s", "");
	if (ret == -EINTR)
		command_error("interrupted: the pools are as they were before");
	else if (ret == -ENOSPC)
		command_error("not one free gigabyte could be had: %s", take->req->compact ?
			      "take them at boot, by hugepagesz=1G hugepages=N" :
			      "the same with --compact may help");
	else
		command_error("%s, the pools are as they were before (a hugetlb control group? "
			      "contig doctor)", strerror(-ret));
}

static int pool_contiguous_report(struct pool_take *take)
{
	uint64_t page_bytes = take->hold.place.page_bytes, got = take->hold.count * page_bytes;
	uint64_t want = pool_count_pages(take->req->bytes, page_bytes) * page_bytes;
	int runs = pool_contiguous_choose(take, take->hold.count), shown = 0;
	char size[24], page[24];

	printf("%s more, in pages of %s, in %d physical run%s\n", policy_format_size(got, size),
	       policy_format_size(page_bytes, page), runs, runs == 1 ? "" : "s");
	for (size_t i = 0, first = 0; i < take->hold.count && shown < POOL_RUNS_SHOWN; i++) {
		const struct pool_page *at = &take->hold.page[i];

		if (i + 1 < take->hold.count && at[1].pa == at->pa + page_bytes)
			continue;
		printf("  0x%" PRIx64 "-0x%" PRIx64 "  %s\n", take->hold.page[first].pa,
		       at->pa + page_bytes, policy_format_size((i + 1 - first) * page_bytes, size));
		first = i + 1;
		shown++;
	}
	if (got < want)
		command_error("%s of %s are missing: %s", policy_format_size(want - got, size),
			      policy_format_size(want, page), take->req->compact ?
			      "take them at boot, by --persist or hugepagesz=1G hugepages=N" :
			      "contig pool release it, and try again with --compact");
	else if (runs > 1)
		command_error("no %" PRIu64 " free gigabytes lie side by side: %s", take->want,
			      take->req->compact ? "soon after a boot they do" :
			      "contig pool release it, and try again with --compact");
	return runs == 1 && got >= want ? STATUS_DONE : STATUS_FAILED;
}

int pool_contiguous(const struct pool_request *req)
{
	int node = req->node == POOL_ANY_NODE ? pool_contiguous_pick_node() : req->node;
	struct pool_take take = {
		.req = req,
		.giant = { .page_bytes = POOL_GIANT_BYTES, .node = node },
		.small = { .page_bytes = req->page_bytes, .node = node },
		.want = pool_count_pages(req->bytes, POOL_GIANT_BYTES),
	};
	int ret, status;

	take.hold.place = take.giant;
	if (!pool_contiguous_check(&take))
		return STATUS_FAILED;
	if (req->dry_run) {
		status = pool_contiguous_print_plan(&take);
		return !status && req->persist ? pool_persist(req) : status;
	}
	ret = pool_contiguous_gather(&take);
	if (!ret)
		ret = pool_contiguous_return_rest(&take, &take.giant_added.pages);
	if (!ret && req->page_bytes != POOL_GIANT_BYTES)
		ret = pool_contiguous_demote(&take);
	if (!ret && pool_signal_caught())
		ret = -EINTR;
	if (ret) {
		pool_contiguous_undo(&take, ret);
		return STATUS_FAILED;
	}
	pool_signal_progress("%s", "");
	status = pool_contiguous_report(&take);
	pool_hold_release(&take.hold);
	if (req->persist && pool_persist(req))
		return STATUS_FAILED;
	return status;
}
