/* SPDX-License-Identifier: MIT */
/*
 * Where mmap's results lie: by default large ones are aligned and advised for THP, and what the
 * program asked for in another way is left as it is. mmap_rules.sh runs it again with rules:
 * mmap_rules huge | next | fork | limit | nowhere.
 */
#include <errno.h>
#include <malloc.h>

#include "child.h"
#include "mmap_area.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define POOL	"/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define ODD	(5 * MIB + 3 * PAGE)

/* A line of the mapping that holds @p in /proc/self/smaps; "" if it has none that begins so. */
static const char *smaps(const void *p, const char *key)
{
	static char line[512];
	unsigned long low, high;
	bool here = false;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
			here = (uintptr_t)p >= low && (uintptr_t)p < high;
		else if (here && !strncmp(line, key, strlen(key))) {
			fclose(file);
			return line + strlen(key);
		}
	}
	if (file)
		fclose(file);
	return "";
}

static bool is_advised(const void *p)
{
	return strstr(smaps(p, "VmFlags:"), " hg");
}

static bool is_huge(const void *p)
{
	return strtoul(smaps(p, "KernelPageSize:"), NULL, 10) == 2048;
}

static long pool_free(void)
{
	long counts[2] = { 0 };
	const char *const names[] = { POOL "free_hugepages", POOL "resv_hugepages" };

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(names[i], "r");

		if (!file || fscanf(file, "%ld", &counts[i]) != 1)
			return -1;
		fclose(file);
	}
	return counts[0] - counts[1];
}

static void large_private_mappings_are_aligned_and_advised(void)
{
	static const size_t sizes[] = { 2 * MIB, ODD, 16 * MIB, 33 * MIB + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t before = served_stats->mmap_aligned;
		char *p = mmap(NULL, sizes[i], RW, ANON, -1, 0);

		if (!CHECK(p != MAP_FAILED))
			continue;
		CHECK((uintptr_t)p % (2 * MIB) == 0);
		CHECK(is_advised(p));
		CHECK(served_stats->mmap_aligned == before + 1);
		CHECK(pattern_is_zero(p, sizes[i]));
		memset(p, 1, sizes[i]);
		CHECK(strtoul(smaps(p, "AnonHugePages:"), NULL, 10) >= 2048);
		CHECK(munmap(p, sizes[i]) == 0);
		CHECK(msync(p, PAGE, MS_ASYNC) == -1 && errno == ENOMEM);
	}
}

static void other_mappings_are_left_as_they_are(void)
{
	char *room = area_raw(16 * MIB, MAP_PRIVATE), *p;
	int file = memfd_create("file", 0);
	const struct { void *addr; size_t bytes; int prot, flags, fd; } asked[] = {
		{ room, 8 * MIB, RW, ANON, -1 },
		{ room, 8 * MIB, RW, ANON | MAP_FIXED, -1 },
		{ NULL, 8 * MIB, RW, ANON | MAP_NORESERVE, -1 },
		{ NULL, 8 * MIB, RW, ANON | MAP_STACK, -1 },
		{ NULL, 8 * MIB, RW, ANON | MAP_GROWSDOWN, -1 },
		{ NULL, 8 * MIB, RW, ANON | MAP_LOCKED, -1 },
		{ NULL, 8 * MIB, RW, ANON | MAP_32BIT, -1 },
		{ NULL, 8 * MIB, PROT_NONE, ANON, -1 },
		{ NULL, 8 * MIB, PROT_READ, ANON, -1 },
		{ NULL, 8 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS, -1 },
		{ NULL, 8 * MIB, RW, MAP_PRIVATE, file },
		{ NULL, 8 * MIB, RW, MAP_SHARED, file },
		{ NULL, 64 * KIB, RW, ANON, -1 },
	};

	CHECK(ftruncate(file, 8 * MIB) == 0);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		uint64_t before = served_stats->mmap_aligned + served_stats->mmap_huge;

		p = mmap(asked[i].addr, asked[i].bytes, asked[i].prot, asked[i].flags, asked[i].fd,
			 0);
		if (!CHECK(p != MAP_FAILED) || !CHECK(!is_advised(p)))
			fprintf(stderr, "mapping %zu: %s\n", i, strerror(errno));
		CHECK(served_stats->mmap_aligned + served_stats->mmap_huge == before);
		if (asked[i].flags & MAP_FIXED)
			CHECK(p == room);
		if (p != MAP_FAILED)
			CHECK(munmap(p, asked[i].bytes) == 0);
	}
	munmap(room, 16 * MIB);
}

static bool is_resident(char *p, size_t bytes)
{
	static unsigned char vec[16 * 1024 * 1024 / PAGE];
	size_t pages = (bytes + PAGE - 1) / PAGE, there = 0;

	if (mincore(p, bytes, vec))
		return false;
	for (size_t i = 0; i < pages; i++)
		there += vec[i] & 1;
	return there == pages;
}

static void map_populate_is_honoured(void)
{
	char *p = mmap(NULL, ODD, RW, ANON | MAP_POPULATE, -1, 0);
	char *q = mmap(NULL, ODD, RW, ANON, -1, 0);

	CHECK(is_resident(p, ODD));
	CHECK(is_huge(q) || !is_resident(q, ODD));
	munmap(p, ODD);
	munmap(q, ODD);
}

static void wrong_calls_fail_as_always(void)
{
	errno = 0;
	CHECK(mmap(NULL, 0, RW, ANON, -1, 0) == MAP_FAILED && errno == EINVAL);
	errno = 0;
	CHECK(mmap(NULL, 8 * MIB, RW, ANON, -1, 77) == MAP_FAILED && errno == EINVAL);
	errno = 0;
	CHECK(mmap(NULL, (size_t)1 << 60, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM);
	errno = 4711;
	munmap(mmap(NULL, 8 * MIB, RW, ANON, -1, 0), 8 * MIB);
	CHECK(errno == 4711);
}

static void huge_pages_by_rule_come_back_with_the_length_asked_for(int type)
{
	long before = pool_free();

	for (int round = 0; round < 3; round++) {
		char *p = mmap(NULL, ODD, RW, type | MAP_ANONYMOUS, -1, 0);

		if (!CHECK(p != MAP_FAILED))
			return;
		CHECK(is_huge(p) && is_resident(p, ODD));
		CHECK(pool_free() == before - 3);
		pattern_write(p, ODD, 5);
		CHECK(mprotect(p, ODD, PROT_READ) == 0);
		CHECK(mprotect(p, ODD, RW) == 0);
		CHECK(pattern_holds(p, ODD, 5));
		CHECK(munmap(p, ODD) == 0);
		CHECK(pool_free() == before);
		CHECK(msync(p, PAGE, MS_ASYNC) == -1);
	}
}

static void a_strict_chain_refuses(void)
{
	size_t too_much = (size_t)(pool_free() + 1) * 2 * MIB;

	errno = 0;
	CHECK(mmap(NULL, too_much, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM);
	errno = 0;
	CHECK(mmap(NULL, too_much, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == ENOMEM);
}

static void write_in_child(void *arg)
{
	CHECK(pattern_holds(arg, ODD, 6));
	pattern_write(arg, ODD, 7);
}

static void shared_huge_pages_are_shared(void)
{
	char *p = mmap(NULL, ODD, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	pattern_write(p, ODD, 6);
	CHECK(child_ended_well(child_start(write_in_child, p)));
	CHECK(pattern_holds(p, ODD, 7));
	/* A part of a shared huge page cannot be anything else: refused, and nothing is lost. */
	CHECK(munmap(p + PAGE, PAGE) == -1 && errno == EINVAL);
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == -1 && errno == EINVAL);
	CHECK(madvise(p + PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(pattern_holds(p, ODD, 7));
	CHECK(munmap(p, ODD) == 0);
}

static void what_went_past_the_library_does_no_harm(void)
{
	char *p = mmap(NULL, 8 * MIB, RW, ANON, -1, 0), *plain;

	CHECK(is_huge(p));
	CHECK(syscall(SYS_munmap, p, 8 * MIB) == 0);
	plain = (char *)syscall(SYS_mmap, p, 8 * MIB, RW, ANON | MAP_FIXED, -1, 0);
	CHECK(plain == p);
	pattern_write(p, 8 * MIB, 8);
	CHECK(mprotect(p + 5 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + 5 * PAGE, PAGE, RW) == 0);
	CHECK(pattern_holds(p, 8 * MIB, 8));
	pattern_write(p, ODD, 6);
	CHECK(child_ended_well(child_start(write_in_child, p)));
	CHECK(pattern_holds(p, ODD, 6));
	pattern_write(p, 8 * MIB, 8);
	CHECK(munmap(p + 4 * MIB, 4 * MIB) == 0);
	CHECK(pattern_holds_upto(p, 4 * MIB, 8 * MIB, 8));
	CHECK(munmap(p, 4 * MIB) == 0);
}

/* A neighbour in the page that a stale entry speaks of; an mlocked one looks like a huge page. */
static void nor_does_it_to_a_neighbour(int flags)
{
	char *p = mmap(NULL, 3 * MIB, RW, ANON, -1, 0), *next = p + 3 * MIB;

	CHECK(is_huge(p));
	CHECK(syscall(SYS_munmap, p, 4 * MIB) == 0);
	CHECK(syscall(SYS_mmap, p, 3 * MIB, RW, ANON | MAP_FIXED, -1, 0) == (long)p);
	CHECK(syscall(SYS_mmap, next, MIB, PROT_READ, ANON | MAP_FIXED | flags, -1, 0) == (long)next);
	CHECK(munmap(p, 3 * MIB) == 0);
	CHECK(msync(p, PAGE, MS_ASYNC) == -1);
	CHECK(msync(next, MIB, MS_ASYNC) == 0);
	CHECK(munmap(next, MIB) == 0);
}

static void the_figures_tell_of_it(void)
{
	size_t heap = (free(malloc(1)), mallinfo2().uordblks);
	char *p = mmap(NULL, ODD, RW, ANON, -1, 0), *q = mmap(NULL, 4 * MIB, RW, ANON, -1, 0);
	const struct contig_pool_stats *pool = served_pool("hugetlb-2M");
	uint64_t freed = pool->frees;

	CHECK(pool->live_bytes == ODD + 4 * MIB && pool->mapped_bytes == 10 * MIB);
	CHECK(pool->peak_bytes >= pool->live_bytes);
	CHECK(mallinfo2().uordblks < heap + MIB && mallinfo2().hblkhd < MIB);
	CHECK(munmap(p + 2 * MIB, 2 * MIB) == 0);
	CHECK(pool->frees == freed && pool->live_bytes == ODD + 2 * MIB);
	CHECK(munmap(p, 2 * MIB) == 0);
	CHECK(pool->frees == freed && pool->live_bytes == ODD);
	CHECK(munmap(p + 4 * MIB, ODD - 4 * MIB) == 0);
	CHECK(pool->frees == freed + 1 && pool->live_bytes == 4 * MIB);
	CHECK(munmap(q, 4 * MIB) == 0);
	CHECK(pool->frees == freed + 2 && pool->frees == pool->allocations);
	CHECK(pool->live_bytes == 0 && pool->mapped_bytes == 0);
	CHECK(geteuid() || (pool->measured_bytes && pool->measured_entries));
}

/* Two rules, of 8 MiB on huge pages and of what comes beyond. */
static void a_limit_counts_what_is_alive(void)
{
	char *p[6];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6; i++) {
			p[i] = mmap(NULL, 3 * MIB, RW, ANON, -1, 0);
			CHECK(p[i] != MAP_FAILED && is_huge(p[i]) == (i < 2));
			CHECK(i < 2 || is_advised(p[i]));
		}
		CHECK(munmap(p[0], 3 * MIB) == 0);
		p[0] = mmap(NULL, 5 * MIB, RW, ANON, -1, 0);
		CHECK(is_huge(p[0]));
		CHECK(munmap(p[0], 5 * MIB) == 0);
		for (int i = 1; i < 6; i++)
			CHECK(munmap(p[i], 3 * MIB) == 0);
	}
}

static void a_node_that_is_not_there_is_a_reason(void)
{
	errno = 0;
	CHECK(mmap(NULL, ODD, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(served_pool("hugetlb-2M")->fell_through[CONTIG_REASON_NODE] == 1);
	CHECK(served_pool("thp")->fell_through[CONTIG_REASON_NODE] == 1);
	CHECK(served_pool("hugetlb-2M")->mapped_bytes == 0);
}

static void an_empty_pool_leads_to_the_next_link(void)
{
	size_t all = (size_t)pool_free() * 2 * MIB;
	char *p = mmap(NULL, all, RW, ANON, -1, 0), *q = mmap(NULL, ODD, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED && is_huge(p));
	CHECK(pool_free() == 0);
	CHECK(q != MAP_FAILED && !is_huge(q) && is_advised(q));
	memset(q, 1, ODD);
	CHECK(munmap(p, all) == 0);
	CHECK(munmap(q, ODD) == 0);
	CHECK((size_t)pool_free() * 2 * MIB == all);
}

struct snap {
	char *p;
	size_t bytes;
};

static void read_and_write_in_child(void *arg)
{
	struct snap *snap = arg;

	CHECK(pattern_holds(snap->p, snap->bytes, 9));
	pattern_write(snap->p, snap->bytes, 10);
	CHECK(pattern_holds(snap->p, snap->bytes, 10));
	CHECK(munmap(snap->p + PAGE, PAGE) == 0);
	CHECK(munmap(snap->p, snap->bytes) == 0);
}

static void both_sides_of_a_fork_have_their_own(void)
{
	struct snap snap = { .bytes = (size_t)pool_free() * 2 * MIB - 3 * PAGE };
	uint64_t before = served_stats->fork_snapshots;

	snap.p = mmap(NULL, snap.bytes, RW, ANON, -1, 0);
	CHECK(snap.p != MAP_FAILED && is_huge(snap.p) && pool_free() == 0);
	pattern_write(snap.p, snap.bytes, 9);
	CHECK(child_ended_well(child_start(read_and_write_in_child, &snap)));
	CHECK(served_stats->fork_snapshots == before + 1);
	CHECK(pattern_holds(snap.p, snap.bytes, 9));
	CHECK(is_huge(snap.p));
	CHECK(munmap(snap.p, snap.bytes) == 0);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	if (!strcmp(mode, "huge")) {
		huge_pages_by_rule_come_back_with_the_length_asked_for(MAP_PRIVATE);
		huge_pages_by_rule_come_back_with_the_length_asked_for(MAP_SHARED);
		a_strict_chain_refuses();
		shared_huge_pages_are_shared();
		what_went_past_the_library_does_no_harm();
		nor_does_it_to_a_neighbour(0);
		nor_does_it_to_a_neighbour(MAP_LOCKED);
		map_populate_is_honoured();
		the_figures_tell_of_it();
	} else if (!strcmp(mode, "limit")) {
		a_limit_counts_what_is_alive();
	} else if (!strcmp(mode, "nowhere")) {
		a_node_that_is_not_there_is_a_reason();
	} else if (!strcmp(mode, "next")) {
		an_empty_pool_leads_to_the_next_link();
	} else if (!strcmp(mode, "fork")) {
		both_sides_of_a_fork_have_their_own();
	} else {
		large_private_mappings_are_aligned_and_advised();
		other_mappings_are_left_as_they_are();
		map_populate_is_honoured();
		wrong_calls_fail_as_always();
	}
	return check_result();
}
