/* SPDX-License-Identifier: MIT */
/* The report at exit, and what has to be measured for it while the program runs. */
#ifndef PRELOAD_STATS_H
#define PRELOAD_STATS_H

#include <stddef.h>

#include "policy.h"

/* stats_init - whether and where to report. @set: must live on. Context: once. */
void stats_init(const struct settings *set);

/*
 * stats_before_free - the last moment at which @p, of the zone, can be measured. Does nothing
 * unless a report was asked for and @p is the largest of its pool so far.
 */
void stats_before_free(const void *p);

/* stats_before_unmap - the same for [@addr, @addr + @bytes), if it begins in mmap's huge pages. */
void stats_before_unmap(const char *addr, size_t bytes);

#endif
