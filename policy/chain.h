/* SPDX-License-Identifier: MIT */
#ifndef POLICY_CHAIN_H
#define POLICY_CHAIN_H

#include "policy.h"
#include "slice.h"
#include "text.h"

/**
 * chain_parse - "hugetlb-2M, thp!"
 * @out: untouched unless 0 is returned
 * @expected: on failure, what would have been right
 *
 * Return: 0 or -EINVAL.
 */
int chain_parse(struct slice s, struct chain *out, struct text *expected);

#endif
