/* SPDX-License-Identifier: MIT */
#ifndef BACKING_CGROUP_H
#define BACKING_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * cgroup_limits_hugetlb - does a hugetlb cgroup (v1 or v2) limit this process's faults?
 * Under one, a page that was reserved can still be refused when it is touched, with SIGBUS.
 * Context: any; a few system calls, no allocation.
 */
bool cgroup_limits_hugetlb(void);

/*
 * cgroup_memory_left - what the tightest memory cgroup (v1 or v2) of this process still allows;
 * UINT64_MAX: there is no limit. Page cache that could be dropped counts as used.
 * Context: any; a few system calls, no allocation.
 */
uint64_t cgroup_memory_left(void);

#endif
