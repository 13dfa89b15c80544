/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <string.h>

#define REPORT_KEY_BYTES 24	/* longer than any key: what is longer is near none */
#define REPORT_NEAR 2

void report_error(struct reporter *to, unsigned int line, const char *key, struct slice found,
		  const char *expected)
{
	char buffer[REPORT_FOUND_BYTES];
	struct text text = text_in(buffer, sizeof(buffer));
	struct policy_error error = {
		.file = to->file, .line = line, .key = key, .text = buffer, .expected = expected,
	};

	text_put_printable(&text, found);
	to->errors++;
	to->report(&error, to->arg);
}

void report_above(struct reporter *to, unsigned int line, struct slice found, uint64_t most,
		  const char *what)
{
	char buffer[REPORT_EXPECTED_BYTES];
	struct text expected = text_in(buffer, sizeof(buffer));

	text_put_above(&expected, most, what);
	report_error(to, line, NULL, found, buffer);
}

static char report_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static unsigned int report_least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's, one row at a time. */
static unsigned int report_distance(struct slice found, const char *name)
{
	unsigned int row[REPORT_KEY_BYTES + 1];
	size_t bytes = strlen(name);

	if (found.bytes > REPORT_KEY_BYTES || bytes > REPORT_KEY_BYTES)
		return REPORT_NEAR + 1;
	for (size_t j = 0; j <= bytes; j++)
		row[j] = j;
	for (size_t i = 1; i <= found.bytes; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= bytes; j++) {
			unsigned int above = row[j];
			bool same = report_lower(found.at[i - 1]) == name[j - 1];

			row[j] = report_least(above + 1, row[j - 1] + 1, corner + !same);
			corner = above;
		}
	}
	return row[bytes];
}

int report_nearest(struct slice found, const char *(*nth)(unsigned int index),
		   unsigned int count)
{
	unsigned int best = REPORT_NEAR + 1;
	int nearest = -1;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int distance = report_distance(found, nth(i));

		/* A name that would have to change altogether is not meant. */
		if (distance < best && distance < found.bytes) {
			best = distance;
			nearest = (int)i;
		}
	}
	return nearest;
}

void report_unknown(struct reporter *to, unsigned int line, struct slice found,
		    const char *(*nth)(unsigned int index), unsigned int count)
{
	char expected[REPORT_EXPECTED_BYTES], key[REPORT_FOUND_BYTES];
	struct text text = text_in(expected, sizeof(expected)), name = text_in(key, sizeof(key));
	int nearest = report_nearest(found, nth, count);

	text_put_printable(&name, found);
	if (nearest >= 0) {
		text_put(&text, "no such key; did you mean ");
		text_put(&text, nth((unsigned int)nearest));
		text_put(&text, "?");
	} else {
		text_put(&text, "one of these keys:");
		for (unsigned int i = 0; i < count; i++) {
			text_put(&text, " ");
			text_put(&text, nth(i));
		}
	}
	report_error(to, line, key, found, expected);
}
