/* SPDX-License-Identifier: MIT */
#include "text.h"

struct text text_in(char *buffer, size_t bytes)
{
	buffer[0] = '\0';
	return (struct text){ buffer, bytes, 0 };
}

static void text_put_char(struct text *text, char c)
{
	if (text->used + 1 >= text->bytes)
		return;
	text->at[text->used++] = c;
	text->at[text->used] = '\0';
}

void text_put(struct text *text, const char *piece)
{
	while (*piece)
		text_put_char(text, *piece++);
}

void text_put_number(struct text *text, uint64_t number)
{
	char digits[24];
	unsigned int i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = '0' + number % 10;
		number /= 10;
	} while (number);
	text_put(text, digits + i);
}

void text_put_above(struct text *text, uint64_t most, const char *what)
{
	text_put(text, "at most ");
	text_put_number(text, most);
	text_put(text, " ");
	text_put(text, what);
}

void text_put_printable(struct text *text, struct slice piece)
{
	for (size_t i = 0; i < piece.bytes && text->used + 1 < text->bytes; i++) {
		char c = piece.at[i];

		text_put_char(text, c >= ' ' && c <= '~' ? c : '?');
	}
}
