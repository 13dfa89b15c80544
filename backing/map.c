/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <errno.h>
#include <sys/mman.h>

#include "sys.h"
#include "zone.h"

/* A few pages tell: the kernel binds whole ranges, and a miss shows at the first page. */
static int check_node(char *addr, size_t bytes, int node)
{
	enum { SAMPLES = 16 };
	size_t step = bytes / SAMPLES & ~(size_t)4095;

	if (!step)
		step = 4096;
	for (size_t at = 0; at < bytes; at += step)
		if (sys_node_of(addr + at) != node)
			return -EXDEV;
	return 0;
}

int map_finish(void *addr, size_t bytes, int advice, const struct map_wish *wish,
	       enum contig_reason *why)
{
	int ret = 0;

	*why = CONTIG_REASON_NODE;
	if (wish->node >= 0)
		ret = sys_bind(addr, bytes, wish->node);
	if (ret)
		return ret;
	*why = CONTIG_REASON_MAP;
	if (advice)
		ret = sys_advise(addr, bytes, advice);
	if (ret || !wish->populate)
		return ret;
	*why = CONTIG_REASON_POPULATE;
	ret = sys_populate(addr, bytes);
	if (ret)
		return ret;
	*why = CONTIG_REASON_NODE;
	return wish->node >= 0 ? check_node(addr, bytes, wish->node) : 0;
}

int map_over(void *addr, size_t bytes, int flags, int advice, const struct map_wish *wish,
	     enum contig_reason *why)
{
	void *out;
	int ret;

	*why = CONTIG_REASON_MAP;
	ret = sys_map(addr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | flags, &out);
	if (!ret)
		ret = map_finish(addr, bytes, advice, wish, why);
	/* Also after a failed mmap(MAP_FIXED): it may have unmapped what was there. */
	if (ret)
		zone_seal(addr, bytes);
	return ret;
}
