/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <stdlib.h>
#include <string.h>

/* Each key's figure, as it is compared. */
#define TOP_KEYS(KEY)					\
	KEY(live, row->live_bytes)			\
	KEY(hugetlb, row->backing_bytes[TOP_HUGETLB])	\
	KEY(thp, row->backing_bytes[TOP_THP])		\
	KEY(mthp, row->backing_bytes[TOP_MTHP])		\
	KEY(base, row->backing_bytes[TOP_BASE])		\
	KEY(kept, row->kept_bytes)			\
	KEY(huge, row->huge_percent)			\
	KEY(largest, row->largest_bytes)		\
	KEY(entries, row->entries)			\
	KEY(extents, row->extents)			\
	KEY(requests, row->requests_rate)		\
	KEY(frees, row->frees_rate)			\
	KEY(fell, row->fell_through)			\
	KEY(forks, row->forks)				\
	KEY(pid, -row->pid)				\
	KEY(program, 0)

enum top_key {
#define KEY(name, value) TOP_KEY_##name,
	TOP_KEYS(KEY)
#undef KEY
	TOP_KEY_COUNT
};

static const char *const top_key_names[] = {
#define KEY(name, value) #name,
	TOP_KEYS(KEY)
#undef KEY
};

const char *top_sort_key(unsigned int index)
{
	return index < TOP_KEY_COUNT ? top_key_names[index] : NULL;
}

/* A double holds every byte count up to 8 PiB. */
static double top_sort_value(const struct top_row *row, enum top_key key)
{
	switch (key) {
#define KEY(name, value) case TOP_KEY_##name: return (double)(value);
	TOP_KEYS(KEY)
#undef KEY
	case TOP_KEY_COUNT:
		break;
	}
	return 0;
}

static int top_sort_compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = a, *y = b;
	enum top_key key = *(const enum top_key *)arg;
	double one = top_sort_value(x, key), other = top_sort_value(y, key);
	int names = key == TOP_KEY_program ? strcmp(x->program, y->program) : 0;

	if (names)
		return names;
	if (one != other)
		return one > other ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void top_sample_sort(struct top_sample *sample, unsigned int key)
{
	enum top_key by = (enum top_key)key;

	if (sample->count)
		qsort_r(sample->row, sample->count, sizeof(sample->row[0]), top_sort_compare, &by);
}
