/* SPDX-License-Identifier: MIT */
/* How readers of text tell what is wrong with it. */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include "policy.h"
#include "slice.h"
#include "text.h"

#define REPORT_FOUND_BYTES	65	/* of what was found, with the NUL */
#define REPORT_EXPECTED_BYTES	200	/* holds every list of keys, with the NUL */

struct reporter {
	policy_error_fn *report;
	void *arg;
	const char *file;
	unsigned int errors;
};

/**
 * report_error - one thing is wrong
 * @key: NULL where none is known
 * @found: what stands there; cut and made printable
 */
void report_error(struct reporter *to, unsigned int line, const char *key, struct slice found,
		  const char *expected);

/* report_above - there is more of something than there may be: "at most @most @what". */
void report_above(struct reporter *to, unsigned int line, struct slice found, uint64_t most,
		  const char *what);

/**
 * report_unknown - a name that is not in a list of names
 * @nth: gives the names, by index
 * @count: how many there are
 *
 * Names the nearest if it is near, else all.
 */
void report_unknown(struct reporter *to, unsigned int line, struct slice found,
		    const char *(*nth)(unsigned int index), unsigned int count);

/**
 * report_nearest - the name that @found most likely means
 * @found: compared as if it were in lower case
 *
 * Return: its index, -1 if none is within two edits.
 */
int report_nearest(struct slice found, const char *(*nth)(unsigned int index),
		   unsigned int count);

#endif
