/* SPDX-License-Identifier: MIT */
#include "policy_collect.h"

/* One rule of one key beside a chain. */
static struct collect rule_read(struct policy *pol, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "[rule r]\n%s\n%s\n", line,
		 strncmp(line, "chain", 5) ? "chain = thp" : "");
	return collect_conf(pol, text);
}

/* Return: the rule, NULL (and a failed check) if the line was refused. */
static const struct rule *rule_of(struct policy *pol, const char *line)
{
	struct collect all = rule_read(pol, line);

	if (CHECK(!all.count) && CHECK(pol->count == 3))
		return &pol->rule[0];
	fprintf(stderr, "  %s\n", line);
	return NULL;
}

static void without_keys_a_rule_is_for_the_malloc_family_from_threshold_up(void)
{
	struct policy pol;
	const struct rule *rule = rule_of(&pol, "");

	if (!rule)
		return;
	CHECK(rule->calls == CALLS_MALLOC_FAMILY && !rule->exe.count);
	CHECK(!rule->has_size && rule->size.high == UINT64_MAX);
	CHECK(rule->align.low == 0 && rule->align.high == UINT64_MAX);
	CHECK(rule->contiguity.kind == CONTIGUITY_ANY && rule->node == NODE_ANY);
	CHECK(rule->populate == POPULATE_AUTO && rule->limit == UINT64_MAX && !rule->warn);
	CHECK(!rule->chain.strict);
}

static void ranges_have_two_ends_one_or_are_one_size(void)
{
	static const struct {
		const char *text;
		uint64_t low, high;
	} good[] = {
		{ "1M..", MIB, UINT64_MAX }, { "64K..1G", 64 * KIB, GIB },
		{ "..4M", 4 * KIB, 4 * MIB }, { "2M", 2 * MIB, 2 * MIB },
		{ "1.5G .. 2G", 1536 * MIB, 2 * GIB }, { "4096..4096", 4096, 4096 },
	};
	struct policy pol;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char line[64];
		const struct rule *rule;

		snprintf(line, sizeof(line), "size = %s", good[i].text);
		rule = rule_of(&pol, line);
		CHECK(rule && rule->has_size);
		CHECK(rule && rule->size.low == good[i].low && rule->size.high == good[i].high);
		snprintf(line, sizeof(line), "align = %s", good[i].text);
		rule = rule_of(&pol, line);
		CHECK(rule && rule->align.high == good[i].high && !rule->has_size);
	}
	CHECK(rule_of(&pol, "align = ..4K") && pol.rule[0].align.low == 0);
	CHECK(rule_of(&pol, "align = 64") && pol.rule[0].align.low == 64);
}

static void calls_are_named_one_by_one_or_as_the_family(void)
{
	char line[64];
	struct policy pol;

	for (unsigned int call = 0; call < CALL_COUNT; call++) {
		enum call_id parsed = CALL_COUNT;
		const struct rule *rule;

		snprintf(line, sizeof(line), "call = %s", policy_call_name(call));
		rule = rule_of(&pol, line);
		CHECK(rule && rule->calls == 1u << call);
		CHECK(!policy_call_parse(policy_call_name(call), &parsed) && parsed == call);
	}
	CHECK(rule_of(&pol, "call = malloc-family") &&
	      pol.rule[0].calls == CALLS_MALLOC_FAMILY);
	CHECK(rule_of(&pol, "call = mmap-shared, mmap , new") &&
	      pol.rule[0].calls == (1u << CALL_MMAP_SHARED | 1u << CALL_MMAP | 1u << CALL_NEW));
	CHECK(!strcmp(policy_call_name(CALL_POSIX_MEMALIGN), "posix_memalign"));
	CHECK(!strcmp(policy_call_name(CALL_MMAP_SHARED), "mmap-shared"));
}

static void the_other_keys_take_their_values(void)
{
	struct policy pol;

	CHECK(rule_of(&pol, "contiguity = any") && !pol.rule[0].contiguity.kind);
	CHECK(rule_of(&pol, "contiguity = page") &&
	      pol.rule[0].contiguity.kind == CONTIGUITY_PAGE);
	CHECK(rule_of(&pol, "contiguity = whole") &&
	      pol.rule[0].contiguity.kind == CONTIGUITY_WHOLE);
	CHECK(rule_of(&pol, "contiguity = 64K") &&
	      pol.rule[0].contiguity.kind == CONTIGUITY_SIZE &&
	      pol.rule[0].contiguity.bytes == 64 * KIB);
	CHECK(rule_of(&pol, "node = any") && pol.rule[0].node == NODE_ANY);
	CHECK(rule_of(&pol, "node = local") && pol.rule[0].node == NODE_LOCAL);
	CHECK(rule_of(&pol, "node = 0") && pol.rule[0].node == 0);
	CHECK(rule_of(&pol, "node = 1023") && pol.rule[0].node == 1023);
	CHECK(rule_of(&pol, "populate = auto") && pol.rule[0].populate == POPULATE_AUTO);
	CHECK(rule_of(&pol, "populate = yes") && pol.rule[0].populate == POPULATE_YES);
	CHECK(rule_of(&pol, "populate = no") && pol.rule[0].populate == POPULATE_NO);
	CHECK(rule_of(&pol, "limit = 4G") && pol.rule[0].limit == 4 * GIB);
	CHECK(rule_of(&pol, "warn = yes") && pol.rule[0].warn);
	CHECK(rule_of(&pol, "warn = off") && !pol.rule[0].warn);
	CHECK(rule_of(&pol, "exe = a*, b?c") && pol.rule[0].exe.count == 2);
}

static void chains_take_backings_sizes_regions_and_a_last_word(void)
{
	struct policy pol;
	const struct chain *chain = &pol.rule[0].chain;
	char out[64];

	CHECK(rule_of(&pol, "chain = hugetlb-1G,hugetlb-2M , driver:nic_0, driver, thp, mthp-64K, "
		      "mthp, base") && chain->count == 8 && !chain->strict);
	CHECK(!strcmp(policy_format_link(&chain->link[0], out), "hugetlb-1G"));
	CHECK(!strcmp(policy_format_link(&chain->link[1], out), "hugetlb-2M"));
	CHECK(!strcmp(policy_format_link(&chain->link[2], out), "driver:nic_0"));
	CHECK(!strcmp(policy_format_link(&chain->link[3], out), "driver"));
	CHECK(!strcmp(policy_format_link(&chain->link[4], out), "thp"));
	CHECK(!strcmp(policy_format_link(&chain->link[5], out), "mthp-64K"));
	CHECK(!strcmp(policy_format_link(&chain->link[6], out), "mthp"));
	CHECK(!strcmp(policy_format_link(&chain->link[7], out), "base"));
	CHECK(rule_of(&pol, "chain = heap") && chain->count == 0 && !chain->strict);
	CHECK(rule_of(&pol, "chain = hugetlb") && chain->link[0].page_bytes == 0);
	CHECK(rule_of(&pol, "chain = hugetlb-2MiB") && chain->link[0].page_bytes == 2 * MIB);
	CHECK(rule_of(&pol, "chain = thp!") && chain->count == 1 && chain->strict);
	CHECK(rule_of(&pol, "chain = thp !") && chain->count == 1 && chain->strict);
	CHECK(rule_of(&pol, "chain = hugetlb, thp, !") && chain->count == 2 && chain->strict);
}

static const struct {
	const char *line, *key, *expected;
} rule_bad[] = {
	{ "size = ", "size", "a range such as" },
	{ "size = ..", "size", "a range such as" },
	{ "size = 64Q", "size", "a range such as" },
	{ "size = -1", "size", "a range such as" },
	{ "size = 1e99", "size", "a range such as" },
	{ "size = 1M..64Q", "size", "a range such as" },
	{ "size = 1M...2M", "size", "a range such as" },
	{ "size = 1M..2M..3M", "size", "a range such as" },
	{ "size = 1M-2M", "size", "a range such as" },
	{ "size = 2M..1M", "size", "not above" },
	{ "size = ..1K", "size", "not above" },
	{ "size = 4095..", "size", "from 4K up" },
	{ "size = 0..1M", "size", "from 4K up" },
	{ "size = 1K", "size", "from 4K up" },
	{ "align = 4K..1K", "align", "not above" },
	{ "align = page", "align", "a range such as" },
	{ "call = brk", "call", "malloc-family | malloc" },
	{ "call = ", "call", "malloc-family | malloc" },
	{ "call = malloc,", "call", "mmap-shared" },
	{ "call = mmap_shared", "call", "mmap-shared" },
	{ "call = malloc|new", "call", "mmap-shared" },
	{ "exe = ", "exe", "names of 1 to 31" },
	{ "exe = a,,b", "exe", "names of 1 to 31" },
	{ "exe = 12345678901234567890123456789012", "exe", "names of 1 to 31" },
	{ "exe = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "exe", "at most 16" },
	{ "exe = /usr/bin/x", "exe", "without a slash" },
	{ "contiguity = all", "contiguity", "any, page, whole" },
	{ "contiguity = 1K", "contiguity", "from 4K up" },
	{ "node = 1024", "node", "0 to 1023" },
	{ "node = -1", "node", "0 to 1023" },
	{ "node = 0x1", "node", "0 to 1023" },
	{ "node = 18446744073709551616", "node", "0 to 1023" },
	{ "node = ", "node", "0 to 1023" },
	{ "populate = maybe", "populate", "auto | yes | no" },
	{ "limit = none", "limit", "a size" },
	{ "limit = 64Q", "limit", "a size" },
	{ "warn = 2", "warn", "yes | no" },
	{ "chain = ", "chain", "a chain of" },
	{ "chain = zip", "chain", "a chain of" },
	{ "chain = !", "chain", "a chain of" },
	{ "chain = thp!!", "chain", "one `!`" },
	{ "chain = thp!, base", "chain", "one `!`" },
	{ "chain = thp!, !", "chain", "one `!`" },
	{ "chain = !thp", "chain", "one `!`" },
	{ "chain = thp,", "chain", "a chain of" },
	{ "chain = thp,,!", "chain", "a chain of" },
	{ "chain = thp,,base", "chain", "a chain of" },
	{ "chain = , thp", "chain", "a chain of" },
	{ "chain = thp, heap", "chain", "a chain of" },
	{ "chain = heap!", "chain", "a chain of" },
	{ "chain = THP", "chain", "a chain of" },
	{ "chain = hugetlb-", "chain", "power of two" },
	{ "chain = hugetlb-3M", "chain", "power of two" },
	{ "chain = hugetlb-0", "chain", "power of two" },
	{ "chain = hugetlb-64Q", "chain", "power of two" },
	{ "chain = mthp-4K", "chain", "above 4K" },
	{ "chain = thp-2M", "chain", "power of two" },
	{ "chain = base-4K", "chain", "power of two" },
	{ "chain = zip-2M", "chain", "power of two" },
	{ "chain = driver:", "chain", "driver:REGION" },
	{ "chain = thp:x", "chain", "driver:REGION" },
	{ "chain = driver:a:b", "chain", "driver:REGION" },
	{ "chain = driver:12345678901234567890123456789012", "chain", "driver:REGION" },
	{ "chain = thp,thp,thp,thp,thp,thp,thp,thp,thp", "chain", "at most 8" },
};

static void each_wrong_value_is_one_error_and_drops_the_rule(void)
{
	struct policy pol;

	for (size_t i = 0; i < sizeof(rule_bad) / sizeof(rule_bad[0]); i++) {
		struct collect all = rule_read(&pol, rule_bad[i].line);

		if (!CHECK(collect_is_one(&all, 2, rule_bad[i].key, rule_bad[i].expected)))
			fprintf(stderr, "  %s\n", rule_bad[i].line);
		CHECK(pol.count == 2);
	}
}

static void a_limit_of_mmap_is_for_huge_pages_only(void)
{
	static const char *const good[] = {
		"call=mmap,limit=8M: hugetlb", "call=mmap|mmap-shared,limit=8M: hugetlb-2M,hugetlb-1G!",
		"call=mmap: hugetlb,thp", "limit=8M: hugetlb,thp",
	};
	static const char *const bad[] = {
		"call=mmap,limit=8M: thp", "call=mmap-shared,limit=8M: hugetlb,base!",
		"call=malloc|mmap,limit=8M: hugetlb,thp",
	};
	struct policy pol;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(collect_rules(&pol, good[i]).count == 0 && pol.count == 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct collect all = collect_rules(&pol, bad[i]);

		CHECK(collect_is_one(&all, 1, "limit", "hugetlb alone"));
		CHECK(pol.count == 2);
	}
}

static void the_table_tells_every_key(void)
{
	static const char *const names[] = {
		"exe", "call", "size", "align", "chain", "contiguity", "node", "populate", "limit",
		"warn",
	};
	struct policy pol;

	CHECK(policy_rule_key_count() == sizeof(names) / sizeof(names[0]));
	for (unsigned int i = 0; i < policy_rule_key_count(); i++) {
		struct policy_key key = policy_rule_key(i);
		char line[128];

		CHECK(!strcmp(key.name, names[i]));
		CHECK(key.help[0] && key.values[0]);
		snprintf(line, sizeof(line), "%s = %s", key.name, key.preset);
		CHECK(!key.preset[0] || rule_of(&pol, line));
	}
}

int main(void)
{
	without_keys_a_rule_is_for_the_malloc_family_from_threshold_up();
	ranges_have_two_ends_one_or_are_one_size();
	calls_are_named_one_by_one_or_as_the_family();
	the_other_keys_take_their_values();
	chains_take_backings_sizes_regions_and_a_last_word();
	each_wrong_value_is_one_error_and_drops_the_rule();
	a_limit_of_mmap_is_for_huge_pages_only();
	the_table_tells_every_key();
	return check_result();
}
