/* SPDX-License-Identifier: MIT */
/* New mappings for mmap(): aligned for THP, on huge pages by rule, or contiguous by MAP_CONTIG. */
#ifndef PRELOAD_MAPPING_H
#define PRELOAD_MAPPING_H

#include <stddef.h>

#include "policy.h"

/*
 * mapping_by_chain - the first backing of @decision's chain that can map @bytes
 * @prot, @flags: the program's; private or shared anonymous
 * Return: the address; NULL: the chain is spent, map it as the program asked.
 */
void *mapping_by_chain(const struct decision *decision, size_t bytes, int prot, int flags);

/* mapping_contig - physically one piece, populated. Return: NULL: not to be had. */
void *mapping_contig(size_t bytes, int prot);

#endif
