/* SPDX-License-Identifier: MIT */
/* The lines of `contig doctor` about huge pages. */
#include "blocks.h"
#include "cgroup.h"
#include "doctor.h"
#include "policy.h"
#include "sysinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* Of free memory in blocks of 2 MiB: below, THP compacts for most pages; above, not. */
#define DOCTOR_PERCENT_BAD	20
#define DOCTOR_PERCENT_GOOD	60
#define DOCTOR_TRIES_LEAST	20	/* of compaction, before their failures mean something */

/* A pool worth having: 1 GiB, but no more than an eighth of the memory. */
static uint64_t doctor_suggest_pages(uint64_t page_bytes)
{
	uint64_t memory, bytes = GIB;

	if (!sysinfo_read_kib("MemTotal", &memory) && memory / 8 < bytes)
		bytes = memory / 8;
	return bytes / page_bytes ? bytes / page_bytes : 1;
}

/* " (node 0: 12 of 16 free, node 1: ...)", where there is more than one node. */
static void doctor_format_nodes(uint64_t page_bytes, char *out, size_t out_bytes)
{
	int node[SYSINFO_NODES];
	unsigned int count = sysinfo_list_nodes(node);
	size_t used = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < count && used < out_bytes; i++) {
		struct sysinfo_pool pool;

		if (sysinfo_read_node_pool(node[i], page_bytes, &pool))
			continue;
		used += (size_t)snprintf(out + used, out_bytes - used, "; node %d: %" PRIu64
					 " of %" PRIu64 " free", node[i], pool.free, pool.total);
	}
}

/* @wanted: the size a machine should have; a giant pool is nobody's lack. */
static void doctor_check_pool(struct findings *to, const struct sysinfo_pool *pool, bool wanted)
{
	char subject[40], size[24], nodes[160], bytes[24];
	bool empty = !pool->total && !pool->overcommit;

	snprintf(subject, sizeof(subject), "pool %s", policy_format_size(pool->page_bytes, size));
	if (!pool->known) {
		findings_add(to, FINDINGS_NOTE, subject, "the kernel has this size, but "
			     SYSINFO_HUGEPAGES " does not tell of its pages");
		return;
	}
	if (empty) {
		findings_add(to, wanted ? FINDINGS_LACK : FINDINGS_NOTE, subject, "no pages");
		findings_mend(to, "contig pool reserve %s --page %s",
			      policy_format_size(doctor_suggest_pages(pool->page_bytes) *
						 pool->page_bytes, bytes), size);
		return;
	}
	doctor_format_nodes(pool->page_bytes, nodes, sizeof(nodes));
	findings_add(to, sysinfo_count_available(pool) ? FINDINGS_OK : FINDINGS_NOTE, subject,
		     "%" PRIu64 " in all, %" PRIu64 " free, %" PRIu64 " of them reserved, %" PRIu64
		     " surplus, overcommit %" PRIu64 "%s", pool->total, pool->free, pool->reserved,
		     pool->surplus, pool->overcommit, nodes);
}

void doctor_check_pools(struct findings *to)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool);
	uint64_t default_bytes = 2 * MIB;

	sysinfo_read_kib("Hugepagesize", &default_bytes);
	for (unsigned int i = 0; i < count; i++)
		doctor_check_pool(to, &pool[i], pool[i].page_bytes == default_bytes);
	if (count)
		return;
	findings_add(to, FINDINGS_LACK, "pools", "this kernel has no huge page pools "
		     "(CONFIG_HUGETLBFS), or neither /sys nor /proc shows them");
	findings_mend(to, "mount -t proc proc /proc; mount -t sysfs sysfs /sys");
}

void doctor_check_cgroups(struct findings *to)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool);
	bool limited = false, found = false;

	for (unsigned int i = 0; i < count; i++) {
		char size[24], bytes[24];
		struct cgroup_limit limit;
		uint64_t least;

		if (cgroup_read_limit(pool[i].page_bytes, &limit)) {
			findings_add(to, FINDINGS_NOTE, "cgroup",
				     "/proc/self/cgroup is not readable");
			return;
		}
		found |= limit.found;
		least = limit.fault_bytes < limit.reserve_bytes ? limit.fault_bytes :
			limit.reserve_bytes;
		if (least == UINT64_MAX)
			continue;
		limited = true;
		findings_add(to, least < pool[i].page_bytes ? FINDINGS_LACK : FINDINGS_NOTE,
			     "cgroup", "pages of %s: at most %s%s",
			     policy_format_size(pool[i].page_bytes, size),
			     policy_format_size(least, bytes), limit.fault_bytes == least ?
			     ", a limit of faults: never `populate = no`" : "");
		if (least < pool[i].page_bytes)
			findings_mend(to, "echo %s > %s", limit.lift, limit.file);
	}
	if (!limited)
		findings_add(to, FINDINGS_OK, "cgroup", "%s",
			     found ? "a hugetlb controller, no limit" : "no hugetlb controller");
}

/* The command that switches on the largest size below that of a PMD. Return: is there one? */
static bool doctor_mend_thp_size(struct findings *to, const struct sysinfo_thp *thp)
{
	char path[160];

	for (unsigned int i = thp->count; i--;) {
		if (thp->size[i].page_bytes == thp->pmd_bytes)
			continue;
		findings_mend(to, "echo madvise > %s",
			      sysinfo_format_pages_path(SYSINFO_THP, thp->size[i].page_bytes,
							"enabled", path));
		return true;
	}
	return false;
}

static void doctor_check_thp_sizes(struct findings *to, const struct sysinfo_thp *thp)
{
	char on[128] = "", size[24];
	size_t used = 0;

	if (!thp->count)
		return;
	for (unsigned int i = 0; i < thp->count && used < sizeof(on); i++)
		if (thp->size[i].page_bytes != thp->pmd_bytes &&
		    sysinfo_is_advised_served(thp, thp->size[i].page_bytes))
			used += (size_t)snprintf(on + used, sizeof(on) - used, " %s",
						 policy_format_size(thp->size[i].page_bytes, size));
	if (on[0]) {
		findings_add(to, FINDINGS_OK, "multi-size THP", "switched on:%s", on);
		return;
	}
	findings_add(to, FINDINGS_LACK, "multi-size THP", "every size is switched off: where no "
		     "2 MiB block is free, memory comes in 4 KiB pages");
	doctor_mend_thp_size(to, thp);
}

void doctor_check_thp(struct findings *to)
{
	struct sysinfo_thp thp;
	bool slow;

	sysinfo_read_thp(&thp);
	if (!thp.enabled[0]) {
		findings_add(to, FINDINGS_LACK, "THP", "this kernel has no transparent huge pages, "
			     "or /sys does not show them");
		findings_mend(to, "mount -t sysfs sysfs /sys");
		return;
	}
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1) {
		findings_add(to, FINDINGS_LACK, "THP", "prctl(PR_SET_THP_DISABLE) is set here, and "
			     "programs started here inherit it");
		findings_mend(to, "start the program from a process that has not called it");
	}
	if (!sysinfo_is_advised_served(&thp, 0)) {
		findings_add(to, FINDINGS_LACK, "THP", "enabled = %s: switched off", thp.enabled);
		findings_mend(to, "echo madvise > " SYSINFO_THP "/enabled");
	} else {
		findings_add(to, FINDINGS_OK, "THP", "enabled = %s", thp.enabled);
	}
	slow = !strcmp(thp.defrag, "never") || !strcmp(thp.defrag, "defer");
	findings_add(to, slow ? FINDINGS_LACK : FINDINGS_OK, "THP defrag", "defrag = %s%s",
		     thp.defrag[0] ? thp.defrag : "unknown",
		     slow ? ": no request has memory compacted, huge pages come late or never" :
		     "");
	if (slow)
		findings_mend(to, "echo madvise > " SYSINFO_THP "/defrag");
	doctor_check_thp_sizes(to, &thp);
}

/* Where most tries failed, or most of memory cannot be moved, more tries will not mend it. */
static bool doctor_can_compact(void)
{
	struct blocks_compaction compaction;
	struct blocks_kinds kinds;

	if (!blocks_read_kinds(&kinds) && kinds.unmovable > kinds.all / 2)
		return false;
	return blocks_read_compaction(&compaction) || compaction.tries < DOCTOR_TRIES_LEAST ||
	       compaction.failures <= compaction.tries / 2;
}

static void doctor_check_page_blocks(struct findings *to)
{
	struct blocks_kinds kinds;
	int ret = blocks_read_kinds(&kinds);

	if (ret) {
		findings_add(to, FINDINGS_NOTE, "page blocks", "/proc/pagetypeinfo %s",
			     ret == -EACCES ? "is root's" : "tells nothing");
		return;
	}
	findings_add(to, FINDINGS_OK, "page blocks", "of %" PRIu64 " blocks of memory %" PRIu64
		     " hold what cannot be moved, %" PRIu64 " what can be reclaimed; pinned pages "
		     "are not told", kinds.all, kinds.unmovable, kinds.reclaimable);
}

static void doctor_check_compaction(struct findings *to, bool fragmented)
{
	struct blocks_compaction compaction;
	bool helps = doctor_can_compact();
	uint64_t failed = 0, tries = 0;

	if (!blocks_read_compaction(&compaction)) {
		failed = compaction.failures;
		tries = compaction.tries;
	}
	findings_add(to, !fragmented || !helps ? FINDINGS_NOTE : FINDINGS_LACK, "compaction",
		     "%s; %" PRIu64 " of %" PRIu64 " tries failed since boot%s",
		     !fragmented ? "not needed now" : helps ? "can help" : "cannot help much",
		     failed, tries, fragmented && !helps ?
		     ": pinned pages or the kernel's own memory stand in the way" : "");
	if (fragmented && helps)
		findings_mend(to, "echo 1 > /proc/sys/vm/compact_memory");
}

/* Pages of a pool are taken while there are blocks for them; else smaller pages are the way. */
static void doctor_mend_fragmentation(struct findings *to, const struct blocks_free *free)
{
	struct sysinfo_thp thp;
	char size[24];

	sysinfo_read_thp(&thp);
	if (free->half_bytes / 2 > free->huge_bytes && !doctor_can_compact() &&
	    !sysinfo_is_advised_served(&thp, MIB) && doctor_mend_thp_size(to, &thp))
		return;
	findings_mend(to, doctor_can_compact() ? "contig pool reserve %s --compact" :
		      "contig pool reserve %s --persist   # and boot: memory is whole then",
		      policy_format_size(doctor_suggest_pages(2 * MIB) * 2 * MIB, size));
}

void doctor_check_fragmentation(struct findings *to)
{
	char free_text[24], huge_text[24];
	struct blocks_free free;
	uint64_t percent;

	if (blocks_read_free(&free)) {
		findings_add(to, FINDINGS_NOTE, "free memory", "/proc/buddyinfo tells nothing");
		return;
	}
	percent = free.huge_bytes * 100 / free.bytes;
	policy_format_size(free.bytes / MIB * MIB, free_text);
	policy_format_size(free.huge_bytes / MIB * MIB, huge_text);
	if (percent < DOCTOR_PERCENT_BAD) {
		findings_add(to, FINDINGS_LACK, "free memory", "memory is fragmented: %s free, but "
			     "only %" PRIu64 " blocks of 2M in it (%" PRIu64 " %%), and %" PRIu64
			     " of 1M", free_text, free.huge_bytes / (2 * MIB), percent,
			     (free.half_bytes - free.huge_bytes) / MIB);
		doctor_mend_fragmentation(to, &free);
	} else {
		findings_add(to, FINDINGS_OK, "free memory", "%s free, %s of it (%" PRIu64 " %%) in "
			     "blocks of 2M or more: %s fragmented", free_text, huge_text, percent,
			     percent < DOCTOR_PERCENT_GOOD ? "somewhat" : "hardly");
	}
	doctor_check_page_blocks(to);
	doctor_check_compaction(to, percent < DOCTOR_PERCENT_BAD);
}

void doctor_check_source(struct findings *to)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int count = sysinfo_list_pools(pool);
	bool pools = false, thp_serves;
	struct sysinfo_thp thp;

	for (unsigned int i = 0; i < count; i++)
		pools |= pool[i].known && sysinfo_count_available(&pool[i]);
	sysinfo_read_thp(&thp);
	thp_serves = sysinfo_is_advised_served(&thp, 0) &&
		     prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1;
	for (unsigned int i = 0; i < thp.count; i++)
		thp_serves |= sysinfo_is_advised_served(&thp, thp.size[i].page_bytes);
	if (pools || thp_serves) {
		findings_add(to, FINDINGS_OK, "by default", "large requests come from %s",
			     pools && thp_serves ? "the pools while they last, then THP" :
			     pools ? "the pools while they last, then ordinary pages" : "THP");
		return;
	}
	findings_add(to, FINDINGS_NEEDED, "by default", "large requests get ordinary pages: the "
		     "pools have no free page, and THP is off");
	findings_mend(to, "echo madvise > " SYSINFO_THP "/enabled");
}
