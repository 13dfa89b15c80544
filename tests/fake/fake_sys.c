/* SPDX-License-Identifier: MIT */
#include "fake_sys.h"

#include <errno.h>
#include <linux/mman.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fake_frames.h"
#include "fake_memory.h"
#include "policy.h"
#include "sys.h"

enum { FILES_MOST = 64 };

struct fake_file {
	const char *path, *text;
};

struct fake_sys fake_sys;
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_file files[FILES_MOST];
static int pagemap = -1;

void fake_reset(void)
{
	fake_sys = (struct fake_sys){
		.ram_bytes = 16 * GIB, .free_bytes = 8 * GIB, .address_limit = UINT64_MAX,
		.now_ms = 1000000,
	};
	memset(files, 0, sizeof(files));
	fake_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	fake_memory_reset();
}

void fake_fail(enum fake_call call, uint64_t from, uint64_t to, int error)
{
	fake_sys.fail_call = call;
	fake_sys.fail_from = fake_sys.calls[call] + from;
	fake_sys.fail_to = to == UINT64_MAX ? to : fake_sys.calls[call] + to;
	fake_sys.fail_error = error;
	fake_sys.failed = 0;
}

void fake_heal(void)
{
	fake_sys.fail_from = 0;
}

/* Count a call. Return: 0, or the error that the test wants of it. */
static int fake_enter(enum fake_call call)
{
	uint64_t nth;

	fake_sys.calls[call]++;
	fake_sys.calls[FAKE_ANY]++;
	if (!fake_sys.fail_from || (fake_sys.fail_call != call && fake_sys.fail_call != FAKE_ANY))
		return 0;
	nth = fake_sys.calls[fake_sys.fail_call];
	if (nth < fake_sys.fail_from || nth > fake_sys.fail_to)
		return 0;
	fake_sys.failed++;
	return -fake_sys.fail_error;
}

/* As fake_enter(), for calls that touch nothing of the fake's own. */
static int fake_pass(enum fake_call call)
{
	int ret;

	pthread_mutex_lock(&fake_lock);
	ret = fake_enter(call);
	pthread_mutex_unlock(&fake_lock);
	return ret;
}

void fake_pool(uint64_t page_bytes, uint64_t pages)
{
	pthread_mutex_lock(&fake_lock);
	fake_memory_set_pool(page_bytes, pages);
	pthread_mutex_unlock(&fake_lock);
}

void fake_frames(uint64_t page_bytes, const uint64_t *frames, unsigned int count)
{
	pthread_mutex_lock(&fake_lock);
	fake_memory_set_pool(page_bytes, count);
	fake_frames_set(page_bytes, frames, count);
	pthread_mutex_unlock(&fake_lock);
}

bool fake_frames_whole(void)
{
	bool whole;

	pthread_mutex_lock(&fake_lock);
	fake_frames_give();
	whole = fake_frames_are_back();
	pthread_mutex_unlock(&fake_lock);
	return whole;
}

unsigned int fake_mappings(const void *addr, size_t bytes)
{
	unsigned int count;

	pthread_mutex_lock(&fake_lock);
	count = fake_memory_mappings((uintptr_t)addr, bytes);
	pthread_mutex_unlock(&fake_lock);
	return count;
}

uint64_t fake_pool_free(uint64_t page_bytes)
{
	uint64_t pages;

	pthread_mutex_lock(&fake_lock);
	pages = fake_memory_pool_free(page_bytes);
	pthread_mutex_unlock(&fake_lock);
	return pages;
}

uint64_t fake_mapped_bytes(const void *addr, size_t bytes)
{
	uint64_t sum;

	pthread_mutex_lock(&fake_lock);
	sum = fake_memory_in((uintptr_t)addr, bytes);
	pthread_mutex_unlock(&fake_lock);
	return sum;
}

bool fake_has_hole(const void *addr, size_t bytes)
{
	return msync((void *)(uintptr_t)addr, bytes, MS_ASYNC) != 0;
}

void fake_file(const char *path, const char *text)
{
	struct fake_file *file = files;

	while (file < files + FILES_MOST && file->path && strcmp(file->path, path))
		file++;
	if (file == files + FILES_MOST) {
		fprintf(stderr, "fake: too many files\n");
		abort();
	}
	*file = (struct fake_file){ path, text };
}

static const char *file_text(const char *path)
{
	for (struct fake_file *file = files; file < files + FILES_MOST && file->path; file++)
		if (!strcmp(file->path, path))
			return file->text;
	return NULL;
}

/* mmap(MAP_FIXED) unmaps what was there before it finds out that it cannot go on. */
static void leave_hole(void *addr, size_t bytes, int flags)
{
	if (!(flags & MAP_FIXED) || (flags & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE)
		return;
	munmap(addr, bytes);
	fake_memory_cut((uintptr_t)addr, bytes);
	if (!fake_sys.intrude || fake_sys.intruder)
		return;
	fake_sys.intruder = mmap(addr, 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*fake_sys.intruder = FAKE_INTRUDER_WORD;
}

static int map_memory(void *addr, size_t bytes, int prot, int flags, void **out)
{
	uint64_t page = fake_memory_page_of(flags);
	int ret = fake_enter(FAKE_MAP);
	void *p;

	if (!ret && page && fake_memory_pool_free(page) < (bytes + page - 1) / page)
		ret = -ENOMEM;
	if (ret) {
		leave_hole(addr, bytes, flags);
		return ret;
	}
	p = fake_memory_map(addr, bytes, prot, flags, page);
	if (p == MAP_FAILED)
		return -errno;
	fake_memory_add((uintptr_t)p, bytes, page);
	*out = p;
	return 0;
}

static int map_reserve(void *addr, size_t bytes, int flags, void **out)
{
	int ret = fake_enter(FAKE_SEAL);
	void *p;

	if (!ret && fake_sys.most_reserve && bytes > fake_sys.most_reserve)
		ret = -ENOMEM;
	if (!ret && (flags & MAP_FIXED) && !fake_memory_whole((uintptr_t)addr, bytes))
		ret = -EINVAL;
	if (ret)
		return ret;
	p = fake_memory_map(addr, bytes, PROT_NONE, flags, 0);
	if (p == MAP_FAILED)
		return -errno;
	fake_sys.sealed_bytes += fake_memory_in((uintptr_t)p, bytes);
	fake_memory_cut((uintptr_t)p, bytes);
	*out = p;
	return 0;
}

int sys_map(void *addr, size_t bytes, int prot, int flags, void **out)
{
	int saved = errno, ret;

	pthread_mutex_lock(&fake_lock);
	if (!bytes)
		ret = -EINVAL;
	else if (prot == PROT_NONE)
		ret = map_reserve(addr, bytes, flags, out);
	else
		ret = map_memory(addr, bytes, prot, flags, out);
	pthread_mutex_unlock(&fake_lock);
	errno = saved;
	return ret;
}

int sys_unmap(void *addr, size_t bytes)
{
	int ret;

	pthread_mutex_lock(&fake_lock);
	ret = fake_enter(FAKE_UNMAP);
	/* Linux can only fail to cut a mapping in two. */
	if (ret && fake_memory_is_one((uintptr_t)addr, bytes))
		ret = 0;
	if (!ret && !fake_memory_whole((uintptr_t)addr, bytes))
		ret = -EINVAL;
	if (!ret) {
		fake_memory_cut((uintptr_t)addr, bytes);
		munmap(addr, bytes);
	}
	pthread_mutex_unlock(&fake_lock);
	return ret;
}

int sys_advise(void *addr, size_t bytes, int advice)
{
	int ret;

	pthread_mutex_lock(&fake_lock);
	ret = fake_enter(FAKE_ADVISE);
	if (!ret && advice == MADV_DONTNEED && fake_frames_active() &&
	    fake_memory_page_at((uintptr_t)addr)) {
		if (!fake_memory_whole((uintptr_t)addr, bytes))
			ret = -EINVAL;
		else if (madvise(addr, bytes, advice))
			ret = -errno;
		else
			fake_sys.dropped += fake_frames_drop((uintptr_t)addr, bytes);
	} else if (!ret && advice == MADV_DONTNEED && !fake_memory_drop((uintptr_t)addr, bytes)) {
		ret = -EINVAL;	/* Linux says 0 to part of a huge page, and keeps its contents */
	}
	pthread_mutex_unlock(&fake_lock);
	return ret;
}

int sys_protect(void *addr, size_t bytes, int prot)
{
	int ret = fake_pass(FAKE_PROTECT);

	if (!ret && mprotect(addr, bytes, prot))
		ret = -errno;
	return ret;
}

/* Each entry @step more than the one before. */
static void pagemap_write(uintptr_t va, uint64_t entry, uint64_t step, size_t count)
{
	uint64_t entries[512];
	size_t now;

	if (pagemap < 0)
		pagemap = memfd_create("pagemap", MFD_CLOEXEC);
	for (; count; count -= now, va += now * 4096) {
		now = count < 512 ? count : 512;
		for (size_t i = 0; i < now; i++, entry += step)
			entries[i] = entry;
		if (pwrite(pagemap, entries, now * sizeof(*entries), (off_t)(va / 4096 * 8)) < 0)
			abort();
	}
}

void fake_pagemap(uintptr_t va, uint64_t pfn, size_t count)
{
	bool hide = fake_sys.hide_pfns;

	pagemap_write(va, 1ull << 63 | (hide ? 0 : pfn), !hide, count);
}

void fake_pagemap_forget(uintptr_t va, size_t count)
{
	pagemap_write(va, 0, 0, count);
}

/* Runs of @run_bytes, each aligned to its size, no two of them neighbours. */
static void lay_out(uintptr_t addr, size_t bytes)
{
	uint64_t physical;

	for (uintptr_t at = addr; at < addr + bytes; at += 4096) {
		physical = at / fake_sys.run_bytes * 2 * fake_sys.run_bytes +
			   at % fake_sys.run_bytes;
		fake_pagemap(at, physical / 4096, 1);
	}
}

int sys_remap(void *addr, size_t old_bytes, size_t new_bytes, int flags, void *to, void **out)
{
	int saved = errno, ret;

	pthread_mutex_lock(&fake_lock);
	ret = fake_enter(FAKE_REMAP);
	if (ret && (flags & MREMAP_FIXED))	/* Linux before 6.17 unmaps first, as mmap does */
		leave_hole(to, new_bytes, MAP_FIXED);
	if (!ret)
		ret = fake_memory_move((uintptr_t)addr, old_bytes, new_bytes, flags, to, out);
	if (!ret && fake_sys.run_bytes)	/* pages of the same layout, seen from there */
		lay_out((uintptr_t)*out, new_bytes);
	pthread_mutex_unlock(&fake_lock);
	errno = saved;
	return ret;
}

/* A populate that fails has come half way. */
static void populate_frames(uintptr_t addr, size_t bytes, int ret)
{
	uint64_t page = fake_memory_page_at(addr);

	if (!page || !fake_frames_active())
		return;
	fake_frames_populate(addr, ret ? bytes / 2 : bytes, page);
}

static void let_thief_in(void)
{
	static bool takes;

	if (!fake_sys.thief)
		return;
	takes = !takes;
	if (takes)
		fake_frames_take();
	else
		fake_frames_give();
}

int sys_populate(void *addr, size_t bytes)
{
	int ret;

	pthread_mutex_lock(&fake_lock);
	let_thief_in();
	ret = fake_enter(FAKE_POPULATE);
	if (!ret && fake_memory_in((uintptr_t)addr, bytes) != bytes)
		ret = -ENOMEM;
	if (!ret)
		fake_sys.populated_bytes += bytes;
	if (!ret && fake_sys.run_bytes)
		lay_out((uintptr_t)addr, bytes);
	if (!ret || ret == -fake_sys.fail_error)
		populate_frames((uintptr_t)addr, bytes, ret);
	pthread_mutex_unlock(&fake_lock);
	return ret;
}

int sys_bind(void *addr, size_t bytes, int node)
{
	return fake_pass(FAKE_BIND);
}

int sys_node_of(void *addr)
{
	int ret = fake_pass(FAKE_NODE_OF);

	return ret ? ret : fake_sys.node;
}

int sys_current_node(void)
{
	return fake_sys.current_node;
}

ssize_t sys_read_file(const char *path, char *buf, size_t bytes)
{
	const char *text;
	ssize_t ret;

	pthread_mutex_lock(&fake_lock);
	ret = fake_enter(FAKE_READ);
	if (!ret && !fake_memory_pool_file(path, buf, bytes)) {
		text = file_text(path);
		if (text)
			snprintf(buf, bytes, "%s", text);
		else
			ret = -ENOENT;
	}
	pthread_mutex_unlock(&fake_lock);
	return ret ? ret : (ssize_t)strlen(buf);
}

ssize_t sys_read_regular(const char *path, char *buf, size_t bytes)
{
	const char *text = file_text(path);
	int ret = fake_pass(FAKE_READ);

	if (ret || !text)
		return ret ? ret : -ENOENT;
	if (strlen(text) > bytes)
		return -EFBIG;
	memcpy(buf, text, strlen(text));
	return (ssize_t)strlen(text);
}

bool sys_exists(const char *path)
{
	char text[64];

	return file_text(path) || fake_memory_pool_file(path, text, sizeof(text));
}

int sys_open(const char *path, int flags, int mode)
{
	int ret = fake_pass(FAKE_OPEN);

	if (ret)
		return ret;
	if (strcmp(path, "/proc/self/pagemap"))
		return -ENOENT;
	if (pagemap < 0 || !(fake_sys.run_bytes || fake_frames_active()))
		return -EACCES;
	return dup(pagemap);
}

void sys_close(int fd)
{
	close(fd);
}

ssize_t sys_pread(int fd, void *buf, size_t bytes, uint64_t offset)
{
	int ret = fake_pass(FAKE_PREAD);
	ssize_t got = ret ? ret : pread(fd, buf, bytes, (off_t)offset);

	return got < 0 && !ret ? -errno : got;
}

ssize_t sys_write(int fd, const void *buf, size_t bytes)
{
	int ret = fake_pass(FAKE_WRITE);
	ssize_t put = ret ? ret : write(fd, buf, bytes);

	return put < 0 && !ret ? -errno : put;
}

void sys_use_libc(const struct sys_libc *functions)
{
	(void)functions;
}

uint64_t sys_limit(int resource)
{
	return resource == RLIMIT_AS ? fake_sys.address_limit : UINT64_MAX;
}

uint64_t sys_ram_bytes(void)
{
	return fake_sys.ram_bytes;
}

uint64_t sys_free_bytes(void)
{
	return fake_sys.free_bytes;
}

uint64_t sys_available_bytes(void)
{
	return fake_sys.free_bytes;
}

bool sys_thp_disabled(void)
{
	return fake_sys.thp_disabled;
}

uint64_t sys_now_ms(void)
{
	return __atomic_load_n(&fake_sys.now_ms, __ATOMIC_RELAXED);
}

uint64_t sys_now_ns(void)
{
	return sys_now_ms() * 1000000;
}

/* A waiter looks again and again; the lock's word itself is the real one. */
void sys_wait(uint32_t *word, uint32_t value)
{
	if (__atomic_load_n(word, __ATOMIC_RELAXED) == value)
		usleep(50);
}

void sys_wake_one(uint32_t *word)
{
	(void)word;
}
