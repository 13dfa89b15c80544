/* SPDX-License-Identifier: MIT */
/* The hugetlb limits that control groups put on this process, versions 1 and 2. */
#ifndef TOOLS_CGROUP_H
#define TOOLS_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct cgroup_limit {
	bool found;		/* a hugetlb controller holds this process */
	uint64_t fault_bytes;	/* a fault beyond it is SIGBUS; UINT64_MAX: none */
	uint64_t reserve_bytes;	/* an mmap beyond it is ENOMEM; UINT64_MAX: none */
	char file[PATH_MAX + 80];	/* that sets the tighter one; "" none */
	const char *lift;	/* what to write there for no limit */
};

/**
 * cgroup_read_limit - the tightest limits on huge pages of one size, from the group up to the root
 *
 * Return: 0, also where there is no controller; -errno where /proc cannot tell.
 */
int cgroup_read_limit(uint64_t page_bytes, struct cgroup_limit *out);

#endif
