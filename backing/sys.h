/* SPDX-License-Identifier: MIT */
/*
 * Every system call of backing/ and preload/, in one place: so that unit tests can put a fake in
 * its stead, and so that README can list them for those who write seccomp filters.
 *
 * Memory goes through libc's mmap, munmap, madvise and mremap *as functions* once they are known
 * (sys_use_libc()): UCX and libfabric patch those to keep their registration caches true, and a
 * raw munmap would leave a card writing into freed pages. Before that, at start-up, raw is right.
 *
 * All functions return 0 (or a count) or -errno and leave errno as they found it.
 */
#ifndef BACKING_SYS_H
#define BACKING_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The functions that lie behind our own hooks of the same names. */
struct sys_libc {
	void *(*mmap)(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset);
	int (*munmap)(void *addr, size_t bytes);
	int (*madvise)(void *addr, size_t bytes, int advice);
	int (*mprotect)(void *addr, size_t bytes, int prot);
	void *(*mremap)(void *addr, size_t old_bytes, size_t new_bytes, int flags, ...);
};

/* sys_use_libc - from now on call these. Context: once, from the constructor. */
void sys_use_libc(const struct sys_libc *libc);

int sys_map(void *addr, size_t bytes, int prot, int flags, void **out);	/* anonymous only */
int sys_unmap(void *addr, size_t bytes);
int sys_advise(void *addr, size_t bytes, int advice);
int sys_protect(void *addr, size_t bytes, int prot);
int sys_remap(void *addr, size_t old_bytes, size_t new_bytes, int flags, void *to, void **out);
/* sys_populate - fault every page in for writing; never a signal. -EFAULT: no page to be had. */
int sys_populate(void *addr, size_t bytes);
/* sys_bind - MPOL_BIND to one node; -EINVAL where it does not exist. */
int sys_bind(void *addr, size_t bytes, int node);
/* sys_node_of - the NUMA node of a populated page, or -errno. */
int sys_node_of(void *addr);
int sys_current_node(void);

/* sys_read_file - the first @bytes - 1 bytes of a file, NUL-ended. Return: length or -errno. */
ssize_t sys_read_file(const char *path, char *buf, size_t bytes);
/*
 * sys_read_regular - a whole regular file of at most @bytes bytes.
 * Return: length; -EFBIG: longer; -EINVAL: not a regular file; -errno.
 */
ssize_t sys_read_regular(const char *path, char *buf, size_t bytes);
bool sys_exists(const char *path);
int sys_open(const char *path, int flags, int mode);
void sys_close(int fd);
ssize_t sys_pread(int fd, void *buf, size_t bytes, uint64_t offset);
ssize_t sys_write(int fd, const void *buf, size_t bytes);

/* sys_limit - a resource limit's soft value; UINT64_MAX: none. */
uint64_t sys_limit(int resource);
uint64_t sys_ram_bytes(void);
uint64_t sys_free_bytes(void);	/* free outright, page cache not counted */
uint64_t sys_available_bytes(void);	/* MemAvailable: what could be had without swapping */
bool sys_thp_disabled(void);	/* prctl(PR_SET_THP_DISABLE) of this process */
uint64_t sys_now_ms(void);	/* CLOCK_MONOTONIC */
uint64_t sys_now_ns(void);

void sys_wait(uint32_t *word, uint32_t value);	/* futex */
void sys_wake_one(uint32_t *word);

#endif
