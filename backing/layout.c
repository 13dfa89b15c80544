/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <stdbool.h>

/* A key sorts by frame number and remembers whose it is: frames below 2^39, pages below 2^24. */
enum { INDEX_BITS = 24 };
#define KEY_INDEX	(((uint64_t)1 << INDEX_BITS) - 1)
#define KEY_TAKEN	((uint64_t)1 << 63)	/* has its place; no neighbour of those that have not */

/* Neighbours in physical memory, by their place among the sorted keys. */
struct run {
	size_t at, count;
	uint64_t frame;
};

struct source {
	const uint64_t *keys;
	size_t have;
};

/* What blocks of one order could be made of. */
struct tally {
	unsigned int order;
	uint64_t full;		/* whole blocks */
	struct run head;	/* longest run that ends a block without filling it */
	struct run tail;	/* longest that begins one */
};

static uint64_t frame_of(uint64_t key)
{
	return key >> INDEX_BITS;
}

static void sift_down(uint64_t *keys, size_t root, size_t count)
{
	uint64_t key = keys[root];

	for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
		if (child + 1 < count && keys[child + 1] > keys[child])
			child++;
		if (keys[child] <= key)
			break;
		keys[root] = keys[child];
		root = child;
	}
	keys[root] = key;
}

/* Heapsort: libc's qsort() may allocate. */
static void sort(uint64_t *keys, size_t count)
{
	for (size_t root = count / 2; root--;)
		sift_down(keys, root, count);
	for (size_t end = count; end-- > 1;) {
		uint64_t most = keys[0];

		keys[0] = keys[end];
		keys[end] = most;
		sift_down(keys, 0, end);
	}
}

/* The run that begins at place @at; count 0 behind the last. */
static struct run run_at(const struct source *source, size_t at)
{
	struct run run = { .at = at };

	if (at == source->have)
		return run;
	run.frame = frame_of(source->keys[at]);
	do {
		run.count++;
	} while (at + run.count < source->have &&
		 frame_of(source->keys[at + run.count]) == run.frame + run.count);
	return run;
}

static struct run run_part(const struct run *run, uint64_t from, uint64_t to)
{
	return (struct run){ run->at + (size_t)(from - run->frame), (size_t)(to - from), from };
}

static void tally_run(struct tally *tally, const struct run *run)
{
	uint64_t mask = (1ull << tally->order) - 1, end = run->frame + run->count;
	uint64_t low = (run->frame + mask) & ~mask, high = end & ~mask;

	if (low > high)		/* inside one block */
		return;
	tally->full += (high - low) >> tally->order;
	if (low - run->frame > tally->head.count)
		tally->head = run_part(run, run->frame, low);
	if (end - high > tally->tail.count)
		tally->tail = run_part(run, high, end);
}

static struct tally tally_all(const struct source *source, unsigned int order)
{
	struct tally tally = { .order = order };
	struct run run;

	for (run = run_at(source, 0); run.count; run = run_at(source, run.at + run.count))
		tally_run(&tally, &run);
	return tally;
}

/* The end of @head, which ends at a block's end; the beginning of @tail. */
static void tally_shorten(struct tally *tally, uint64_t head, uint64_t tail)
{
	tally->head.at += tally->head.count - (size_t)head;
	tally->head.frame += tally->head.count - head;
	tally->head.count = (size_t)head;
	tally->tail.count = (size_t)tail;
}

/* Take of @tally what @want needs and no more. Return: false: it does not suffice. */
static bool tally_fit(struct tally *tally, uint64_t want)
{
	uint64_t blocks = want >> tally->order, rest;
	bool spare = tally->full > blocks;

	if (spare)
		tally->full = blocks;
	rest = want - (tally->full << tally->order);
	if (rest <= tally->tail.count) {
		tally_shorten(tally, 0, rest);
	} else if (rest <= tally->head.count) {
		tally_shorten(tally, rest, 0);
	} else if (spare) {
		tally->full++;		/* the last of them is cut */
		tally_shorten(tally, 0, 0);
	} else if (rest <= tally->head.count + tally->tail.count) {
		tally_shorten(tally, rest - tally->tail.count, tally->tail.count);
	} else {
		return false;
	}
	return true;
}

struct emitter {
	uint64_t *keys;
	uint32_t *order;
	size_t count;
};

static void emit(struct emitter *emitter, size_t at, uint64_t count)
{
	for (; count--; at++) {
		emitter->order[emitter->count++] = (uint32_t)(emitter->keys[at] & KEY_INDEX);
		emitter->keys[at] |= KEY_TAKEN;
	}
}

/* @left whole blocks, ascending. */
static void emit_blocks(struct emitter *emitter, const struct source *source, unsigned int order,
			uint64_t left)
{
	uint64_t mask = (1ull << order) - 1;
	struct run run;

	for (run = run_at(source, 0); run.count && left;
	     run = run_at(source, run.at + run.count)) {
		uint64_t low = (run.frame + mask) & ~mask;
		uint64_t high = (run.frame + run.count) & ~mask;

		if (source->keys[run.at] & KEY_TAKEN || low >= high)
			continue;
		if ((high - low) >> order > left)
			high = low + (left << order);
		left -= (high - low) >> order;
		emit(emitter, run.at + (size_t)(low - run.frame), high - low);
	}
}

static void emit_rest(struct emitter *emitter, size_t have)
{
	for (size_t at = 0; at < have; at++)
		if (!(emitter->keys[at] & KEY_TAKEN))
			emit(emitter, at, 1);
}

/* Head, whole blocks, tail: what @want needs of the highest order that suffices. */
static void emit_by_order(struct emitter *emitter, const struct source *source, size_t longest,
			  size_t want)
{
	/* Two ends that meet at a block's end may both be shorter than the block. */
	unsigned int order = 64 - (unsigned int)__builtin_clzll(longest);
	struct tally tally;

	for (;; order--) {	/* 0 always does */
		tally = tally_all(source, order);
		if (tally_fit(&tally, want))
			break;
	}
	emit(emitter, tally.head.at, tally.head.count);
	for (size_t i = 0; i < tally.tail.count; i++)
		emitter->keys[tally.tail.at + i] |= KEY_TAKEN;
	emit_blocks(emitter, source, order, tally.full);
	emit(emitter, tally.tail.at, tally.tail.count);
	/* What a block that is cut has beyond @want stands right behind it, as left over. */
}

/* The smallest run that holds @want, and the longest of all. */
static struct run choose_run(const struct source *source, size_t want, size_t *longest)
{
	struct run best = { .count = 0 }, run;

	*longest = 0;
	for (run = run_at(source, 0); run.count; run = run_at(source, run.at + run.count)) {
		if (run.count > *longest)
			*longest = run.count;
		if (run.count >= want && (!best.count || run.count < best.count))
			best = run;
	}
	return best;
}

struct layout layout_plan(const uint64_t *frames, size_t have, size_t want, uint64_t *keys,
			  uint32_t *order)
{
	struct source source = { .keys = keys, .have = have };
	struct emitter emitter = { .keys = keys, .order = order };
	struct run whole;
	size_t longest;

	for (size_t i = 0; i < have; i++)
		keys[i] = frames[i] << INDEX_BITS | i;
	sort(keys, have);
	whole = choose_run(&source, want, &longest);
	if (whole.count)
		emit(&emitter, whole.at, want);
	else
		emit_by_order(&emitter, &source, longest, want);
	emit_rest(&emitter, have);
	return layout_judge(frames, order, want);
}

struct layout layout_judge(const uint64_t *frames, const uint32_t *order, size_t count)
{
	struct layout out = { .extents = 1 };
	uint64_t against = 0, last, frame;

	out.first = last = frames[order ? order[0] : 0];
	for (size_t i = 1; i < count; i++, last = frame) {
		frame = frames[order ? order[i] : i];
		if (frame == last + 1)
			continue;
		out.extents++;
		/* Virtual addresses begin congruent with the first frame, see layout.h. */
		against |= (out.first + i) | ((out.first + i) ^ frame);
	}
	out.order = against ? (unsigned int)__builtin_ctzll(against) : LAYOUT_WHOLE;
	return out;
}

uint64_t layout_entries(const struct layout *layout, size_t count, unsigned int most)
{
	unsigned int order = layout->order < most ? layout->order : most;

	return ((layout->first + count - 1) >> order) - (layout->first >> order) + 1;
}
