/* SPDX-License-Identifier: MIT */
#include "rule.h"
#include "chain.h"
#include "pattern.h"
#include "value.h"

#include <errno.h>
#include <string.h>

#define RULE_SIZE_MIN		(4 * KIB)	/* memory comes in pages */
#define RULE_NODE_MAX		1023
#define RULE_BUILT_IN		2

#define RULE_FAMILY		"malloc-family"
#define RULE_CHOICES_contiguity	"any | page | whole"	/* and a size */
#define RULE_CHOICES_populate	"auto | yes | no"
#define RULE_CHOICES_warn	"yes | no"

static const char *const rule_calls[CALL_COUNT] = {
	[CALL_MALLOC] = "malloc",
	[CALL_CALLOC] = "calloc",
	[CALL_REALLOC] = "realloc",
	[CALL_MEMALIGN] = "memalign",
	[CALL_POSIX_MEMALIGN] = "posix_memalign",
	[CALL_ALIGNED_ALLOC] = "aligned_alloc",
	[CALL_VALLOC] = "valloc",
	[CALL_PVALLOC] = "pvalloc",
	[CALL_NEW] = "new",
	[CALL_MMAP] = "mmap",
	[CALL_MMAP_SHARED] = "mmap-shared",
};

typedef int rule_set_fn(struct rule *rule, struct slice value, char separator,
			struct text *expected);

const char *policy_call_name(enum call_id call)
{
	return (unsigned int)call < CALL_COUNT ? rule_calls[call] : "?";
}

static int rule_parse_call(struct slice s, enum call_id *out)
{
	for (unsigned int i = 0; i < CALL_COUNT; i++) {
		if (slice_is(s, rule_calls[i])) {
			*out = (enum call_id)i;
			return 0;
		}
	}
	return -EINVAL;
}

int policy_call_parse(const char *text, enum call_id *out)
{
	return rule_parse_call(slice_of(text), out);
}

void rule_init(struct rule *rule)
{
	*rule = (struct rule){
		.calls = CALLS_MALLOC_FAMILY,
		.size = { .low = 0, .high = UINT64_MAX },
		.align = { .low = 0, .high = UINT64_MAX },
		.node = NODE_ANY,
		.limit = UINT64_MAX,
	};
}

static int rule_set_exe(struct rule *rule, struct slice value, char separator,
			struct text *expected)
{
	return pattern_parse_list(value, separator, &rule->exe, expected);
}

static int rule_set_call(struct rule *rule, struct slice value, char separator,
			 struct text *expected)
{
	uint32_t calls = 0;
	enum call_id call;
	struct slice item;

	while (slice_next(&value, separator, &item)) {
		if (slice_is(item, RULE_FAMILY)) {
			calls |= CALLS_MALLOC_FAMILY;
		} else if (!rule_parse_call(item, &call)) {
			calls |= 1u << call;
		} else {
			text_put(expected, RULE_FAMILY);
			for (unsigned int i = 0; i < CALL_COUNT; i++) {
				text_put(expected, " | ");
				text_put(expected, rule_calls[i]);
			}
			return -EINVAL;
		}
	}
	rule->calls = calls;
	return 0;
}

static int rule_set_size(struct rule *rule, struct slice value, char separator,
			 struct text *expected)
{
	int ret = value_parse_range(value, RULE_SIZE_MIN, &rule->size, expected);

	if (!ret)
		rule->has_size = true;
	return ret;
}

static int rule_set_align(struct rule *rule, struct slice value, char separator,
			  struct text *expected)
{
	return value_parse_range(value, 0, &rule->align, expected);
}

static int rule_set_chain(struct rule *rule, struct slice value, char separator,
			  struct text *expected)
{
	return chain_parse(value, &rule->chain, expected);
}

static int rule_set_contiguity(struct rule *rule, struct slice value, char separator,
			       struct text *expected)
{
	unsigned int kind;
	uint64_t bytes;

	if (!value_parse_choice(value, RULE_CHOICES_contiguity, &kind)) {
		rule->contiguity = (struct contiguity){ .kind = (enum contiguity_id)kind };
		return 0;
	}
	if (value_parse_size(value, &bytes) || bytes < RULE_SIZE_MIN) {
		text_put(expected, "any, page, whole, or a size from 4K up");
		return -EINVAL;
	}
	rule->contiguity = (struct contiguity){ .kind = CONTIGUITY_SIZE, .bytes = bytes };
	return 0;
}

static int rule_set_node(struct rule *rule, struct slice value, char separator,
			 struct text *expected)
{
	uint64_t node;

	if (slice_is(value, "any")) {
		rule->node = NODE_ANY;
	} else if (slice_is(value, "local")) {
		rule->node = NODE_LOCAL;
	} else if (!value_parse_number(value, &node) && node <= RULE_NODE_MAX) {
		rule->node = (int)node;
	} else {
		text_put(expected, "any, local, or a number from 0 to ");
		text_put_number(expected, RULE_NODE_MAX);
		return -EINVAL;
	}
	return 0;
}

static int rule_set_populate(struct rule *rule, struct slice value, char separator,
			     struct text *expected)
{
	unsigned int choice;

	if (value_parse_choice(value, RULE_CHOICES_populate, &choice)) {
		text_put(expected, RULE_CHOICES_populate);
		return -EINVAL;
	}
	rule->populate = (enum populate_id)choice;
	return 0;
}

static int rule_set_limit(struct rule *rule, struct slice value, char separator,
			  struct text *expected)
{
	int ret = value_parse_size(value, &rule->limit);

	if (ret)
		text_put(expected, "a size such as 64K, 1.5G or 4096");
	return ret;
}

static int rule_set_warn(struct rule *rule, struct slice value, char separator,
			 struct text *expected)
{
	int ret = value_parse_flag(value, &rule->warn);

	if (ret)
		text_put(expected, RULE_CHOICES_warn);
	return ret;
}

/* By the order of keys.def, and beside each key what the file may say and what it has unsaid. */
enum rule_key {
#define RULE_KEY(name, help) RULE_KEY_##name,
#include "keys.def"
	RULE_KEY_COUNT
};

static const struct rule_key_row {
	const char *name, *help, *values, *preset;
	rule_set_fn *set;
} rule_key_row[RULE_KEY_COUNT] = {
#define RULE_VALUES_exe		"names", ""
#define RULE_VALUES_call	"calls", RULE_FAMILY
#define RULE_VALUES_size	"range", ""
#define RULE_VALUES_align	"range", ""
#define RULE_VALUES_chain	"backings", ""
#define RULE_VALUES_contiguity	RULE_CHOICES_contiguity " | size", "any"
#define RULE_VALUES_node	"any | local | number", "any"
#define RULE_VALUES_populate	RULE_CHOICES_populate, "auto"
#define RULE_VALUES_limit	"size", ""
#define RULE_VALUES_warn	RULE_CHOICES_warn, "no"
#define RULE_KEY(name, help) { #name, help, RULE_VALUES_##name, rule_set_##name },
#include "keys.def"
};

unsigned int policy_rule_key_count(void)
{
	return RULE_KEY_COUNT;
}

struct policy_key policy_rule_key(unsigned int index)
{
	const struct rule_key_row *row = &rule_key_row[index];
	struct policy_key key = { .name = row->name, .help = row->help, .values = row->values };
	struct text text = text_in(key.preset, sizeof(key.preset));

	text_put(&text, row->preset);
	return key;
}

const char *rule_key_name(unsigned int index)
{
	return rule_key_row[index].name;
}

int rule_find_key(struct slice name)
{
	for (unsigned int i = 0; i < RULE_KEY_COUNT; i++)
		if (slice_is(name, rule_key_row[i].name))
			return (int)i;
	return -1;
}

unsigned int rule_chain_key(void)
{
	return RULE_KEY_chain;
}

unsigned int rule_limit_key(void)
{
	return RULE_KEY_limit;
}

int rule_set(struct rule *rule, unsigned int index, struct slice value, char separator,
	     struct text *expected)
{
	return rule_key_row[index].set(rule, value, separator, expected);
}

int rule_insert(struct policy *pol, unsigned int at, const struct rule *rule)
{
	if (pol->count >= POLICY_RULES + RULE_BUILT_IN)
		return -ENOSPC;
	memmove(&pol->rule[at + 1], &pol->rule[at], (pol->count - at) * sizeof(*rule));
	pol->rule[at] = *rule;
	pol->count++;
	return 0;
}
