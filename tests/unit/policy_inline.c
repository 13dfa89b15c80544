/* SPDX-License-Identifier: MIT */
/* CONTIG_POLICY: rules in a variable. */
#include "policy_collect.h"

#include <stdlib.h>

static void the_example_of_the_documentation_is_two_rules(void)
{
	struct policy pol;

	CHECK(!collect_rules(&pol, "size=64M..,call=malloc: hugetlb,thp; size=1M..: thp").count);
	if (!CHECK(pol.count == 4))
		return;
	CHECK(pol.rule[0].inline_rule && pol.rule[0].line == 1);
	CHECK(pol.rule[0].size.low == 64 * MIB && pol.rule[0].calls == 1u << CALL_MALLOC);
	CHECK(pol.rule[0].chain.count == 2 && !pol.rule[0].chain.strict);
	CHECK(pol.rule[1].inline_rule && pol.rule[1].line == 2);
	CHECK(pol.rule[1].size.low == MIB && pol.rule[1].calls == CALLS_MALLOC_FAMILY);
	CHECK(strcmp(pol.rule[0].name, pol.rule[1].name));
	CHECK(!pol.rule[2].inline_rule && !strcmp(pol.rule[2].name, "built-in malloc"));
}

static void lists_in_it_have_bars(void)
{
	struct policy pol;

	CHECK(!collect_rules(&pol, "exe=ib_*|ucx_*, call = valloc | new, contiguity=whole,node=local,"
			     "limit=4G,warn=yes,populate=no,align=..4K: driver:nic, hugetlb-2M!;")
	      .count);
	CHECK(pol.count == 3 && pol.rule[0].exe.count == 2);
	CHECK(pol.rule[0].calls == (1u << CALL_VALLOC | 1u << CALL_NEW));
	CHECK(pol.rule[0].limit == 4 * GIB && pol.rule[0].node == NODE_LOCAL);
	CHECK(!strcmp(pol.rule[0].chain.link[0].region, "nic") && pol.rule[0].chain.strict);
}

static void a_rule_may_have_a_chain_only(void)
{
	struct policy pol;

	CHECK(!collect_rules(&pol, " : heap").count);
	CHECK(pol.count == 3 && pol.rule[0].chain.count == 0);
	CHECK(!collect_rules(&pol, "").count && pol.count == 2);
	CHECK(!collect_rules(&pol, " ; ;").count && pol.count == 2);
}

static void it_stands_before_the_file_in_its_own_order(void)
{
	struct collect all = { .count = 0 };
	struct policy pol;

	CHECK(!collect_conf(&pol, "[rule a]\nchain = thp\n[rule b]\nchain = base\n").count);
	CHECK(policy_read_rules(&pol, "size=1M: thp; size=2M: zip; size=3M: thp", collect_error,
				&all) == 1);
	CHECK(collect_is_one(&all, 2, "chain", "a chain of"));
	CHECK(!strcmp(all.error[0].file, "CONTIG_POLICY"));
	if (!CHECK(pol.count == 6))
		return;
	CHECK(pol.rule[0].size.low == MIB && pol.rule[0].line == 1);
	CHECK(pol.rule[1].size.low == 3 * MIB && pol.rule[1].line == 3);
	CHECK(!strcmp(pol.rule[2].name, "a") && !strcmp(pol.rule[3].name, "b"));
	CHECK(!strcmp(pol.rule[4].name, "built-in malloc"));
	CHECK(!strcmp(pol.rule[5].name, "built-in mmap"));
}

static void each_wrong_rule_is_named_and_dropped_whole(void)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *key, *expected;
	} bad[] = {
		{ "thp", 1, "(none)", "key=value,key=value: backing" },
		{ "[b", 1, "(none)", "key=value,key=value: backing" },
		{ "size=64M..", 1, "(none)", "key=value,key=value: backing" },
		{ "size: thp", 1, "(none)", "key=value before the colon" },
		{ "size=1M..,: thp", 1, "(none)", "key=value before the colon" },
		{ "size=64Q: thp", 1, "size", "a range such as" },
		{ "size=-1: thp", 1, "size", "a range such as" },
		{ "size=1e99: thp", 1, "size", "a range such as" },
		{ "size=1M..:", 1, "chain", "a chain of" },
		{ "size=1M..: zip", 1, "chain", "a chain of" },
		{ "size=1M..,size=2M..: thp", 1, "size", "once" },
		{ "chain=thp: thp", 1, "chain", "behind the colon" },
		{ "sice=1M: thp", 1, "sice", "size?" },
		{ "call=malloc,new: thp", 1, "(none)", "key=value before" },
		{ ";;call=brk: thp", 1, "call", "malloc-family" },
	};
	struct policy pol;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct collect all = collect_rules(&pol, bad[i].text);

		if (!CHECK(collect_is_one(&all, bad[i].line, bad[i].key, bad[i].expected)))
			fprintf(stderr, "  %s\n", bad[i].text);
		CHECK(pol.count == 2);
	}
}

static void a_rule_of_300_bytes_is_one_error(void)
{
	char text[400];
	struct policy pol;
	struct collect all;

	snprintf(text, sizeof(text), "size=1M..%289s: thp; size=2M: base", "");
	CHECK((size_t)(strchr(text, ';') - text) > 300);
	all = collect_rules(&pol, text);
	CHECK(collect_is_one(&all, 1, "(none)", "at most 199"));
	CHECK(pol.count == 3 && pol.rule[0].size.low == 2 * MIB);
}

static void a_million_digits_are_one_error(void)
{
	size_t digits = 1000000;
	char *text = malloc(digits + 16);
	struct policy pol;
	struct collect all;

	if (!CHECK(text != NULL))
		return;
	memset(text, '1', digits);
	memcpy(text, "size=", 5);
	strcpy(text + digits, "M..: thp");
	all = collect_rules(&pol, text);
	CHECK(collect_is_one(&all, 0, "(none)", "at most 65536 bytes"));
	CHECK(pol.count == 2);
	free(text);
}

int main(void)
{
	the_example_of_the_documentation_is_two_rules();
	lists_in_it_have_bars();
	a_rule_may_have_a_chain_only();
	it_stands_before_the_file_in_its_own_order();
	each_wrong_rule_is_named_and_dropped_whole();
	a_rule_of_300_bytes_is_one_error();
	a_million_digits_are_one_error();
	return check_result();
}
