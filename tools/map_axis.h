/* SPDX-License-Identifier: MIT */
/* An axis of addresses on which what is not used is folded away. */
#ifndef TOOLS_MAP_AXIS_H
#define TOOLS_MAP_AXIS_H

#include <stddef.h>
#include <stdint.h>

struct map_band {		/* a range that is shown */
	uint64_t start, end;
	double at;		/* of its start, in pixels from the axis's */
};

struct map_axis {
	struct map_band *band;	/* by address, ascending */
	size_t count;
	double scale;		/* pixels a byte */
};

/* map_axis_lay_out - give every band its place on @pixels, folds between them. */
void map_axis_lay_out(struct map_axis *axis, double pixels);

/* map_axis_place - where an address lies; one that no band holds goes to the nearest below. */
double map_axis_place(const struct map_axis *axis, uint64_t address);

/* map_axis_step - bytes between two ticks that are @pixels apart at least: a power of two. */
uint64_t map_axis_step(const struct map_axis *axis, double pixels);

#endif
