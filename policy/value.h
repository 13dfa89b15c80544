/* SPDX-License-Identifier: MIT */
/*
 * Values of keys, one parser a kind. All return 0 or -errno and leave @out untouched unless 0.
 */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include "policy.h"
#include "slice.h"
#include "text.h"

#define VALUE_FLAGS "yes | no | true | false | on | off | 1 | 0"

/* value_parse_size - as policy_parse_size(). */
int value_parse_size(struct slice s, uint64_t *out);

/* value_parse_time - "10s", "500ms", "1m", "0" to milliseconds. -EINVAL or -ERANGE. */
int value_parse_time(struct slice s, uint64_t *out);

/* value_parse_number - decimal digits only. -EINVAL or -ERANGE. */
int value_parse_number(struct slice s, uint64_t *out);

/* value_parse_flag - one of VALUE_FLAGS. -EINVAL. */
int value_parse_flag(struct slice s, bool *out);

/**
 * value_parse_choice - which of @choices
 * @choices: "auto | yes | no": the names of an enum in its order
 * @out: the place in it, from 0
 */
int value_parse_choice(struct slice s, const char *choices, unsigned int *out);

/* value_choice - the name at @index of @choices. */
struct slice value_choice(const char *choices, unsigned int index);

/**
 * value_parse_range - "1M..", "64K..1G", "..4M", "2M"
 * @floor: the low end where none is given, and the least low end that is accepted
 * @expected: on failure, what would have been right
 */
int value_parse_range(struct slice s, uint64_t floor, struct size_range *out,
		      struct text *expected);

void value_put_size(struct text *text, uint64_t bytes);
void value_put_time(struct text *text, uint64_t ms);

#endif
