/* SPDX-License-Identifier: MIT */
/* Small help for updating contig_stats (include/contig.h): relaxed, each field by itself. */
#ifndef BACKING_FIGURES_H
#define BACKING_FIGURES_H

#include "contig.h"

static inline void figures_add(uint64_t *field, uint64_t amount)
{
	__atomic_fetch_add(field, amount, __ATOMIC_RELAXED);
}

static inline void figures_sub(uint64_t *field, uint64_t amount)
{
	__atomic_fetch_sub(field, amount, __ATOMIC_RELAXED);
}

static inline void figures_set(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline void figures_raise(uint64_t *field, uint64_t value)
{
	if (value > __atomic_load_n(field, __ATOMIC_RELAXED))
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* figures_reset - everything counted so far back to zero, as a child starts. */
void figures_reset(int pid);

#endif
