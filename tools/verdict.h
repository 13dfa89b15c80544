/* SPDX-License-Identifier: MIT */
/* What this machine would do now with each link of a chain: a forecast, nothing is allocated. */
#ifndef TOOLS_VERDICT_H
#define TOOLS_VERDICT_H

#include "policy.h"

#include <limits.h>

#define VERDICT_COUNT 64	/* plain `hugetlb` and `mthp` stand for every size of the machine */

struct verdict {
	char link[64];		/* "hugetlb-2M", as a rule would name it */
	bool serves;
	bool checked;		/* the promise is looked up afterwards, and may fail then */
	char why[512];		/* in words, either way */
	char mend[PATH_MAX + 128];	/* command for root that lets it serve; "" none */
};

/**
 * verdict_list - judge the links of a decision, in the order in which they would be tried
 *
 * Return: how many.
 */
unsigned int verdict_list(const struct request *req, const struct decision *decision,
			  struct verdict out[static VERDICT_COUNT]);

#endif
