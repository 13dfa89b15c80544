/* SPDX-License-Identifier: MIT */
#include "map_axis.h"

/* Pixels of a fold, and the most that all of them may take of the axis. */
static const double MAP_FOLD = 12, MAP_FOLD_SHARE = 0.25;

void map_axis_lay_out(struct map_axis *axis, double pixels)
{
	double bytes = 0, fold = MAP_FOLD, at = 0;

	for (size_t i = 0; i < axis->count; i++)
		bytes += (double)(axis->band[i].end - axis->band[i].start);
	if (fold * (double)axis->count > pixels * MAP_FOLD_SHARE)
		fold = pixels * MAP_FOLD_SHARE / (double)axis->count;
	axis->scale = (pixels - fold * (double)(axis->count - 1)) / bytes;
	for (size_t i = 0; i < axis->count; i++) {
		axis->band[i].at = at;
		at += (double)(axis->band[i].end - axis->band[i].start) * axis->scale + fold;
	}
}

double map_axis_place(const struct map_axis *axis, uint64_t address)
{
	size_t low = 0, high = axis->count;
	const struct map_band *band;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (axis->band[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	band = &axis->band[low];
	if (address < band->start)
		address = band->start;
	if (address > band->end)
		address = band->end;
	return band->at + (double)(address - band->start) * axis->scale;
}

uint64_t map_axis_step(const struct map_axis *axis, double pixels)
{
	uint64_t step = 4096;

	while ((double)step * axis->scale < pixels && step < 1ull << 62)
		step *= 2;
	return step;
}
