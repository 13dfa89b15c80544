/* SPDX-License-Identifier: MIT */
/* A piece of somebody else's text: parsers cut it up without copying and without NULs. */
#ifndef POLICY_SLICE_H
#define POLICY_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
	const char *at;
	size_t bytes;
};

struct slice slice_of(const char *text);

/* slice_is_space - blank, tab, CR, LF, VT, FF: the same in every locale. */
bool slice_is_space(char c);

/* slice_trim - without the white space at both ends. */
struct slice slice_trim(struct slice s);

/* slice_is - is it exactly @text? */
bool slice_is(struct slice s, const char *text);

/* slice_starts - does it begin with @text? If so, @rest is what follows. */
bool slice_starts(struct slice s, const char *text, struct slice *rest);

/* slice_split - at the first @mark. Return: whether there is one; else both are untouched. */
bool slice_split(struct slice s, const char *mark, struct slice *before, struct slice *behind);

/**
 * slice_next - the next item of a list, trimmed
 * @rest: what is left; after the last item its ->at is NULL
 *
 * An empty list has one item, which is empty.
 */
bool slice_next(struct slice *rest, char separator, struct slice *item);

/**
 * slice_copy_word - copy a name: letters, digits, `-`, `_`, `.`, at least one
 * @out: @bytes bytes; untouched unless 0 is returned
 *
 * Return: 0; -EINVAL another character, or none; -ENAMETOOLONG.
 */
int slice_copy_word(struct slice s, char *out, size_t bytes);

#endif
