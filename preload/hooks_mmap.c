/* SPDX-License-Identifier: MIT */
/*
 * mmap and its kin. New large anonymous mappings are aligned for THP, which behaves as 4 KiB
 * pages in everything; huge page pools serve mmap only by rule or MAP_CONTIG. Operations on what
 * lies on huge pages, be it mmap's or malloc's, are made ready first, page by page, so that they
 * behave as on 4 KiB pages; everything else goes straight to libc, as a function.
 *
 * No dlsym and no allocation in here: libc, jemalloc and the loader call these at any time.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "aligned.h"
#include "alter.h"
#include "contig.h"
#include "demote.h"
#include "figures.h"
#include "given.h"
#include "heap.h"
#include "hooks.h"
#include "init.h"
#include "mapping.h"
#include "next.h"
#include "place.h"
#include "stats.h"
#include "sys.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

static const int UNWELCOME = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_STACK |
			     MAP_GROWSDOWN | MAP_LOCKED | MAP_32BIT | MAP_HUGETLB;

static void *plain_mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	if (next.mmap)
		return next.mmap(addr, bytes, prot, flags, fd, offset);
	return (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}

static int plain_munmap(void *addr, size_t bytes)
{
	return next.munmap ? next.munmap(addr, bytes) : (int)syscall(SYS_munmap, addr, bytes);
}

static int plain_madvise(void *addr, size_t bytes, int advice)
{
	return next.madvise ? next.madvise(addr, bytes, advice) :
			      (int)syscall(SYS_madvise, addr, bytes, advice);
}

static int plain_mprotect(void *addr, size_t bytes, int prot)
{
	return next.mprotect ? next.mprotect(addr, bytes, prot) :
			       (int)syscall(SYS_mprotect, addr, bytes, prot);
}

static void *plain_mremap(void *addr, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	return next.mremap ? next.mremap(addr, old_bytes, new_bytes, flags, to) :
			     (void *)syscall(SYS_mremap, addr, old_bytes, new_bytes, flags, to);
}

static char *page_end(const void *addr, size_t bytes)
{
	return (char *)(((uintptr_t)addr + bytes + 4095) & ~(uintptr_t)4095);
}

/* Does it touch the zone, or anything in the table? The common answer costs two loads. */
static bool in_zone(const void *addr, size_t bytes)
{
	return range_owns(&zone, addr) && bytes <= zone.base + zone.bytes - (uintptr_t)addr;
}

/* Unaligned or empty calls are the kernel's to refuse. */
static bool concerns_us(const void *addr, size_t bytes)
{
	if (!bytes || ((uintptr_t)addr & 4095) || (uintptr_t)addr + bytes < bytes)
		return false;
	return in_zone(addr, bytes) || given_any();
}

static int refuse(int ret)
{
	errno = -ret;
	return -1;
}

static bool is_dev_zero(int fd)
{
	int saved = errno;
	struct stat st;
	bool zero = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 5);

	errno = saved;
	return zero;
}

static void *map_contig(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	void *p;

	if (init_phase() != INIT_SERVING || addr || (flags & UNWELCOME) ||
	    (!(flags & MAP_ANONYMOUS) && !is_dev_zero(fd)))
		return plain_mmap(addr, bytes, prot, flags, fd, offset);
	p = bytes && bytes <= PTRDIFF_MAX ? mapping_contig(bytes, prot) : NULL;
	if (!p) {
		errno = bytes ? ENOMEM : EINVAL;
		return MAP_FAILED;
	}
	return p;
}

static bool is_candidate(const void *addr, size_t bytes, int prot, int flags)
{
	return !addr && bytes >= init_policy.smallest_mmap && bytes <= PTRDIFF_MAX &&
	       (flags & MAP_ANONYMOUS) && prot == (PROT_READ | PROT_WRITE) &&
	       !(flags & UNWELCOME) &&
	       ((flags & MAP_TYPE) == MAP_PRIVATE || (flags & MAP_TYPE) == MAP_SHARED);
}

static void *map_by_policy(size_t bytes, int prot, int flags)
{
	struct decision decision = policy_decide(&init_policy, &(struct request){
		.call = (flags & MAP_TYPE) == MAP_SHARED ? CALL_MMAP_SHARED : CALL_MMAP,
		.bytes = bytes, .align = 1, .rule_bytes = place_rule_bytes(),
	});
	void *p;

	if (!decision.chain->count)
		return NULL;
	/* At mmap time it would populate before the advice, and on huge pages fail in silence. */
	if (flags & MAP_POPULATE)
		decision.populate = POPULATE_YES;
	p = mapping_by_chain(&decision, bytes, prot, flags & ~(MAP_ANONYMOUS | MAP_POPULATE));
	if (!p && decision.chain->strict)
		return MAP_FAILED;
	return p;
}

/* A fixed mapping over part of a huge page: that page becomes ordinary first. */
static int make_way(void *addr, size_t bytes)
{
	char *end = page_end(addr, bytes);

	if (!concerns_us(addr, bytes))
		return 0;
	if (in_zone(addr, bytes))
		return alter_zone(addr, end, ALTER_EDGES, DEMOTE_AS_IS);
	return given_alter_under(addr, end);
}

/*
 * After the fixed mapping, or its failure, of which the kernel may have left a hole: in the zone
 * that would become somebody else's memory.
 */
static void way_made(void *addr, size_t bytes, bool done)
{
	char *end = page_end(addr, bytes);
	void *out;

	if (!concerns_us(addr, bytes))
		return;
	if (!done && in_zone(addr, bytes))
		done = !sys_map(addr, bytes, PROT_NONE,
				MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE, &out);
	if (!done)
		return;
	if (in_zone(addr, bytes))
		alter_zone_replaced(addr, end);
	else
		given_replaced(addr, end);
}

static void *map_fixed(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	int ret = make_way(addr, bytes);
	void *p;

	if (ret) {
		errno = -ret;
		return MAP_FAILED;
	}
	p = plain_mmap(addr, bytes, prot, flags, fd, offset);
	way_made(addr, bytes, p != MAP_FAILED);
	return p;
}

HOOK void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	int saved = errno;
	void *p;

	if ((flags & MAP_TYPE) == (MAP_PRIVATE | MAP_CONTIG))
		return map_contig(addr, bytes, prot, flags, fd, offset);
	if (flags & MAP_FIXED)
		return map_fixed(addr, bytes, prot, flags, fd, offset);
	if (is_candidate(addr, bytes, prot, flags) && !(offset & 4095) &&
		   init_phase() == INIT_SERVING) {
		p = map_by_policy(bytes, prot, flags);
		if (p == MAP_FAILED)
			errno = ENOMEM;
		else
			errno = saved;
		if (p)
			return p;
	}
	p = plain_mmap(addr, bytes, prot, flags, fd, offset);
	if (p == MAP_FAILED && errno == ENOMEM && heap_give_way()) {
		errno = saved;
		p = plain_mmap(addr, bytes, prot, flags, fd, offset);
	}
	return p;
}

HOOK void *mmap64(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

/* The addresses stay ours: a hole in the zone could become somebody else's memory. */
static int unmap_zone(char *addr, char *end)
{
	int ret = alter_zone(addr, end, ALTER_EDGES, DEMOTE_AS_IS);

	if (!ret)
		ret = zone_seal(addr, (size_t)(end - addr));
	if (ret)
		return refuse(ret);
	alter_zone_replaced(addr, end);
	return 0;
}

/*
 * Of a mapping of ours whose end the program put inside a huge page, up to the end of that page.
 * Only the kernel knows for certain whether there is a huge page: on ordinary pages it does what
 * the program said, and what lies behind is somebody else's.
 */
static int unmap_upto(char *addr, size_t bytes, char *end)
{
	int saved = errno, ret = plain_munmap(addr, bytes);

	if (!ret || errno != EINVAL || end == page_end(addr, bytes))
		return ret;
	errno = saved;
	return plain_munmap(addr, (size_t)(end - addr));
}

HOOK int munmap(void *addr, size_t bytes)
{
	char *end = page_end(addr, bytes);
	int ret;

	aligned_forget(addr, bytes);
	if (!concerns_us(addr, bytes))
		return plain_munmap(addr, bytes);
	if (in_zone(addr, bytes))
		return unmap_zone(addr, end);
	stats_before_unmap(addr, bytes);
	ret = given_alter(addr, &end, ALTER_EDGES, DEMOTE_AS_IS);
	if (ret)
		return refuse(ret);
	given_replaced(addr, end);
	return unmap_upto(addr, bytes, end);
}

/* Huge pages are readable and writable, always: fork copies them. */
HOOK int mprotect(void *addr, size_t bytes, int prot)
{
	enum alter_how how = prot == (PROT_READ | PROT_WRITE) ? ALTER_EDGES : ALTER_ALL;
	char *end = page_end(addr, bytes);
	int ret;

	if (!concerns_us(addr, bytes) || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
		return plain_mprotect(addr, bytes, prot);
	ret = in_zone(addr, bytes) ? alter_zone(addr, end, how, prot) :
				     given_alter(addr, &end, how, prot);
	if (ret)
		return refuse(ret);
	return plain_mprotect(addr, (size_t)(end - (char *)addr), prot);
}

enum advice_kind {
	ADVICE_PLAIN,	/* the kernel takes it for huge pages, in whole pages */
	ADVICE_HINT,	/* it refuses huge pages, or parts of them, and nothing is lost by that */
	ADVICE_DROP,	/* it must zero, and give the memory back */
	ADVICE_NEVER,	/* it must take effect, and huge pages cannot */
};

static enum advice_kind advice_kind(int advice)
{
	switch (advice) {
	case MADV_FREE: case MADV_COLD: case MADV_PAGEOUT: case MADV_COLLAPSE:
	case MADV_DONTDUMP: case MADV_DODUMP: case MADV_DONTFORK: case MADV_DOFORK:
	case MADV_MERGEABLE: case MADV_UNMERGEABLE: case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED:
		return ADVICE_HINT;
	case MADV_DONTNEED: case MADV_DONTNEED_LOCKED:
		return ADVICE_DROP;
	case MADV_WIPEONFORK: case MADV_KEEPONFORK: case MADV_GUARD_INSTALL: case MADV_GUARD_REMOVE:
		return ADVICE_NEVER;
	default:
		return ADVICE_PLAIN;
	}
}

/* Would the next owner of the memory still find it so? */
static bool is_lasting(int advice)
{
	return advice == MADV_DONTDUMP || advice == MADV_NOHUGEPAGE || advice == MADV_MERGEABLE ||
	       advice == MADV_RANDOM || advice == MADV_SEQUENTIAL;
}

static int advise_hint(void *addr, size_t bytes, int advice)
{
	int saved = errno, ret = plain_madvise(addr, bytes, advice);

	if (!ret || errno != EINVAL)
		return ret;
	errno = saved;
	return 0;
}

static int advise_zone(char *addr, char *end, int advice)
{
	static const enum alter_how how[] = {
		[ADVICE_PLAIN] = ALTER_EDGES, [ADVICE_DROP] = ALTER_DROP, [ADVICE_NEVER] = ALTER_ALL,
	};
	enum advice_kind kind = advice_kind(advice);
	int ret;

	/* The child would have a hole in its zone; and huge pages are shared with neighbours. */
	if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
		return 0;
	if (is_lasting(advice))
		alter_zone_marked(addr, end);
	if (kind == ADVICE_HINT)
		return alter_zone_huge(addr, end) ?
		       advise_hint(addr, (size_t)(end - addr), advice) :
		       plain_madvise(addr, (size_t)(end - addr), advice);
	ret = alter_zone(addr, end, how[kind], DEMOTE_AS_IS);
	return ret ? refuse(ret) : plain_madvise(addr, (size_t)(end - addr), advice);
}

static int advise_given(char *addr, char *end, int advice, bool shared)
{
	enum advice_kind kind = advice_kind(advice);
	enum alter_how how = kind == ADVICE_DROP ? ALTER_DROP :
			     kind == ADVICE_NEVER ? ALTER_ALL : ALTER_EDGES;
	int ret;

	/* What is shared keeps its contents when one process does not need it. */
	if (kind == ADVICE_HINT || (shared && kind == ADVICE_DROP))
		return advise_hint(addr, (size_t)(end - addr), advice);
	ret = given_alter(addr, &end, how, DEMOTE_AS_IS);
	return ret ? refuse(ret) : plain_madvise(addr, (size_t)(end - addr), advice);
}

HOOK int madvise(void *addr, size_t bytes, int advice)
{
	char *end = page_end(addr, bytes);
	bool shared = false;

	if (!concerns_us(addr, bytes))
		return plain_madvise(addr, bytes, advice);
	if (in_zone(addr, bytes))
		return advise_zone(addr, end, advice);
	if (!given_overlaps(addr, end, &shared))
		return plain_madvise(addr, bytes, advice);
	return advise_given(addr, end, advice, shared);
}

/*
 * Huge pages do not grow, and many of them cannot be moved at once before 6.17: a new mapping, at
 * @fixed or anywhere, if the old one can be read as a whole.
 */
static void *copy_given(char *addr, size_t old_bytes, size_t new_bytes, int flags, void *fixed)
{
	size_t old = (size_t)(page_end(addr, old_bytes) - addr);
	size_t fresh = (size_t)(page_end(addr, new_bytes) - addr);
	bool writable = demote_writable(addr);
	char *to;

	if (sys_advise(addr, old < fresh ? old : fresh, MADV_POPULATE_READ)) {
		errno = EFAULT;
		return MAP_FAILED;
	}
	if (fixed)
		to = plain_mmap(fixed, new_bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		to = mmap(NULL, new_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (to == MAP_FAILED)
		return MAP_FAILED;
	__builtin_memcpy(to, addr, old < fresh ? old : fresh);
	if (!writable)
		mprotect(to, new_bytes, PROT_READ);
	if (flags & MREMAP_DONTUNMAP)
		mmap(addr, old_bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		munmap(addr, old_bytes);
	return to;
}

/* Malloc's memory cannot go elsewhere, but it can become less. */
static void *remap_zone(char *old_end, char *addr, char *new_end, int flags)
{
	if (new_end > old_end || (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (new_end < old_end && unmap_zone(new_end, old_end))
		return MAP_FAILED;
	return addr;
}

static void *remap_given(char *addr, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	char *old_end = page_end(addr, old_bytes), *new_end = page_end(addr, new_bytes);

	/* What the kernel refuses of ordinary memory, it is to refuse of this. */
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
	    (!(flags & MREMAP_MAYMOVE) || ((uintptr_t)to & 4095) ||
	     ((flags & MREMAP_DONTUNMAP) && old_end - addr != new_end - addr))) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return copy_given(addr, old_bytes, new_bytes, flags,
				  flags & MREMAP_FIXED ? to : NULL);
	if (new_end > old_end) {
		if (flags & MREMAP_MAYMOVE)
			return copy_given(addr, old_bytes, new_bytes, flags, NULL);
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (new_end < old_end && munmap(new_end, (size_t)(old_end - new_end)))
		return MAP_FAILED;
	return addr;
}

static void *remap(char *addr, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	bool shared = false;

	if (!new_bytes || !concerns_us(addr, old_bytes))
		return plain_mremap(addr, old_bytes, new_bytes, flags, to);
	if (in_zone(addr, old_bytes))
		return remap_zone(page_end(addr, old_bytes), addr, page_end(addr, new_bytes), flags);
	if (!given_overlaps(addr, page_end(addr, old_bytes), &shared) || shared)
		return plain_mremap(addr, old_bytes, new_bytes, flags, to);
	return remap_given(addr, old_bytes, new_bytes, flags, to);
}

HOOK void *mremap(void *addr, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	void *to = NULL, *p;
	va_list ap;
	int ret;

	if (!(flags & MREMAP_FIXED)) {
		p = remap(addr, old_bytes, new_bytes, flags, NULL);
		if (p != MAP_FAILED && p != addr)
			aligned_forget(addr, old_bytes);
		return p;
	}
	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	ret = make_way(to, new_bytes);
	if (ret) {
		errno = -ret;
		return MAP_FAILED;
	}
	p = remap(addr, old_bytes, new_bytes, flags, to);
	way_made(to, new_bytes, p != MAP_FAILED);
	return p;
}
