/* SPDX-License-Identifier: MIT */
#include "verdict.h"
#include "blocks.h"
#include "cgroup.h"
#include "sysinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The machine, read once for all links. */
struct machine {
	unsigned int pool_count;
	struct sysinfo_pool pool[SYSINFO_SIZES];
	struct sysinfo_thp thp;
	bool thp_disabled;	/* for this process and its children, by prctl() */
	bool pfns;
	unsigned int node_count;
	int node[SYSINFO_NODES];
};

struct judge {
	const struct request *req;
	const struct decision *decision;
	struct machine machine;
	struct verdict *out;
	unsigned int count;
};

static void verdict_read_machine(struct machine *machine)
{
	machine->pool_count = sysinfo_list_pools(machine->pool);
	sysinfo_read_thp(&machine->thp);
	machine->thp_disabled = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
	machine->pfns = !sysinfo_check_pfns();
	machine->node_count = sysinfo_list_nodes(machine->node);
}

static struct verdict *verdict_add(struct judge *judge, const struct chain_link *link)
{
	static struct verdict beyond;
	struct verdict *verdict = &beyond;

	if (judge->count < VERDICT_COUNT)
		verdict = &judge->out[judge->count++];
	memset(verdict, 0, sizeof(*verdict));
	policy_format_link(link, verdict->link);
	return verdict;
}

static void verdict_say(struct verdict *verdict, bool serves, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void verdict_say(struct verdict *verdict, bool serves, const char *format, ...)
{
	va_list args;

	verdict->serves = serves;
	va_start(args, format);
	vsnprintf(verdict->why, sizeof(verdict->why), format, args);
	va_end(args);
}

static uint64_t verdict_count_pages(uint64_t bytes, uint64_t page_bytes)
{
	return bytes / page_bytes + (bytes % page_bytes != 0);
}

/*
 * Does the rule's promise, or its node, rule the link out from the start? @page_bytes: of huge
 * pages that are surely whole, else 0.
 */
static bool verdict_refuse_promise(const struct judge *judge, uint64_t page_bytes,
				   struct verdict *verdict)
{
	const struct decision *decision = judge->decision;
	const struct machine *machine = &judge->machine;
	const struct contiguity *promise = &decision->contiguity;
	bool node_known = decision->node < 0 || !machine->node_count;
	bool met = promise->kind == CONTIGUITY_ANY;

	for (unsigned int i = 0; i < machine->node_count; i++)
		node_known |= machine->node[i] == decision->node;
	if (!node_known) {
		verdict_say(verdict, false, "this machine has no NUMA node %d", decision->node);
		return true;
	}
	if (promise->kind == CONTIGUITY_PAGE)
		met = page_bytes != 0;
	else if (promise->kind == CONTIGUITY_WHOLE)
		met = page_bytes >= judge->req->bytes;
	else if (promise->kind == CONTIGUITY_SIZE)
		met = page_bytes >= promise->bytes;
	verdict->checked = !met;
	if (met || machine->pfns)
		return false;
	verdict_say(verdict, false, "the promised contiguity cannot be checked: the kernel hides "
		    "page frame numbers from this user (CAP_SYS_ADMIN shows them)");
	return true;
}

static void verdict_judge_free_pages(const struct judge *judge, const struct sysinfo_pool *pool,
				     struct verdict *verdict)
{
	uint64_t pages = verdict_count_pages(judge->req->bytes, pool->page_bytes);
	uint64_t available = sysinfo_count_available(pool);
	char missing[24], size[24];

	verdict_say(verdict, pages <= available,
		    "%" PRIu64 " page%s needed, %" PRIu64 " available (a pool of %" PRIu64
		    ", %" PRIu64 " free, %" PRIu64 " reserved)", pages, pages == 1 ? "" : "s",
		    available, pool->total, pool->free, pool->reserved);
	if (!verdict->serves)
		snprintf(verdict->mend, sizeof(verdict->mend), "contig pool reserve %s --page %s",
			 policy_format_size((pages - available) * pool->page_bytes, missing),
			 policy_format_size(pool->page_bytes, size));
}

/* @chosen: the rule names this size; otherwise rounding up may not waste the request again. */
static void verdict_judge_pool(struct judge *judge, const struct sysinfo_pool *pool, bool chosen)
{
	struct chain_link link = { .backing = BACKING_HUGETLB, .page_bytes = pool->page_bytes };
	struct verdict *verdict = verdict_add(judge, &link);
	uint64_t bytes = judge->req->bytes;
	uint64_t pages = verdict_count_pages(bytes, pool->page_bytes);
	struct cgroup_limit limit = { .fault_bytes = UINT64_MAX, .reserve_bytes = UINT64_MAX };
	char text[24];

	if (!pool->known) {
		verdict_say(verdict, false, "/sys does not tell how many pages there are");
		return;
	}
	if (!chosen && pages * pool->page_bytes - bytes >= bytes) {
		verdict_say(verdict, false, "rounding up to %s would waste as much as the request "
			    "or more", policy_format_size(pool->page_bytes, text));
		return;
	}
	if (verdict_refuse_promise(judge, pool->page_bytes, verdict))
		return;
	cgroup_read_limit(pool->page_bytes, &limit);
	if (limit.reserve_bytes < bytes || limit.fault_bytes < bytes) {
		verdict_say(verdict, false, "the control group allows less (%s)", limit.file);
		snprintf(verdict->mend, sizeof(verdict->mend), "echo %s > %s", limit.lift,
			 limit.file);
		return;
	}
	if (judge->decision->populate == POPULATE_NO && limit.fault_bytes != UINT64_MAX) {
		verdict_say(verdict, false, "populate = no is not safe under the limit of faults "
			    "of the control group (%s)", limit.file);
		return;
	}
	verdict_judge_free_pages(judge, pool, verdict);
}

static void verdict_judge_hugetlb(struct judge *judge, const struct chain_link *link)
{
	const struct machine *machine = &judge->machine;
	unsigned int before = judge->count;

	for (unsigned int i = 0; i < machine->pool_count; i++)
		if (!link->page_bytes || link->page_bytes == machine->pool[i].page_bytes)
			verdict_judge_pool(judge, &machine->pool[i], link->page_bytes != 0);
	if (judge->count == before)
		verdict_say(verdict_add(judge, link), false,
			    link->page_bytes ? "this kernel has no huge pages of this size" :
			    "this kernel has no huge page pools, or does not show them");
}

static void verdict_judge_thp(struct judge *judge, const struct chain_link *link)
{
	const struct machine *machine = &judge->machine;
	struct verdict *verdict = verdict_add(judge, link);
	struct blocks_free blocks;
	char large[24] = "an unknown amount";

	if (!machine->thp.enabled[0]) {
		verdict_say(verdict, false, "this kernel has no transparent huge pages, or /sys "
			    "does not show them");
	} else if (machine->thp_disabled) {
		verdict_say(verdict, false, "prctl(PR_SET_THP_DISABLE) is set for this process");
	} else if (!sysinfo_is_advised_served(&machine->thp, 0)) {
		verdict_say(verdict, false, "transparent huge pages are switched off (never)");
		snprintf(verdict->mend, sizeof(verdict->mend),
			 "echo madvise > " SYSINFO_THP "/enabled");
	} else if (!verdict_refuse_promise(judge, 0, verdict)) {
		if (!blocks_read_free(&blocks))
			policy_format_size(blocks.huge_bytes / MIB * MIB, large);
		verdict_say(verdict, true, "enabled = %s, defrag = %s; free in blocks of that "
			    "size: %s", machine->thp.enabled, machine->thp.defrag, large);
	}
}

/* @enabled: the size's own switch. */
static void verdict_judge_mthp_size(struct judge *judge, uint64_t page_bytes, const char *enabled)
{
	struct chain_link link = { .backing = BACKING_MTHP, .page_bytes = page_bytes };
	struct verdict *verdict = verdict_add(judge, &link);
	char path[160];

	if (judge->machine.thp_disabled) {
		verdict_say(verdict, false, "prctl(PR_SET_THP_DISABLE) is set for this process");
	} else if (!sysinfo_is_advised_served(&judge->machine.thp, page_bytes)) {
		verdict_say(verdict, false, "switched off (%s)", enabled);
		snprintf(verdict->mend, sizeof(verdict->mend), "echo madvise > %s",
			 sysinfo_format_pages_path(SYSINFO_THP, page_bytes, "enabled", path));
	} else if (!verdict_refuse_promise(judge, 0, verdict)) {
		verdict_say(verdict, true, "enabled = %s", enabled);
	}
}

/*
 * Largest first, as the library tries them. The PMD size is thp's. Plain `mthp` passes over what
 * is switched off: it is one refusal, not ten.
 */
static void verdict_judge_mthp(struct judge *judge, const struct chain_link *link)
{
	const struct sysinfo_thp *thp = &judge->machine.thp;
	unsigned int before = judge->count;
	struct verdict *verdict;
	bool known = false;

	for (unsigned int i = thp->count; i-- > 0;) {
		uint64_t page_bytes = thp->size[i].page_bytes;
		bool on = sysinfo_is_advised_served(thp, page_bytes);

		if (page_bytes >= thp->pmd_bytes ||
		    (link->page_bytes && link->page_bytes != page_bytes))
			continue;
		known = true;
		if (on || link->page_bytes)
			verdict_judge_mthp_size(judge, page_bytes, thp->size[i].enabled);
	}
	if (judge->count != before)
		return;
	verdict = verdict_add(judge, link);
	verdict_say(verdict, false, known ? "every size is switched off" :
		    "this kernel has no such multi-size THP (they came with 6.8)");
	if (known)
		snprintf(verdict->mend, sizeof(verdict->mend),
			 "echo madvise > " SYSINFO_THP "/hugepages-64kB/enabled");
}

static void verdict_judge_base(struct judge *judge, const struct chain_link *link)
{
	struct verdict *verdict = verdict_add(judge, link);

	if (judge->decision->contiguity.kind == CONTIGUITY_PAGE)
		verdict_say(verdict, false, "the rule promises huge pages");
	else if (!verdict_refuse_promise(judge, 0, verdict))
		verdict_say(verdict, true, "ordinary pages, wherever the kernel finds them");
}

static void verdict_judge_driver(struct judge *judge, const struct chain_link *link)
{
	struct verdict *verdict = verdict_add(judge, link);

	if (access("/dev/contig", F_OK)) {
		verdict_say(verdict, false, "the driver is not loaded (no /dev/contig)");
		snprintf(verdict->mend, sizeof(verdict->mend), "modprobe contig");
	} else if (access("/dev/contig", R_OK | W_OK)) {
		verdict_say(verdict, false, "/dev/contig: %s", strerror(errno));
	} else {
		verdict_say(verdict, false, "this version does not use the driver");
	}
}

unsigned int verdict_list(const struct request *req, const struct decision *decision,
			  struct verdict out[static VERDICT_COUNT])
{
	static void (*const judge_link[])(struct judge *, const struct chain_link *) = {
		[BACKING_HUGETLB] = verdict_judge_hugetlb,
		[BACKING_DRIVER] = verdict_judge_driver,
		[BACKING_THP] = verdict_judge_thp,
		[BACKING_MTHP] = verdict_judge_mthp,
		[BACKING_BASE] = verdict_judge_base,
	};
	static struct judge judge;

	judge = (struct judge){ .req = req, .decision = decision, .out = out };
	verdict_read_machine(&judge.machine);
	for (unsigned int i = 0; i < decision->chain->count; i++)
		judge_link[decision->chain->link[i].backing](&judge, &decision->chain->link[i]);
	return judge.count;
}
