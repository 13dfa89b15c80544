/* SPDX-License-Identifier: MIT */
#ifndef BACKING_MEASURE_H
#define BACKING_MEASURE_H

#include "physmap.h"

/*
 * measure_self - the figures of a range of this process, for a card with mlx5's page sizes
 * Context: any; no allocation; leaves errno alone.
 * Return: as physmap_measure(), and -errno of opening /proc/self/pagemap.
 */
int measure_self(const void *addr, size_t bytes, struct physmap_figures *out);

#endif
