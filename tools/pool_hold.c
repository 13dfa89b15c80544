/* SPDX-License-Identifier: MIT */
/*
 * Free pages of a pool have no names. The kernel's list of them is a stack, and new pages lie on
 * top: so a mapping made at once gets them, and what is unmapped last is taken next.
 */
#include "cmd_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of Documentation/admin-guide/mm/pagemap.rst. */
#define POOL_PAGEMAP_PRESENT	((uint64_t)1 << 63)
#define POOL_PAGEMAP_PFN	(((uint64_t)1 << 55) - 1)

#define POOL_HUGE_SHIFT		26	/* MAP_HUGE_SHIFT */

static int pool_hold_lookup(const void *va, uint64_t *pa)
{
	uint64_t base_bytes = (uint64_t)sysconf(_SC_PAGESIZE), entry;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t at = (off_t)((uintptr_t)va / base_bytes * sizeof(entry));
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
		ret = errno ? -errno : -EIO;
	close(fd);
	if (ret)
		return ret;
	if (!(entry & POOL_PAGEMAP_PRESENT))
		return -ENODATA;
	if (!(entry & POOL_PAGEMAP_PFN))
		return -EPERM;
	*pa = (entry & POOL_PAGEMAP_PFN) * base_bytes;
	return 0;
}

static int pool_hold_bind(void *va, uint64_t bytes, int node)
{
	unsigned long mask[POOL_NODE_LIMIT / 64] = { 0 };
	int list[SYSINFO_NODES];

	if (node == POOL_ANY_NODE || sysinfo_list_nodes(list) < 2)
		return 0;
	mask[node / 64] |= 1ul << (node % 64);
	if (syscall(SYS_mbind, va, bytes, MPOL_BIND, mask, POOL_NODE_LIMIT + 1, 0))
		return -errno;
	return 0;
}

static int pool_hold_grow(struct pool_hold *hold, size_t pages)
{
	struct pool_page *page;

	if (hold->count + pages <= hold->room)
		return 0;
	page = reallocarray(hold->page, hold->count + pages, sizeof(*page));
	if (!page)
		return -ENOMEM;
	hold->page = page;
	hold->room = hold->count + pages;
	return 0;
}

static int pool_hold_populate(struct pool_hold *hold, char *va, size_t pages)
{
	uint64_t page_bytes = hold->place.page_bytes;
	int ret = 0;

	for (size_t i = 0; i < pages && !ret; i++, va += page_bytes) {
		if (pool_signal_caught())
			return -EINTR;
		if (madvise(va, page_bytes, MADV_POPULATE_WRITE))
			return -errno;
		ret = pool_hold_lookup(va, &hold->page[hold->count - pages + i].pa);
	}
	return ret;
}

int pool_hold_add(struct pool_hold *hold, size_t pages)
{
	uint64_t page_bytes = hold->place.page_bytes;
	int shift = __builtin_ctzll(page_bytes);
	int ret = pool_hold_grow(hold, pages);
	char *va;

	if (ret)
		return ret;
	va = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (shift << POOL_HUGE_SHIFT), -1, 0);
	if (va == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < pages; i++)
		hold->page[hold->count++] = (struct pool_page){ .va = va + i * page_bytes };
	ret = pool_hold_bind(va, pages * page_bytes, hold->place.node);
	return ret ? ret : pool_hold_populate(hold, va, pages);
}

static int pool_hold_compare_addresses(const void *a, const void *b)
{
	const struct pool_page *x = a, *y = b;

	return ((uintptr_t)x->va > (uintptr_t)y->va) - ((uintptr_t)x->va < (uintptr_t)y->va);
}

ssize_t pool_hold_drop(struct pool_hold *hold)
{
	size_t left = 0, count = hold->count;
	int ret = 0;

	for (size_t i = 0; i < count; i++) {
		struct pool_page *page = &hold->page[i];

		if (!page->keep && !ret && munmap(page->va, hold->place.page_bytes))
			ret = -errno;
		if (page->keep || ret)
			hold->page[left++] = *page;
	}
	hold->count = left;
	return ret ? ret : (ssize_t)(count - left);
}

void pool_hold_release(struct pool_hold *hold)
{
	/* Onto the stack from the highest address down (kernels before 5.18 refuse: no order). */
	for (size_t i = hold->count; i-- > 0;)
		madvise(hold->page[i].va, hold->place.page_bytes, MADV_DONTNEED);
	/* By virtual address: a hole in the middle would split the mapping. */
	if (hold->count)
		qsort(hold->page, hold->count, sizeof(*hold->page), pool_hold_compare_addresses);
	for (size_t i = 0; i < hold->count; i++)
		munmap(hold->page[i].va, hold->place.page_bytes);
	free(hold->page);
	hold->page = NULL;
	hold->count = hold->room = 0;
}
