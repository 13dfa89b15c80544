/* SPDX-License-Identifier: MIT */
/*
 * Hold other threads' writes to a set of ranges while they are copied, by userfaultfd write
 * protection. Needs CAP_SYS_PTRACE or vm.unprivileged_userfaultfd=1, and Linux 5.19 for hugetlb;
 * where it cannot be had, a write during the copy may or may not be in the copy.
 */
#ifndef BACKING_HOLD_H
#define BACKING_HOLD_H

#include <stdbool.h>
#include <stddef.h>

struct hold_range {
	char *addr;
	size_t bytes;
};

/* hold_begin - Return: a descriptor for hold_end(), or -1: nobody is held. */
int hold_begin(const struct hold_range *range, size_t count);

/* hold_sure - are writers held by @descriptor, or is there none but the caller? */
bool hold_sure(int descriptor);

/* hold_end - let everybody go on. @descriptor: of hold_begin(), -1 does nothing. */
void hold_end(int descriptor);

#endif
