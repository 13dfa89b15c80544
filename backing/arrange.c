/* SPDX-License-Identifier: MIT */
#include "arrange.h"

#include <sys/mman.h>

#include "sys.h"

/* One call releases pages in the order of their addresses: how many of the next lie so. */
static size_t ascending(const uint32_t *order, size_t left)
{
	size_t run = 1;

	while (run < left && order[left - run - 1] == order[left - run] + 1)
		run++;
	return run;
}

static int release(char *scratch, size_t have, uint64_t page_bytes, const uint32_t *order)
{
	size_t run;
	int ret;

	for (size_t left = have; left; left -= run) {
		run = ascending(order, left);
		ret = sys_advise(scratch + order[left - 1] * page_bytes, run * page_bytes,
				 MADV_DONTNEED);
		if (ret)
			return ret;
	}
	return 0;
}

int arrange_pages(char *scratch, size_t have, uint64_t page_bytes, const uint32_t *order,
		  size_t want)
{
	int ret = release(scratch, have, page_bytes, order);

	if (!ret)
		ret = sys_populate(scratch, want * page_bytes);
	if (!ret && have > want)
		ret = sys_unmap(scratch + want * page_bytes, (have - want) * page_bytes);
	return ret;
}
