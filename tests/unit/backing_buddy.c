/* SPDX-License-Identifier: MIT */
/*
 * /proc/buddyinfo is read, whatever it says; and where it shows that no block of 2 MiB is free but
 * smaller ones are, memory for thp gets page tables first, so that the kernel does not compact.
 */
#include <stdlib.h>

#include "backing_world.h"
#include "buddy.h"

#define MTHP_DIR "/sys/kernel/mm/transparent_hugepage/hugepages-1024kB/"
#define BUDDYINFO "/proc/buddyinfo"

/* One page pinned in each 2 MiB of 24 GiB: one block of 2 MiB is left, and those of zone DMA. */
#define PINNED \
	"Node 0, zone      DMA 0 0 0 0 0 0 0 0 1 1 3 \n" \
	"Node 0, zone    DMA32 1507 1507 1510 1508 1511 1510 1509 1509 1510 0 0 \n" \
	"Node 0, zone   Normal 11193 10539 10204 10082 10227 10173 10073 10044 10025 1 0 \n"
#define FRESH \
	"Node 0, zone   Normal 1 0 0 0 0 0 0 0 10 1000 4000 \n"
#define SHORT \
	"Node 0, zone   Normal 90000 90000 9000 900 90 9 1 1 1 0 0 \n"

static void blocks_are_counted_by_size_and_node(void)
{
	const char *two = "Node 0, zone   Normal 1 1 1 1 1 1 1 1 1 1 1 \n"
			  "Node 1, zone   Normal 0 0 0 0 0 0 0 0 0 3 0 \n"
			  "Node 12, zone  Movable 0 0 0 0 0 0 0 0 0 0 1 \n";

	CHECK(buddy_free_bytes(PINNED, -1, 2 * MIB) == 2 * MIB);
	CHECK(buddy_free_bytes(PINNED, -1, MIB) == (1510 + 10025 + 2) * MIB);
	CHECK(buddy_free_bytes(two, -1, 2 * MIB) == (6 + 6 + 4) * MIB);
	CHECK(buddy_free_bytes(two, 0, 4 * KIB) == 2047 * 4 * KIB);
	CHECK(buddy_free_bytes(two, 1, 2 * MIB) == 6 * MIB);
	CHECK(buddy_free_bytes(two, 12, 2 * MIB) == 4 * MIB);
	CHECK(buddy_free_bytes(two, 2, 4 * KIB) == 0);
}

static void what_is_no_line_of_it_counts_for_nothing(void)
{
	static const char *const garbage[] = {
		"", "\n", "\n\n\n", "Node", "Node\n", "Node 0\n", "Node 0,\n", "Node 0, zone\n",
		"Node 0, zone Normal\n", "Node 0, zone Normal", "Node 0, zone Normal 1 2 3",
		"Node 0, zone Normal 1 x 3\n", "Node 0, zone Normal -1 -1\n",
		"Node 0, zone Normal 99999999999999999999999 1\n", "Node 0, zone Normal 4294967297\n",
		"Node x, zone Normal 1 1\n", "node 0, zone Normal 1 1\n", "zone zone zone\n",
		"Node 0, zone DMA 1 1 1 1 1 1 1 1 1 1 1\n",
		"Node 0, zone Normal 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
		"Node 0, zone\nNormal 1 1 1\n", "Node 0, zone Normal\n1 1 1 1\n",
	};

	for (unsigned int i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		if (!CHECK(buddy_free_bytes(garbage[i], -1, 4 * KIB) == 0))
			fprintf(stderr, "  in \"%s\"\n", garbage[i]);
	CHECK(buddy_free_bytes("rubbish\nNode 0, zone Normal 1 1\n" "Node 0, zone Normal 7", -1,
			 4 * KIB) == 12 * KIB);
}

/* Every text that one byte of a good one makes, and every piece of it: no crash, no wonders. */
static void no_text_leads_astray(void)
{
	static char text[] = PINNED;
	uint64_t state = 42;

	for (unsigned int i = 0; i < 20000; i++) {
		size_t at;
		char was, cut;

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		at = (state >> 20) % (sizeof(text) - 1);
		was = text[at];
		text[at] = (char)(state >> 50);
		CHECK(buddy_free_bytes(text, -1, MIB) < 1ull << 53);
		text[at] = was;
		cut = text[at];
		text[at] = '\0';
		CHECK(buddy_free_bytes(text, -1, MIB) <= (1510 + 10025 + 2) * MIB);
		text[at] = cut;
	}
}

/* The calls of madvise that one request of 64 MiB to thp makes, on a machine that says @text. */
static uint64_t advices(const char *mthp, const char *text)
{
	uint64_t before;

	fake_file(MTHP_DIR "enabled", mthp);
	fake_file(BUDDYINFO, text);
	world_begin("size=1M..: thp, mthp, base", 32 * MIB, 10000);
	before = fake_sys.calls[FAKE_ADVISE];
	CHECK(world_take(64 * MIB).pool == world_pool(BACKING_THP, 0));
	return fake_sys.calls[FAKE_ADVISE] - before;
}

#define MTHP_ON "always inherit [madvise] never\n"
#define MTHP_OFF "always inherit madvise [never]\n"

static void tables_come_first_where_blocks_are_short(void)
{
	/* One to leave out huge pages, two for each of 32 tables, one to have them again. */
	CHECK(advices(MTHP_ON, PINNED) == 1 + 2 * 32 + 1);
}

static void the_kernel_chooses_where_blocks_are_free(void)
{
	CHECK(advices(MTHP_ON, FRESH) == 1);
}

static void the_kernel_compacts_where_no_smaller_page_is_switched_on(void)
{
	CHECK(advices(MTHP_OFF, PINNED) == 1);
	CHECK(!fake_sys.failed);
}

static void the_kernel_compacts_where_smaller_blocks_are_short_too(void)
{
	CHECK(advices(MTHP_ON, SHORT) == 1);
}

static void nothing_is_known_of_a_machine_that_does_not_tell(void)
{
	CHECK(advices(MTHP_ON, NULL) == 1);
}

static void a_text_cut_off_is_not_believed(void)
{
	static char text[8192];

	while (strlen(text) + sizeof(PINNED) < sizeof(text))
		strcat(text, PINNED);
	CHECK(advices(MTHP_ON, text) == 1);
}

static void no_table_is_no_harm(void)
{
	fake_file(MTHP_DIR "enabled", MTHP_ON);
	fake_file(BUDDYINFO, PINNED);
	world_begin("size=1M..: thp, mthp, base", 32 * MIB, 10000);
	for (uint64_t nth = 1; nth <= 2 * 4 + 1; nth++) {
		struct place_result got;

		fake_fail(FAKE_ADVISE, nth, nth, ENOMEM);
		got = world_take(8 * MIB);
		CHECK(fake_sys.failed == 1 && got.pool == world_pool(BACKING_THP, 0));
		fake_heal();
		CHECK(place_free(got.addr) == PLACE_OK);
		place_release();
	}
	/* The last: memory that cannot be advised is not thp's, and is not left behind. */
	fake_fail(FAKE_ADVISE, 2 * 4 + 2, UINT64_MAX, ENOMEM);
	CHECK(world_take(8 * MIB).pool == world_pool(BACKING_BASE, 0));
	CHECK(!pool_stats(world_pool(BACKING_THP, 0))->mapped_bytes);
}

int main(void)
{
	WORLD_RUN(blocks_are_counted_by_size_and_node);
	WORLD_RUN(what_is_no_line_of_it_counts_for_nothing);
	WORLD_RUN(no_text_leads_astray);
	WORLD_RUN(tables_come_first_where_blocks_are_short);
	WORLD_RUN(the_kernel_chooses_where_blocks_are_free);
	WORLD_RUN(the_kernel_compacts_where_no_smaller_page_is_switched_on);
	WORLD_RUN(the_kernel_compacts_where_smaller_blocks_are_short_too);
	WORLD_RUN(nothing_is_known_of_a_machine_that_does_not_tell);
	WORLD_RUN(a_text_cut_off_is_not_believed);
	WORLD_RUN(no_table_is_no_harm);
	return check_result();
}
