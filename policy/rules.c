/* SPDX-License-Identifier: MIT */
#include "rules.h"
#include "rule.h"

#include <errno.h>
#include <string.h>

void rules_begin(struct rules_draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	rule_init(&draft->rule);
}

void rules_take(struct rules_draft *draft, struct reporter *to, unsigned int line,
		struct slice key, struct slice value, char separator)
{
	char buffer[REPORT_EXPECTED_BYTES];
	struct text expected = text_in(buffer, sizeof(buffer));
	int index = rule_find_key(key);

	if (index < 0) {
		report_unknown(to, line, key, rule_key_name, policy_rule_key_count());
	} else if (draft->seen & 1u << index) {
		report_error(to, line, rule_key_name((unsigned int)index), value,
			     "each key once in a rule");
	} else {
		draft->seen |= 1u << index;
		if (!rule_set(&draft->rule, (unsigned int)index, value, separator, &expected))
			return;
		report_error(to, line, rule_key_name((unsigned int)index), value, buffer);
	}
	draft->wrong = true;
}

/* A result of mmap() goes without our seeing it; only those on huge page pools are in a table. */
static bool rules_limit_uncounted(const struct rule *rule)
{
	if (rule->limit == UINT64_MAX || !(rule->calls & ~CALLS_MALLOC_FAMILY))
		return false;
	for (unsigned int i = 0; i < rule->chain.count; i++)
		if (rule->chain.link[i].backing != BACKING_HUGETLB)
			return true;
	return false;
}

bool rules_end(struct rules_draft *draft, struct reporter *to, struct policy *pol,
	       unsigned int at)
{
	const struct rule *rule = &draft->rule;

	if (draft->wrong)
		return false;
	if (!(draft->seen & 1u << rule_chain_key())) {
		report_error(to, rule->line, rule_key_name(rule_chain_key()),
			     slice_of(rule->name), "a chain: no rule is without one");
		return false;
	}
	if (rules_limit_uncounted(rule)) {
		report_error(to, rule->line, rule_key_name(rule_limit_key()), slice_of(rule->name),
			     "no limit, or for mmap a chain of hugetlb alone: nothing else of mmap's "
			     "is counted");
		return false;
	}
	if (rule_insert(pol, at, rule)) {
		report_above(to, rule->line, slice_of(rule->name), POLICY_RULES,
			     "rules, of file and CONTIG_POLICY together");
		return false;
	}
	return true;
}

/* The keys before the colon: "size=64M..,call=malloc". */
static void rules_take_keys(struct rules_draft *draft, struct reporter *to, unsigned int number,
			    struct slice keys)
{
	struct slice item, key, value;

	if (!slice_trim(keys).bytes)
		return;		/* ": thp" is a rule for everything */
	while (slice_next(&keys, ',', &item)) {
		if (!slice_split(item, "=", &key, &value)) {
			report_error(to, number, NULL, item, "key=value before the colon");
			draft->wrong = true;
		} else if (slice_is(slice_trim(key), "chain")) {
			report_error(to, number, "chain", item, "the chain behind the colon");
			draft->wrong = true;
		} else {
			rules_take(draft, to, number, slice_trim(key), slice_trim(value), '|');
		}
	}
}

/* One rule of CONTIG_POLICY. Return: whether it is in force. */
static bool rules_read_one(struct policy *pol, struct reporter *to, unsigned int number,
			   unsigned int at, struct slice item)
{
	struct rules_draft draft;
	struct slice keys, chain;
	struct text name;

	if (item.bytes > POLICY_LINE_BYTES) {
		report_above(to, number, item, POLICY_LINE_BYTES, "bytes in a rule");
		return false;
	}
	if (!slice_split(item, ":", &keys, &chain)) {
		report_error(to, number, NULL, item, "key=value,key=value: backing,backing");
		return false;
	}
	rules_begin(&draft);
	draft.rule.line = number;
	draft.rule.inline_rule = true;
	name = text_in(draft.rule.name, sizeof(draft.rule.name));
	text_put(&name, "inline ");
	text_put_number(&name, number);
	rules_take_keys(&draft, to, number, keys);
	rules_take(&draft, to, number, slice_of("chain"), slice_trim(chain), ',');
	return rules_end(&draft, to, pol, at);
}

unsigned int policy_read_rules(struct policy *pol, const char *text, policy_error_fn *report,
			       void *arg)
{
	struct reporter to = { .report = report, .arg = arg, .file = "CONTIG_POLICY" };
	struct slice rest = slice_of(text), item;
	unsigned int number = 0, at = 0;

	if (rest.bytes > POLICY_FILE_BYTES) {
		report_above(&to, 0, rest, POLICY_FILE_BYTES, "bytes");
		return to.errors;
	}
	while (slice_next(&rest, ';', &item)) {
		if (!item.bytes)
			continue;	/* a `;` after the last rule */
		number++;
		if (rules_read_one(pol, &to, number, at, item))
			at++;
	}
	return to.errors;
}
