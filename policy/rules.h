/* SPDX-License-Identifier: MIT */
/* A rule being read, from the file or from CONTIG_POLICY: both have the same keys. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "report.h"

struct rules_draft {
	struct rule rule;
	uint32_t seen;	/* keys, one bit each */
	bool wrong;	/* something was reported: the whole rule is dropped */
};

void rules_begin(struct rules_draft *draft);

/* rules_take - one key of it. What is wrong is reported. */
void rules_take(struct rules_draft *draft, struct reporter *to, unsigned int line,
		struct slice key, struct slice value, char separator);

/**
 * rules_end - the rule is whole: check it and put it in force
 * @at: index in @pol where it belongs
 *
 * Return: whether it is in force.
 */
bool rules_end(struct rules_draft *draft, struct reporter *to, struct policy *pol,
	       unsigned int at);

#endif
