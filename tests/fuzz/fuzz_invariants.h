/* SPDX-License-Identifier: MIT */
/* What must hold of a policy, whatever was read into it. A broken one stops the fuzzer. */
#ifndef TESTS_FUZZ_INVARIANTS_H
#define TESTS_FUZZ_INVARIANTS_H

#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_REQUIRE(condition) fuzz_require(!!(condition), __LINE__, #condition)

static inline void fuzz_require(int holds, int line, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "line %d: not true: %s\n", line, text);
	abort();
}

/* Counts, and sees that a line could be printed from it. */
static inline void fuzz_count_error(const struct policy_error *error, void *arg)
{
	unsigned int *count = arg;

	++*count;
	FUZZ_REQUIRE(strlen(error->text) <= 64);
	for (const char *c = error->text; *c; c++)
		FUZZ_REQUIRE(*c >= ' ' && *c <= '~');
	for (const char *c = error->key ? error->key : ""; *c; c++)
		FUZZ_REQUIRE(*c >= ' ' && *c <= '~');
	FUZZ_REQUIRE(error->expected && error->expected[0]);
	FUZZ_REQUIRE(strlen(error->expected) < 199);	/* or it would be cut */
}

static inline void fuzz_require_patterns(const struct pattern_list *list)
{
	FUZZ_REQUIRE(list->count <= POLICY_PATTERNS);
	for (unsigned int i = 0; i < list->count; i++) {
		FUZZ_REQUIRE(memchr(list->name[i], '\0', POLICY_NAME_BYTES));
		FUZZ_REQUIRE(list->name[i][0]);
	}
}

static inline void fuzz_require_chain(const struct chain *chain)
{
	char out[64];

	FUZZ_REQUIRE(chain->count <= POLICY_LINKS);
	FUZZ_REQUIRE(chain->count || !chain->strict);
	for (unsigned int i = 0; i < chain->count; i++) {
		const struct chain_link *link = &chain->link[i];

		FUZZ_REQUIRE(link->backing < BACKING_COUNT);
		FUZZ_REQUIRE(!(link->page_bytes & (link->page_bytes - 1)));
		FUZZ_REQUIRE(!link->page_bytes || link->backing == BACKING_HUGETLB ||
			     link->backing == BACKING_MTHP);
		FUZZ_REQUIRE(memchr(link->region, '\0', sizeof(link->region)));
		FUZZ_REQUIRE(!link->region[0] || link->backing == BACKING_DRIVER);
		FUZZ_REQUIRE(strlen(policy_format_link(link, out)) < sizeof(out));
	}
}

static inline void fuzz_require_rule(const struct rule *rule)
{
	FUZZ_REQUIRE(memchr(rule->name, '\0', sizeof(rule->name)));
	FUZZ_REQUIRE(rule->name[0]);
	FUZZ_REQUIRE(rule->calls && !(rule->calls >> CALL_COUNT));
	FUZZ_REQUIRE(rule->size.low <= rule->size.high);
	FUZZ_REQUIRE(rule->align.low <= rule->align.high);
	FUZZ_REQUIRE(!rule->has_size || rule->size.low >= 4096);
	FUZZ_REQUIRE(rule->contiguity.kind <= CONTIGUITY_SIZE);
	FUZZ_REQUIRE((rule->contiguity.kind == CONTIGUITY_SIZE) == !!rule->contiguity.bytes);
	FUZZ_REQUIRE(rule->node >= NODE_LOCAL && rule->node <= 1023);
	FUZZ_REQUIRE(rule->populate <= POPULATE_NO);
	fuzz_require_patterns(&rule->exe);
	fuzz_require_chain(&rule->chain);
}

/* Each value shown reads back as itself. */
static inline void fuzz_require_settings(const struct settings *set)
{
	fuzz_require_patterns(&set->serve);
	fuzz_require_patterns(&set->leave);
	for (unsigned int i = 0; i < policy_setting_count(); i++) {
		char text[POLICY_TEXT_BYTES + 64], value[POLICY_TEXT_BYTES];
		char again[POLICY_TEXT_BYTES];
		char *environ[] = { text, NULL };
		static struct policy pol;
		unsigned int errors = 0;
		int used;

		policy_setting_value(set, i, value);
		used = snprintf(text, sizeof(text), "CONTIG_%s=%s", policy_setting(i).name, value);
		FUZZ_REQUIRE(used > 0 && (size_t)used < sizeof(text));
		for (char *c = text; *c != '='; c++)
			*c -= *c >= 'a' && *c <= 'z' ? 'a' - 'A' : 0;
		policy_init(&pol);
		FUZZ_REQUIRE(!policy_read_env(&pol, environ, fuzz_count_error, &errors));
		FUZZ_REQUIRE(!strcmp(policy_setting_value(&pol.settings, i, again), value));
	}
}

/* Every bound of every rule, from both sides, for every call. */
static inline void fuzz_require_decisions(const struct policy *pol)
{
	for (unsigned int i = 0; i < pol->count * 4 * CALL_COUNT; i++) {
		const struct rule *rule = &pol->rule[i / (4 * CALL_COUNT)];
		uint64_t low = rule->size.low, high = rule->size.high;
		uint64_t bytes[] = { low, low - 1, high, high + 1 };
		struct request req = {
			.call = i % CALL_COUNT, .bytes = bytes[i / CALL_COUNT % 4], .align = 1,
		};
		struct decision decision = policy_decide(pol, &req);
		uint64_t least = req.call >= CALL_MMAP ? pol->smallest_mmap : pol->smallest;

		FUZZ_REQUIRE(decision.chain != NULL);
		FUZZ_REQUIRE(decision.rule >= -1 && decision.rule < (int)pol->count);
		FUZZ_REQUIRE(req.bytes >= least || decision.rule == -1);
		FUZZ_REQUIRE(decision.rule >= 0 || !decision.chain->count);
		FUZZ_REQUIRE(decision.rule < 0 ||
			     decision.chain == &pol->rule[decision.rule].chain);
	}
}

static inline void fuzz_require_policy(struct policy *pol)
{
	FUZZ_REQUIRE(pol->count >= 2 && pol->count <= POLICY_RULES + 2);
	for (unsigned int i = 0; i < pol->count; i++)
		fuzz_require_rule(&pol->rule[i]);
	fuzz_require_settings(&pol->settings);
	policy_serves(pol, "redis-server");
	policy_finish(pol, "redis-server");
	FUZZ_REQUIRE(pol->count >= 2);
	fuzz_require_decisions(pol);
}

#endif
