/* SPDX-License-Identifier: MIT */
/* The operations of mmap_ops.c, and who has another result with them than plain memory has. */
#ifndef TESTS_PRELOAD_MMAP_OPERATIONS_H
#define TESTS_PRELOAD_MMAP_OPERATIONS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "child.h"
#include "mmap_area.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define GUARD_INSTALL	102
#define NR_MSEAL	462
#define MIDDLE		(3 * MIB + 3 * PAGE)
#define ODD_BYTES	(2 * MIB + 2 * PAGE)
#define RW		(PROT_READ | PROT_WRITE)

static uint64_t detail;		/* what an operation has seen beside its result */

/* Where mmap and mremap put it, as a number that can be compared. */
static long where(const void *p, const void *wanted)
{
	return p == MAP_FAILED ? -1 : p != wanted;
}

static long unmap_first(struct area *a) { return munmap(a->base, PAGE); }
static long unmap_middle(struct area *a) { return munmap(a->base + MIDDLE, PAGE); }
static long unmap_tail(struct area *a) { return munmap(a->base + a->bytes - 2 * PAGE, 2 * PAGE); }
static long unmap_all(struct area *a) { return munmap(a->base, a->bytes); }
static long protect_middle(struct area *a) { return mprotect(a->base + MIDDLE, PAGE, PROT_READ); }
static long protect_all(struct area *a) { return mprotect(a->base, a->bytes, PROT_READ); }
static long drop_first(struct area *a) { return madvise(a->base, PAGE, MADV_DONTNEED); }
static long drop_middle(struct area *a) { return madvise(a->base + MIDDLE, PAGE, MADV_DONTNEED); }
static long drop_more(struct area *a) { return madvise(a->base, 2 * MIB + PAGE, MADV_DONTNEED); }
static long drop_2m(struct area *a) { return madvise(a->base + 2 * MIB, 2 * MIB, MADV_DONTNEED); }
static long drop_all(struct area *a) { return madvise(a->base, a->bytes, MADV_DONTNEED); }
static long advise_free(struct area *a) { return madvise(a->base, 2 * MIB, MADV_FREE); }
static long advise_cold(struct area *a) { return madvise(a->base, 2 * MIB, MADV_COLD); }
static long lock_4k(struct area *a) { return mlock(a->base + MIDDLE, PAGE); }
static long lock_all(struct area *a) { return mlock(a->base, a->bytes); }
static long sync_4k(struct area *a) { return msync(a->base + MIDDLE, PAGE, MS_SYNC); }
static long guard_all(struct area *a) { return madvise(a->base, a->bytes, GUARD_INSTALL); }
static long dontdump(struct area *a) { return madvise(a->base + MIDDLE, PAGE, MADV_DONTDUMP); }
static long seal_4k(struct area *a) { return syscall(NR_MSEAL, a->base + MIDDLE, PAGE, 0); }

static long protect_last(struct area *a)
{
	return mprotect(a->base + a->bytes - PAGE, PAGE, PROT_NONE);
}

static long guard_last(struct area *a)
{
	return madvise(a->base + a->bytes - PAGE, PAGE, GUARD_INSTALL);
}

static long unlock_4k(struct area *a)
{
	mlock(a->base, a->bytes);
	return munlock(a->base + MIDDLE, PAGE);
}

static long populate_middle(struct area *a)
{
	return madvise(a->base + MIDDLE, PAGE, MADV_POPULATE_WRITE);
}

/* What a debugger of memory does: nothing may be touched, but for one page. */
static long protect_all_but_one(struct area *a)
{
	return mprotect(a->base, a->bytes, PROT_NONE) |
	       mprotect(a->base + MIDDLE, PAGE, RW);
}

static long protect_forth_and_back(struct area *a)
{
	return mprotect(a->base, a->bytes, PROT_READ) | mprotect(a->base, a->bytes, RW);
}

static long pkey_4k(struct area *a)
{
	return syscall(SYS_pkey_mprotect, a->base + MIDDLE, PAGE, PROT_READ, -1);
}

static long grow(struct area *a)
{
	char *to = mremap(a->base, a->bytes, 2 * a->bytes, MREMAP_MAYMOVE);

	if (to == MAP_FAILED)
		return -1;
	a->base = to;
	a->bytes *= 2;
	return 0;
}

static long grow_read_only(struct area *a)
{
	return mprotect(a->base, a->bytes, PROT_READ) ? -1 : grow(a);
}

static long grow_with_guard(struct area *a)
{
	return mprotect(a->base + MIDDLE, PAGE, PROT_NONE) ? -1 : grow(a);
}

static long shrink_to(struct area *a, size_t bytes)
{
	return where(mremap(a->base, a->bytes, bytes, 0), a->base);
}

static long shrink_by_4k(struct area *a) { return shrink_to(a, a->bytes - PAGE); }
static long shrink_half(struct area *a) { return shrink_to(a, a->bytes / 2); }

static long move_4k(struct area *a)
{
	char *to = area_raw(PAGE, MAP_PRIVATE);
	long ret = where(mremap(a->base + MIDDLE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);

	detail = area_look(to, area_word(MIDDLE / PAGE));
	return ret;
}

static long fixed_at(char *at, size_t bytes, int flags, int fd)
{
	return where(mmap(at, bytes, RW, MAP_PRIVATE | flags, fd, 0), at);
}

static long fixed_middle(struct area *a)
{
	return fixed_at(a->base + MIDDLE, PAGE, MAP_FIXED | MAP_ANONYMOUS, -1);
}

static long fixed_2m(struct area *a)
{
	return fixed_at(a->base + 2 * MIB, 2 * MIB, MAP_FIXED | MAP_ANONYMOUS, -1);
}

static long fixed_first(struct area *a)
{
	return fixed_at(a->base, PAGE, MAP_FIXED | MAP_ANONYMOUS, -1);
}

static long fixed_all(struct area *a)
{
	return fixed_at(a->base, a->bytes, MAP_FIXED | MAP_ANONYMOUS, -1);
}

static long fixed_noreplace(struct area *a)
{
	return fixed_at(a->base + MIDDLE, PAGE, MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, -1);
}

static long fixed_file(struct area *a)
{
	int fd = memfd_create("file", 0);

	return ftruncate(fd, 3 * MIB) | fixed_at(a->base + 2 * MIB, 3 * MIB, MAP_FIXED, fd);
}

/* It fails, so everything stays, and is ours to cut as before. */
static long fixed_in_vain(struct area *a)
{
	long ret = fixed_at(a->base + 2 * MIB, 4 * MIB, MAP_FIXED, -1);

	detail = (uint64_t)errno;
	return ret + munmap(a->base + MIDDLE, PAGE);
}

static long remap_onto(struct area *a)
{
	char *from = area_raw(PAGE, MAP_PRIVATE);

	memset(from, 5, PAGE);
	return where(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, a->base + MIDDLE),
		     a->base + MIDDLE);
}

static long in_core(struct area *a)
{
	unsigned char vec[3] = { 0 };
	long ret = mincore(a->base + MIDDLE, 3 * PAGE, vec);

	detail = vec[0] + 2u * vec[1] + 4u * vec[2];
	return ret;
}

static long vm_read(struct area *a)
{
	detail = area_look(a->base + MIDDLE, area_word(MIDDLE / PAGE));
	return 0;
}

static long own_mem(struct area *a)
{
	int fd = open("/proc/self/mem", O_RDWR);

	return pread(fd, &detail, 8, (off_t)(a->base + MIDDLE)) +
	       pwrite(fd, "written", 8, (off_t)(a->base + MIDDLE + 8));
}

static int uffd_on(char *at, size_t bytes)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register all = {
		.range = { (uintptr_t)at, bytes }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &all))
		return -1;
	return fd;
}

static long uffd_4k(struct area *a) { return uffd_on(a->base + MIDDLE, PAGE) < 0 ? -1 : 0; }

static long uffd_copy(struct area *a)
{
	char from[PAGE];
	struct uffdio_copy copy = { (uintptr_t)(a->base + MIDDLE), (uintptr_t)from, PAGE, 0, 0 };
	int fd;

	memset(from, 9, PAGE);
	if (madvise(a->base + MIDDLE, PAGE, MADV_DONTNEED))
		return -2;
	fd = uffd_on(a->base, a->bytes);
	return fd < 0 ? -1 : ioctl(fd, UFFDIO_COPY, &copy);
}

static long direct(struct area *a)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);

	detail = (uint64_t)pwrite(fd, a->base + MIDDLE + 512, 512, 0);
	if (ftruncate(fd, 2 * PAGE))
		return -1;
	return pread(fd, a->base + PAGE, PAGE, 0);
}

static long read_unaligned(struct area *a)
{
	return read(open("/dev/zero", O_RDONLY), a->base + 123, 2 * MIB + 777);
}

static long splice_out(struct area *a)
{
	struct iovec iov = { a->base + MIDDLE, PAGE };
	char got[PAGE];
	int ends[2];
	long ret;

	if (pipe(ends))
		return -1;
	ret = vmsplice(ends[1], &iov, 1, 0);
	if (read(ends[0], got, PAGE) != PAGE)
		return -1;
	memcpy(&detail, got, 8);
	return ret;
}

static long uring_buffer(struct area *a)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { a->base + MIDDLE, 2 * PAGE };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		return -1;
	return syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &iov, 1);
}

static long bind_4k(struct area *a)
{
	unsigned long mask = 1;

	return syscall(SYS_mbind, a->base + MIDDLE, PAGE, 2, &mask, 64, 0);
}

static long move_pages_4k(struct area *a)
{
	void *page = a->base + MIDDLE;
	int status = -1, node = 0;
	long ret = syscall(SYS_move_pages, 0, 1, &page, &node, &status, 0);

	detail = (uint64_t)status;
	return ret;
}

static long wait_on(struct area *a)
{
	return syscall(SYS_futex, a->base + MIDDLE, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long name_it(struct area *a)
{
	return prctl(0x53564d41, 0, a->base + MIDDLE, PAGE, "name");
}

/* The page itself is the parent's alone or in the child too; its neighbours are in the child. */
static long dontfork(struct area *a)
{
	long ret = madvise(a->base + MIDDLE, PAGE, MADV_DONTFORK);
	pid_t pid = fork();

	if (pid == 0)
		_exit(area_look(a->base + MIDDLE - PAGE, area_word(MIDDLE / PAGE - 1)) !=
		      (SEEN_OWN | SEEN_WRITABLE) ||
		      area_look(a->base + MIDDLE + PAGE, area_word(MIDDLE / PAGE + 1)) !=
		      (SEEN_OWN | SEEN_WRITABLE));
	detail = child_ended_well(pid);
	return ret;
}

static long wipe(struct area *a)
{
	long ret = madvise(a->base, a->bytes, MADV_WIPEONFORK);
	pid_t pid = fork();

	if (pid == 0)
		_exit(!pattern_is_zero(a->base, a->bytes));
	detail = child_ended_well(pid);
	return ret;
}

/* The child of a fork sees what the parent sees, and is the only one to see what it writes. */
static long fork_all(struct area *a)
{
	static uint8_t before[AREA_PAGES_MOST], after[AREA_PAGES_MOST];
	pid_t pid;

	mprotect(a->base + MIDDLE, PAGE, PROT_NONE);
	mprotect(a->base + 4 * MIB, 4 * MIB, PROT_NONE);
	madvise(a->base + 2 * MIB, PAGE, MADV_DONTNEED);
	area_look_at_all(a, before);
	pid = fork();
	if (pid == 0) {
		area_look_at_all(a, after);
		memset(a->base, 1, PAGE);
		_exit(memcmp(before, after, sizeof(before)) != 0);
	}
	detail = child_ended_well(pid);
	return 0;
}

static long maps_line(struct area *a)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long low, high;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &low, &high) == 2 &&
		    (uintptr_t)a->base + MIDDLE >= low && (uintptr_t)a->base + MIDDLE < high)
			detail = strstr(line, "hugepage") != NULL;
	fclose(maps);
	return 0;
}

static long traced(struct area *a)
{
	char *at = a->base + MIDDLE;
	int status;
	pid_t pid;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) ||
		    waitpid(getppid(), &status, __WALL) < 0)
			_exit(1);
		if ((uint64_t)ptrace(PTRACE_PEEKDATA, getppid(), at, NULL) !=
		    area_word(MIDDLE / PAGE) ||
		    ptrace(PTRACE_POKEDATA, getppid(), at + 8, 4711L))
			_exit(2);
		_exit(ptrace(PTRACE_DETACH, getppid(), NULL, NULL) ? 3 : 0);
	}
	detail = child_ended_well(pid);
	return 0;
}

static long write_vector(struct area *a)
{
	struct iovec iov[2] = { { a->base + 77, MIB }, { a->base + MIDDLE + 1, 3 * PAGE } };
	int fd = memfd_create("out", 0);
	long ret = writev(fd, iov, 2);

	if (pread(fd, &detail, 8, 0) != 8)
		return -1;
	return ret;
}

static long zerocopy(struct area *a)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0), from = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(here);
	int one = 1, to;
	long ret;

	if (bind(listener, (void *)&here, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&here, &length) ||
	    connect(from, (void *)&here, length) ||
	    setsockopt(from, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return -1;
	to = accept(listener, NULL, NULL);
	ret = send(from, a->base + MIDDLE, 2 * PAGE, MSG_ZEROCOPY);
	if (recv(to, &detail, 8, MSG_WAITALL) != 8)
		return -1;
	return ret;
}

/* Who has another result than plain memory, and which. */
enum who {
	NOBODY,
	MALLOC = 1,		/* malloc's memory, on every backing */
	HUGE_MALLOC = 2,	/* on huge pages of a pool */
	HUGE_MMAP = 4,
	HUGE_PARTS = 8,		/* malloc's that begin and end inside a huge page */
	HUGE = HUGE_MALLOC | HUGE_MMAP,
};
enum { DETAIL = 1 << 20 };	/* the result is the same, what it saw is not */

static const struct op {
	const char *name;
	long (*run)(struct area *area);
	size_t bytes;		/* of the area; 0: AREA_BYTES */
	unsigned int who;
	int error;		/* theirs: errno, or DETAIL */
	int mmap_error;		/* of mmap's, if it is another */
} ops[] = {
	{ .name = "munmap first 4K", .run = unmap_first },
	{ .name = "munmap middle 4K", .run = unmap_middle },
	{ .name = "munmap tail 8K", .run = unmap_tail },
	{ .name = "munmap of an odd length", .run = unmap_all, .bytes = ODD_BYTES },
	{ .name = "munmap tail of an odd length", .run = unmap_tail, .bytes = ODD_BYTES },
	{ .name = "munmap all", .run = unmap_all },
	{ .name = "mprotect middle 4K", .run = protect_middle },
	{ .name = "mprotect last 4K", .run = protect_last },
	{ .name = "mprotect last 4K of an odd length", .run = protect_last, .bytes = ODD_BYTES },
	{ .name = "mprotect all", .run = protect_all },
	{ .name = "mprotect all of an odd length", .run = protect_all, .bytes = ODD_BYTES },
	{ .name = "mprotect all but 4K", .run = protect_all_but_one },
	{ .name = "mprotect forth and back", .run = protect_forth_and_back },
	{ .name = "DONTNEED first 4K", .run = drop_first },
	{ .name = "DONTNEED middle 4K", .run = drop_middle },
	{ .name = "DONTNEED 2M and 4K", .run = drop_more },
	{ .name = "DONTNEED 2M", .run = drop_2m },
	{ .name = "DONTNEED all", .run = drop_all },
	{ .name = "DONTNEED all of an odd length", .run = drop_all, .bytes = ODD_BYTES },
	{ .name = "FREE 2M", .run = advise_free },
	{ .name = "mremap grow", .run = grow, .who = MALLOC, .error = ENOMEM },
	{ .name = "mremap grow an odd length", .run = grow, .bytes = ODD_BYTES, .who = MALLOC,
	  .error = ENOMEM },
	/* Each huge page that became ordinary is a mapping of its own, and mremap takes only one. */
	{ .name = "mremap grow read-only", .run = grow_read_only,
	  .who = MALLOC | HUGE_MMAP, .error = ENOMEM, .mmap_error = EFAULT },
	{ .name = "mremap grow with a guard page", .run = grow_with_guard, .who = MALLOC,
	  .error = ENOMEM },
	{ .name = "mremap shrink by 4K", .run = shrink_by_4k },
	{ .name = "mremap shrink half", .run = shrink_half },
	{ .name = "mremap move 4K", .run = move_4k, .who = MALLOC, .error = ENOMEM },
	{ .name = "mremap onto 4K", .run = remap_onto },
	{ .name = "MAP_FIXED middle 4K", .run = fixed_middle },
	{ .name = "MAP_FIXED 2M", .run = fixed_2m },
	{ .name = "MAP_FIXED first 4K", .run = fixed_first },
	{ .name = "MAP_FIXED over an odd length", .run = fixed_all, .bytes = ODD_BYTES },
	{ .name = "MAP_FIXED of a file", .run = fixed_file },
	{ .name = "MAP_FIXED in vain", .run = fixed_in_vain },
	{ .name = "MAP_FIXED_NOREPLACE", .run = fixed_noreplace },
	{ .name = "mincore", .run = in_core },
	{ .name = "mlock 4K", .run = lock_4k },
	{ .name = "mlock all", .run = lock_all },
	{ .name = "munlock 4K", .run = unlock_4k },
	{ .name = "process_vm_readv", .run = vm_read },
	{ .name = "/proc/self/mem", .run = own_mem },
	{ .name = "O_DIRECT", .run = direct },
	{ .name = "read unaligned", .run = read_unaligned },
	{ .name = "vmsplice", .run = splice_out },
	{ .name = "io_uring fixed buffer", .run = uring_buffer },
	{ .name = "msync 4K", .run = sync_4k },
	{ .name = "move_pages", .run = move_pages_4k },
	{ .name = "futex", .run = wait_on },
	{ .name = "PR_SET_VMA_ANON_NAME", .run = name_it },
	{ .name = "DONTFORK 4K", .run = dontfork },
	{ .name = "DONTDUMP 4K", .run = dontdump },
	{ .name = "WIPEONFORK all", .run = wipe },
	{ .name = "fork with holes and guards", .run = fork_all },
	{ .name = "ptrace", .run = traced },
	{ .name = "writev unaligned", .run = write_vector },
	{ .name = "GUARD_INSTALL all", .run = guard_all },
	{ .name = "GUARD_INSTALL last 4K", .run = guard_last },
	{ .name = "COLD", .run = advise_cold },
	{ .name = "MSG_ZEROCOPY", .run = zerocopy },
	{ .name = "POPULATE_WRITE middle 4K", .run = populate_middle },
	/* These calls are not interposed, or are files: huge pages answer for themselves. */
	{ .name = "userfaultfd 4K", .run = uffd_4k, .who = HUGE, .error = EINVAL },
	{ .name = "userfaultfd COPY", .run = uffd_copy, .who = HUGE_PARTS, .error = EINVAL },
	{ .name = "mbind 4K", .run = bind_4k, .who = HUGE, .error = EINVAL },
	{ .name = "pkey_mprotect 4K", .run = pkey_4k, .who = HUGE, .error = EINVAL },
	{ .name = "mseal 4K", .run = seal_4k, .who = HUGE, .error = EINVAL },
	{ .name = "/proc/self/maps", .run = maps_line, .who = HUGE, .error = DETAIL },
};

#endif
