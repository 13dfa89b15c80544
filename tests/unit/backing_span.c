/* SPDX-License-Identifier: MIT */
/* timeout: 60 */
#include "backing_world.h"

#include <stdlib.h>

enum { POOLS = 3, HELD_MOST = 96, MODEL_UNITS = 1 << 15, STEPS = 200000, LOOK = 512 };

static void begin(void)
{
	world_begin("size=4K..: thp", 256 * MIB, 10000);
	lock_take(&zone_lock);
}

static struct span *carve_at(struct span *from, uint32_t start, uint32_t units, int16_t node)
{
	struct span *span = span_carve(from, start, units, SPAN_USED);

	if (span) {
		span->pool = 0;
		span->node = node;
	}
	return span;
}

/* @count USED spans of @units each, from the bottom of the reserve. */
static void row(struct span **span, int count, uint32_t units)
{
	for (int i = 0; i < count; i++) {
		struct span_wish wish = { .units = units, .align_units = 1, .node = NODE_ANY };
		struct span *reserve = span_fit(SPAN_RESERVE_POOL, &wish);

		span[i] = carve_at(reserve, span_fit_start(reserve, &wish), units, NODE_ANY);
		CHECK(span[i] && span[i]->first == (uint32_t)i * units);
	}
}

static void kept_neighbours_of_one_kind_merge(void)
{
	struct span *span[5], *whole;

	begin();
	row(span, 5, 10);
	span_give(span[0], 1, 5);
	CHECK(span_give(span[2], 1, 6)->units == 10);
	whole = span_give(span[1], 1, 7);
	CHECK(whole->first == 0 && whole->units == 30 && whole->freed_ms == 7);
	CHECK(span_free_bytes_of(1) == 30 * UNIT_BYTES && span_free_bytes() == 30 * UNIT_BYTES);
	CHECK(span_at(0) == whole && span_at(29) == whole);
	CHECK(!span_check());
	span_give(span[3], 2, 8);	/* of another pool */
	CHECK(span_at(30)->units == 10);
	span[4]->node = 1;
	span_give(span[4], 2, 9);	/* bound to another node */
	CHECK(span_at(40)->units == 10 && span_at(40)->state == SPAN_FREE);
	CHECK(!span_check());
	CHECK(span_give(span_carve(whole, 0, 30, SPAN_BUSY), SPAN_RESERVE_POOL, 0)->units == 30);
	CHECK(span_free_bytes_of(1) == 0);
	CHECK(!span_check());
}

static void the_smallest_that_fits_is_taken(void)
{
	static const uint32_t sizes[] = { 40, 17, 16, 33, 90, 16 };
	struct span_wish wish = { .align_units = 1, .node = NODE_ANY };
	struct span *span;
	uint32_t at = 0;

	begin();
	for (unsigned int i = 0; i < 6; i++) {
		span = carve_at(span_at(at), at, sizes[i], NODE_ANY);
		carve_at(span_after(span), at + sizes[i], 1, NODE_ANY);	/* keeps them apart */
		at += sizes[i] + 1;
		span_give(span, 0, i);
	}
	for (uint32_t units = 1; units <= 91; units++) {
		uint32_t best = 0;

		for (unsigned int i = 0; i < 6; i++)
			if (sizes[i] >= units && (!best || sizes[i] < best))
				best = sizes[i];
		wish.units = units;
		span = span_fit(0, &wish);
		CHECK(span ? span->units == best : !best);
	}
	wish.units = 16;
	CHECK(span_fit(0, &wish)->first == 41 + 18);	/* of two alike the lower one */
	wish.node = 0;
	CHECK(!span_fit(0, &wish));
	CHECK(!span_check());
}

static void alignment_and_pages_decide_where_it_fits(void)
{
	struct span_wish wish = { .units = 8, .align_units = 16, .node = NODE_ANY };
	struct span *span;

	begin();
	span = span_give(carve_at(span_at(0), 5, 100, NODE_ANY), 0, 1);
	CHECK(span_fit_start(span, &wish) == 16);
	wish.align_units = 1;
	CHECK(span_fit_start(span, &wish) == 5);
	wish.page_units = 32;
	CHECK(span_fit_start(span, &wish) == 5);
	wish.units = 30;
	CHECK(span_fit_start(span, &wish) == 32);
	wish.align_units = 64;
	CHECK(span_fit_start(span, &wish) == 64);
	wish.units = 42;
	wish.page_units = 0;
	CHECK(span_fit_start(span, &wish) == SPAN_NOWHERE);
	wish.units = 41;
	CHECK(span_fit_start(span, &wish) == 64);
	wish.align_units = 128;
	CHECK(span_fit_start(span, &wish) == SPAN_NOWHERE);
}

static void what_is_cut_off_keeps_its_age(void)
{
	struct span *span[5], *middle;

	begin();
	row(span, 5, 10);
	span_give(span[0], 0, 1);
	span_give(span[2], 0, 2);
	span_give(span[4], 0, 3);
	middle = span_carve(span[2], 23, 4, SPAN_USED);
	CHECK(span_oldest()->first == 0);
	for (const struct span *s = span_newer(span_oldest()); s && s->first != 40;
	     s = span_newer(s))
		CHECK(s->freed_ms == 2 && (s->first == 20 || s->first == 27) && s->units == 3);
	CHECK(!span_check());
	/* Merged anew it is the youngest. */
	CHECK(span_give(middle, 0, 4)->units == 10);
	CHECK(span_newer(span_newer(span_oldest()))->first == 20);
	CHECK(!span_newer(span_newer(span_newer(span_oldest()))));
	CHECK(!span_check());
}

static void a_split_span_joins_again(void)
{
	struct span *low, *high;

	begin();
	low = carve_at(span_at(0), 100, 50, NODE_ANY);
	low->rule = 3;
	high = span_split(low, 20);
	CHECK(low->units == 20 && high->first == 120 && high->units == 30);
	CHECK(high->state == SPAN_USED && high->rule == 3);
	CHECK(span_at(119) == low && span_at(120) == high && span_at(149) == high);
	CHECK(!span_check());
	low->zero = true;
	high->zero = false;
	span_join(low, high);
	CHECK(low->units == 50 && span_at(149) == low && !low->zero);
	CHECK(!span_check());
}

static void any_unit_leads_to_its_span(void)
{
	struct span *span;

	begin();
	span = carve_at(span_at(0), 100, 50, NODE_ANY);
	CHECK(span_covering(125) == span && span_covering(100) == span);
	CHECK(span_covering(99)->state == SPAN_RESERVE && span_covering(150) != span);
	CHECK(span_at(125) == NULL);
	CHECK(!span_at((uint32_t)(zone.bytes >> UNIT_SHIFT)) && !span_at(UINT32_MAX));
}

static void only_a_reserve_at_the_top_is_cut(void)
{
	uint32_t units = (uint32_t)(zone.bytes >> UNIT_SHIFT);
	struct span *top;

	begin();
	units = (uint32_t)(zone.bytes >> UNIT_SHIFT);
	top = carve_at(span_at(0), units - 10, 10, NODE_ANY);
	CHECK(span_cut_top(0) == 0);
	span_give(top, 0, 1);
	CHECK(span_cut_top(0) == 0);
	carve_at(top, units - 10, 4, NODE_ANY);
	span_give(carve_at(span_at(units - 1), units - 6, 6, NODE_ANY), SPAN_RESERVE_POOL, 0);
	CHECK(span_cut_top(0) == 6 * UNIT_BYTES);
	CHECK(!span_at(units - 6) && span_at(units - 7)->state == SPAN_USED);
	CHECK(!span_check());
}

/* The model: who every unit belongs to, and whether it is blank. */
static uint32_t owner[MODEL_UNITS];	/* 0 reserve, 1.. FREE of a pool and node, 100.. held */
static bool dirty[MODEL_UNITS];
static struct span *held[HELD_MOST];
static unsigned int held_count;
static uint32_t next_owner = 100;

static uint32_t tag_of(const struct span *span)
{
	return span->state == SPAN_RESERVE ? 0 : 1 + span->pool * 4u + (uint32_t)(span->node + 1);
}

static void set_owner(const struct span *span, uint32_t tag)
{
	for (uint32_t i = 0; i < span->units; i++)
		owner[span->first + i] = tag;
}

static bool agrees(const struct span *span)
{
	uint32_t want = owner[span->first], end = span->first + span->units;

	if (span->state == SPAN_FREE || span->state == SPAN_RESERVE)
		want = tag_of(span);
	for (uint32_t i = span->first; i < end && i < MODEL_UNITS; i++)
		if (owner[i] != want || (span->state != SPAN_RESERVE && span->zero && dirty[i]))
			return false;
	return true;
}

static bool all_agree(void)
{
	uint64_t age = 0;
	unsigned int kept = 0, listed = 0;

	for (const struct span *s = span_at(0); s; s = span_after(s)) {
		kept += s->state == SPAN_FREE;
		if (!agrees(s))
			return false;
	}
	for (const struct span *s = span_oldest(); s; s = span_newer(s)) {
		if (s->freed_ms < age)
			return false;
		age = s->freed_ms;
		listed++;
	}
	return kept == listed;
}

/* The best by looking at all; *@count: how many kept spans the pool has. */
static const struct span *slow_fit(unsigned int pool, const struct span_wish *wish, int *count)
{
	const struct span *best = NULL;

	*count = 0;
	for (const struct span *s = span_at(0); s; s = span_after(s)) {
		if ((s->state != SPAN_FREE && s->state != SPAN_RESERVE) || s->pool != pool)
			continue;
		++*count;
		if (span_fit_start(s, wish) != SPAN_NOWHERE && (!best || s->units < best->units))
			best = s;
	}
	return best;
}

static void step_take(void)
{
	struct span_wish wish = {
		.units = 1 + (uint32_t)rand() % 150,
		.align_units = 1u << (rand() % 3 ? 0 : rand() % 7),
		.node = (int16_t)(rand() % 2 - 1),
	};
	unsigned int pool = rand() % 3 ? (unsigned int)rand() % POOLS : SPAN_RESERVE_POOL;
	struct span *from;
	uint32_t start;
	int count;

	if (rand() % 4 == 0 && wish.units <= 64)
		wish.page_units = 64;
	from = span_fit(pool, &wish);
	if (slow_fit(pool, &wish, &count) != from && count <= 32)
		CHECK(from && slow_fit(pool, &wish, &count)->units == from->units);
	if (!from || held_count == HELD_MOST)
		return;
	start = span_fit_start(from, &wish);
	CHECK(start % wish.align_units == 0);
	CHECK(!wish.page_units || start / 64 == (start + wish.units - 1) / 64);
	CHECK(start >= from->first && start + wish.units <= from->first + from->units);
	if (start + wish.units > MODEL_UNITS)
		return;
	from = span_carve(from, start, wish.units, rand() % 2 ? SPAN_USED : SPAN_BUSY);
	CHECK(from && from->first == start && from->units == wish.units);
	if (pool == SPAN_RESERVE_POOL) {
		from->zero = true;
		memset(dirty + start, 0, wish.units);
	}
	from->pool = 0;
	from->node = wish.node;
	from->state = SPAN_USED;
	set_owner(from, next_owner++);
	held[held_count++] = from;
}

static void step_give(void)
{
	unsigned int which = (unsigned int)rand() % (held_count + !held_count);
	struct span *span = held[which];

	if (!held_count)
		return;
	held[which] = held[--held_count];
	if (rand() % 2) {
		span->zero = false;
		memset(dirty + span->first, 1, span->units);
	}
	if (rand() % 3 == 0) {
		set_owner(span, 0);
		span_give(span, SPAN_RESERVE_POOL, 0);
		return;
	}
	span->pool = (uint8_t)(rand() % POOLS);
	set_owner(span, 1 + span->pool * 4u + (uint32_t)(span->node + 1));
	fake_sys.now_ms++;
	span_give(span, span->pool, fake_sys.now_ms);
}

/* As block_release() does: some of the oldest goes back. */
static void step_release(void)
{
	struct span *span = span_oldest();
	uint32_t units;

	if (!span)
		return;
	units = 1 + (uint32_t)rand() % span->units;
	span = span_carve(span, span->first + span->units - units, units, SPAN_BUSY);
	set_owner(span, 0);
	span_give(span, SPAN_RESERVE_POOL, 0);
}

static void step_split_or_join(void)
{
	unsigned int which = (unsigned int)rand() % (held_count + !held_count), other;
	struct span *span = held[which], *next;

	if (!held_count)
		return;
	next = span_after(span);
	for (other = 0; other < held_count && held[other] != next; other++)
		;
	if (other < held_count) {
		set_owner(next, owner[span->first]);
		span_join(span, next);
		held[other] = held[--held_count];
	} else if (span->units > 1 && held_count < HELD_MOST) {
		next = span_split(span, 1 + (uint32_t)rand() % (span->units - 1));
		set_owner(next, next_owner++);
		held[held_count++] = next;
	}
}

static void random_steps_agree_with_a_simple_model(void)
{
	const char *broken;

	begin();
	srand(1);
	for (int step = 0; step < STEPS; step++) {
		switch (rand() % 6) {
		case 0:
		case 1:
			step_take();
			break;
		case 2:
		case 3:
			step_give();
			break;
		case 4:
			step_release();
			break;
		default:
			step_split_or_join();
		}
		broken = span_check();
		if (!CHECK(!broken) || !CHECK(step % LOOK || all_agree())) {
			fprintf(stderr, "step %d: %s\n", step, broken ? broken : "model");
			return;
		}
	}
	CHECK(all_agree());
	while (held_count) {
		set_owner(held[--held_count], 0);
		span_give(held[held_count], SPAN_RESERVE_POOL, 0);
	}
	CHECK(!span_check() && all_agree());
}

int main(void)
{
	WORLD_RUN(kept_neighbours_of_one_kind_merge);
	WORLD_RUN(the_smallest_that_fits_is_taken);
	WORLD_RUN(alignment_and_pages_decide_where_it_fits);
	WORLD_RUN(what_is_cut_off_keeps_its_age);
	WORLD_RUN(a_split_span_joins_again);
	WORLD_RUN(any_unit_leads_to_its_span);
	WORLD_RUN(only_a_reserve_at_the_top_is_cut);
	WORLD_RUN(random_steps_agree_with_a_simple_model);
	return check_result();
}
