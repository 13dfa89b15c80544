/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
/*
 * The best order of huge pages, against slow solvers that share no idea with it: every order of
 * few pages, priced by what a card would register; every head and tail of more.
 */
#include "check.h"
#include "layout.h"
#include "physmap.h"
#include "policy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	(2 * MIB)
#define VA	((uint64_t)1 << 40)	/* a multiple of every page size of a card */

enum {
	SEED = 7,
	PAGES_MOST = 256,
	DEVICE_ORDER = 10,	/* 2 GiB, the largest page of a card, in pages of 2 MiB */
	FEW_SETS = 30000, FEW = 6,
	EIGHT_SETS = 300,
	ANYWHERE_SETS = 200, ANYWHERE_PAGES = 16,
	JUDGE_SETS = 20000,
	MANY_SETS = 6000, MANY_SPAN = 128,
};

static uint64_t frames[PAGES_MOST], keys[PAGES_MOST];
static uint32_t order[PAGES_MOST];
static uint64_t state = SEED;

static uint64_t next_random(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static void say(const char *what, size_t have, size_t want)
{
	fprintf(stderr, "  %s, seed %d: %zu of", what, SEED, want);
	for (size_t i = 0; i < have; i++)
		fprintf(stderr, " %llu", (unsigned long long)frames[i]);
	fprintf(stderr, "\n");
}

/* What a card needs for frames in this order, the first of them at @va. */
static uint64_t card_entries(const uint64_t *list, size_t count, uint64_t va)
{
	struct physmap_extent ext[PAGES_MOST];
	uint64_t bytes = count * PAGE;

	for (size_t i = 0; i < count; i++)
		ext[i] = (struct physmap_extent){ list[i] * PAGE, PAGE };
	return physmap_entries(va, bytes, physmap_best_page(va, bytes, ext, count,
							     PHYSMAP_SIZES_MLX5));
}

static uint64_t congruent_entries(const uint64_t *list, size_t count)
{
	return card_entries(list, count, VA + list[0] * PAGE);
}

/* Every choice of @want of the frames in every order. */
struct brute {
	size_t have, want, chosen;
	uint64_t list[PAGES_MOST], best;
	bool taken[PAGES_MOST];
	uint64_t (*price)(const uint64_t *list, size_t count);
};

static void brute_go_on(struct brute *brute)
{
	uint64_t price;

	if (brute->chosen == brute->want) {
		price = brute->price(brute->list, brute->want);
		if (price < brute->best)
			brute->best = price;
		return;
	}
	for (size_t i = 0; i < brute->have; i++) {
		if (brute->taken[i])
			continue;
		brute->taken[i] = true;
		brute->list[brute->chosen++] = frames[i];
		brute_go_on(brute);
		brute->chosen--;
		brute->taken[i] = false;
	}
}

static uint64_t brute_entries(size_t have, size_t want,
			      uint64_t (*price)(const uint64_t *list, size_t count))
{
	struct brute brute = { .have = have, .want = want, .best = UINT64_MAX, .price = price };

	brute_go_on(&brute);
	return brute.best;
}

/* At whichever page the mapping begins, not only at the congruent one. */
static uint64_t anywhere_entries(const uint64_t *list, size_t count)
{
	uint64_t best = UINT64_MAX, price;

	for (uint64_t i = 0; i < ANYWHERE_PAGES; i++) {
		price = card_entries(list, count, VA + i * PAGE);
		if (price < best)
			best = price;
	}
	return best;
}

static bool is_permutation(size_t have)
{
	bool seen[PAGES_MOST] = { false };

	for (size_t i = 0; i < have; i++) {
		if (order[i] >= have || seen[order[i]])
			return false;
		seen[order[i]] = true;
	}
	return true;
}

/* Plan, and check what holds of every plan. Return: its entries, by the card's own rule. */
static uint64_t plan(size_t have, size_t want, struct layout *out)
{
	struct layout judged;
	uint64_t list[PAGES_MOST], entries;

	*out = layout_plan(frames, have, want, keys, order);
	judged = layout_judge(frames, order, want);
	if (!CHECK(is_permutation(have)))
		return UINT64_MAX;
	for (size_t i = 0; i < want; i++)
		list[i] = frames[order[i]];
	entries = congruent_entries(list, want);
	if (!(CHECK(judged.order == out->order && judged.extents == out->extents &&
		    judged.first == out->first) & CHECK(out->first == list[0]) &
	      CHECK(layout_entries(out, want, DEVICE_ORDER) == entries)))
		say("a plan", have, want);
	return entries;
}

/* Different frames out of @span from @base on, in any order. */
static void draw(size_t have, uint64_t base, uint64_t span)
{
	bool used[PAGES_MOST] = { false };
	uint64_t frame;

	for (size_t i = 0; i < have; i++) {
		do {
			frame = next_random(span);
		} while (used[frame]);
		used[frame] = true;
		frames[i] = base + frame;
	}
}

static void few_pages_are_as_good_as_the_best_of_all_orders(void)
{
	struct layout got;

	for (int set = 0; set < FEW_SETS; set++) {
		size_t have = 1 + next_random(FEW), want = 1 + next_random(have);

		draw(have, 1 + next_random(40), have + next_random(20));
		if (!CHECK(plan(have, want, &got) ==
			   brute_entries(have, want, congruent_entries))) {
			say("few", have, want);
			return;
		}
	}
}

/* All of them are wanted: where the largest page of a card ends, there is nothing to choose. */
static void pages_about_a_multiple_of_2_gib_too(void)
{
	struct layout got;

	for (int set = 0; set < FEW_SETS / 4; set++) {
		size_t have = 1 + next_random(FEW);

		draw(have, (1ull << DEVICE_ORDER) - 6, have + next_random(8));
		if (!CHECK(plan(have, have, &got) ==
			   brute_entries(have, have, congruent_entries))) {
			say("about 2 GiB", have, have);
			return;
		}
	}
}

static void eight_pages_too(void)
{
	struct layout got;

	for (int set = 0; set < EIGHT_SETS; set++) {
		size_t want = 6 + next_random(3);

		draw(8, 1 + next_random(40), 8 + next_random(12));
		if (!CHECK(plan(8, want, &got) == brute_entries(8, want, congruent_entries))) {
			say("eight", 8, want);
			return;
		}
	}
}

static void no_other_address_would_need_fewer(void)
{
	struct layout got;

	for (int set = 0; set < ANYWHERE_SETS; set++) {
		size_t have = 2 + next_random(4), want = 1 + next_random(have);

		draw(have, 1, have + next_random(ANYWHERE_PAGES - have));
		if (!CHECK(plan(have, want, &got) <=
			   brute_entries(have, want, anywhere_entries))) {
			say("anywhere", have, want);
			return;
		}
	}
}

/* Orders that nobody planned. */
static void a_judgement_is_the_cards(void)
{
	for (int set = 0; set < JUDGE_SETS; set++) {
		size_t count = 1 + next_random(24);
		struct layout got;
		size_t extents = 1;

		draw(count, 1 + next_random(3000), count + next_random(3) * next_random(40));
		for (size_t i = 1; i < count && next_random(4); i++)
			if (!(frames[i - 1] % 4 == 3 && next_random(2)))
				frames[i] = frames[i - 1] + 1;	/* may repeat one: no matter */
		got = layout_judge(frames, NULL, count);
		for (size_t i = 1; i < count; i++)
			extents += frames[i] != frames[i - 1] + 1;
		if (!(CHECK(got.first == frames[0]) & CHECK(got.extents == extents) &
		      CHECK((got.order == LAYOUT_WHOLE) == (extents == 1)) &
		      CHECK(layout_entries(&got, count, DEVICE_ORDER) ==
			    congruent_entries(frames, count)))) {
			say("judge", count, count);
			return;
		}
	}
}

/*
 * Blocks of one order by how many of their pages are there from the beginning, and how many up to
 * the end.
 */
struct blocks {
	size_t pages, count;
	size_t from_start[MANY_SPAN], to_end[MANY_SPAN];
	bool full[MANY_SPAN];
};

static void blocks_of(struct blocks *blocks, const bool *there, size_t pages)
{
	blocks->pages = pages;
	blocks->count = MANY_SPAN / pages;
	for (size_t b = 0; b < blocks->count; b++) {
		const bool *block = there + b * pages;
		size_t start = 0, end = 0;

		while (start < pages && block[start])
			start++;
		while (end < pages && block[pages - 1 - end])
			end++;
		blocks->from_start[b] = start;
		blocks->to_end[b] = end;
		blocks->full[b] = start == pages;
	}
}

/* Can an allocation be @head pages that end a block, @full blocks, @tail that begin one? */
static bool blocks_give(const struct blocks *blocks, size_t head, size_t full, size_t tail)
{
	size_t all = 0;

	for (size_t b = 0; b < blocks->count; b++)
		all += blocks->full[b];
	for (size_t a = 0; a < blocks->count; a++) {
		if (blocks->to_end[a] < head)
			continue;
		for (size_t b = 0; b < blocks->count; b++) {
			size_t left = all;

			if (blocks->from_start[b] < tail ||
			    (a == b && head + tail > blocks->pages))
				continue;
			left -= head && blocks->full[a];
			left -= tail && blocks->full[b] && !(head && a == b);
			if (left >= full)
				return true;
		}
	}
	return false;
}

static uint64_t blocks_entries(const struct blocks *blocks, size_t want)
{
	uint64_t best = UINT64_MAX, entries;

	for (size_t head = 0; head < blocks->pages && head <= want; head++) {
		for (size_t tail = 0; tail < blocks->pages && head + tail <= want; tail++) {
			size_t full = (want - head - tail) / blocks->pages;

			if ((want - head - tail) % blocks->pages)
				continue;
			entries = full + !!head + !!tail;
			if (entries < best && blocks_give(blocks, head, full, tail))
				best = entries;
		}
	}
	return best;
}

static size_t longest_run(const bool *there)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < MANY_SPAN; i++) {
		run = there[i] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static uint64_t slow_entries(const bool *there, size_t want)
{
	uint64_t best = longest_run(there) >= want ? 1 : UINT64_MAX, entries;
	struct blocks blocks;

	for (size_t pages = 1; pages <= MANY_SPAN; pages *= 2) {
		blocks_of(&blocks, there, pages);
		entries = blocks_entries(&blocks, want);
		best = entries < best ? entries : best;
	}
	return best;
}

/* Runs of any length with holes between them, in any order. Return: how many pages. */
static size_t draw_runs(bool *there)
{
	uint64_t longest = 1 + next_random(48);
	size_t have = 0, at = 0;

	memset(there, 0, MANY_SPAN * sizeof(*there));
	while (at < MANY_SPAN) {
		size_t end = at + 1 + next_random(longest);

		for (; at < end && at < MANY_SPAN; at++) {
			there[at] = true;
			frames[have++] = MANY_SPAN + at;
		}
		at += 1 + next_random(9);
	}
	for (size_t i = have; i > 1; i--) {
		size_t other = next_random(i);
		uint64_t kept = frames[i - 1];

		frames[i - 1] = frames[other];
		frames[other] = kept;
	}
	return have;
}

static void many_pages_are_as_good_as_the_best_blocks(void)
{
	bool there[MANY_SPAN];
	struct layout got;

	for (int set = 0; set < MANY_SETS; set++) {
		size_t have = draw_runs(there);
		size_t want = next_random(2) ? have : 1 + next_random(have);

		if (!CHECK(plan(have, want, &got) == slow_entries(there, want))) {
			say("many", have, want);
			return;
		}
	}
}

static void set_frames(const uint64_t *list, size_t count)
{
	memcpy(frames, list, count * sizeof(*list));
}
#define FRAMES(...) set_frames((const uint64_t[]){ __VA_ARGS__ }, \
			       sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* 3 MiB need two pages; a run of two among single ones is found, and is one entry. */
static void two_pages_come_from_a_run_of_two(void)
{
	struct layout got;

	FRAMES(90, 13, 40, 12, 71);
	CHECK(plan(5, 2, &got) == 1);
	CHECK(got.order == LAYOUT_WHOLE && got.extents == 1 && got.first == 12);
	FRAMES(90, 13, 40, 71);
	CHECK(plan(4, 2, &got) == 2);
}

static void the_smallest_run_that_holds_it_is_taken_from_its_beginning(void)
{
	struct layout got;

	FRAMES(16, 17, 18, 19, 20, 21, 42, 41, 43, 60);
	CHECK(plan(10, 2, &got) == 1 && got.first == 41);
	CHECK(plan(10, 4, &got) == 1 && got.first == 16);
}

static void two_stray_pages_do_not_lower_fifteen_blocks(void)
{
	struct layout got;

	for (uint64_t i = 0; i < 15; i++) {
		frames[2 * i] = 300 - 20 * i + 1;
		frames[2 * i + 1] = 300 - 20 * i;
	}
	frames[30] = 501;	/* ends a block of two */
	frames[31] = 700;	/* begins one */
	CHECK(plan(32, 32, &got) == 17 && got.order >= 1 && got.first == 501);
	frames[30] = 500;	/* both begin one: a registration has only one end */
	CHECK(plan(32, 32, &got) == 32 && got.order == 0);
	CHECK(plan(32, 31, &got) == 16);
	frames[32] = 800;
	frames[33] = 801;
	CHECK(plan(34, 32, &got) == 16);
}

static void descending_pages_become_one_run(void)
{
	struct layout got;

	for (uint64_t i = 0; i < 64; i++)
		frames[i] = 164 - i;
	CHECK(plan(64, 64, &got) == 1);
	CHECK(got.order == LAYOUT_WHOLE && got.first == 101);
	CHECK(order[0] == 63 && order[63] == 0);
}

static void a_run_at_an_odd_frame_is_one_entry(void)
{
	struct layout got;

	FRAMES(7, 8, 9);
	CHECK(plan(3, 3, &got) == 1 && got.first == 7 && got.extents == 1);
}

static void a_block_may_be_cut_at_the_end(void)
{
	struct layout got;

	FRAMES(8, 9, 10, 11, 32, 33, 34, 35, 16, 17, 18, 19);
	CHECK(plan(12, 11, &got) == 3 && got.order >= 2 && got.extents == 3);
	CHECK(plan(12, 6, &got) == 2 && got.order >= 2 && got.extents == 2);
}

static void a_head_and_a_tail_frame_the_blocks(void)
{
	struct layout got;

	FRAMES(32, 33, 8, 9, 10, 11, 63, 62, 61);
	CHECK(plan(9, 9, &got) == 3 && got.order >= 2 && got.first == 61);
	CHECK(frames[order[8]] == 33);
}

/* Neither a block more than needed, nor a head beside a tail where one of them holds the rest. */
static void a_rest_that_one_end_holds_takes_one_entry(void)
{
	struct layout got;

	FRAMES(8, 9, 10, 11, 61, 62, 63, 32);
	CHECK(plan(8, 7, &got) == 2);
}

static void two_ends_meet_at_a_multiple_of_more_than_either(void)
{
	struct layout got;

	FRAMES(21, 22, 23, 8, 9, 10);
	CHECK(plan(6, 6, &got) == 2 && got.extents == 2 && got.first == 21);
}

static void what_is_left_over_keeps_its_order(void)
{
	struct layout got;

	FRAMES(50, 30, 8, 9, 20);
	CHECK(plan(5, 2, &got) == 1);
	CHECK(frames[order[2]] == 20 && frames[order[3]] == 30 && frames[order[4]] == 50);
}

int main(void)
{
	two_pages_come_from_a_run_of_two();
	the_smallest_run_that_holds_it_is_taken_from_its_beginning();
	two_stray_pages_do_not_lower_fifteen_blocks();
	descending_pages_become_one_run();
	a_run_at_an_odd_frame_is_one_entry();
	a_block_may_be_cut_at_the_end();
	a_head_and_a_tail_frame_the_blocks();
	a_rest_that_one_end_holds_takes_one_entry();
	two_ends_meet_at_a_multiple_of_more_than_either();
	what_is_left_over_keeps_its_order();
	few_pages_are_as_good_as_the_best_of_all_orders();
	pages_about_a_multiple_of_2_gib_too();
	eight_pages_too();
	no_other_address_would_need_fewer();
	a_judgement_is_the_cards();
	many_pages_are_as_good_as_the_best_blocks();
	return check_result();
}
