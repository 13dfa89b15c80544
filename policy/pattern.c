/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <errno.h>
#include <string.h>

int pattern_parse_list(struct slice s, char separator, struct pattern_list *out,
		       struct text *expected)
{
	struct pattern_list list = { .count = 0 };
	struct slice item;

	while (slice_next(&s, separator, &item)) {
		if (!item.bytes || item.bytes >= POLICY_NAME_BYTES) {
			text_put(expected, "names of 1 to ");
			text_put_number(expected, POLICY_NAME_BYTES - 1);
			text_put(expected, " bytes");
			return -EINVAL;
		}
		if (memchr(item.at, '/', item.bytes)) {
			text_put(expected, "base names, without a slash");
			return -EINVAL;
		}
		if (list.count == POLICY_PATTERNS) {
			text_put_above(expected, POLICY_PATTERNS, "names");
			return -EINVAL;
		}
		memcpy(list.name[list.count++], item.at, item.bytes);
	}
	*out = list;
	return 0;
}

/* Goes back to the last `*` only: an earlier one could not do better. */
static bool pattern_match(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool pattern_matches(const struct pattern_list *list, const char *name)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (pattern_match(list->name[i], name))
			return true;
	return false;
}
