/* SPDX-License-Identifier: MIT */
/*
 * MAP_CONTIG: physically one piece and populated, or ENOMEM; EINVAL where there is no library.
 * mmap_contig.sh runs it again: mmap_contig alone (without the library) | refused (it has
 * neither PFNs nor a pool).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "child.h"
#include "mmap_area.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ONE	(MAP_PRIVATE | MAP_CONTIG | MAP_ANONYMOUS)

/* How many runs of neighbouring page frames; -1: the kernel does not say, -2: a page is absent. */
static int extents(const char *p, size_t bytes)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), runs = 0;
	uint64_t entry, frame, last = 0;

	for (size_t at = 0; at < bytes; at += PAGE) {
		if (pread(fd, &entry, 8, (off_t)((uintptr_t)(p + at) / PAGE * 8)) != 8)
			return -1;
		if (!(entry >> 63))
			return -2;
		frame = entry & (((uint64_t)1 << 55) - 1);
		if (!frame)
			return -1;
		runs += !at || frame != last + 1;
		last = frame;
	}
	close(fd);
	return runs;
}

static bool fails_with(int error, const void *p)
{
	bool right = p == MAP_FAILED && errno == error;

	if (!right)
		fprintf(stderr, "%p, errno %s\n", p, strerror(errno));
	errno = 0;
	return right;
}

static void kernel_refuses_it(void)
{
	errno = 0;
	CHECK(fails_with(EINVAL, (void *)syscall(SYS_mmap, NULL, 2 * MIB, RW, ONE, -1, 0)));
}

static void wrong_calls_are_refused(void)
{
	char *room = area_raw(4 * MIB, MAP_PRIVATE);
	int file = memfd_create("file", 0);

	errno = 0;
	CHECK(fails_with(EINVAL, mmap(room, MIB, RW, ONE, -1, 0)));
	CHECK(fails_with(EINVAL, mmap(room, MIB, RW, ONE | MAP_FIXED, -1, 0)));
	CHECK(fails_with(EINVAL, mmap(NULL, 0, RW, ONE, -1, 0)));
	CHECK(fails_with(EINVAL, mmap(NULL, MIB, RW, MAP_PRIVATE | MAP_CONTIG, file, 0)));
	CHECK(fails_with(ENOMEM, mmap(NULL, MIB, PROT_NONE, ONE, -1, 0)));
	CHECK(fails_with(ENOMEM, mmap(NULL, (size_t)1 << 46, RW, ONE, -1, 0)));
	CHECK(fails_with(ENOMEM, mmap(NULL, SIZE_MAX - PAGE, RW, ONE, -1, 0)));
	munmap(room, 4 * MIB);
}

static void check_one_piece(char *p, size_t bytes)
{
	size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
	int runs = extents(p, whole);

	if (runs != -1 || geteuid() == 0)
		CHECK(runs == 1);
	CHECK(pattern_is_zero(p, bytes));
	area_fill(p, whole);
	CHECK(extents(p, whole) == runs);
	if (whole > 2 * PAGE) {
		CHECK(munmap(p + PAGE, PAGE) == 0);
		CHECK(area_look(p, area_word(0)) == (SEEN_OWN | SEEN_WRITABLE));
		CHECK(area_look(p + PAGE, 0) == SEEN_NOTHING);
		CHECK(area_look(p + 2 * PAGE, area_word(2)) == (SEEN_OWN | SEEN_WRITABLE));
	}
	CHECK(munmap(p, bytes) == 0);
	CHECK(msync(p, PAGE, MS_ASYNC) == -1);
}

static void it_is_one_piece(int fd)
{
	static const size_t sizes[] = { 1, PAGE, 64 * KIB, MIB + 5, 2 * MIB, 5 * MIB };
	int flags = fd < 0 ? ONE : MAP_PRIVATE | MAP_CONTIG;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = mmap(NULL, sizes[i], RW, flags, fd, 0);

		/* Beyond one huge page it is the machine's luck. */
		if (p == MAP_FAILED && sizes[i] > 2 * MIB && errno == ENOMEM)
			fprintf(stderr, "%zu bytes in one piece are not to be had\n", sizes[i]);
		else if (CHECK(p != MAP_FAILED))
			check_one_piece(p, sizes[i]);
	}
}

static int by_frame(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t frame_of(const char *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		entry = 0;
	close(fd);
	return entry & (((uint64_t)1 << 55) - 1);
}

/* Has the pool four huge pages in a row? All of it is taken for a moment, past the library. */
static bool pool_has_a_run(void)
{
	enum { MOST = 1024, RUN = 4 };
	static uint64_t frame[MOST];
	unsigned int count = 0, run = 1, longest = 1;
	static char *page[MOST];

	for (; count < MOST; count++) {
		page[count] = (char *)syscall(SYS_mmap, NULL, 2 * MIB, RW,
					      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		if (page[count] == MAP_FAILED)
			break;
		page[count][0] = 1;
		frame[count] = frame_of(page[count]);
	}
	for (unsigned int i = 0; i < count; i++)
		syscall(SYS_munmap, page[i], 2 * MIB);
	qsort(frame, count, sizeof(*frame), by_frame);
	for (unsigned int i = 1; i < count; i++) {
		run = frame[i] == frame[i - 1] + 2 * MIB / PAGE ? run + 1 : 1;
		longest = run > longest ? run : longest;
	}
	return longest >= RUN;
}

static void child_sees_it(void *arg)
{
	CHECK(pattern_holds(arg, 8 * MIB - PAGE, 3));
	memset(arg, 1, 8 * MIB - PAGE);
}

/* Searched for, not hoped for; and where a card can make the most of it. */
static void the_pool_is_searched(void)
{
	char *p, *q;

	if (geteuid() || !served_by("hugetlb"))
		return;
	if (!pool_has_a_run()) {
		fprintf(stderr, "the pool has no 8 MiB in one piece\n");
		return;
	}
	q = mmap(NULL, 2 * MIB, RW, ONE, -1, 0);
	p = mmap(NULL, 8 * MIB - PAGE, RW, ONE, -1, 0);
	if (p == MAP_FAILED && munmap(q, 2 * MIB) == 0)
		p = mmap(NULL, 8 * MIB - PAGE, RW, ONE, -1, 0);
	if (!CHECK(p != MAP_FAILED))
		return;
	CHECK(((uintptr_t)p / PAGE - frame_of(p)) % (8 * MIB / PAGE) == 0);
	pattern_write(p, 8 * MIB - PAGE, 3);
	CHECK(child_ended_well(child_start(child_sees_it, p)));
	CHECK(pattern_holds(p, 8 * MIB - PAGE, 3) && extents(p, 8 * MIB - PAGE) == 1);
	memset(p, 0, 8 * MIB - PAGE);
	check_one_piece(p, 8 * MIB - PAGE);
	CHECK(served_pool("hugetlb-2M")->live_bytes <= 2 * MIB);
}

static void it_can_be_read_only(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ, ONE, -1, 0);

	if (!CHECK(p != MAP_FAILED))
		return;
	CHECK(area_look(p, 0) == SEEN_ZERO);
	CHECK(area_look(p + bytes - PAGE, 0) == SEEN_ZERO);
	CHECK(extents(p, bytes) == 1 || geteuid());
	CHECK(mprotect(p + PAGE, PAGE, RW) == 0);
	CHECK(area_look(p, 0) == SEEN_ZERO);
	CHECK(area_look(p + PAGE, 0) == (SEEN_ZERO | SEEN_WRITABLE));
	CHECK(area_look(p + 2 * PAGE, 0) == SEEN_ZERO);
	CHECK(munmap(p, bytes) == 0);
}

static void nothing_is_promised_that_cannot_be_proved(void)
{
	char *p;

	errno = 0;
	CHECK(fails_with(ENOMEM, mmap(NULL, 64 * KIB, RW, ONE, -1, 0)));
	CHECK(fails_with(ENOMEM, mmap(NULL, 5 * MIB, RW, ONE, -1, 0)));
	p = mmap(NULL, PAGE, RW, ONE, -1, 0);
	CHECK(p != MAP_FAILED);	/* one page is one piece */
	CHECK(munmap(p, PAGE) == 0);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	kernel_refuses_it();
	if (!strcmp(mode, "alone")) {
		errno = 0;
		CHECK(fails_with(EINVAL, mmap(NULL, 2 * MIB, RW, ONE, -1, 0)));
		return check_result();
	}
	served_find();
	if (!served_stats->serving)
		served_fail(served_stats->why);
	if (!strcmp(mode, "refused")) {
		nothing_is_promised_that_cannot_be_proved();
		return check_result();
	}
	if (geteuid() && !served_by("hugetlb")) {
		printf("neither PFNs nor a pool\n");
		return CHECK_SKIP;
	}
	wrong_calls_are_refused();
	it_is_one_piece(-1);
	it_is_one_piece(open("/dev/zero", O_RDWR));
	the_pool_is_searched();
	it_can_be_read_only(64 * KIB);
	it_can_be_read_only(2 * MIB);
	return check_result();
}
