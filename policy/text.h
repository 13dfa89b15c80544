/* SPDX-License-Identifier: MIT */
/* Text being put together in a caller's buffer: always NUL-ended, cut where the buffer ends. */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "slice.h"

struct text {
	char *at;
	size_t bytes;	/* of the buffer, at least 1 */
	size_t used;	/* without the NUL */
};

/* text_in - an empty text in @buffer. */
struct text text_in(char *buffer, size_t bytes);

void text_put(struct text *text, const char *piece);
void text_put_number(struct text *text, uint64_t number);

/* text_put_above - "at most 16 names" */
void text_put_above(struct text *text, uint64_t most, const char *what);

/* text_put_printable - @piece with `?` for what a terminal might obey. */
void text_put_printable(struct text *text, struct slice piece);

#endif
