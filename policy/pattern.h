/* SPDX-License-Identifier: MIT */
/* Lists of program names with `*` and `?`. */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "policy.h"
#include "slice.h"
#include "text.h"

/**
 * pattern_parse_list - "ib_*, ucx_*"
 * @separator: between two patterns
 * @out: untouched unless 0 is returned
 * @expected: on failure, what would have been right
 *
 * Return: 0 or -EINVAL. An empty text is an error.
 */
int pattern_parse_list(struct slice s, char separator, struct pattern_list *out,
		       struct text *expected);

/* pattern_matches - does any pattern match the whole of @name? */
bool pattern_matches(const struct pattern_list *list, const char *name);

#endif
