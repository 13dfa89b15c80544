/* SPDX-License-Identifier: MIT */
#include "pattern.h"
#include "rule.h"
#include "settings.h"

#include <string.h>

/*
 * A smaller mapping holds no page of 2 MiB, and one on a boundary of its own never merges with
 * its neighbours: the process would run into vm.max_map_count, for nothing.
 */
#define DECIDE_MMAP_LEAST	(2 * MIB)

static void decide_add_built_in(struct policy *pol, const char *name, uint32_t calls,
				const enum backing_id *backing, unsigned int count)
{
	struct rule *rule = &pol->rule[pol->count++];

	rule_init(rule);
	memcpy(rule->name, name, strlen(name));
	rule->calls = calls;
	rule->chain.count = count;
	for (unsigned int i = 0; i < count; i++)
		rule->chain.link[i].backing = backing[i];
}

void policy_init(struct policy *pol)
{
	static const enum backing_id for_malloc[] = {
		BACKING_HUGETLB, BACKING_THP, BACKING_MTHP, BACKING_BASE
	};
	static const enum backing_id for_mmap[] = { BACKING_THP };

	memset(pol, 0, sizeof(*pol));
	settings_init(&pol->settings);
	decide_add_built_in(pol, "built-in malloc", CALLS_MALLOC_FAMILY, for_malloc,
			    sizeof(for_malloc) / sizeof(for_malloc[0]));
	decide_add_built_in(pol, "built-in mmap", 1u << CALL_MMAP, for_mmap,
			    sizeof(for_mmap) / sizeof(for_mmap[0]));
	pol->rule[pol->count - 1].size.low = DECIDE_MMAP_LEAST;
}

static uint64_t decide_smallest(const struct policy *pol, uint32_t calls)
{
	uint64_t smallest = UINT64_MAX;

	for (unsigned int i = 0; i < pol->count; i++) {
		const struct rule *rule = &pol->rule[i];

		if ((rule->calls & calls) && rule->size.low < smallest)
			smallest = rule->size.low;
	}
	return smallest;
}

void policy_finish(struct policy *pol, const char *exe)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < pol->count; i++) {
		struct rule *rule = &pol->rule[i];

		if (exe && rule->exe.count && !pattern_matches(&rule->exe, exe))
			continue;
		if (!rule->has_size && rule->size.low < pol->settings.threshold)
			rule->size.low = pol->settings.threshold;
		if (kept != i)
			pol->rule[kept] = *rule;
		kept++;
	}
	pol->count = kept;
	pol->smallest = decide_smallest(pol, CALLS_MALLOC_FAMILY);
	pol->smallest_mmap = decide_smallest(pol, 1u << CALL_MMAP | 1u << CALL_MMAP_SHARED);
}

bool policy_serves(const struct policy *pol, const char *exe)
{
	const struct settings *set = &pol->settings;

	if (pattern_matches(&set->leave, exe))
		return false;
	return !set->serve.count || pattern_matches(&set->serve, exe);
}

static bool decide_in_range(const struct size_range *range, uint64_t bytes)
{
	return bytes >= range->low && bytes <= range->high;
}

static bool decide_within_limit(const struct rule *rule, uint64_t live, uint64_t bytes)
{
	return bytes <= rule->limit && live <= rule->limit - bytes;
}

static bool decide_matches(const struct rule *rule, const struct request *req, uint64_t live)
{
	return (rule->calls & 1u << req->call) && decide_in_range(&rule->size, req->bytes) &&
	       decide_in_range(&rule->align, req->align) &&
	       decide_within_limit(rule, live, req->bytes);
}

/* Other threads count while this one decides. */
static uint64_t decide_live_bytes(const struct request *req, unsigned int rule)
{
	return req->rule_bytes ? __atomic_load_n(&req->rule_bytes[rule], __ATOMIC_RELAXED) : 0;
}

struct decision policy_decide(const struct policy *pol, const struct request *req)
{
	static const struct chain heap;

	for (unsigned int i = 0; i < pol->count; i++) {
		const struct rule *rule = &pol->rule[i];

		if (!decide_matches(rule, req, decide_live_bytes(req, i)))
			continue;
		return (struct decision){
			.chain = &rule->chain,
			.contiguity = rule->contiguity,
			.node = rule->node,
			.populate = rule->populate,
			.warn = rule->warn,
			.rule = (int)i,
		};
	}
	return (struct decision){ .chain = &heap, .node = NODE_ANY, .rule = -1 };
}
