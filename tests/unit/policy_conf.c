/* SPDX-License-Identifier: MIT */
/* What a contig.conf may look like, and what libinih would have swallowed. */
#include "policy_collect.h"

#include <stdlib.h>

#define BUILT_IN 2

static unsigned int conf_rules(const struct policy *pol)
{
	return pol->count - BUILT_IN;
}

static void an_empty_file_is_the_defaults(void)
{
	struct policy pol, preset;

	policy_init(&preset);
	CHECK(collect_conf(&pol, "").count == 0);
	CHECK(!memcmp(&pol, &preset, sizeof(pol)));
	CHECK(collect_conf(&pol, "\n\n; nothing\n# at all\n   \n\t; indented\n").count == 0);
	CHECK(!memcmp(&pol, &preset, sizeof(pol)));
}

static void the_example_of_the_documentation_is_read(void)
{
	static const char text[] =
		"[process]\n"
		"threshold = 1M\n"
		"retain    = 128M          ; kept for reuse; decay = 20s\n"
		"heap      = thp      ; or thp, hugetlb: small objects on huge pages too\n"
		"; also: fork, stats, log, children, serve, leave\n"
		"[rule rdma-big]\n"
		"exe        = ib_*, ucx_*\n"
		"call       = memalign, posix_memalign\n"
		"size       = 64K..1G\n"
		"chain      = hugetlb-2M, thp!\n"
		"contiguity = whole        ; any | page | whole | SIZE: a promise\n"
		"node       = local        ; or a number; checked after population\n"
		"limit      = 4G           ; of this process under this rule\n";
	struct policy pol;
	struct rule *rule = &pol.rule[0];

	CHECK(collect_conf(&pol, text).count == 0);
	CHECK(pol.settings.retain == 128 * MIB);
	CHECK(pol.settings.decay == 10000);
	CHECK(pol.settings.heap == HEAP_THP);
	if (!CHECK(conf_rules(&pol) == 1))
		return;
	CHECK(!strcmp(rule->name, "rdma-big"));
	CHECK(rule->line == 6 && !rule->inline_rule);
	CHECK(rule->exe.count == 2 && !strcmp(rule->exe.name[1], "ucx_*"));
	CHECK(rule->calls == (1u << CALL_MEMALIGN | 1u << CALL_POSIX_MEMALIGN));
	CHECK(rule->has_size && rule->size.low == 64 * KIB && rule->size.high == GIB);
	CHECK(rule->chain.count == 2 && rule->chain.strict);
	CHECK(rule->chain.link[0].backing == BACKING_HUGETLB);
	CHECK(rule->chain.link[0].page_bytes == 2 * MIB);
	CHECK(rule->chain.link[1].backing == BACKING_THP);
	CHECK(rule->contiguity.kind == CONTIGUITY_WHOLE);
	CHECK(rule->node == NODE_LOCAL);
	CHECK(rule->limit == 4 * GIB);
}

static void indentation_crlf_and_a_byte_order_mark_do_no_harm(void)
{
	struct policy pol;

	CHECK(collect_conf(&pol, "\xef\xbb\xbf[process]\r\n  retain = 1M\r\n\tdecay = 1s\r\n"
			   "  [ rule  a ] ; comment\r\n  chain = thp\r\n"
			   "    size = 1M..").count == 0);
	CHECK(pol.settings.retain == MIB);
	CHECK(pol.settings.decay == 1000);
	CHECK(conf_rules(&pol) == 1 && !strcmp(pol.rule[0].name, "a"));
	CHECK(pol.rule[0].has_size);
}

static const struct {
	const char *text;
	unsigned int line;
	const char *key, *expected;
} conf_bad[] = {
	{ "[b", 1, "(none)", "ends in ]" },
	{ "[process", 1, "(none)", "ends in ]" },
	{ "[]", 1, "(none)", "[process] or [rule NAME]" },
	{ "[b]", 1, "(none)", "[process] or [rule NAME]" },
	{ "[Process]", 1, "(none)", "[process] or [rule NAME]" },
	{ "[ruler x]", 1, "(none)", "[process] or [rule NAME]" },
	{ "[rule]", 1, "(none)", "[rule NAME]" },
	{ "[rule a b]", 1, "(none)", "[rule NAME]" },
	{ "[rule 12345678901234567890123456789012]", 1, "(none)", "at most 31" },
	{ "[process] x = 1", 1, "(none)", "nothing behind" },
	{ "[process]\n\n[process]\n", 3, "(none)", "once" },
	{ "retain = 1M\n", 1, "(none)", "before the first key" },
	{ "[process]\nretain\n", 2, "(none)", "key = value" },
	{ "[process]\nretain : 1M\n", 2, "(none)", "key = value" },
	{ "[process]\nstats : json:a=b\n", 2, "(none)", "key = value" },
	{ "[process]\nretain ; = 1M\n", 2, "(none)", "key = value" },
	{ "[process]\nretain = 1M\n  , 2M\n", 3, "(none)", "key = value" },
	{ "[rule a]\n", 1, "chain", "a chain" },
	{ "\n[rule a]\nsize = 1M..\n[process]", 2, "chain", "a chain" },
	{ "[rule a]\ncall = mmap\nlimit = 1M\nchain = thp\n", 1, "limit", "hugetlb alone" },
	{ "\n[rule a]\nchain = hugetlb, thp\nlimit = 1M\ncall = mmap-shared, new\n", 2, "limit",
	  "hugetlb alone" },
	{ "[rule a]\nchain = thp\n[rule a]\nchain = base\n", 3, "(none)", "once" },
	{ "[rule a]\nchain = zip\n[rule a]\nchain = base\n[rule b]\nchain = thp!!", 2, "", "" },
	{ "[rule a]\nchian = thp\n", 2, "chian", "chain?" },
	{ "[rule a]\nchain = thp\nhugepages = 1\n", 3, "hugepages", "exe call size align" },
	{ "[rule a]\nchain = thp\nchain = base\n", 3, "chain", "once" },
	{ "\xef\xbb\xbf\xef\xbb\xbf;x = 1\n", 1, "(none)", "plain text" },
	{ "[process]\n\xffz = 1\n", 2, "?z", "one of these" },
};

static void each_wrong_line_is_one_error(void)
{
	struct policy pol;

	for (size_t i = 0; i < sizeof(conf_bad) / sizeof(conf_bad[0]); i++) {
		struct collect all = collect_conf(&pol, conf_bad[i].text);

		if (!conf_bad[i].expected[0]) {
			CHECK(all.count == 3);	/* two chains, and the name again */
			CHECK(conf_rules(&pol) == 0);
			continue;
		}
		CHECK(collect_is_one(&all, conf_bad[i].line, conf_bad[i].key,
				     conf_bad[i].expected));
		CHECK(!strcmp(all.error[0].file, "test.conf"));
	}
}

static void keys_behind_a_wrong_header_stay_out_of_the_old_section(void)
{
	struct policy pol;
	struct collect all = collect_conf(&pol, "[process]\nretain = 1M\n[b\nretain = 2M\n"
					  "decay = 1s\n[rule a]\nchain = thp\n");

	CHECK(collect_is_one(&all, 3, "(none)", "ends in ]"));
	CHECK(pol.settings.retain == MIB);
	CHECK(pol.settings.decay == 10000);
	CHECK(conf_rules(&pol) == 1);
}

static void a_rule_with_a_wrong_line_is_dropped_whole_and_the_rest_stays(void)
{
	static const char *const wrong[] = {
		"size = 64Q", "colour = red", "junk", "chain = thp\nchain = base",
		"size = 2M..1M", "exe = ",
	};
	char text[256];
	struct policy pol;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct collect all;

		snprintf(text, sizeof(text), "[rule a]\n%s\n%s\n[rule b]\nchain = base\n",
			 strncmp(wrong[i], "chain", 5) ? "chain = thp" : "node = 0", wrong[i]);
		all = collect_conf(&pol, text);
		CHECK(all.count == 1);
		CHECK(conf_rules(&pol) == 1 && !strcmp(pol.rule[0].name, "b"));
	}
}

static void a_line_may_have_199_bytes_and_no_more(void)
{
	char text[512];
	struct policy pol;
	struct collect all;
	int used;

	for (int over = 0; over <= 1; over++) {
		used = snprintf(text, sizeof(text), "[process]\nretain = 1M ;");
		memset(text + used, 'x', sizeof(text) - (size_t)used);
		memcpy(text + 10 + POLICY_LINE_BYTES + over, "\ndecay = 1s\n", 13);
		all = collect_conf(&pol, text);
		CHECK(pol.settings.decay == 1000);
		CHECK(pol.settings.retain == (over ? 256 * MIB : MIB));
		CHECK(over ? collect_is_one(&all, 2, "(none)", "at most 199") : !all.count);
	}
	/* What is beyond byte 199 never becomes a key of its own. */
	used = snprintf(text, sizeof(text), "[process]\n;%198s%s\n", "", "decay = 1s");
	all = collect_conf(&pol, text);
	CHECK(collect_is_one(&all, 2, "(none)", "at most 199"));
	CHECK(pol.settings.decay == 10000);
}

static void a_nul_byte_makes_the_whole_file_no_text(void)
{
	static const char text[] = "[process]\nretain = 1M\ndecay = 1\0s\nfork = kernel\n";
	struct policy pol;
	struct collect all = collect_conf_bytes(&pol, text, sizeof(text) - 1);

	CHECK(collect_is_one(&all, 3, "(none)", "NUL"));
	CHECK(pol.settings.retain == 256 * MIB);
}

static void a_file_may_have_64K_and_no_more(void)
{
	size_t bytes = POLICY_FILE_BYTES + 1;
	char *text = malloc(bytes);
	struct policy pol;
	struct collect all;

	if (!CHECK(text != NULL))
		return;
	memset(text, '\n', bytes);
	memcpy(text, "[process]\nretain = 1M\n", 22);
	all = collect_conf_bytes(&pol, text, bytes - 1);
	CHECK(!all.count && pol.settings.retain == MIB);
	all = collect_conf_bytes(&pol, text, bytes);
	CHECK(collect_is_one(&all, 0, "(none)", "at most 65536"));
	CHECK(pol.settings.retain == 256 * MIB);
	memset(text, 0, bytes);		/* as from /dev/zero */
	all = collect_conf_bytes(&pol, text, bytes);
	CHECK(collect_is_one(&all, 0, "(none)", "at most 65536"));
	free(text);
}

static void there_are_32_rules_and_each_more_is_an_error(void)
{
	char text[4096];
	size_t used = 0;
	struct policy pol;
	struct collect all;

	for (unsigned int i = 0; i < POLICY_RULES + 2; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[rule r%u]\nchain = thp\n", i);
	all = collect_conf(&pol, text);
	CHECK(all.count == 2);
	CHECK(all.error[0].line == 2 * POLICY_RULES + 1);
	CHECK(strstr(all.error[0].expected, "at most 32") != NULL);
	CHECK(conf_rules(&pol) == POLICY_RULES);
	CHECK(!strcmp(pol.rule[POLICY_RULES - 1].name, "r31"));
	CHECK(policy_read_rules(&pol, "size=1M..: thp", collect_error, &all) == 1);
	CHECK(conf_rules(&pol) == POLICY_RULES);
}

static void what_was_found_is_cut_and_made_printable(void)
{
	char text[256];
	struct policy pol;
	struct collect all;

	snprintf(text, sizeof(text), "[process]\nheap = \033[31m%0100d\n", 0);
	all = collect_conf(&pol, text);
	CHECK(collect_is_one(&all, 2, "heap", "jemalloc"));
	CHECK(strlen(all.error[0].text) == 64);
	CHECK(!strncmp(all.error[0].text, "?[31m000", 8));
}

int main(void)
{
	an_empty_file_is_the_defaults();
	the_example_of_the_documentation_is_read();
	indentation_crlf_and_a_byte_order_mark_do_no_harm();
	each_wrong_line_is_one_error();
	keys_behind_a_wrong_header_stay_out_of_the_old_section();
	a_rule_with_a_wrong_line_is_dropped_whole_and_the_rest_stays();
	a_line_may_have_199_bytes_and_no_more();
	a_nul_byte_makes_the_whole_file_no_text();
	a_file_may_have_64K_and_no_more();
	there_are_32_rules_and_each_more_is_an_error();
	what_was_found_is_cut_and_made_printable();
	return check_result();
}
