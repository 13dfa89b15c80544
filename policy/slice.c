/* SPDX-License-Identifier: MIT */
#include "slice.h"

#include <errno.h>
#include <string.h>

struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

bool slice_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
	while (s.bytes && slice_is_space(s.at[0])) {
		s.at++;
		s.bytes--;
	}
	while (s.bytes && slice_is_space(s.at[s.bytes - 1]))
		s.bytes--;
	return s;
}

bool slice_is(struct slice s, const char *text)
{
	return s.bytes == strlen(text) && !memcmp(s.at, text, s.bytes);
}

bool slice_starts(struct slice s, const char *text, struct slice *rest)
{
	size_t bytes = strlen(text);

	if (s.bytes < bytes || memcmp(s.at, text, bytes))
		return false;
	*rest = (struct slice){ s.at + bytes, s.bytes - bytes };
	return true;
}

bool slice_split(struct slice s, const char *mark, struct slice *before, struct slice *behind)
{
	size_t bytes = strlen(mark);

	for (size_t i = 0; i + bytes <= s.bytes; i++) {
		if (memcmp(s.at + i, mark, bytes))
			continue;
		*before = (struct slice){ s.at, i };
		*behind = (struct slice){ s.at + i + bytes, s.bytes - i - bytes };
		return true;
	}
	return false;
}

bool slice_next(struct slice *rest, char separator, struct slice *item)
{
	const char mark[2] = { separator };

	if (!rest->at)
		return false;
	if (!slice_split(*rest, mark, item, rest)) {
		*item = *rest;
		*rest = (struct slice){ NULL, 0 };
	}
	*item = slice_trim(*item);
	return true;
}

static bool slice_is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

int slice_copy_word(struct slice s, char *out, size_t bytes)
{
	if (!s.bytes)
		return -EINVAL;
	for (size_t i = 0; i < s.bytes; i++)
		if (!slice_is_word_char(s.at[i]))
			return -EINVAL;
	if (s.bytes >= bytes)
		return -ENAMETOOLONG;
	memcpy(out, s.at, s.bytes);
	out[s.bytes] = '\0';
	return 0;
}
