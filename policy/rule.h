/* SPDX-License-Identifier: MIT */
/* One rule, key by key: by index, their order in keys.def. */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include "policy.h"
#include "slice.h"
#include "text.h"

/* rule_init - a rule for the whole malloc family from `threshold` up, with no chain yet. */
void rule_init(struct rule *rule);

const char *rule_key_name(unsigned int index);

/* rule_find_key - Return: the index of a name, -1 if there is none. */
int rule_find_key(struct slice name);

/* rule_chain_key - the index of `chain`, which every rule must have. */
unsigned int rule_chain_key(void);

/* rule_limit_key - the index of `limit`, which not every call allows. */
unsigned int rule_limit_key(void);

/**
 * rule_set - read one key
 * @rule: untouched unless 0 is returned
 * @separator: of lists of programs and calls; a chain always has commas
 * @expected: on failure, what would have been right
 *
 * Return: 0 or -errno.
 */
int rule_set(struct rule *rule, unsigned int index, struct slice value, char separator,
	     struct text *expected);

/**
 * rule_insert - put a rule before one that is there
 * @at: index, at most that of the first built-in rule
 *
 * Return: 0; -ENOSPC: there are POLICY_RULES already.
 */
int rule_insert(struct policy *pol, unsigned int at, const struct rule *rule);

#endif
