/* SPDX-License-Identifier: MIT */
#include "policy_collect.h"

/* A finished policy from the text of a file, for a program of that name. */
static void policy_of(struct policy *pol, const char *text, const char *exe)
{
	struct collect all = collect_conf(pol, text);

	CHECK(!all.count);
	policy_finish(pol, exe);
}

static struct decision ask_aligned(const struct policy *pol, enum call_id call, uint64_t bytes,
				   uint64_t align)
{
	struct request req = { .call = call, .bytes = bytes, .align = align };
	struct decision decision = policy_decide(pol, &req);

	CHECK(decision.chain != NULL);
	CHECK(decision.rule >= -1 && decision.rule < (int)pol->count);
	return decision;
}

static struct decision ask(const struct policy *pol, enum call_id call, uint64_t bytes)
{
	return ask_aligned(pol, call, bytes, 1);
}

/* Is rule @name the one that answers? "" stands for none. */
static int answers(const struct policy *pol, struct decision decision, const char *name)
{
	const char *got = decision.rule < 0 ? "" : pol->rule[decision.rule].name;

	if (strcmp(got, name))
		fprintf(stderr, "  answered by `%s', wanted `%s'\n", got, name);
	return !strcmp(got, name);
}

static void without_rules_the_built_in_ones_decide(void)
{
	struct policy pol;
	struct decision decision;

	policy_init(&pol);
	policy_finish(&pol, "any");
	CHECK(pol.count == 2);
	CHECK(pol.smallest == MIB && pol.smallest_mmap == 2 * MIB);
	for (unsigned int call = 0; call <= CALL_NEW; call++) {
		decision = ask(&pol, call, MIB);
		CHECK(answers(&pol, decision, "built-in malloc"));
		CHECK(decision.chain->count == 4 && !decision.chain->strict);
		CHECK(decision.chain->link[0].backing == BACKING_HUGETLB);
		CHECK(decision.chain->link[0].page_bytes == 0);
		CHECK(decision.chain->link[1].backing == BACKING_THP);
		CHECK(decision.chain->link[2].backing == BACKING_MTHP);
		CHECK(decision.chain->link[3].backing == BACKING_BASE);
		CHECK(answers(&pol, ask(&pol, call, MIB - 1), ""));
	}
	CHECK(answers(&pol, ask(&pol, CALL_MMAP, 2 * MIB - 1), ""));
	decision = ask(&pol, CALL_MMAP, 2 * MIB);
	CHECK(answers(&pol, decision, "built-in mmap"));
	CHECK(decision.chain->count == 1 && decision.chain->link[0].backing == BACKING_THP);
	CHECK(answers(&pol, ask(&pol, CALL_MMAP, MIB - 1), ""));
}

static void below_every_rule_is_the_heap(void)
{
	struct policy pol;
	struct decision decision;

	policy_of(&pol, "", "any");
	decision = ask(&pol, CALL_MALLOC, 0);
	CHECK(decision.rule == -1 && decision.chain->count == 0 && !decision.chain->strict);
	CHECK(decision.node == NODE_ANY && decision.contiguity.kind == CONTIGUITY_ANY);
	decision = ask(&pol, CALL_MMAP_SHARED, 64 * GIB);
	CHECK(decision.rule == -1 && decision.chain->count == 0);
}

static void the_first_matching_rule_wins(void)
{
	struct policy pol;

	policy_of(&pol, "[rule a]\nsize = 4M..8M\nchain = base\n"
		  "[rule b]\nsize = 2M..\nchain = thp\n"
		  "[rule c]\nsize = 4M..8M\nchain = mthp\n", "any");
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 4 * MIB), "a"));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 8 * MIB), "a"));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 8 * MIB + 1), "b"));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 4 * MIB - 1), "b"));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 2 * MIB - 1), "built-in malloc"));
}

static void a_rule_may_send_to_the_heap_or_refuse(void)
{
	struct policy pol;
	struct decision decision;

	policy_of(&pol, "[rule a]\nsize = 4M..8M\nchain = heap\n"
		  "[rule b]\nsize = 16M..\nchain = hugetlb, thp!\n", "any");
	decision = ask(&pol, CALL_MALLOC, 5 * MIB);
	CHECK(answers(&pol, decision, "a") && decision.chain->count == 0);
	decision = ask(&pol, CALL_MALLOC, 16 * MIB);
	CHECK(answers(&pol, decision, "b") && decision.chain->strict);
	CHECK(decision.chain == &pol.rule[decision.rule].chain);
}

static void a_decision_carries_what_the_rule_promises(void)
{
	struct policy pol;
	struct decision decision;

	policy_of(&pol, "[rule a]\nchain = thp\ncontiguity = 64K\nnode = 1\npopulate = yes\n"
		  "warn = yes\n", "any");
	decision = ask(&pol, CALL_NEW, MIB);
	CHECK(decision.contiguity.kind == CONTIGUITY_SIZE);
	CHECK(decision.contiguity.bytes == 64 * KIB);
	CHECK(decision.node == 1 && decision.populate == POPULATE_YES && decision.warn);
}

static void rules_are_for_their_calls_only(void)
{
	struct policy pol;

	policy_of(&pol, "[rule m]\ncall = malloc\nchain = base\n"
		  "[rule s]\ncall = mmap-shared\nsize = 2M..\nchain = hugetlb\n"
		  "[rule f]\nsize = 64K..\nchain = thp\n", "any");
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, MIB), "m"));
	CHECK(answers(&pol, ask(&pol, CALL_CALLOC, MIB), "f"));
	CHECK(answers(&pol, ask(&pol, CALL_NEW, 64 * KIB), "f"));
	CHECK(answers(&pol, ask(&pol, CALL_MMAP, 2 * MIB), "built-in mmap"));
	CHECK(answers(&pol, ask(&pol, CALL_MMAP_SHARED, 2 * MIB), "s"));
	CHECK(answers(&pol, ask(&pol, CALL_MMAP_SHARED, MIB), ""));
	CHECK(pol.smallest == 64 * KIB);
	CHECK(pol.smallest_mmap == 2 * MIB);
}

static void rules_are_for_their_alignments_only(void)
{
	struct policy pol;

	policy_of(&pol, "[rule a]\nalign = 4K..64K\nchain = base\n", "any");
	CHECK(answers(&pol, ask_aligned(&pol, CALL_MEMALIGN, MIB, 4 * KIB), "a"));
	CHECK(answers(&pol, ask_aligned(&pol, CALL_MEMALIGN, MIB, 64 * KIB), "a"));
	CHECK(answers(&pol, ask_aligned(&pol, CALL_MEMALIGN, MIB, 128 * KIB), "built-in malloc"));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, MIB), "built-in malloc"));
}

static void beyond_its_limit_a_rule_lets_the_next_one_answer(void)
{
	struct policy pol;
	uint64_t live[POLICY_RULES + 2] = { 0 };
	struct request req = { .call = CALL_MALLOC, .bytes = 2 * MIB, .align = 1 };

	policy_of(&pol, "[rule a]\nchain = hugetlb\nlimit = 4M\n"
		  "[rule b]\nchain = thp\nlimit = 3M\n", "any");
	req.rule_bytes = live;
	CHECK(answers(&pol, policy_decide(&pol, &req), "a"));
	live[0] = 2 * MIB;
	CHECK(answers(&pol, policy_decide(&pol, &req), "a"));
	live[0] = 2 * MIB + 1;
	CHECK(answers(&pol, policy_decide(&pol, &req), "b"));
	live[1] = 2 * MIB;
	CHECK(answers(&pol, policy_decide(&pol, &req), "built-in malloc"));
	live[0] = UINT64_MAX;	/* no wrap around */
	CHECK(answers(&pol, policy_decide(&pol, &req), "built-in malloc"));
	req.rule_bytes = NULL;
	CHECK(answers(&pol, policy_decide(&pol, &req), "a"));
	req.bytes = 4 * MIB + 1;
	CHECK(answers(&pol, policy_decide(&pol, &req), "built-in malloc"));
	req.bytes = UINT64_MAX;
	CHECK(answers(&pol, policy_decide(&pol, &req), "built-in malloc"));
}

static void threshold_is_the_lower_bound_of_rules_without_a_size(void)
{
	struct policy pol;

	policy_of(&pol, "[rule a]\ncall = new\nchain = base\n[process]\nthreshold = 4M\n", "any");
	CHECK(pol.smallest == 4 * MIB && pol.smallest_mmap == 4 * MIB);
	CHECK(answers(&pol, ask(&pol, CALL_NEW, 4 * MIB), "a"));
	CHECK(answers(&pol, ask(&pol, CALL_NEW, 4 * MIB - 1), ""));
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, 4 * MIB), "built-in malloc"));
	policy_of(&pol, "[rule a]\nsize = ..64K\nchain = base\n", "any");
	CHECK(pol.smallest == 4 * KIB && pol.smallest_mmap == 2 * MIB);
}

static void rules_for_other_programs_are_dropped(void)
{
	static const char text[] =
		"[rule a]\nexe = ib_*, ucx_?\nsize = 64K..\nchain = base\n"
		"[rule b]\nexe = *\nchain = thp\n"
		"[rule c]\nchain = mthp\n";
	struct policy pol;

	policy_of(&pol, text, "ib_read_bw");
	CHECK(pol.count == 5 && pol.smallest == 64 * KIB);
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, MIB), "a"));
	policy_of(&pol, text, "ucx_perftest");
	CHECK(pol.count == 4 && pol.smallest == MIB);
	CHECK(answers(&pol, ask(&pol, CALL_MALLOC, MIB), "b"));
	CHECK(!strcmp(pol.rule[2].name, "built-in malloc"));
	CHECK(!strcmp(pol.rule[3].name, "built-in mmap"));
	policy_of(&pol, text, NULL);
	CHECK(pol.count == 5);
}

static void patterns_match_whole_names(void)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{ "bash", "bash", true }, { "bash", "bash2", false }, { "bash", "bas", false },
		{ "*", "", true }, { "*", "x", true }, { "?", "", false }, { "?", "x", true },
		{ "a*b*c", "aXbYbZc", true }, { "a*b*c", "aXbYbZ", false }, { "*sh", "bash", true },
		{ "redis-*", "redis-server", true }, { "**a", "bca", true }, { "[ab]", "a", false },
		{ "*aab", "aaaab", true }, { "a?c*", "abc", true }, { "Bash", "bash", false },
	};
	char text[128];
	struct policy pol;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "[process]\nserve = %s\n", cases[i].pattern);
		CHECK(!collect_conf(&pol, text).count);
		if (!CHECK(policy_serves(&pol, cases[i].name) == cases[i].match))
			fprintf(stderr, "  %s %s\n", cases[i].pattern, cases[i].name);
	}
}

static void a_wild_pattern_takes_no_exponential_time(void)
{
	static char name[200000];
	struct policy pol;

	memset(name, 'a', sizeof(name) - 1);
	CHECK(!collect_conf(&pol, "[process]\nserve = *a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n").count);
	CHECK(!policy_serves(&pol, name));
}

static void leave_beats_serve(void)
{
	struct policy pol;

	CHECK(!collect_conf(&pol, "").count);
	CHECK(policy_serves(&pol, "anything"));
	CHECK(!collect_conf(&pol, "[process]\nleave = gdb, *sh\n").count);
	CHECK(policy_serves(&pol, "redis") && !policy_serves(&pol, "bash"));
	CHECK(!collect_conf(&pol, "[process]\nserve = redis*, gdb\nleave = gdb\n").count);
	CHECK(policy_serves(&pol, "redis-server"));
	CHECK(!policy_serves(&pol, "bash") && !policy_serves(&pol, "gdb"));
}

int main(void)
{
	without_rules_the_built_in_ones_decide();
	below_every_rule_is_the_heap();
	the_first_matching_rule_wins();
	a_rule_may_send_to_the_heap_or_refuse();
	a_decision_carries_what_the_rule_promises();
	rules_are_for_their_calls_only();
	rules_are_for_their_alignments_only();
	beyond_its_limit_a_rule_lets_the_next_one_answer();
	threshold_is_the_lower_bound_of_rules_without_a_size();
	rules_for_other_programs_are_dropped();
	patterns_match_whole_names();
	a_wild_pattern_takes_no_exponential_time();
	leave_beats_serve();
	return check_result();
}
