/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place.h"
#include "pool.h"
#include "route.h"
#include "sys.h"

#define HEAP_PAGE	((uintptr_t)2 * MIB)
#define ASKED_FROM	GIB	/* to ask costs two system calls; less is hardly ever refused */

/* What jemalloc calls in place of the system: declared here, named in heap.syms. */
void *heap_je_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset);
int heap_je_munmap(void *addr, size_t bytes);
int heap_je_madvise(void *addr, size_t bytes, int advice);
int heap_je_mprotect(void *addr, size_t bytes, int prot);
void *heap_je_sbrk(intptr_t increment);
int heap_je_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

ssize_t heap_je_readlink(const char *path, char *buf, size_t bytes);
void heap_event(void *thread, void *counters);
void je_te_event_trigger(void *thread, void *counters);	/* its own, whatever these are */
double heap_je_log(double x);
double heap_je_exp(double x);
double heap_je_round(double x);

/*
 * Read by jemalloc after MALLOC_CONF, so this stands. Its heap profiler is the only user of libm,
 * which would then be loaded into every program, at a fifth of the cost of an exec.
 */
extern const char *cje_malloc_conf_2_conf_harder;
const char *cje_malloc_conf_2_conf_harder = "prof:false";

static struct lock bump_lock;
static uintptr_t bump;			/* next free address of the heap range. Guarded by: bump_lock */
static uintptr_t huge_from, huge_to;	/* mapped from a pool. Guarded by: bump_lock */
static enum heap_id pages;
static bool outside;			/* some of it lies outside the heap range */

/* jemalloc's table from (size + 7) / 8 to size class; filled when it boots, constant afterwards. */
extern uint8_t je_sz_size2index_tab[];

void heap_init(void)
{
	/* No room for the range means that addresses are scarce: what is purged gives them back, too. */
	if (!heap_range.bytes)
		cje_malloc_conf_2_conf_harder = "prof:false,retain:false";
	cje_free(cje_malloc(1));
	je_sz_size2index_tab[0] = je_sz_size2index_tab[1] = je_sz_size2index_tab[2];
}

/* jemalloc holds none of its locks over some of its mappings, so its fork handlers do not do. */
void heap_hold(void)
{
	lock_take(&bump_lock);
}

void heap_let_go(void)
{
	lock_drop(&bump_lock);
}

void heap_reset(void)
{
	lock_reset(&bump_lock);
}

void heap_set_pages(enum heap_id kind)
{
	__atomic_store_n(&pages, kind, __ATOMIC_RELAXED);
}

bool heap_may_own(const void *p)
{
	(void)p;
	return __atomic_load_n(&outside, __ATOMIC_RELAXED);
}

bool heap_shrink(void)
{
	uintptr_t cut, end;

	lock_take(&bump_lock);
	end = heap_range.base + heap_range.bytes;
	cut = bump > huge_to ? bump : huge_to;
	cut = (cut + 4095) & ~(uintptr_t)4095;
	if (heap_range.bytes && cut && cut < end)
		__atomic_store_n(&heap_range.bytes, cut - heap_range.base, __ATOMIC_RELAXED);
	else
		cut = end;
	lock_drop(&bump_lock);
	if (cut < end)
		sys_unmap((void *)cut, end - cut);
	return cut < end;
}

/* What both ranges have reserved and never used is the program's, once that is at its limit. */
bool heap_give_way(void)
{
	bool given;

	if (sys_limit(RLIMIT_AS) == UINT64_MAX)
		return false;
	given = heap_shrink();
	return zone_shrink() || given;
}

size_t heap_huge_bytes(void)
{
	return huge_to - huge_from;
}

/* Addresses for @bytes: those that may hold a huge page begin on one. 0: the range is used up. */
static uintptr_t take_addresses(size_t bytes)
{
	uintptr_t at, end = heap_range.base + heap_range.bytes;

	if (!heap_range.bytes)
		return 0;
	at = bump ? bump : heap_range.base;
	if (bytes % HEAP_PAGE == 0)
		at = (at + HEAP_PAGE - 1) & ~(HEAP_PAGE - 1);
	if (at > end || bytes > end - at)
		return 0;
	bump = at + bytes;
	return at;
}

static const struct pool *heap_pool(void)
{
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_HUGETLB && pool_at(i)->page_bytes == HEAP_PAGE)
			return pool_at(i);
	return NULL;
}

/*
 * Map huge pages from where they end now, past @end. The backing takes them elsewhere, so that a
 * pool run dry leaves no hole in the range.
 */
static bool extend_huge(uintptr_t end)
{
	size_t bytes = ((end + HEAP_PAGE - 1) & ~(HEAP_PAGE - 1)) - huge_to;
	struct map_wish wish = { .node = NODE_ANY, .populate = true };
	const struct pool *pool = heap_pool();
	enum contig_reason why;

	if (!pool || !pool->usable || pool->how->map(pool, (void *)huge_to, bytes, &wish, &why))
		return false;
	huge_to += bytes;
	return true;
}

static int map_in_range(uintptr_t at, size_t bytes, int prot, int flags, void **out)
{
	enum heap_id kind = __atomic_load_n(&pages, __ATOMIC_RELAXED);
	int ret;

	ret = sys_map((void *)at, bytes, prot, flags | MAP_FIXED, out);
	if (!ret && kind != HEAP_JEMALLOC)
		sys_advise(*out, bytes, MADV_HUGEPAGE);
	return ret;
}

/*
 * From huge pages, which are mapped whole and handed out in jemalloc's sizes. Once the pool has
 * run dry the heap goes on as thp: a heap in patches of both would cost more than it gains.
 */
static bool take_huge(size_t bytes, void **out)
{
	uintptr_t at;

	if (!huge_to) {
		bump = ((bump ? bump : heap_range.base) + HEAP_PAGE - 1) & ~(HEAP_PAGE - 1);
		huge_from = huge_to = bump;
	}
	at = take_addresses(bytes);
	if (!at)
		return false;
	if (at + bytes <= huge_to || extend_huge(at + bytes)) {
		*out = (void *)at;
		return true;
	}
	bump = huge_to;
	__atomic_store_n(&pages, HEAP_THP, __ATOMIC_RELAXED);
	return false;
}

/*
 * jemalloc maps with MAP_NORESERVE, and so gets any size. What the kernel would refuse at once
 * without it must be NULL, as it is from libc, not a promise that the OOM killer breaks.
 */
static bool never_to_be_had(size_t bytes, int flags)
{
	void *asked;

	if (!(flags & MAP_NORESERVE) || bytes < ASKED_FROM || !heap_range.bytes)
		return false;
	if (sys_map(NULL, bytes, PROT_READ | PROT_WRITE, flags & ~MAP_NORESERVE, &asked))
		return true;
	sys_unmap(asked, bytes);
	return false;
}

void *heap_je_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	uintptr_t at;
	void *out;
	int ret;

	(void)fd;
	(void)offset;
	if (flags & MAP_FIXED) {
		ret = sys_map(addr, bytes, prot, flags, &out);
		return ret ? MAP_FAILED : out;
	}
	if (never_to_be_had(bytes, flags))
		return MAP_FAILED;
	lock_take(&bump_lock);
	if (pages == HEAP_HUGETLB && heap_range.bytes && take_huge(bytes, &out)) {
		lock_drop(&bump_lock);
		return out;
	}
	at = take_addresses(bytes);
	lock_drop(&bump_lock);
	if (at) {
		ret = map_in_range(at, bytes, prot, flags, &out);
	} else {
		__atomic_store_n(&outside, true, __ATOMIC_RELAXED);
		ret = sys_map(NULL, bytes, prot, flags, &out);
	}
	if (ret == -ENOMEM && heap_give_way())
		ret = at ? map_in_range(at, bytes, prot, flags, &out) :
			   sys_map(NULL, bytes, prot, flags, &out);
	return ret ? MAP_FAILED : out;
}

static bool touches_huge(const void *addr, size_t bytes)
{
	uintptr_t at = (uintptr_t)addr;

	return huge_from && at < huge_to && at + bytes > huge_from;
}

int heap_je_munmap(void *addr, size_t bytes)
{
	int ret;

	/* Parts of huge pages cannot go back; jemalloc then keeps them, which is what we want. */
	if (touches_huge(addr, bytes))
		return -1;
	ret = range_owns(&heap_range, addr) ? zone_seal(addr, bytes) : sys_unmap(addr, bytes);
	return ret ? -1 : 0;
}

int heap_je_madvise(void *addr, size_t bytes, int advice)
{
	/* DONTNEED of part of a huge page says 0 and keeps old data; jemalloc would take it for zero. */
	if (touches_huge(addr, bytes))
		return -1;
	/* jemalloc purges when its own time has come: a moment to look whether ours has, too. */
	place_decay();
	return sys_advise(addr, bytes, advice) ? -1 : 0;
}

int heap_je_mprotect(void *addr, size_t bytes, int prot)
{
	return sys_protect(addr, bytes, prot) ? -1 : 0;
}

/*
 * In place of jemalloc's own: each thread comes by for every 64 KiB of small objects, to look after
 * its cache. Whoever has the program's time to spare looks after what the zone keeps, too.
 */
void heap_event(void *thread, void *counters)
{
	route_tick();
	je_te_event_trigger(thread, counters);
}

/* Not by libc's name: under gcc's AddressSanitizer that one is not ready at the first malloc. */
ssize_t heap_je_readlink(const char *path, char *buf, size_t bytes)
{
	return syscall(SYS_readlinkat, AT_FDCWD, path, buf, bytes);
}

/* Never called: the heap profiler is off. */
double heap_je_log(double x)
{
	(void)x;
	abort();
}

double heap_je_exp(double x)
{
	(void)x;
	abort();
}

double heap_je_round(double x)
{
	(void)x;
	abort();
}

/* The program's break is the program's. */
void *heap_je_sbrk(intptr_t increment)
{
	(void)increment;
	return (void *)-1;
}

/* fork.c calls jemalloc's handlers itself, in the order that cannot deadlock. */
int heap_je_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare;
	(void)parent;
	(void)child;
	return 0;
}

static size_t read_size(const char *name)
{
	size_t value = 0, bytes = sizeof(value);

	return cje_mallctl(name, &value, &bytes, NULL, 0) ? 0 : value;
}

void heap_figures(size_t *used, size_t *mapped)
{
	uint64_t epoch = 1;
	size_t bytes = sizeof(epoch);

	cje_mallctl("epoch", &epoch, &bytes, &epoch, bytes);
	*used = read_size("stats.allocated");
	*mapped = read_size("stats.mapped");
}

bool heap_trim(void)
{
	size_t before, after, used;

	heap_figures(&used, &before);
	before = read_size("stats.resident");
	/* 4096 = MALLCTL_ARENAS_ALL of jemalloc 5 */
	cje_mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
	heap_figures(&used, &after);
	after = read_size("stats.resident");
	return after < before;
}
