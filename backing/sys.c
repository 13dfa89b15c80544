/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include "contig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static void *raw_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}

static int raw_munmap(void *addr, size_t bytes)
{
	return (int)syscall(SYS_munmap, addr, bytes);
}

static int raw_madvise(void *addr, size_t bytes, int advice)
{
	return (int)syscall(SYS_madvise, addr, bytes, advice);
}

static int raw_mprotect(void *addr, size_t bytes, int prot)
{
	return (int)syscall(SYS_mprotect, addr, bytes, prot);
}

static void *raw_mremap(void *addr, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	va_list ap;
	void *to;

	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	return (void *)syscall(SYS_mremap, addr, old_bytes, new_bytes, flags, to);
}

static struct sys_libc libc = {
	.mmap = raw_mmap,
	.munmap = raw_munmap,
	.madvise = raw_madvise,
	.mprotect = raw_mprotect,
	.mremap = raw_mremap,
};

void sys_use_libc(const struct sys_libc *functions)
{
	libc = *functions;
}

static void count_call(void)
{
	__atomic_fetch_add(&contig_stats.syscalls, 1, __ATOMIC_RELAXED);
}

/* The result of a call that sets errno, as 0 or -errno, with errno put back. */
static int settle(bool failed, int saved_errno)
{
	int ret = failed ? -errno : 0;

	errno = saved_errno;
	return ret;
}

int sys_map(void *addr, size_t bytes, int prot, int flags, void **out)
{
	int saved = errno, ret;
	void *p;

	count_call();
	p = libc.mmap(addr, bytes, prot, flags | MAP_ANONYMOUS, -1, 0);
	ret = settle(p == MAP_FAILED, saved);
	if (!ret)
		*out = p;
	return ret;
}

int sys_unmap(void *addr, size_t bytes)
{
	int saved = errno;

	count_call();
	return settle(libc.munmap(addr, bytes) != 0, saved);
}

int sys_advise(void *addr, size_t bytes, int advice)
{
	int saved = errno;

	count_call();
	return settle(libc.madvise(addr, bytes, advice) != 0, saved);
}

int sys_protect(void *addr, size_t bytes, int prot)
{
	int saved = errno;

	count_call();
	return settle(libc.mprotect(addr, bytes, prot) != 0, saved);
}

int sys_remap(void *addr, size_t old_bytes, size_t new_bytes, int flags, void *to, void **out)
{
	int saved = errno, ret;
	void *p;

	count_call();
	p = libc.mremap(addr, old_bytes, new_bytes, flags, to);
	ret = settle(p == MAP_FAILED, saved);
	if (!ret)
		*out = p;
	return ret;
}

int sys_populate(void *addr, size_t bytes)
{
	int ret;

	do {
		ret = sys_advise(addr, bytes, MADV_POPULATE_WRITE);
	} while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

int sys_bind(void *addr, size_t bytes, int node)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	unsigned long mask[1024 / BITS] = { 0 };
	int saved = errno;

	if (node < 0 || node >= 1024)
		return -EINVAL;
	mask[node / BITS] = 1ul << (node % BITS);
	count_call();
	return settle(syscall(SYS_mbind, addr, bytes, MPOL_BIND, mask, 1025, 0) != 0, saved);
}

int sys_node_of(void *addr)
{
	int saved = errno, node = -1, ret;

	ret = settle(syscall(SYS_get_mempolicy, &node, NULL, 0, addr,
			     MPOL_F_NODE | MPOL_F_ADDR) != 0, saved);
	return ret ? ret : node;
}

int sys_current_node(void)
{
	int saved = errno, ret;
	unsigned int node = 0;

	ret = settle(syscall(SYS_getcpu, NULL, &node, NULL) != 0, saved);
	return ret ? ret : (int)node;
}

int sys_open(const char *path, int flags, int mode)
{
	int saved = errno, fd, ret;

	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
	ret = settle(fd < 0, saved);
	return ret ? ret : fd;
}

void sys_close(int fd)
{
	int saved = errno;

	syscall(SYS_close, fd);
	errno = saved;
}

ssize_t sys_pread(int fd, void *buf, size_t bytes, uint64_t offset)
{
	int saved = errno, ret;
	long got;

	do {
		got = syscall(SYS_pread64, fd, buf, bytes, offset);
	} while (got < 0 && errno == EINTR);
	ret = settle(got < 0, saved);
	return ret ? ret : got;
}

ssize_t sys_write(int fd, const void *buf, size_t bytes)
{
	int saved = errno, ret;
	long put;

	do {
		put = syscall(SYS_write, fd, buf, bytes);
	} while (put < 0 && errno == EINTR);
	ret = settle(put < 0, saved);
	return ret ? ret : put;
}

/* A pipe or a terminal named as a file must not make the program wait: O_NONBLOCK, O_NOCTTY. */
static ssize_t read_all(const char *path, char *buf, size_t bytes, bool regular)
{
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	size_t length = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	if (regular && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		sys_close(fd);
		return -EINVAL;
	}
	do {
		got = sys_pread(fd, buf + length, bytes - length, length);
		if (got > 0)
			length += (size_t)got;
	} while (got > 0 && length < bytes);
	sys_close(fd);
	return got < 0 ? got : (ssize_t)length;
}

ssize_t sys_read_file(const char *path, char *buf, size_t bytes)
{
	ssize_t length = read_all(path, buf, bytes - 1, false);

	if (length >= 0)
		buf[length] = '\0';
	return length;
}

ssize_t sys_read_regular(const char *path, char *buf, size_t bytes)
{
	int saved = errno;
	ssize_t length = read_all(path, buf, bytes, true);
	char more;
	int fd;

	errno = saved;
	if (length < 0 || (size_t)length < bytes)
		return length;
	fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	if (sys_pread(fd, &more, 1, bytes) > 0)
		length = -EFBIG;
	sys_close(fd);
	return length;
}

bool sys_exists(const char *path)
{
	int saved = errno;

	return settle(syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0, saved) == 0;
}

uint64_t sys_limit(int resource)
{
	struct rlimit limit;

	if (syscall(SYS_prlimit64, 0, resource, NULL, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

uint64_t sys_ram_bytes(void)
{
	struct sysinfo info;

	if (syscall(SYS_sysinfo, &info) != 0)
		return 0;
	return (uint64_t)info.totalram * info.mem_unit;
}

uint64_t sys_free_bytes(void)
{
	struct sysinfo info;

	if (syscall(SYS_sysinfo, &info) != 0)
		return 0;
	return (uint64_t)info.freeram * info.mem_unit;
}

uint64_t sys_available_bytes(void)
{
	static const char key[] = "MemAvailable:";
	char text[512];
	const char *found;

	if (sys_read_file("/proc/meminfo", text, sizeof(text)) <= 0)
		return sys_free_bytes();
	found = strstr(text, key);
	return found ? strtoull(found + sizeof(key) - 1, NULL, 10) * 1024 : sys_free_bytes();
}

bool sys_thp_disabled(void)
{
	int saved = errno;
	long mode = syscall(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);

	errno = saved;
	/* Bit 1 (6.18): disabled but for advised areas, and ours are advised. */
	return mode > 0 && !(mode & 2);
}

static uint64_t now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t sys_now_ms(void)
{
	return now(CLOCK_MONOTONIC) / 1000000u;
}

uint64_t sys_now_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

void sys_wait(uint32_t *word, uint32_t value)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
	errno = saved;
}

void sys_wake_one(uint32_t *word)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
