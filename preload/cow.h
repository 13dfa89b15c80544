/* SPDX-License-Identifier: MIT */
/*
 * May a fork be left to the kernel's copy-on-write? Only while the huge page pools could serve
 * every copy that it and the forks before it can still ask for, with room for a neighbour.
 */
#ifndef PRELOAD_COW_H
#define PRELOAD_COW_H

#include <stdbool.h>
#include <sys/types.h>

/* cow_covered - is it safe now, for memory mapped from the pools as it is? No allocation. */
bool cow_covered(void);

/* cow_forked - a child was made by copy-on-write. Context: in the parent. */
void cow_forked(pid_t child);

/* cow_inherit - we are that child: what we share with @parent is a debt of ours, too. */
void cow_inherit(pid_t parent);

#endif
