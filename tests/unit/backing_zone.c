/* SPDX-License-Identifier: MIT */
/* The zone where addresses are scarce, and what the machine's files say. */
#include "backing_world.h"

#include "cgroup.h"

static void a_usual_machine_has_both_ranges(void)
{
	fake_sys.address_limit = UINT64_MAX;
	zone_init();
	CHECK(zone.bytes == 256 * GIB && heap_range.bytes == zone.bytes);
	CHECK(zone.base == heap_range.base + heap_range.bytes && heap_range.base % (2 * GIB) == 0);
	CHECK(contig_stats.zone_base == zone.base && contig_stats.zone_bytes == zone.bytes);
	CHECK(range_owns(&zone, (void *)zone.base) && !range_owns(&heap_range, (void *)zone.base));
	CHECK(!range_owns(&zone, (void *)(zone.base + zone.bytes)));
	CHECK(!fake_has_hole((void *)heap_range.base, 2 * zone.bytes));
	CHECK(world_sound());
}

static void a_refused_reservation_is_halved(void)
{
	fake_sys.address_limit = UINT64_MAX;
	fake_sys.most_reserve = 20 * GIB;
	zone_init();
	CHECK(zone.bytes == 8 * GIB && heap_range.bytes == 8 * GIB);
}

static void none_at_all_leaves_everything_to_the_heap(void)
{
	struct place_result got;

	fake_sys.address_limit = UINT64_MAX;
	fake_sys.most_reserve = GIB;
	world_rules("size=4K..: base");
	zone_init();
	place_init(256 * MIB, 10000);
	CHECK(zone.bytes == 0 && heap_range.bytes == 0);
	CHECK(world_take_aligned(MIB, 1, &got) == -ENOMEM);
	CHECK(!range_owns(&zone, (void *)zone.base) && !zone_shrink());
}

static void no_room_for_the_tables_refuses_until_there_is(void)
{
	struct place_result got;

	world_rules("size=4K..: base");
	zone_init();
	place_init(256 * MIB, 10000);
	fake_fail(FAKE_MAP, 1, 1, ENOMEM);
	CHECK(world_take_aligned(MIB, 1, &got) == -ENOMEM && fake_sys.failed == 1);
	fake_fail(FAKE_MAP, 2, 2, ENOMEM);
	CHECK(world_take_aligned(MIB, 1, &got) == -ENOMEM && fake_sys.failed == 1);
	fake_heal();
	CHECK(world_take(MIB).addr == (void *)zone.base);
	CHECK(world_sound());
}

static void a_limited_address_space_is_the_programs(void)
{
	fake_sys.address_limit = 20 * GIB;
	zone_init();
	CHECK(zone.bytes == 4 * GIB && heap_range.bytes == 0);
}

static void the_unused_upper_part_is_given_back(void)
{
	struct place_result got;
	uintptr_t base, end;

	world_begin("size=4K..: thp", 256 * MIB, 10000);
	base = zone.base;
	end = base + zone.bytes;
	got = world_take(3 * MIB);
	CHECK(zone_shrink());
	CHECK(zone.bytes == 4 * MIB && zone.base == base && contig_stats.zone_bytes == 4 * MIB);
	CHECK(fake_has_hole((void *)(base + 4 * MIB), end - base - 4 * MIB));
	CHECK(!fake_has_hole((void *)base, 4 * MIB));
	CHECK(!zone_shrink() && world_sound());
	CHECK(place_bytes(got.addr) == 3 * MIB && !place_free(got.addr));
	CHECK(world_take(4 * MIB).addr == (void *)base);
}

static void a_limit_set_later_is_as_one_at_the_start(void)
{
	fake_sys.address_limit = UINT64_MAX;
	zone_init();
	CHECK(!zone_limit(4096 * GIB, true) && zone.bytes == 256 * GIB);
	CHECK(zone_limit(20 * GIB, true) && zone.bytes == 4 * GIB && zone_slot_bytes == 0);
	CHECK(fake_has_hole((void *)(zone.base + zone.bytes), 252 * GIB));
	CHECK(!zone_limit(20 * GIB, true) && zone_limit(3 * GIB, true) && zone.bytes == 0);
}

static void a_limit_set_later_leaves_what_is_in_use(void)
{
	struct place_result got, more;
	uintptr_t base;

	fake_sys.address_limit = UINT64_MAX;
	world_begin("size=4K..: thp", 256 * MIB, 10000);
	base = zone.base;
	got = world_take(3 * MIB);
	CHECK((uintptr_t)got.addr >= base + zone_slot_bytes);
	CHECK(zone_limit(8 * GIB, false) && zone.base == base);
	CHECK(zone_limit(8 * GIB, true) && zone.base == (uintptr_t)got.addr);
	CHECK(contig_stats.zone_base == zone.base && zone.bytes == 4 * MIB + 2 * GIB);
	CHECK(fake_has_hole((void *)base, zone.base - base) && world_sound());
	more = world_take(32 * MIB);
	CHECK(range_owns(&zone, more.addr) && place_bytes(more.addr) == 32 * MIB);
	CHECK(!place_free(got.addr) && !place_free(more.addr) && world_sound());
}

static void pools_are_what_sysfs_says(void)
{
	fake_pool(2 * MIB, 5);
	fake_pool(GIB, 0);
	fake_file("/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled",
		  "always [inherit] madvise never\n");
	fake_file("/sys/kernel/mm/transparent_hugepage/hugepages-32kB/enabled",
		  "always inherit madvise [never]\n");
	CHECK(pool_count() == 6 && contig_stats.pool_count == 6);
	CHECK(!strcmp(contig_stats.pool[0].name, "hugetlb-1G"));
	CHECK(!strcmp(contig_stats.pool[1].name, "hugetlb-2M"));
	CHECK(!strcmp(contig_stats.pool[2].name, "thp") && pool_at(2)->usable);
	CHECK(!strcmp(contig_stats.pool[3].name, "mthp-64K"));
	CHECK(!strcmp(contig_stats.pool[4].name, "base"));
	CHECK(!world_pool(BACKING_MTHP, 32 * KIB));
	CHECK(pool_spare_bytes(pool_at(1)) == 10 * MIB && pool_spare_bytes(pool_at(0)) == 0);
}

static void no_descriptor_says_nothing_about_the_machine(void)
{
	fake_pool(2 * MIB, 5);
	fake_fail(FAKE_READ, 1, 1, EMFILE);
	CHECK(pool_count() == 0 && contig_stats.pool_count == 0);
	fake_fail(FAKE_READ, 1, 1, ENFILE);
	CHECK(pool_count() == 0);
	fake_heal();
	CHECK(pool_count() == contig_stats.pool_count && world_pool(BACKING_HUGETLB, 2 * MIB));
}

static bool limited(const char *groups)
{
	fake_file("/proc/self/cgroup", groups);
	return cgroup_limits_hugetlb();
}

static void hugetlb_limits_of_every_group_above_count(void)
{
	fake_pool(2 * MIB, 1);
	CHECK(pool_count());
	CHECK(!cgroup_limits_hugetlb());
	CHECK(!limited("0::/\n"));
	fake_file("/sys/fs/cgroup/a/hugetlb.2MB.max", "max\n");
	CHECK(!limited("0::/a/b/c\n"));
	fake_file("/sys/fs/cgroup/a/hugetlb.2MB.max", "4194304\n");
	CHECK(limited("0::/a/b/c\n") && limited("0::/a\n") && !limited("0::/b\n"));
	CHECK(limited("1:cpu:/x\n0::/a/b"));
	CHECK(!limited("5:hugetlb:/a\n4:cpu,memory:/a\n"));
	fake_file("/sys/fs/cgroup/hugetlb/a/hugetlb.2MB.limit_in_bytes", "9223372036854771712\n");
	CHECK(!limited("5:hugetlb:/a\n"));
	fake_file("/sys/fs/cgroup/hugetlb/a/hugetlb.2MB.limit_in_bytes", "0\n");
	CHECK(limited("4:cpu:/z\n5:memory,hugetlb:/a/b\n") && !limited("5:cpu:/a\n"));
}

static void garbage_for_groups_is_no_limit(void)
{
	static char text[4200];

	fake_pool(2 * MIB, 1);
	CHECK(pool_count());
	CHECK(!limited("") && !limited("\n\n\n") && !limited("::\n") && !limited(":::::\n"));
	CHECK(!limited("0:\n") && !limited("0::\n") && !limited("garbage"));
	CHECK(!limited("0::rubbish"));
	strcpy(text, "0::/");
	memset(text + 4, 'x', sizeof(text) - 5);
	CHECK(limited(text));	/* too long to be looked at: careful */
}

int main(void)
{
	WORLD_RUN(a_usual_machine_has_both_ranges);
	WORLD_RUN(a_refused_reservation_is_halved);
	WORLD_RUN(none_at_all_leaves_everything_to_the_heap);
	WORLD_RUN(no_room_for_the_tables_refuses_until_there_is);
	WORLD_RUN(a_limited_address_space_is_the_programs);
	WORLD_RUN(the_unused_upper_part_is_given_back);
	WORLD_RUN(a_limit_set_later_is_as_one_at_the_start);
	WORLD_RUN(a_limit_set_later_leaves_what_is_in_use);
	WORLD_RUN(pools_are_what_sysfs_says);
	WORLD_RUN(no_descriptor_says_nothing_about_the_machine);
	WORLD_RUN(hugetlb_limits_of_every_group_above_count);
	WORLD_RUN(garbage_for_groups_is_no_limit);
	return check_result();
}
